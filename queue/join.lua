-- Two chats that turn out to be one person's become one. Put into the scripts that ask for it, after common.lua.
--
-- The loser's name becomes an alias of the winner's, so that from now on every event is the winner's. If the loser is
-- under way, it ends its activation first (its worker, its effect and its receipts know it by its own name), and the
-- winner waits for that, `joining`: one person's events are processed one at a time, in order. In the meantime events
-- of the person are kept apart (`late`), so that what waits in the loser's mailbox comes before them.
--
--   s join:<winner>   list of the chats that are to join it, in order; the winner is in the set `joins` while there are any
--   s late:<winner>   events that were admitted since
--   field `into`      of a loser: the winner
--
-- The functions are made when they are needed, which is seldom: every run of a script pays for what it defines.
local function joiner()
    -- Takes a chat off its account's ready list.
    local function unlist(chat)
        local account = account_of(chat)
        call('LREM', s .. 'ready:' .. account, 1, chat)
        if call('LLEN', s .. 'ready:' .. account) == 0 then
            call('LREM', s .. 'ring', 1, account)
        end
    end

    -- Appends one list to another.
    local function move(from, to)
        if call('EXISTS', to) == 0 then
            if call('EXISTS', from) == 1 then
                call('RENAME', from, to)
            end
            return
        end
        local some = call('LRANGE', from, 0, 99)
        while #some > 0 do
            call('RPUSH', to, unpack(some))
            call('LTRIM', from, #some, -1)
            some = call('LRANGE', from, 0, 99)
        end
    end

    -- The event that tells the winner's worker of a session that nobody will go on with.
    local function merged_event(winner, loser, state)
        local platform, id, name = string.match(winner, '^([^:]*):([^:]*):(.*)$')
        local lost = string.sub(loser, #account_of(loser) + 2)
        if not pcall(cjson.decode, state) then
            state = cjson.encode(state)
        end
        local text = cjson.encode
        return string.format('{"platform":%s,"kind":"contact","type":"merged","account":%s,"contact":%s,' ..
                             '"aliases":[%s,%s],"timestamp":%.0f,"data":{"chat":%s,"state":', text(platform), text(id),
                             text(name), text(name), text(lost), now_ms(), text(loser)) .. state .. '}}'
    end

    -- Gives the loser's session to a winner that is at rest. Records of the session in MongoDB carry the loser's epoch,
    -- number and turn: the winner's go on above them.
    local function hand_over(winner, loser, h)
        local key = s .. 'chat:' .. winner
        local own = call('HMGET', key, 'state', 'st', 'done', 'epoch', 'turn')
        for i, field in ipairs({'done', 'epoch', 'turn'}) do
            if h[field] and tonumber(h[field]) > (tonumber(own[2 + i]) or 0) then
                call('HSET', key, field, h[field])
            end
        end
        if own[1] then
            call('RPUSH', s .. 'mb:' .. winner, merged_event(winner, loser, h.state))
            call('INCRBY', s .. 'waiting', 1)
            call('HINCRBY', s .. 'ledger:' .. account_of(winner), 'merged', 1)
            return
        end
        call('HSET', key, 'state', h.state)
        call('HDEL', key, 'timer', 'fired')
        call('ZREM', s .. 'timers', winner)
        local due = call('ZSCORE', s .. 'timers', loser)
        if due and h.timer then
            call('ZADD', s .. 'timers', due, winner)
            call('HSET', key, 'timer', h.timer)
        end
        if h.fired then
            call('HSET', key, 'fired', h.fired)
        end
        if own[2] == 'parked' then
            leave_parked(winner) -- without an effect in hand: it parks again if it still has to
        end
        if own[2] == 'parked' or (own[2] == 'idle' and h.fired) then
            set_joining(winner) -- join_on() schedules it
        end
    end

    -- What was spent on a person under both names; of two days the later one counts (see spend.lua).
    local function add_spent(winner, spent)
        local own = call('HGET', s .. 'chat:' .. winner, 'spent')
        local pattern = '^(%d+) (%d+) (%d+) (%d+)$'
        local day, sends, calls, tokens = string.match(spent, pattern)
        local own_day, own_sends, own_calls, own_tokens = string.match(own or '', pattern)
        if day and day == own_day then
            spent = string.format('%s %.0f %.0f %.0f', day, sends + own_sends, calls + own_calls, tokens + own_tokens)
        end
        if not own_day or (day and tonumber(day) >= tonumber(own_day)) then
            call('HSET', s .. 'chat:' .. winner, 'spent', spent)
        end
    end

    -- Moves all that a loser at rest has to the winner.
    local function absorb(winner, loser)
        local h, fields = {}, {'state', 'timer', 'fired', 'done', 'epoch', 'turn', 'fin', 'spent'}
        for i, value in ipairs(call('HMGET', s .. 'chat:' .. loser, unpack(fields))) do
            h[fields[i]] = value
        end
        move(s .. 'mb:' .. loser, s .. 'mb:' .. winner)
        move(s .. 'late:' .. loser, s .. 'mb:' .. winner)
        if h.state then
            hand_over(winner, loser, h)
        end
        if h.spent then
            add_spent(winner, h.spent)
        end
        call('ZREM', s .. 'timers', loser)
        call('SREM', s .. 'joining', loser)
        call('DEL', s .. 'chat:' .. loser, s .. 'rec:' .. loser)
        if h.fin then
            call('SET', s .. 'joined:' .. loser, h.fin, 'EX', 86400) -- for a finish that arrives twice
        end
    end

    -- Lets those join that can, then schedules the winner, or makes it wait.
    local function join_on(winner)
        local key, joins = s .. 'chat:' .. winner, s .. 'join:' .. winner
        local loser = call('LINDEX', joins, 0)
        -- A session is given to a chat that is at rest only.
        while loser and not under_way(loser) and
            (call('HEXISTS', s .. 'chat:' .. loser, 'state') == 0 or not under_way(winner)) do
            absorb(winner, loser)
            call('LPOP', joins)
            loser = call('LINDEX', joins, 0)
        end
        if not loser then
            call('SREM', s .. 'joins', winner)
            move(s .. 'late:' .. winner, s .. 'mb:' .. winner)
        end
        local status = call('HGET', key, 'st')
        local has_mail = call('EXISTS', s .. 'mb:' .. winner) == 1
        if status == 'joining' or status == 'ready' or (status == 'idle' and has_mail) then
            if loser and under_way(loser) then
                if status == 'ready' then
                    unlist(winner)
                end
                set_joining(winner)
            elseif status ~= 'ready' then
                call('SREM', s .. 'joining', winner)
                call('HSET', key, 'st', 'ready')
                enlist(winner, status == 'joining')
            end
        elseif status == 'idle' and not loser then
            local h = call('HMGET', key, 'state', 'timer', 'paused')
            if not h[1] and not h[2] then
                let_expire(winner, h[3])
            end
        end
    end

    -- Starts the joining of two chats that are there, and ends it if nothing is under way.
    local function merge(winner, loser)
        local key, lost = s .. 'chat:' .. winner, s .. 'chat:' .. loser
        call('PERSIST', key)
        call('PERSIST', lost)
        local paused, also = call('HGET', key, 'paused'), call('HGET', lost, 'paused')
        if also and tonumber(also) > (tonumber(paused) or 0) then
            call('HSET', key, 'paused', also)
        end
        for _, third in ipairs(call('LRANGE', s .. 'join:' .. loser, 0, -1)) do -- they join first
            call('HSET', s .. 'chat:' .. third, 'into', winner)
            call('RPUSH', s .. 'join:' .. winner, third)
        end
        call('DEL', s .. 'join:' .. loser)
        call('SREM', s .. 'joins', loser)
        call('RPUSH', s .. 'join:' .. winner, loser)
        call('HSET', lost, 'into', winner)
        call('SADD', s .. 'joins', winner)
        some_join = true
        local status = call('HGET', lost, 'st')
        if not under_way(loser) then
            if status == 'ready' then
                unlist(loser)
            elseif status == 'parked' then
                leave_parked(loser)
            end
            set_joining(loser)
        elseif status == 'joining' then -- it waits for nobody any more
            call('SREM', s .. 'joining', loser)
            make_ready(loser, true)
        end
        join_on(winner)
    end

    return {merge = merge, join_on = join_on}
end
