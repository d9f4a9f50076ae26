-- What an account and its contacts may spend, and how fast: asked and counted where an attempt is recorded.
--
-- Budgets are of fixed windows of Redis's clock: a contact's of a day (UTC), an account's of an hour. A contact's
-- counts are a field of its chat's hash, `spent`: "day sends calls tokens". An account's are with its settings:
--
--   s account:<account>   `spent` "hour sends calls tokens reserved"; `paused` ms until when nothing leaves; `rate`
--                         sends per second; `next` ms from when a send may leave that has no place yet; `last` ms when
--                         one left last; `gen` ms when an operator last let its chats go on
--
-- A window that is over counts nothing, so there is one field for all of them. Tokens that an effect in hand may need
-- are `reserved` until its result says how many it took.
local HOUR, DAY = 3600000, 86400000
local SHORT = 5000 -- ms after which to ask again for what is reserved: most of it will not be needed
local LATE = 500   -- ms: a send may use its place so long after its time (timers, the loop); later it needs a free one
local COUNTED = {s = 1, h = 2, t = 3}

-- The four numbers of a window, and whether there were any.
local function counts(packed, window)
    local of, sends, calls, tokens, reserved = string.match(packed or '', '^(%d+) (%d+) (%d+) (%d+) ?(%d*)$')
    if tonumber(of) ~= window then
        return {0, 0, 0, 0}, false
    end
    return {tonumber(sends), tonumber(calls), tonumber(tokens), tonumber(reserved) or 0}, true
end

-- The account's place for one more send: true, or how long to wait for it. Who has to wait is given a place of its own,
-- `slot`, behind all others', so that the chats come back one by one. A place whose time is long over is as good as
-- none, unless the account has been silent for as long as one lasts: else a stall would end in a burst.
local function take_place(key, at, rate, now)
    local gap = 1000 / tonumber(rate)
    local h = call('HMGET', at, 'next', 'last')
    local free, last = tonumber(h[1]) or 0, tonumber(h[2]) or 0
    local slot = tonumber(call('HGET', key, 'slot'))
    if slot and now < slot then
        return false, math.ceil(slot - now)
    end
    local mine = slot and (now - slot <= LATE or now - last >= gap)
    if mine or (not slot and free <= now) then
        call('HSET', at, 'next', string.format('%.3f', math.max(free, now + gap)), 'last', text(now))
        return true
    end
    slot = math.max(free, now)
    call('HSET', at, 'next', string.format('%.3f', slot + gap))
    call('HSET', key, 'slot', string.format('%.3f', slot))
    return false, math.max(math.ceil(slot - now), 1)
end

-- Whether a budget has room for one more of `kind`; else why not, for how long, what is used, and the limit.
local function has_room(key, kind, contact, account, most_a_day, most_an_hour, now)
    local i = COUNTED[kind]
    if most_a_day > 0 and contact[i] >= most_a_day then
        return 'contact', DAY - now % DAY, contact[i], most_a_day
    end
    local asked = account[i] + (kind == 't' and account[4] or 0)
    if most_an_hour > 0 and asked >= most_an_hour and call('HGET', key, 'pass') ~= text(math.floor(now / HOUR)) then
        local left = HOUR - now % HOUR
        if account[i] >= most_an_hour then
            return 'account', left, account[i], most_an_hour
        end
        return 'account', math.min(left, SHORT), asked, most_an_hour
    end
end

-- Counts what the effect before this one took, and asks for what the present one needs; ARGV[first] and on: see
-- journal.lua. Returns nil and what is to be stored with the chat; or, with nothing counted, why not: {why, ms to wait,
-- used, limit}.
local function spend(chat, spent, first)
    local kind, pays, reserve, most_a_day, most_an_hour, used, unreserve = unpack(ARGV, first, first + 6)
    local key, at = s .. 'chat:' .. chat, s .. 'account:' .. account_of(chat)
    local day_limit, hour_limit = tonumber(most_a_day), tonumber(most_an_hour)
    local a = call('HMGET', at, 'spent', 'paused', 'rate')
    local now = now_ms()
    local day, hour = math.floor(now / DAY), math.floor(now / HOUR)
    local contact = counts(spent, day)
    local account, counting = counts(a[1], hour)
    contact[3], account[3] = contact[3] + used, account[3] + used
    account[4] = math.max(0, account[4] - unreserve)

    if kind ~= '-' then
        local why, wait, count, limit, may
        if a[2] and tonumber(a[2]) > now then
            why, wait = 'paused', math.min(tonumber(a[2]) - now, HOUR)
        elseif pays == '1' then
            why, wait, count, limit = has_room(key, kind, contact, account, day_limit, hour_limit, now)
        end
        if not why and kind == 's' and a[3] then
            may, wait = take_place(key, at, a[3], now)
            why, limit = not may and 'rate', tonumber(a[3])
        end
        if why then
            call('HSET', key, 'refused', why .. ' ' .. (call('HGET', at, 'gen') or ''))
            return {why, wait, count or 0, limit or 0}
        end
        if pays == '1' and kind == 't' then
            account[4] = account[4] + reserve
        elseif pays == '1' then
            local i = COUNTED[kind]
            contact[i], account[i] = contact[i] + 1, account[i] + 1
        end
    end
    call('HSET', at, 'spent', string.format('%d %d %d %d %d', hour, unpack(account)))
    if not counting and not a[2] and not a[3] then
        call('EXPIRE', at, 2 * DAY / 1000) -- without settings (account.lua) it need not outlive its window
    end
    return nil, string.format('%d %d %d %d', day, contact[1], contact[2], contact[3])
end
