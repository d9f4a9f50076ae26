#!lua flags=allow-oom
-- pause: a person answered in a chat, or an operator says so: its flow stays silent until then.
--
-- KEYS  1 prefix
-- ARGV  1 account, 2 alias of the contact, 3 ms until when (0 = the pause is over),
--       4 bucket of the id of the message that tells ('' = an operator's word), 5 the id's hash,
--       6 event that goes into the mailbox of a chat that has a state, when the pause is over ('' = none)
-- Returns the chat's name; '' when nothing happened: the message is ours, or may be that of an attempt whose answer is
-- still to come, or a pause is to end of a chat that is not there.
--
-- The event tells the worker, which then has the chat at once: whatever it waits for is looked at anew. It comes from no
-- listener, so the ledger counts it as made here (`merged`).
--
-- Arriving twice, it sets the same again (an event would come twice: such a call is not repeated). A chat that is not there is made, idle: the pause has to hold for its first
-- event.
-- @include sent.lua
local account, ends = ARGV[1], tonumber(ARGV[3])
local chat = chat_of(account, ARGV[2])
local key = s .. 'chat:' .. chat

local function awaits_answer(name)
    local h = call('HMGET', s .. 'chat:' .. name, 'att', 'res')
    return h[1] and not h[2]
end

local function is_ours()
    if was_sent(ARGV[4], ARGV[5]) or awaits_answer(chat) then
        return true
    end
    for _, loser in ipairs(call('LRANGE', s .. 'join:' .. chat, 0, -1)) do
        if awaits_answer(loser) then
            return true
        end
    end
    return false
end

if ARGV[4] ~= '' and is_ours() then
    return ''
end
local h = call('HMGET', key, 'st', 'state', 'timer')
if ends <= 0 then
    call('HDEL', key, 'paused')
    if h[2] and ARGV[6] ~= '' then
        append(chat, ARGV[6])
        call('INCRBY', s .. 'waiting', 1)
        call('HINCRBY', s .. 'ledger:' .. account, 'merged', 1)
    end
    return h[1] and chat or ''
end
if not h[1] then
    create(chat, 'idle')
end
call('HSET', key, 'paused', ARGV[3])
if not h[1] or (h[1] == 'idle' and not h[2] and not h[3] and not is_joined(chat)) then
    let_expire(chat, ARGV[3])
end
return chat
