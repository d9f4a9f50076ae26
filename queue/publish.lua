#!lua flags=allow-oom
-- publish: what a listener received and what became of it, for the audit: absolute numbers per account and app.
--
-- KEYS  1 prefix
-- ARGV  1 incarnation, 2 'live', or 'gone': the process is dead, and nobody will answer what it had in hand,
--       then per row: account, app, "received settled refused spooled drained"
-- Returns OK.
--
-- Arriving twice, or late: a number never falls, and who was said to be dead stays dead.
local function numbers(text)
    local list = {}
    for digits in string.gmatch(text or '', '%d+') do
        list[#list + 1] = tonumber(digits)
    end
    return list
end

for i = 3, #ARGV, 3 do
    local key, field = s .. 'recv:' .. ARGV[i], ARGV[1] .. ' ' .. ARGV[i + 1]
    local row = numbers(ARGV[i + 2])
    local old = call('HGET', key, field)
    if old then
        for k, number in ipairs(numbers(old)) do
            row[k] = math.max(row[k] or 0, number)
        end
    else
        call('SADD', s .. 'accounts', ARGV[i]) -- none of its events may have been admitted yet
    end
    local gone = ARGV[2] == 'gone' or (old and string.find(old, 'gone', 1, true))
    local text = {}
    for k, number in ipairs(row) do
        text[k] = string.format('%.0f', number)
    end
    call('HSET', key, field, table.concat(text, ' ') .. (gone and ' gone' or ''))
end
return redis.status_reply('OK')
