#!lua
-- admit: puts the events that one turn of a listener's loop collected for this shard into their mailboxes.
--
-- KEYS  1 prefix
-- ARGV  1 incarnation, 2 number of this call, 3 count of events, then per event:
--       account, bucket of `seen before` ("day:hex", '' = not remembered), 16-byte hash, JSON, count of aliases, aliases
--       (no alias: the account's lane)
-- Returns one letter per event: 'a' admitted, 'd' duplicate. STALE when a later call of the incarnation was served.
--
-- Arriving twice: a listener has one call per shard under way; the last one's number and answer are kept, and a repeat
-- gets that answer and does nothing. Not allow-oom: at its memory limit Redis refuses the call before it runs.
local incarnation, number = ARGV[1], tonumber(ARGV[2])
local guard = s .. 'adm:' .. incarnation
local last = call('GET', guard)
if last then
    local last_number, answer = string.match(last, '^(%d+) (%a*)$')
    if number == tonumber(last_number) then
        return answer
    end
    if number < tonumber(last_number) then
        return redis.error_reply('STALE a later admit of ' .. incarnation .. ' was served')
    end
end

-- 9 days after its first id a bucket goes: its last id came up to a day later, and is remembered for 8.
local function seen(bucket, hash)
    if bucket == '' then
        return false
    end
    local key = s .. 'seen:' .. bucket
    if call('HSETNX', key, hash, '') == 0 then
        return true
    end
    if call('HLEN', key) == 1 then
        call('EXPIRE', key, 777600)
    end
    return false
end

-- The chat of a contact who is known by `count` names. A name stands for the chat of the same name until an event
-- tells otherwise. If the names point to two chats, the first name's chat wins and the others are remapped.
local has_aliases = {} -- of an account; most have none
local function find_chat(account, first, count)
    if count == 0 then
        return account .. ':~'
    end
    local names = s .. 'alias:' .. account
    if count == 1 then
        if has_aliases[account] == nil then
            has_aliases[account] = call('EXISTS', names) == 1
        end
        if not has_aliases[account] then
            return account .. ':' .. ARGV[first]
        end
        return account .. ':' .. (call('HGET', names, ARGV[first]) or ARGV[first])
    end
    local known, chosen = {}, nil
    has_aliases[account] = nil -- this may add some
    for i = 0, count - 1 do
        local alias = ARGV[first + i]
        known[i] = call('HGET', names, alias)
        if not chosen and (known[i] or call('EXISTS', s .. 'chat:' .. account .. ':' .. alias) == 1) then
            chosen = known[i] or alias
        end
    end
    chosen = chosen or ARGV[first]
    for i = 0, count - 1 do
        local alias = ARGV[first + i]
        if (known[i] or alias) ~= chosen then
            call('HSET', names, alias, chosen)
        end
    end
    return account .. ':' .. chosen
end

local letters, admitted, duplicates = {}, {}, {}
local at = 4
for i = 1, tonumber(ARGV[3]) do
    local account, alias_count = ARGV[at], tonumber(ARGV[at + 4])
    if not admitted[account] then
        admitted[account], duplicates[account] = 0, 0
    end
    if seen(ARGV[at + 1], ARGV[at + 2]) then
        letters[i] = 'd'
        duplicates[account] = duplicates[account] + 1
    else
        letters[i] = 'a'
        admitted[account] = admitted[account] + 1
        append(find_chat(account, at + 5, alias_count), ARGV[at + 3])
    end
    at = at + 5 + alias_count
end

for account, count in pairs(admitted) do
    if count > 0 and call('HINCRBY', s .. 'ledger:' .. account, 'admitted', count) == count then
        call('SADD', s .. 'accounts', account) -- its first; the sweeper visits them
    end
    if duplicates[account] > 0 then
        call('HINCRBY', s .. 'ledger:' .. account, 'duplicate', duplicates[account])
    end
end

local answer = table.concat(letters)
call('SET', guard, ARGV[2] .. ' ' .. answer, 'EX', 86400)
return answer
