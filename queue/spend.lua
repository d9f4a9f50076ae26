-- What an account and its contacts may spend, and how fast: asked and counted where an attempt is recorded.
--
-- Budgets are of fixed windows of Redis's clock: a contact's of a day (UTC), an account's of an hour. A contact's counts
-- are a field of its chat's hash, `spent`: "day sends calls tokens". An account's are in the hash of its settings:
--
--   s account:<account>   `spent` "hour sends calls tokens reserved"; `paused` ms until when nothing leaves; `rate` sends
--                         per second; `next` ms from when a send may leave that has no place yet; `last` ms when one left
--                         last; `gen` ms when an operator last let its chats go on
--
-- A window that is over counts nothing, so there is one field for all of them. Tokens that an effect in hand may need
-- are `reserved` until its result says how many it took.
local HOUR, DAY = 3600000, 86400000
local SHORT = 5000 -- ms after which to ask again for what is reserved: most of it will not be needed
local LATE = 500   -- ms: a send may use its place so long after its time (timers, the loop); later it needs a free one
local COUNTED = {s = 1, h = 2, t = 3}

local function counts(packed, window)
    local of, sends, calls, tokens, reserved = string.match(packed or '', '^(%d+) (%d+) (%d+) (%d+) ?(%d*)$')
    if of ~= text(window) then
        return {0, 0, 0, 0}
    end
    return {tonumber(sends), tonumber(calls), tonumber(tokens), tonumber(reserved) or 0}
end

-- The account's place for one more send: what is to be stored, or how long to wait for it. Who has to wait is given a
-- place of its own, `slot`, behind all others', so that the chats come back one by one. A place whose time is long over
-- is as good as none, unless the account has been silent for as long as one lasts: else a stall would end in a burst.
local function take_place(key, at, a, slot, now)
    local gap = 1000 / tonumber(a.rate)
    local free, last = tonumber(a.next) or 0, tonumber(a.last) or 0
    slot = tonumber(slot)
    if slot and now < slot then
        return nil, math.ceil(slot - now)
    end
    local mine = slot and (now - slot <= LATE or now - last >= gap)
    if mine or (not slot and free <= now) then
        return {'next', string.format('%.3f', math.max(free, now + gap)), 'last', text(now)}
    end
    slot = math.max(free, now)
    call('HSET', at, 'next', string.format('%.3f', slot + gap))
    call('HSET', key, 'slot', string.format('%.3f', slot))
    return nil, math.max(math.ceil(slot - now), 1)
end

-- Counts what the effect before this one took, and asks for what the present one needs; h: fields of the chat. Returns
-- nil and what is to be stored with the chat; or, with nothing counted, why not: {why, ms to wait, used, limit}.
local function spend(chat, h, spec)
    local kind, pays, reserve, most_a_day, most_an_hour, used, unreserve =
        string.match(spec, '^(.) (%d) (%d+) (%d+) (%d+) (%d+) (%d+)$')
    local key, at = s .. 'chat:' .. chat, s .. 'account:' .. account_of(chat)
    local found, a = call('HMGET', at, 'paused', 'rate', 'spent', 'next', 'last', 'gen'), {}
    for i, field in ipairs({'paused', 'rate', 'spent', 'next', 'last', 'gen'}) do
        a[field] = found[i]
    end
    local now = now_ms()
    local day, hour = math.floor(now / DAY), math.floor(now / HOUR)
    local contact, account = counts(h.spent, day), counts(a.spent, hour)
    contact[3], account[3] = contact[3] + used, account[3] + used
    account[4] = math.max(0, account[4] - unreserve)

    local function refuse(why, wait, count, limit)
        call('HSET', key, 'refused', why .. ' ' .. (a.gen or ''))
        return {why, wait, count or 0, tonumber(limit or 0)}
    end
    local store = {}
    if kind ~= '-' and a.paused and tonumber(a.paused) > now then
        return refuse('paused', math.min(tonumber(a.paused) - now, HOUR))
    end
    if kind ~= '-' and pays == '1' then
        local i = COUNTED[kind]
        local left = (hour + 1) * HOUR - now
        if most_a_day ~= '0' and contact[i] >= tonumber(most_a_day) then
            return refuse('contact', (day + 1) * DAY - now, contact[i], most_a_day)
        end
        if most_an_hour ~= '0' and h.pass ~= text(hour) then
            if account[i] >= tonumber(most_an_hour) then
                return refuse('account', left, account[i], most_an_hour)
            elseif kind == 't' and account[3] + account[4] >= tonumber(most_an_hour) then
                return refuse('account', math.min(left, SHORT), account[3] + account[4], most_an_hour)
            end
        end
        if kind == 't' then
            account[4] = account[4] + reserve
        else
            contact[i], account[i] = contact[i] + 1, account[i] + 1
        end
    end
    if kind == 's' and a.rate then
        local wait
        store, wait = take_place(key, at, a, h.slot, now)
        if not store then
            return refuse('rate', wait, 0, a.rate)
        end
    end
    store[#store + 1] = 'spent'
    store[#store + 1] = string.format('%d %.0f %.0f %.0f %.0f', hour, unpack(account))
    call('HSET', at, unpack(store))
    if not a.paused and not a.rate and string.match(a.spent or '', '^%d*') ~= text(hour) then
        call('EXPIRE', at, 2 * DAY / 1000) -- without settings (account.lua) it need not outlive its window
    end
    return nil, string.format('%d %.0f %.0f %.0f', day, contact[1], contact[2], contact[3])
end
