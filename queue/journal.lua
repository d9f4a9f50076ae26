#!lua flags=allow-oom
-- journal: stores a chat's state and its effect in hand before the effect leaves, or the effect's result after.
--
-- KEYS  1 prefix
-- ARGV  1 chat, 2 epoch, 3 number of this call, 4 what is given: letters of 's'tate, 'a'ttempt, 'r'esult,
--       5 state, 6 attempt, 7 result, 8 bucket of the id of a message that was sent ('' = none), 9 the id's hash,
--       10 kind of effect that is about to leave: 's'end, 'h'TTP call, 't'okens; '-' none; '' none, and nothing is
--          spent, 11 '1' if it was not counted yet, 12 tokens to reserve for it, 13 the contact's limit of a day, 14
--          the account's of an hour (0 = none), 15 tokens that the effect before it took, 16 what was reserved for it,
--       then records to append. What is not given is dropped.
-- Returns OK. STALE when the caller does not hold the chat under this epoch. {why, ms to wait, used, limit} when the
-- effect may not leave now, because the account is `paused`, the budget of the `contact` or the `account` is used up,
-- or the account's sends come too fast (`rate`): then nothing is stored.
--
-- Arriving twice: the last call's number is kept with the claim; a call that is not newer was done already, so what it
-- takes of a budget is taken once. One that was refused is asked again, and may be allowed: it was not done.
-- @include sent.lua
-- @include spend.lua
local chat, number, given = ARGV[1], tonumber(ARGV[3]), ARGV[4]
local key = s .. 'chat:' .. chat
if ARGV[8] ~= '' then -- whoever holds the chat now: it is ours, and its echo is not another's (pause.lua)
    remember_sent(ARGV[8], ARGV[9])
end
local h = call('HMGET', key, 'st', 'epoch', 'jn', 'att', 'early', 'spent')
if h[1] ~= 'held' or h[2] ~= ARGV[2] then
    return redis.error_reply('STALE ' .. chat .. ' is not held under epoch ' .. ARGV[2])
end
if h[3] and number <= tonumber(h[3]) then
    return redis.status_reply('OK')
end

local set, drop = {'jn', number, 'mid', '1'}, {}
if ARGV[10] ~= '' then
    local refusal, spent = spend(chat, h[6], 10)
    if refusal then
        return refusal
    end
    set[5], set[6] = 'spent', spent
    if ARGV[10] ~= '-' then -- it leaves: what an earlier refusal left behind is void
        drop[1], drop[2] = 'slot', 'refused'
    end
end
local function store(field, letter, value)
    if string.find(given, letter, 1, true) then
        set[#set + 1], set[#set + 2] = field, value
        return value
    end
    drop[#drop + 1] = field
end

store('state', 's', ARGV[5])
-- Attempts are told apart by their key: the rest of one's JSON changes as it goes on.
local function key_of(attempt)
    local parsed, json = pcall(cjson.decode, attempt or '')
    return parsed and type(json) == 'table' and json.key or nil
end

local attempt = store('att', 'a', ARGV[6])
local result = store('res', 'r', ARGV[7])
if h[5] and (result or key_of(attempt) ~= key_of(h[4])) then
    drop[#drop + 1] = 'early' -- what settled the attempt before this one
end
if #drop > 0 then
    call('HDEL', key, unpack(drop))
end
call('HSET', key, unpack(set))
for i = 17, #ARGV, 1000 do
    call('RPUSH', s .. 'rec:' .. chat, unpack(ARGV, i, math.min(i + 999, #ARGV)))
end
return redis.status_reply('OK')
