#!lua flags=allow-oom
-- release: an operator makes a parked chat ready.
--
-- KEYS  1 prefix
-- ARGV  1 chat
-- Returns 1; 0 when there is no such chat.
--
-- Arriving twice: a chat that is not parked (any more) is left alone.
local st = call('HGET', s .. 'chat:' .. ARGV[1], 'st')
if not st then
    return 0
end
if st == 'parked' then
    unpark(ARGV[1])
end
return 1
