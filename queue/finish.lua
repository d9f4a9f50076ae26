#!lua flags=allow-oom
-- finish: "done up to n". Drops what is done, stores the state, arms or cancels the timer, lets go of the chat.
--
-- KEYS  1 prefix
-- ARGV  1 chat, 2 epoch, 3 done, 4 letters: 's'tate is given, 'k'eep the attempt, keep the 'r'ecords and the turn, 't'imer is given,
--       5 next: idle, parked or ready, 6 state, 7 delay of the timer in ms (< 0 = cancel), 8 token of the timer,
--       9 ms when the person last wrote, 0 = not known to the caller, then pairs of (number, reason): the entries that go to the dead letters
-- Returns OK. STALE when the caller does not hold the chat under this epoch; BADARG when the numbers make no sense.
--
-- Arriving twice: the epoch of the last finish is kept; the same epoch again was done already.
-- @include join.lua
local chat, done, flags, after = ARGV[1], tonumber(ARGV[3]), ARGV[4], ARGV[5]
local key, mailbox = s .. 'chat:' .. chat, s .. 'mb:' .. chat
local account = account_of(chat)
local h = call('HMGET', key, 'st', 'epoch', 'fin', 'done', 'owner', 'fired', 'late', 'early', 'timer', 'paused', 'into',
               'refused', 'met')
local status, epoch, fin, old, owner = h[1], h[2], h[3], tonumber(h[4]), h[5]
local fired, late, early, timer = h[6], h[7], h[8], h[9]
local paused, into, joins, refused = h[10], h[11], is_joined(chat), h[12]
if fin == ARGV[2] or (not status and call('GET', s .. 'joined:' .. chat) == ARGV[2]) then
    return redis.status_reply('OK')
end
if status ~= 'held' or epoch ~= ARGV[2] then
    return redis.error_reply('STALE ' .. chat .. ' is not held under epoch ' .. ARGV[2])
end

-- All is checked before anything is changed: a script that fails half-way is not rolled back.
local drop = done - old
if drop < 0 or drop > call('LLEN', mailbox) then
    return redis.error_reply('BADARG finish of ' .. chat .. ': no entry has the number ' .. ARGV[3])
end
for i = 10, #ARGV, 2 do
    local number = tonumber(ARGV[i])
    if number <= old or number > done then
        return redis.error_reply('BADARG finish of ' .. chat .. ': dead letter ' .. ARGV[i] .. ' is not among the done')
    end
end

local function has(letter)
    return string.find(flags, letter, 1, true) ~= nil
end

local now = now_ms()
local dead = 0
for i = 10, #ARGV, 2 do
    local body = call('LINDEX', mailbox, tonumber(ARGV[i]) - old - 1)
    call('XADD', s .. 'dead', '*', 'at', now, 'reason', ARGV[i + 1], 'account', account, 'chat', chat, 'body', body)
    dead = dead + 1
end
if drop > 0 then
    call('LTRIM', mailbox, drop, -1)
    call('DECRBY', s .. 'waiting', drop)
    call('HINCRBY', s .. 'ledger:' .. account, 'done', drop - dead)
    if dead > 0 then
        call('HINCRBY', s .. 'ledger:' .. account, 'dead', dead)
    end
end
if drop > dead then
    -- The person is no stranger any more.
    call('HSET', key, 'done', done, 'fin', epoch, 'met', math.max(1, tonumber(h[13]) or 0, tonumber(ARGV[9])))
else
    call('HSET', key, 'done', done, 'fin', epoch)
end

call('HDEL', key, 'owner', 'jn', 'late', 'early')
call('SREM', s .. 'held:' .. owner, chat)
if has('s') then
    call('HSET', key, 'state', ARGV[6])
else
    call('HDEL', key, 'state')
end
local settled = false
if has('k') then
    settled = early -- its receipt came while the chat was held
    if early then
        call('HSET', key, 'res', early)
    end
else
    call('HDEL', key, 'att', 'res')
end
if not has('r') then
    call('HDEL', key, 'mid')
    call('DEL', s .. 'rec:' .. chat)
    call('HINCRBY', key, 'turn', 1)
end

-- A new wait (or none) ends the old one: neither its timer nor its token may reach it. Without one, a token that this
-- claim was given is used up, unless the chat is handed back; a token that came later (`late`) is still to be given.
if has('t') then
    call('ZREM', s .. 'timers', chat)
    call('HDEL', key, 'fired', 'timer')
    fired, late, timer = false, false, false
    if tonumber(ARGV[7]) >= 0 then
        timer = ARGV[8]
        call('ZADD', s .. 'timers', now + tonumber(ARGV[7]), chat)
        call('HSET', key, 'timer', timer)
    end
elseif fired and not late and after ~= 'ready' then
    call('HDEL', key, 'fired')
end

-- What the journal refused waits for its account (see spend.lua), unless an operator let that go on meanwhile.
local why = false
if refused then
    local gen
    why, gen = string.match(refused, '^(%a+) (.*)$')
    call('HDEL', key, 'refused')
    if after == 'parked' and gen ~= (call('HGET', s .. 'account:' .. account, 'gen') or '') then
        call('HDEL', key, 'slot')
        after = 'ready'
    end
end

if into or joins then
    call('HSET', key, 'st', after) -- under_way() asks
end
if into and not under_way(chat) then
    set_joining(chat)
    joiner().join_on(into)
elseif after == 'ready' or late or (after == 'parked' and settled) then
    make_ready(chat, true)
elseif after == 'parked' then
    park(chat, why)
elseif call('LLEN', mailbox) > 0 then
    make_ready(chat, false)
else
    call('HSET', key, 'st', 'idle')
    if not has('s') and not timer and not joins then
        let_expire(chat, paused) -- create() in common.lua says why it may go
    end
end
if joins then
    joiner().join_on(chat)
end
return redis.status_reply('OK')
