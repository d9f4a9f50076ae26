// SPDX-License-Identifier: MIT
/*
 * A MongoDB for a test: the one in HOOKMILL_MONGODB_URI, or one that the test starts itself on a
 * free port of 127.0.0.1 (mongod on PATH, else SecantusDB's Rust or Python server from the cache).
 * Each has a database of its own with a random name, dropped at the end. A server that we started
 * dies with the test.
 */
#pragma once

#include <stdbool.h>

struct mongo_server;

// `own`: never the one in the environment (the test will kill it). NULL: this machine has none;
// exit with 77.
struct mongo_server *mongo_server_start(bool own);
void mongo_server_free(struct mongo_server *server);

// With the database; the same over a restart.
const char *mongo_server_uri(const struct mongo_server *server);

// kill -9 and its end; the data stay. Only of one that was started as `own`.
void mongo_server_kill(struct mongo_server *server);
// SIGSTOP and SIGCONT: connections stay open and nothing answers.
void mongo_server_freeze(struct mongo_server *server);
void mongo_server_thaw(struct mongo_server *server);
// Starts it again on the same port and data, and waits until it answers.
void mongo_server_restart(struct mongo_server *server);
