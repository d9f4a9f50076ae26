// SPDX-License-Identifier: MIT
// Starts, kills and ends the MongoDB of a test; see mongo_server.h.
#include "mongo_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <mongoc/mongoc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"

enum { START_DEADLINE_MS = 60000, STOP_DEADLINE_MS = 20000 };

struct mongo_server {
    char *uri;
    char *program; // NULL: not ours to start and stop
    bool is_mongod;
    char directory[64];
    int port;
    pid_t pid;
};

static _Noreturn void give_up(const char *what, const struct mongo_server *server)
{
    fprintf(stderr, "mongo_server: %s (%s, log in %s)\n", what, server->uri, server->directory);
    exit(1);
}

static bool is_program(const char *path)
{
    return access(path, X_OK) == 0;
}

// The path of mongod on PATH; caller frees.
static char *find_mongod(void)
{
    const char *path = getenv("PATH");
    char *list = x_dup(path != NULL ? path : ""), *rest = list, *folder;
    while ((folder = strsep(&rest, ":")) != NULL) {
        char *program = x_printf("%s/mongod", folder);
        if (is_program(program)) {
            free(list);
            return program;
        }
        free(program);
    }
    free(list);
    return NULL;
}

static char *find_cached(const char *program)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char *path = cache != NULL && *cache != '\0'
                     ? x_printf("%s/hookmill/%s", cache, program)
                     : x_printf("%s/.cache/hookmill/%s", home != NULL ? home : "", program);
    if (is_program(path))
        return path;
    free(path);
    return NULL;
}

static bool find_program(struct mongo_server *server)
{
    server->program = find_mongod();
    server->is_mongod = server->program != NULL;
    if (server->program == NULL)
        server->program = find_cached("secantus-rs-0.5.3-beta.196/bin/secantusd-rs");
    if (server->program == NULL)
        server->program = find_cached("secantus-py-0.7.0b3/bin/secantusd-py");
    return server->program != NULL;
}

static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        abort();
    close(fd);
    return ntohs(address.sin_port);
}

static _Noreturn void become_server(const struct mongo_server *server)
{
    char port[12], *log = x_printf("%s/log", server->directory),
                   *data = x_printf("%s/data", server->directory);
    snprintf(port, sizeof(port), "%d", server->port);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
        _exit(127);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (server->is_mongod)
        execl(server->program, server->program, "--bind_ip", "127.0.0.1", "--port", port,
              "--dbpath", data, (char *)NULL);
    else
        execl(server->program, server->program, "--host", "127.0.0.1", "--port", port,
              "--storage-path", data, "--sync-on-commit", (char *)NULL);
    _exit(127);
}

static bool answers(const struct mongo_server *server)
{
    mongoc_uri_t *uri = mongoc_uri_new(server->uri);
    mongoc_uri_set_option_as_int32(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, 200);
    mongoc_client_t *client = mongoc_client_new_from_uri(uri);
    bson_t *ping = BCON_NEW("ping", BCON_INT32(1));
    bool ok = mongoc_client_command_simple(client, "admin", ping, NULL, NULL, NULL);
    bson_destroy(ping);
    mongoc_client_destroy(client);
    mongoc_uri_destroy(uri);
    return ok;
}

static void launch(struct mongo_server *server)
{
    server->pid = fork();
    if (server->pid == 0)
        become_server(server);
    int64_t deadline = clock_mono_ms() + START_DEADLINE_MS;
    while (!answers(server)) { // paces itself: server selection waits 200 ms
        if (clock_mono_ms() > deadline || waitpid(server->pid, NULL, WNOHANG) == server->pid)
            give_up("the server does not start", server);
    }
}

// The same address with the test's own database: mongodb://host[/database][?options]. Caller frees.
static char *with_database(const char *uri, const char *name)
{
    const char *host = strstr(uri, "://");
    host = host != NULL ? host + 3 : uri;
    const char *query = strchr(host, '?');
    size_t len = (size_t)(host - uri) + strcspn(host, "/?");
    return x_printf("%.*s/hookmill_test_%s%s", (int)len, uri, name, query != NULL ? query : "");
}

struct mongo_server *mongo_server_start(bool own)
{
    struct mongo_server *server = x_alloc(sizeof(*server));
    const char *given = getenv("HOOKMILL_MONGODB_URI");
    char random[6], name[13];
    mongoc_init();
    crypto_random(random, sizeof(random));
    hex_encode(random, sizeof(random), name);

    if (!own && given != NULL && *given != '\0') {
        server->uri = with_database(given, name);
        return server;
    }
    if (!find_program(server)) {
        mongo_server_free(server);
        return NULL;
    }
    snprintf(server->directory, sizeof(server->directory), "/tmp/hookmill-mongo-XXXXXX");
    if (mkdtemp(server->directory) == NULL)
        abort();
    char *data = x_printf("%s/data", server->directory);
    mkdir(data, 0700);
    free(data);
    server->port = free_port();
    server->uri = x_printf("mongodb://127.0.0.1:%d/hookmill_test_%s", server->port, name);
    launch(server);
    return server;
}

const char *mongo_server_uri(const struct mongo_server *server)
{
    return server->uri;
}

void mongo_server_kill(struct mongo_server *server)
{
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    server->pid = 0;
}

void mongo_server_freeze(struct mongo_server *server)
{
    kill(server->pid, SIGSTOP);
}

void mongo_server_thaw(struct mongo_server *server)
{
    kill(server->pid, SIGCONT);
}

void mongo_server_restart(struct mongo_server *server)
{
    launch(server);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    return remove(path);
}

static void end_own(struct mongo_server *server)
{
    if (server->pid > 0) {
        // Its data are thrown away, so nothing is gained by a clean end.
        kill(server->pid, SIGKILL);
        waitpid(server->pid, NULL, 0);
    }
    if (*server->directory != '\0')
        nftw(server->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void drop_database(const struct mongo_server *server)
{
    mongoc_client_t *client = mongoc_client_new(server->uri);
    mongoc_database_t *database = mongoc_client_get_default_database(client);
    mongoc_database_drop(database, NULL);
    mongoc_database_destroy(database);
    mongoc_client_destroy(client);
}

void mongo_server_free(struct mongo_server *server)
{
    if (server == NULL)
        return;
    if (server->uri != NULL && server->program == NULL)
        drop_database(server);
    end_own(server);
    free(server->program);
    free(server->uri);
    free(server);
}
