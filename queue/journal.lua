#!lua flags=allow-oom
-- journal: stores a chat's state and its effect in hand before the effect leaves, or the effect's result after.
--
-- KEYS  1 prefix
-- ARGV  1 chat, 2 epoch, 3 number of this call, 4 what is given: letters of 's'tate, 'a'ttempt, 'r'esult,
--       5 state, 6 attempt, 7 result, 8 bucket of the id of a message that was sent ('' = none), 9 the id's hash,
--       then records to append. What is not given is dropped.
-- Returns OK. STALE when the caller does not hold the chat under this epoch.
--
-- Arriving twice: the last call's number is kept with the claim; a call that is not newer was done already.
-- @include sent.lua
local chat, number, given = ARGV[1], tonumber(ARGV[3]), ARGV[4]
local key = s .. 'chat:' .. chat
if ARGV[8] ~= '' then -- whoever holds the chat now: it is ours, and its echo is not another's (pause.lua)
    remember_sent(ARGV[8], ARGV[9])
end
local h = call('HMGET', key, 'st', 'epoch', 'jn', 'att', 'early')
if h[1] ~= 'held' or h[2] ~= ARGV[2] then
    return redis.error_reply('STALE ' .. chat .. ' is not held under epoch ' .. ARGV[2])
end
if h[3] and number <= tonumber(h[3]) then
    return redis.status_reply('OK')
end

local function store(field, letter, value)
    if string.find(given, letter, 1, true) then
        call('HSET', key, field, value)
        return value
    end
    call('HDEL', key, field)
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
    call('HDEL', key, 'early') -- what settled the attempt before this one
end
for i = 10, #ARGV do
    call('RPUSH', s .. 'rec:' .. chat, ARGV[i])
end
call('HSET', key, 'jn', number, 'mid', '1')
return redis.status_reply('OK')
