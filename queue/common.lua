-- What every script starts with: put after its first line at build time.
--
-- KEYS[1] is the shard's prefix, "hm:{NN}:". No key of that name is ever stored: it routes the call to the slot of the
-- tag {NN} in Redis Cluster. Every other key is this prefix and a suffix, so a call never leaves its slot; accounts and
-- chats are known only inside the scripts, which is why they cannot all be listed in KEYS. The keys: queue/README.md.
local s = KEYS[1]
local call = redis.call

-- Redis's own clock, the only one that leases and timers go by.
local function now_ms()
    local t = call('TIME')
    return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- "platform:id" of "platform:id:alias"
local function account_of(chat)
    return string.match(chat, '^[^:]*:[^:]*')
end

-- Leaves a hint for an idle worker, one for each run of a script: who finds more than it takes passes the hint on
-- (claim.lua). Hints are bounded: sixteen of them wake everybody who matters.
local woken = false
local function wake()
    if woken then
        return
    end
    woken = true
    if call('LLEN', s .. 'wake') < 16 then
        call('RPUSH', s .. 'wake', '1')
    end
end

-- Puts a chat whose status says `ready` into its account's list. An account is in the ring if, and only if, its ready
-- list is not empty.
local function enlist(chat, front)
    local account = account_of(chat)
    if call(front and 'LPUSH' or 'RPUSH', s .. 'ready:' .. account, chat) == 1 then
        call('RPUSH', s .. 'ring', account)
    end
    wake()
end

-- Schedules a chat that is not scheduled.
local function make_ready(chat, front)
    call('HSET', s .. 'chat:' .. chat, 'st', 'ready')
    enlist(chat, front)
end

-- Appends an event to its chat's mailbox and schedules the chat if it is idle. An event's number is its place: the first
-- in the mailbox is `done` + 1.
--
-- A new chat counts from the clock, not from 0, and so does a claim's epoch: MongoDB keeps `projected` and `epoch` of
-- older times and refuses what is not newer. When a chat's hash was dropped after 40 idle days, or Redis lost all its
-- data, numbers and epochs must still be larger than all before. (Less than one event per millisecond and chat.)
local function append(chat, json)
    local key = s .. 'chat:' .. chat
    local status = call('HGET', key, 'st')
    call('RPUSH', s .. 'mb:' .. chat, json)
    if not status then
        local start = now_ms()
        call('HSET', key, 'done', start, 'turn', start, 'st', 'ready')
        enlist(chat, false)
    elseif status == 'idle' then
        call('PERSIST', key) -- finish lets idle chats expire
        make_ready(chat, false)
    end
end

-- Wakes a parked chat; what it waited for goes ahead of its account's other chats.
local function unpark(chat)
    call('SREM', s .. 'parked', chat)
    make_ready(chat, true)
end

-- Takes everything from a worker that is gone. What its chats had is still there: the next claim gets it.
local function give_back(incarnation)
    local held = s .. 'held:' .. incarnation
    local count = 0
    for _, chat in ipairs(call('SMEMBERS', held)) do
        local key = s .. 'chat:' .. chat
        local h = call('HMGET', key, 'st', 'owner')
        if h[1] == 'held' and h[2] == incarnation then
            call('HDEL', key, 'owner')
            make_ready(chat, true)
            count = count + 1
        end
    end
    call('DEL', held)
    call('ZREM', s .. 'leases', incarnation)
    call('HDEL', s .. 'suspect', incarnation)
    return count
end

