#!lua flags=allow-oom
-- claim: gives ready chats to a worker, accounts in plain rotation.
--
-- KEYS  1 prefix
-- ARGV  1 incarnation, 2 number of this call, 3 most chats
-- Returns per chat: {chat, epoch, done, state, attempt, result, fired, {records}, {up to 64 mailbox entries}, turn,
--       ms until when the flow is silent or 0, 0 before an event of the chat was done, then 1 or the ms when the person last wrote}.
-- Nothing for a worker that has no lease. Of an account that is paused nothing but its lane is given: its chats are
-- parked as they come up, each once, until account.lua or the sweeper lets them go on.
--
-- Arriving twice: a worker has one claim per shard under way; the last one's number and chats are kept, and a repeat is
-- given the same chats again. An empty answer is kept too: else a copy of the call that was stuck on an old connection
-- could take chats of which the worker never hears.
local incarnation, number, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local BYTES_ENOUGH = 4194304 -- of one answer; always at least one chat
local PARKED_ENOUGH = 1000   -- likewise: who claims next goes on
local now = now_ms()

if not call('ZSCORE', s .. 'leases', incarnation) then
    return {}
end

local function describe(chat)
    local h = call('HMGET', s .. 'chat:' .. chat, 'epoch', 'done', 'state', 'att', 'res', 'fired', 'turn', 'paused',
                   'met')
    local paused = h[8] and tonumber(h[8]) > now and h[8] or 0
    return {
        chat, h[1], h[2], h[3], h[4], h[5], h[6],
        call('LRANGE', s .. 'rec:' .. chat, 0, -1), call('LRANGE', s .. 'mb:' .. chat, 0, 63), h[7],
        paused, h[9] or '0'
    }
end

local function size_of(description)
    local size = #(description[4] or '') + #(description[5] or '') + #(description[6] or '')
    for _, list in ipairs({description[8], description[9]}) do
        for _, item in ipairs(list) do
            size = size + #item
        end
    end
    return size
end

local kept = s .. 'wk:' .. incarnation
local last = call('GET', kept)
if last then
    last = cjson.decode(last)
    if number < last.number then
        return {}
    end
    if number == last.number then
        local again = {}
        for _, chat in ipairs(last.chats) do
            local h = call('HMGET', s .. 'chat:' .. chat, 'st', 'owner')
            if h[1] == 'held' and h[2] == incarnation then
                again[#again + 1] = describe(chat)
            end
        end
        return again
    end
end

local function take(chat)
    local key = s .. 'chat:' .. chat
    local h = call('HMGET', key, 'st', 'epoch', 'att', 'res', 'early')
    if h[1] ~= 'ready' then
        return false
    end
    if h[3] and not h[4] and h[5] then
        call('HSET', key, 'res', h[5]) -- settled while the last worker still held it (see settle.lua)
    end
    local epoch = math.max((tonumber(h[2]) or 0) + 1, now) -- why the clock: append() in common.lua
    call('HSET', key, 'st', 'held', 'owner', incarnation, 'epoch', epoch)
    call('HDEL', key, 'jn', 'late', 'early')
    call('SADD', s .. 'held:' .. incarnation, chat)
    return true
end

-- Whether any account is paused is asked once.
local some_paused = call('EXISTS', s .. 'pauses') == 1
local function must_stop(account, chat)
    local ends = some_paused and chat ~= account .. ':~' and call('ZSCORE', s .. 'pauses', account)
    return ends and tonumber(ends) > now and call('HGET', s .. 'chat:' .. chat, 'st') == 'ready'
end

local given, chats, bytes, parked = {}, {}, 0, 0
while #given < most and bytes < BYTES_ENOUGH and parked < PARKED_ENOUGH do
    local account = call('LPOP', s .. 'ring')
    if not account then
        break
    end
    local ready = s .. 'ready:' .. account
    local chat = call('LPOP', ready)
    if call('LLEN', ready) > 0 then
        call('RPUSH', s .. 'ring', account)
    end
    if chat and must_stop(account, chat) then
        park(chat, 'paused')
        parked = parked + 1
    elseif chat and take(chat) then
        local description = describe(chat)
        given[#given + 1] = description
        chats[#chats + 1] = chat
        bytes = bytes + size_of(description)
    end
end

if call('LLEN', s .. 'ring') > 0 then
    wake() -- there is more: pass it on
end
call('SET', kept, cjson.encode({number = number, chats = chats}), 'EX', 86400)
return given
