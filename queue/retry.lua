#!lua
-- retry: a dead letter goes back into its chat's mailbox as a new event, past `seen before`.
--
-- KEYS  1 prefix
-- ARGV  1 id of the letter in the stream
-- Returns 1; 0 when there is no such letter. RAW when it has no chat to go to.
--
-- Arriving twice: the letter is gone the second time.
local letter = call('XRANGE', s .. 'dead', ARGV[1], ARGV[1])[1]
if not letter then
    return 0
end
local fields = {}
for i = 1, #letter[2], 2 do
    fields[letter[2][i]] = letter[2][i + 1]
end
if not fields.chat or not fields.body then
    return redis.error_reply('RAW the letter is a raw body: no chat to put it back to')
end
if call('XDEL', s .. 'dead', ARGV[1]) ~= 1 then
    return 0
end
local account = account_of(fields.chat)
append(chat_of(account, string.sub(fields.chat, #account + 2)), fields.body) -- its chat may have joined another since
call('INCRBY', s .. 'waiting', 1)
call('HINCRBY', s .. 'ledger:' .. account, 'retried', 1)
return 1
