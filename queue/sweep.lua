#!lua flags=allow-oom
-- sweep: timers that are due, workers that are gone, accounts whose pause is over, repairs.
--
-- KEYS  1 prefix
-- ARGV  1 what: 'all' (done about once a second, whoever asks) or 'timers' (always), 2 lease in ms
-- Returns how many chats it made ready.
--
-- Arriving twice: it looks at what is there and leaves nothing to do for the second.
-- @include wake.lua
local what, lease = ARGV[1], tonumber(ARGV[2])
-- A little less than the second between two attempts of one worker: its next one must not come a moment too early.
if what == 'all' and not call('SET', s .. 'swept', '1', 'NX', 'PX', 900) then
    return 0
end
local now = now_ms()
local woken = 0

-- A timer that is due becomes the chat's `fired` token, which the next claim is given. A held chat is looked at by its
-- finish, which may have cancelled that wait: `late` tells it that its own claim was not given the token.
for _, chat in ipairs(call('ZRANGEBYSCORE', s .. 'timers', '-inf', now, 'LIMIT', 0, 1000)) do
    local key = s .. 'chat:' .. chat
    local h = call('HMGET', key, 'st', 'timer')
    call('ZREM', s .. 'timers', chat)
    if h[2] then
        call('HSET', key, 'fired', h[2])
        call('HDEL', key, 'timer')
        if h[1] == 'held' then
            call('HSET', key, 'late', '1')
        elseif h[1] == 'parked' then
            unpark(chat)
            woken = woken + 1
        elseif h[1] == 'idle' then
            make_ready(chat, true)
            woken = woken + 1
        end
    end
end
if what == 'timers' then
    return woken
end

-- A lease that ran out makes a suspect, and only a suspect of one whole lease is gone: when Redis itself was away or
-- frozen, everybody's lease has run out, and everybody renews it at once.
for _, incarnation in ipairs(call('ZRANGEBYSCORE', s .. 'leases', '-inf', now)) do
    local deadline = call('HGET', s .. 'suspect', incarnation)
    if not deadline then
        call('HSET', s .. 'suspect', incarnation, now + lease)
    elseif now >= tonumber(deadline) then
        woken = woken + give_back(incarnation)
    end
end

-- An account whose pause is over: its chats go on, some at a time; the last ones take the pause with them.
local CHATS_A_SWEEP = 500
for _, account in ipairs(call('ZRANGEBYSCORE', s .. 'pauses', '-inf', now, 'LIMIT', 0, 4)) do
    local count = wake_stopped(account, 'paused', now, CHATS_A_SWEEP)
    woken = woken + count
    if count < CHATS_A_SWEEP then
        local at = s .. 'account:' .. account
        call('ZREM', s .. 'pauses', account)
        call('HDEL', at, 'paused')
        call('HSET', at, 'gen', text(now)) -- what the journal refused and is not parked yet (finish.lua)
        if call('HEXISTS', at, 'rate') == 0 then
            call('EXPIRE', at, 172800)
        end
    end
end

-- The ring, some accounts at a time: those with ready chats belong into it. Nothing is known to break this; a repair
-- that costs a few look-ups a second is cheaper than an account that nobody serves.
local step = call('SSCAN', s .. 'accounts', call('GET', s .. 'swept:at') or '0', 'COUNT', 16)
call('SET', s .. 'swept:at', step[1])
for _, account in ipairs(step[2]) do
    if call('LLEN', s .. 'ready:' .. account) > 0 and not call('LPOS', s .. 'ring', account) then
        call('RPUSH', s .. 'ring', account)
        wake()
    end
end

-- `waiting` counts the events in mailboxes. When no chat is scheduled, held or parked there are none: that mends what
-- somebody deleted by hand.
local function is_at_rest()
    if call('EXISTS', s .. 'ring', s .. 'parked', s .. 'joining') > 0 then
        return false
    end
    for _, incarnation in ipairs(call('ZRANGE', s .. 'leases', 0, -1)) do
        if call('EXISTS', s .. 'held:' .. incarnation) == 1 then
            return false
        end
    end
    return true
end
if (call('GET', s .. 'waiting') or '0') ~= '0' and is_at_rest() then
    call('SET', s .. 'waiting', '0')
end
return woken
