#!lua
-- bury: a body that could not be understood goes to the dead letters as it is.
--
-- KEYS  1 prefix (of shard 0)
-- ARGV  1 incarnation, 2 number of this call, 3 app, 4 reason, 5 body
-- Returns OK.
--
-- Arriving twice: the last number is kept per incarnation; calls come in the order of their numbers, and one that is not
-- newer was done already.
local guard = s .. 'bury:' .. ARGV[1]
local last = call('GET', guard)
if not last or tonumber(ARGV[2]) > tonumber(last) then
    call('XADD', s .. 'dead', '*', 'at', now_ms(), 'reason', ARGV[4], 'app', ARGV[3], 'body', ARGV[5])
    call('SET', guard, ARGV[2], 'EX', 86400)
end
return redis.status_reply('OK')
