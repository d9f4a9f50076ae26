// SPDX-License-Identifier: MIT
// Starts and torments a private redis-server (see redis_server.h).

#include "test/integration/queue/redis_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum { START_MS = 20000 };

struct redis_server {
    pid_t pid; // 0 = not running
    int port;
    char *dir, *url;
    const char *maxmemory;
};

static void fail(const char *what)
{
    fprintf(stderr, "redis_server: %s: %s\n", what, strerror(errno));
    abort();
}

// A port that nobody listens on now. Somebody may take it before redis-server does: then we try
// another.
static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        fail("no free port");
    close(fd);
    return ntohs(address.sin_port);
}

static void exec_server(const struct redis_server *server)
{
    char port[16];
    snprintf(port, sizeof(port), "%d", server->port);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execlp("redis-server", "redis-server", "--bind", "127.0.0.1", "--port", port, "--dir",
           server->dir, "--appendonly", "yes", "--appendfsync", "always", "--save", "", "--logfile",
           "redis.log", "--maxmemory", server->maxmemory ? server->maxmemory : "0",
           "--maxmemory-policy", "noeviction", (char *)NULL);
    perror("redis-server");
    _exit(127);
}

static bool answers_ping(const struct redis_server *server)
{
    struct timeval timeout = {.tv_sec = 1};
    redisContext *redis = redisConnectWithTimeout("127.0.0.1", server->port, timeout);
    redisReply *reply = redis && !redis->err ? redisCommand(redis, "PING") : NULL;
    bool ok = reply && reply->type == REDIS_REPLY_STATUS;
    freeReplyObject(reply);
    if (redis)
        redisFree(redis);
    return ok;
}

// True when it answers; false when it ended (its port was taken).
static bool launch(struct redis_server *server)
{
    server->pid = fork();
    if (server->pid < 0)
        fail("fork");
    if (server->pid == 0)
        exec_server(server);
    int64_t deadline_ms = clock_mono_ms() + START_MS;
    while (clock_mono_ms() < deadline_ms) {
        int status;
        if (waitpid(server->pid, &status, WNOHANG) == server->pid) {
            server->pid = 0;
            if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
                fail("redis-server is not installed");
            return false;
        }
        if (answers_ping(server))
            return true;
        poll(NULL, 0, 5); // between two looks
    }
    fail("redis-server does not answer");
    return false;
}

struct redis_server *redis_server_start(const char *maxmemory)
{
    struct redis_server *server = x_alloc(sizeof(*server));
    const char *tmp = getenv("TMPDIR");
    server->dir = x_printf("%s/hookmill-redis-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(server->dir))
        fail(server->dir);
    server->maxmemory = maxmemory;
    for (int tries = 0; tries < 5; tries++) {
        server->port = free_port();
        if (launch(server)) {
            server->url = x_printf("redis://127.0.0.1:%d", server->port);
            return server;
        }
    }
    fail("redis-server ends at once (see redis.log in its directory)");
    return NULL;
}

static void end(struct redis_server *server)
{
    if (server->pid == 0)
        return;
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    server->pid = 0;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    return remove(path);
}

void redis_server_stop(struct redis_server *server)
{
    if (!server)
        return;
    end(server);
    nftw(server->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(server->dir);
    free(server->url);
    free(server);
}

const char *redis_server_url(const struct redis_server *server)
{
    return server->url;
}

int redis_server_port(const struct redis_server *server)
{
    return server->port;
}

redisContext *redis_server_connect(const struct redis_server *server)
{
    redisContext *redis = redisConnect("127.0.0.1", server->port);
    if (!redis || redis->err)
        fail("connect");
    return redis;
}

void redis_server_freeze(struct redis_server *server)
{
    kill(server->pid, SIGSTOP);
}

void redis_server_thaw(struct redis_server *server)
{
    kill(server->pid, SIGCONT);
}

void redis_server_kill(struct redis_server *server)
{
    end(server);
}

void redis_server_restart(struct redis_server *server)
{
    if (!launch(server))
        fail("redis-server does not start again");
}

void redis_server_flush(struct redis_server *server)
{
    redisContext *redis = redis_server_connect(server);
    redisReply *reply = redisCommand(redis, "FLUSHALL");
    if (!reply || reply->type != REDIS_REPLY_STATUS)
        fail("FLUSHALL");
    freeReplyObject(reply);
    redisFree(redis);
}
