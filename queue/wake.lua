-- Chats that were parked for their account's sake go on, the first that was parked first; their number is bounded, so
-- that nobody else waits long for Redis. Only those that were parked by `ends` (ms): one that is refused again at once
-- must not come round for ever.
local function wake_stopped(account, why, ends, most)
    local list = s .. 'stopped:' .. why .. ':' .. account
    local count = 0
    for _, chat in ipairs(call('ZRANGEBYSCORE', list, '-inf', ends, 'LIMIT', 0, most)) do
        local key = s .. 'chat:' .. chat
        local h = call('HMGET', key, 'st', 'stop')
        call('ZREM', list, chat)
        if h[1] == 'parked' and h[2] == why then
            if why == 'contact' then
                call('HDEL', key, 'spent')
            end
            call('HDEL', key, 'slot')
            unpark(chat)
        end
        count = count + 1
    end
    return count
end
