-- Ids of messages that we sent, by which their echoes are told from other people's: 16-byte hashes in small buckets, of
-- four days each. A bucket goes 12 days after its first id; its last is found for 8.
local SPAN = 345600000

local function sent_key(bucket, spans_ago)
    return string.format('%ssent:%.0f:%s', s, math.floor(now_ms() / SPAN) - spans_ago, bucket)
end

local function remember_sent(bucket, hash)
    local key = sent_key(bucket, 0)
    if call('HSETNX', key, hash, '') == 1 and call('HLEN', key) == 1 then
        call('EXPIRE', key, 3 * SPAN / 1000)
    end
end

local function was_sent(bucket, hash)
    for spans_ago = 0, 2 do
        if call('HEXISTS', sent_key(bucket, spans_ago), hash) == 1 then
            return true
        end
    end
    return false
end
