#!lua flags=allow-oom
-- leave: a worker ends. Nobody has to wait for its lease; what it still held is ready again.
--
-- KEYS  1 prefix
-- ARGV  1 incarnation
-- Returns how many chats it held. Arriving twice, it finds nothing the second time.
return give_back(ARGV[1])
