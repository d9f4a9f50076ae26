#!lua flags=allow-oom
-- settle: a receipt (status or echo) tells how an attempt ended whose answer never came.
--
-- KEYS  1 prefix
-- ARGV  1 account, 2 alias of the contact, 3 key of the attempt, 4 result, 5 name of this call (unique)
-- Returns 1 when the chat was parked with that attempt in hand and no result: it now has one, and is ready. Else 0.
-- The attempt may also be that of a chat that is to join the contact's (join.lua), and end its activation first.
-- A chat that is still held by its worker is not settled, but the result is kept aside (`early`): if the worker then
-- parks the chat without a result of its own, finish makes it ready at once. Receipts can be faster than answers.
--
-- Arriving twice: the name of the call that settled is kept, and gets 1 again.
local function settle(chat)
    local key = s .. 'chat:' .. chat
    local h = call('HMGET', key, 'st', 'att', 'res', 'settler')
    if h[4] == ARGV[5] then
        return 1
    end
    if (h[1] ~= 'parked' and h[1] ~= 'joining' and h[1] ~= 'held') or not h[2] or h[3] then
        return 0
    end
    local parsed, attempt = pcall(cjson.decode, h[2])
    if not parsed or type(attempt) ~= 'table' or attempt.key ~= ARGV[3] then
        return 0
    end
    if h[1] == 'held' then
        call('HSET', key, 'early', ARGV[4])
        return 0
    end
    call('HSET', key, 'res', ARGV[4], 'settler', ARGV[5])
    if h[1] == 'parked' then
        unpark(chat)
    end
    return 1
end

local chat = chat_of(ARGV[1], ARGV[2])
if settle(chat) == 1 then
    return 1
end
for _, loser in ipairs(call('LRANGE', s .. 'join:' .. chat, 0, -1)) do
    if settle(loser) == 1 then
        return 1
    end
end
return 0
