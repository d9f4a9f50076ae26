#!lua
-- admit: puts the events that one turn of a listener's loop collected for this shard into their mailboxes.
--
-- KEYS  1 prefix
-- ARGV  1 incarnation, 2 number of this call, 3 count of events, then per event:
--       account, bucket of `seen before` ("day:hex", '' = not remembered), 16-byte hash, JSON, count of aliases, aliases
--       (no alias: the account's lane)
-- Returns one letter per event: 'a' admitted, 'd' duplicate. STALE when eight later calls were served.
--
-- Arriving twice: a listener has up to four calls per shard under way. The numbers and answers of the last eight are
-- kept, for as long as `seen before` remembers (a call may be repeated from a disk): a repeat gets its answer and does
-- nothing. A number below all of eight may have been served or not: STALE. Not allow-oom: at its memory limit Redis
-- refuses the call before it runs.
-- @include join.lua
local KEPT = 8
local incarnation, number = ARGV[1], tonumber(ARGV[2])
local guard = s .. 'adm:' .. incarnation
-- "count;" and then "number letters;" of each, the highest number first
local kept, above = call('GET', guard) or '0;', ''
local count, below = string.match(kept, '^(%d+);(.*)$')
local newest = tonumber(string.match(below, '^%d+'))
if newest and number <= newest then -- no new call
    below = ''
    for each, answer in string.gmatch(kept, '(%d+) (%a*);') do
        if tonumber(each) == number then
            return answer
        elseif tonumber(each) > number then
            above = above .. each .. ' ' .. answer .. ';'
        else
            below = below .. each .. ' ' .. answer .. ';'
        end
    end
    if below == '' and tonumber(count) == KEPT then
        return redis.error_reply('STALE later admits of ' .. incarnation .. ' were served')
    end
end

-- The keys of the events' buckets of `seen before`, by the places of the buckets' names in ARGV, and whether one of them
-- is not there yet. One question for all: once a day's buckets are there, asking each costs more than what is asked for.
local function find_buckets()
    local keys, all, at = {}, {}, 4
    for _ = 1, tonumber(ARGV[3]) do
        if ARGV[at + 1] ~= '' then
            keys[at + 1] = s .. 'seen:' .. ARGV[at + 1]
            all[#all + 1] = keys[at + 1]
        end
        at = at + 5 + ARGV[at + 4]
    end
    return keys, #all > 0 and call('EXISTS', unpack(all)) < #all
end

-- 9 days after its first id a bucket goes: its last id came up to a day later, and is remembered for 8.
local buckets, some_new = find_buckets()
local function seen(bucket, hash)
    local key = buckets[bucket]
    if not key then
        return false
    end
    if call('HSETNX', key, hash, '') == 0 then
        return true
    end
    if some_new and call('HLEN', key) == 1 then
        call('EXPIRE', key, '777600')
    end
    return false
end

-- One chat of several names' ones that are not the same, and the others join it: the one that has a session, or an
-- activation under way; else the first that is there. `known` are those that are aliases' targets.
local function unite(account, roots, known)
    local best, best_score, there = nil, -1, {}
    for i, root in ipairs(roots) do
        local h = call('HMGET', s .. 'chat:' .. account .. ':' .. root, 'st', 'state')
        there[i] = h[1] ~= false
        local score = (h[2] and 8 or 0) + (h[1] and under_way(account .. ':' .. root) and 4 or 0) + (h[1] and 2 or 0) +
                          (known[root] and 1 or 0)
        if score > best_score then
            best, best_score = root, score
        end
    end
    for i, root in ipairs(roots) do
        if root ~= best then
            call('HSET', s .. 'alias:' .. account, root, best)
            if there[i] then
                joiner().merge(account .. ':' .. best, account .. ':' .. root)
            end
        end
    end
    return best
end

-- The chat of a contact who is known by several names. All that are not weak lead to one chat afterwards. A weak name,
-- "@…", is a user name, which people change and take over from others: it leads to its latest holder's chat, finds a
-- chat only for want of others, and joins none.
local function find_by_all(account, first, count)
    local names, roots, known, is_root, weak = s .. 'alias:' .. account, {}, {}, {}, {}
    local targets, is_end = call('HMGET', names, unpack(ARGV, first, first + count - 1)), {}
    for i, target in ipairs(targets) do
        is_end[ARGV[first + i - 1]] = not target
    end
    for i, target in ipairs(targets) do
        local name = ARGV[first + i - 1]
        if string.sub(name, 1, 1) == '@' then
            weak[#weak + 1] = name
        else
            local root = not target and name or is_end[target] and target or resolve(names, name)
            known[root] = known[root] or target
            if not is_root[root] then
                is_root[root] = true
                roots[#roots + 1] = root
            end
        end
    end
    if #roots == 0 then
        for _, name in ipairs(weak) do
            local root, as_alias = resolve(names, name)
            if as_alias then
                return root
            end
        end
        return weak[1]
    end
    local chosen = #roots == 1 and roots[1] or unite(account, roots, known)
    for _, name in ipairs(weak) do
        if call('HGET', names, name) ~= chosen then
            call('HSET', names, name, chosen)
        end
    end
    return chosen
end

local has_aliases = {} -- of an account; many have none
local function find_chat(account, first, count)
    if count == 0 then
        return account .. ':~'
    elseif count > 1 then
        has_aliases[account] = nil -- this may add some
        return account .. ':' .. find_by_all(account, first, count)
    end
    if has_aliases[account] == nil then
        has_aliases[account] = call('EXISTS', s .. 'alias:' .. account) == 1
    end
    if not has_aliases[account] then
        return account .. ':' .. ARGV[first]
    end
    return chat_of(account, ARGV[first])
end

local letters, admitted, duplicates, total = {}, {}, {}, 0
local at = 4
for i = 1, tonumber(ARGV[3]) do
    local account, alias_count = ARGV[at], tonumber(ARGV[at + 4])
    if not admitted[account] then
        admitted[account], duplicates[account] = 0, 0
    end
    local chat = alias_count > 1 and find_chat(account, at + 5, alias_count) -- names are learned from duplicates, too
    if seen(at + 1, ARGV[at + 2]) then
        letters[i] = 'd'
        duplicates[account] = duplicates[account] + 1
    else
        letters[i] = 'a'
        admitted[account] = admitted[account] + 1
        total = total + 1
        append(chat or find_chat(account, at + 5, alias_count), ARGV[at + 3])
    end
    at = at + 5 + alias_count
end

for account, count in pairs(admitted) do
    if count > 0 and call('HINCRBY', s .. 'ledger:' .. account, 'admitted', text(count)) == count then
        call('SADD', s .. 'accounts', account) -- its first; the sweeper visits them
    end
    if duplicates[account] > 0 then
        call('HINCRBY', s .. 'ledger:' .. account, 'duplicate', text(duplicates[account]))
    end
end
if total > 0 then
    call('INCRBY', s .. 'waiting', text(total))
end

local answer = table.concat(letters)
if tonumber(count) == KEPT then
    below = string.match(below, '^(.*;)[^;]*;$') or '' -- without the lowest
else
    count = count + 1
end
call('SET', guard, count .. ';' .. above .. ARGV[2] .. ' ' .. answer .. ';' .. below, 'EX', '777600')
return answer
