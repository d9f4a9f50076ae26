#!lua flags=allow-oom
-- beat: a worker's heartbeat. Its lease runs from now, and it is no suspect.
--
-- KEYS  1 prefix
-- ARGV  1 incarnation, 2 lease in ms
-- Returns OK. Arriving twice, it renews twice; the worker counts from when it first asked.
call('ZADD', s .. 'leases', now_ms() + tonumber(ARGV[2]), ARGV[1])
call('HDEL', s .. 'suspect', ARGV[1])
return redis.status_reply('OK')
