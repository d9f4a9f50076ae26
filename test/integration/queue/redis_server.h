// SPDX-License-Identifier: MIT
/*
 * A private redis-server for tests that stop, freeze, fill or kill one: on a free port of
 * 127.0.0.1, with its data in a temporary directory, appendfsync always. It ends with the test
 * process, however that ends. Whatever fails here ends the test process with a message. One thread.
 */
#pragma once

#include <hiredis/hiredis.h>

struct redis_server;

// maxmemory as redis.conf has it ("8mb"), or NULL. Answers PING when this returns.
struct redis_server *redis_server_start(const char *maxmemory);
void redis_server_stop(struct redis_server *server); // and removes its directory

const char *redis_server_url(const struct redis_server *server);
int redis_server_port(const struct redis_server *server);
// A blocking connection; the caller frees it.
redisContext *redis_server_connect(const struct redis_server *server);

void redis_server_freeze(struct redis_server *server);  // SIGSTOP
void redis_server_thaw(struct redis_server *server);    // SIGCONT
void redis_server_kill(struct redis_server *server);    // SIGKILL
void redis_server_restart(struct redis_server *server); // after a kill: same port, same data
void redis_server_flush(struct redis_server *server);   // FLUSHALL: all data lost
