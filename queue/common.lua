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

-- A whole number as an argument: Redis prints one as a double, which takes longer than what many a command does.
local function text(number)
    return string.format('%d', number)
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

-- The chat's name behind a name of a person: aliases point to names, and on to the name of the chat that is theirs now.
-- `names` is the key of the account's aliases. The second value says whether the name was known as an alias.
local function resolve(names, alias)
    local target = call('HGET', names, alias)
    if not target then
        return alias, false
    end
    local last, hops = target, 0
    local further = call('HGET', names, last)
    while further and hops < 16 do
        last, hops = further, hops + 1
        further = call('HGET', names, last)
    end
    if hops > 0 then
        call('HSET', names, alias, last) -- one hop the next time
    end
    return last, true
end

-- The chat of (account, name of a person).
local function chat_of(account, alias)
    return account .. ':' .. (resolve(s .. 'alias:' .. account, alias))
end

-- An activation of the chat is not over: a worker holds it, an effect is in hand, or the journal was written since the
-- last finish (`mid`).
local function under_way(chat)
    local h = call('HMGET', s .. 'chat:' .. chat, 'st', 'att', 'mid')
    return h[1] == 'held' or (h[1] ~= 'idle' and (h[2] or h[3]) and true or false)
end

-- Whether others are to join the chat (join.lua). There is hardly ever such a chat at all, which is asked once in a run
-- of a script.
local some_join
local function is_joined(chat)
    if some_join == nil then
        some_join = call('EXISTS', s .. 'joins') == 1
    end
    return some_join and call('SISMEMBER', s .. 'joins', chat) == 1
end

-- Whether a chat that others are to join has to wait: the first of them is under way.
local function must_wait(chat)
    local first = call('LINDEX', s .. 'join:' .. chat, 0)
    return first and under_way(first)
end

local function set_joining(chat)
    call('HSET', s .. 'chat:' .. chat, 'st', 'joining')
    call('SADD', s .. 'joining', chat)
end

-- Schedules a chat that is not scheduled; a chat that has to wait for others is when they have joined it.
local function make_ready(chat, front)
    if is_joined(chat) and must_wait(chat) then
        set_joining(chat)
        return
    end
    call('HSET', s .. 'chat:' .. chat, 'st', 'ready')
    enlist(chat, front)
end

-- An idle chat without a session or a timer goes after 40 days, or when its pause is over.
local function let_expire(chat, paused)
    local seconds = 3456000
    if paused then
        seconds = math.max(seconds, math.ceil((tonumber(paused) - now_ms()) / 1000) + 86400)
    end
    call('EXPIRE', s .. 'chat:' .. chat, seconds)
end

-- A new chat counts from the clock, not from 0, and so does a claim's epoch: MongoDB keeps `projected` and `epoch` of
-- older times and refuses what is not newer. When a chat's hash was dropped after 40 idle days, or Redis lost all its
-- data, numbers and epochs must still be larger than all before. (Less than one event per millisecond and chat.)
local function create(chat, status)
    local start = text(now_ms())
    call('HSET', s .. 'chat:' .. chat, 'done', start, 'turn', start, 'st', status)
end

-- Appends an event to its chat's mailbox and schedules the chat if it is idle. An event's number is its place: the
-- first in the mailbox is `done` + 1. What comes while others are to join the chat goes behind what they bring. Who
-- calls this raises `waiting`. What goes behind another event needs no look at the chat: an idle chat's mailbox is empty.
local function append(chat, json)
    if is_joined(chat) then
        call('RPUSH', s .. 'late:' .. chat, json)
        return
    end
    if call('RPUSH', s .. 'mb:' .. chat, json) > 1 then
        return
    end
    local status = call('HGET', s .. 'chat:' .. chat, 'st')
    if not status then
        create(chat, 'ready')
        enlist(chat, false)
    elseif status == 'idle' then
        call('PERSIST', s .. 'chat:' .. chat) -- finish lets idle chats expire
        make_ready(chat, false)
    end
end

-- Parks a chat. `why` says what of its account's it waits for (paused, account, contact, rate), or is false: its own
-- effect. The chats that wait for one of these are listed by the account, the first that was parked first.
local function park(chat, why)
    call('HSET', s .. 'chat:' .. chat, 'st', 'parked')
    call('SADD', s .. 'parked', chat)
    if why then
        call('HSET', s .. 'chat:' .. chat, 'stop', why)
        call('ZADD', s .. 'stopped:' .. why .. ':' .. account_of(chat), text(now_ms()), chat)
    end
end

-- A parked chat is to be parked no more; whoever calls this gives it another status.
local function leave_parked(chat)
    call('SREM', s .. 'parked', chat)
    local why = call('HGET', s .. 'chat:' .. chat, 'stop')
    if why then
        call('HDEL', s .. 'chat:' .. chat, 'stop')
        call('ZREM', s .. 'stopped:' .. why .. ':' .. account_of(chat), chat)
    end
end

-- Wakes a parked chat; what it waited for goes ahead of its account's other chats.
local function unpark(chat)
    leave_parked(chat)
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

