#!lua flags=allow-oom
-- release: an operator makes a parked chat ready, or all those of an account that wait for their own effects. (Those
-- that wait for their account's budget, pause or throttle: account.lua.)
--
-- KEYS  1 prefix
-- ARGV  1 chat, or account
-- Returns how many chats: for a chat 1, or 0 when there is no such chat.
--
-- Arriving twice: a chat that is not parked (any more) is left alone.
local name = ARGV[1]
if account_of(name) == name then
    local count = 0
    for _, chat in ipairs(call('SMEMBERS', s .. 'parked')) do
        if account_of(chat) == name and call('HEXISTS', s .. 'chat:' .. chat, 'stop') == 0 then
            unpark(chat)
            count = count + 1
        end
    end
    return count
end
local st = call('HGET', s .. 'chat:' .. name, 'st')
if not st then
    return 0
end
if st == 'parked' then
    unpark(name)
end
return 1
