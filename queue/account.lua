#!lua flags=allow-oom
-- account: an operator pauses, resumes, throttles an account, or gives its chats their budgets anew.
--
-- KEYS  1 prefix
-- ARGV  1 account, 2 what, then for
--       pause     3 for how many ms (0 = until it is resumed)
--       resume    -
--       throttle  3 sends per second (0 = any number)
--       release   3 'account' (its budget of this hour), 'contact' (those of today of all chats that wait for theirs)
--       chat      3 alias of a contact: its budgets, its account's for the rest of this hour, too
--       wake      3 why chats were parked, 4 ms until when, 5 most of them
-- Returns for wake how many it woke: whoever resumes, throttles or releases calls it until that is fewer than `most`;
-- for chat 1, 0 when there is no such chat; for the others Redis's clock in ms, wake's argument 4.
--
-- Arriving twice: sets the same again (a pause then runs from the later one); wakes those that are left.
-- @include spend.lua
-- @include wake.lua
local account, what = ARGV[1], ARGV[2]
local at, now = s .. 'account:' .. account, now_ms()

-- A hash with settings stays; one with nothing but counts goes after its window.
local function keep_settings()
    local left = call('HMGET', at, 'paused', 'rate')
    if left[1] or left[2] then
        call('PERSIST', at)
    else
        call('EXPIRE', at, 2 * DAY / 1000)
    end
end

-- What the journal refused before this, and is not parked yet, need not be (finish.lua).
local function let_go()
    call('HSET', at, 'gen', text(now))
    keep_settings()
    return now
end

if what == 'pause' then
    local ends = ARGV[3] == '0' and 8640000000000000 or now + tonumber(ARGV[3])
    call('HSET', at, 'paused', text(ends))
    call('ZADD', s .. 'pauses', text(ends), account)
    call('SADD', s .. 'accounts', account)
    keep_settings()
    return now
elseif what == 'resume' then
    call('HDEL', at, 'paused')
    call('ZREM', s .. 'pauses', account)
    return let_go()
elseif what == 'throttle' then
    call('HDEL', at, 'next', 'last')
    if ARGV[3] == '0' then
        call('HDEL', at, 'rate')
    else
        call('HSET', at, 'rate', ARGV[3])
        call('SADD', s .. 'accounts', account)
    end
    return let_go()
elseif what == 'release' then
    if ARGV[3] == 'account' then
        local hour = math.floor(now / HOUR)
        call('HSET', at, 'spent', string.format('%d 0 0 0 %.0f', hour, counts(call('HGET', at, 'spent'), hour)[4]))
    end
    return let_go()
elseif what == 'wake' then
    return wake_stopped(account, ARGV[3], ARGV[4], ARGV[5])
end

local chat = chat_of(account, ARGV[3])
local key = s .. 'chat:' .. chat
local h = call('HMGET', key, 'st', 'stop', 'refused')
if not h[1] then
    return 0
end
call('HSET', key, 'pass', text(math.floor(now / HOUR)))
call('HDEL', key, 'spent')
if h[3] then -- its worker is about to park it
    call('HSET', key, 'refused', string.match(h[3], '^%a+') .. ' released')
end
if h[1] == 'parked' and (h[2] == 'contact' or h[2] == 'account') then
    unpark(chat)
end
return 1
