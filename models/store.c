// SPDX-License-Identifier: MIT
/*
 * The pool of threads that blocks on MongoDB so that the loop never does. Jobs queue in the order
 * given; a finished job goes to a second list and wakes the loop through an eventfd, where its
 * `done` runs. Both lists have one lock.
 */
#include "models/store.h"

#include <assert.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utlist.h>

#include "base/log.h"
#include "base/mem.h"

enum { THREADS_DEFAULT = 4, THREADS_MAX = 64 };

struct job {
    store_job_fn run;
    store_done_fn done;
    void *arg;
    struct job *prev, *next;
};

struct store {
    mongoc_client_pool_t *pool;
    char *database;
    const struct keyring *keyring;
    struct event *wake; // on the loop: some job is finished; NULL without a loop
    int wake_fd;
    pthread_t threads[THREADS_MAX];
    unsigned thread_count;
    // Shared by the threads, under `lock`
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct job *queued;
    struct job *finished;
    bool stopping;
};

// The driver's own remarks. They name hosts, never credentials.
static void driver_log(mongoc_log_level_t level, const char *domain, const char *message, void *arg)
{
    if (level <= MONGOC_LOG_LEVEL_WARNING)
        log_warn("store.driver", "domain", domain, "text", message);
}

static void set_default(mongoc_uri_t *uri, const char *option, int32_t value)
{
    if (!mongoc_uri_has_option(uri, option))
        mongoc_uri_set_option_as_int32(uri, option, value);
}

/*
 * What the operator's address leaves open. Writes are acknowledged by the majority and from the
 * journal: an event is done only when its records cannot be lost any more.
 */
static void complete_uri(mongoc_uri_t *uri)
{
    set_default(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, 5000);
    set_default(uri, MONGOC_URI_CONNECTTIMEOUTMS, 5000);
    set_default(uri, MONGOC_URI_SOCKETTIMEOUTMS, 30000);
    if (!mongoc_uri_has_option(uri, MONGOC_URI_APPNAME))
        mongoc_uri_set_appname(uri, "hookmill");
    if (mongoc_uri_has_option(uri, MONGOC_URI_W) || mongoc_uri_has_option(uri, MONGOC_URI_JOURNAL))
        return;
    mongoc_write_concern_t *concern = mongoc_write_concern_new();
    mongoc_write_concern_set_wmajority(concern, 10000);
    mongoc_write_concern_set_journal(concern, true);
    mongoc_uri_set_write_concern(uri, concern);
    mongoc_write_concern_destroy(concern);
}

static struct job *take_queued(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    while (store->queued == NULL && !store->stopping)
        pthread_cond_wait(&store->more, &store->lock);
    struct job *job = store->stopping ? NULL : store->queued;
    if (job != NULL)
        DL_DELETE(store->queued, job);
    pthread_mutex_unlock(&store->lock);
    return job;
}

static void put_finished(struct store *store, struct job *job)
{
    pthread_mutex_lock(&store->lock);
    DL_APPEND(store->finished, job);
    pthread_mutex_unlock(&store->lock);
    uint64_t one = 1;
    ssize_t written = write(store->wake_fd, &one, sizeof(one));
    assert(written == (ssize_t)sizeof(one)); // an eventfd refuses only at 2^64 - 1
    (void)written;
}

static void *pool_thread(void *arg)
{
    struct store *store = arg;
    struct job *job;

    while ((job = take_queued(store)) != NULL) {
        struct db db;
        store_borrow(store, &db);
        job->run(&db, job->arg);
        store_return(store, &db);
        put_finished(store, job);
    }
    return NULL;
}

static void finish_jobs(struct job *jobs, const struct err *err)
{
    struct job *job, *next;
    DL_FOREACH_SAFE(jobs, job, next) {
        job->done(job->arg, err);
        free(job);
    }
}

static struct job *take_list(struct store *store, struct job **list)
{
    pthread_mutex_lock(&store->lock);
    struct job *jobs = *list;
    *list = NULL;
    pthread_mutex_unlock(&store->lock);
    return jobs;
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    uint64_t count;
    if (read(fd, &count, sizeof(count)) < 0)
        return; // woken for nothing
    struct store *store = arg;
    finish_jobs(take_list(store, &store->finished), NULL);
}

// Signals belong to the loop's thread.
static void start_threads(struct store *store, unsigned count)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (unsigned i = 0; i < count; i++) {
        if (pthread_create(&store->threads[i], NULL, pool_thread, store) != 0)
            break;
        store->thread_count++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static bool join_loop(struct store *store, struct event_base *base, unsigned threads,
                      struct err *err)
{
    store->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (store->wake_fd < 0)
        return err_set(err, ERR_INTERNAL, "store: the system gives no eventfd");
    store->wake = event_new(base, store->wake_fd, EV_READ | EV_PERSIST, on_wake, store);
    event_add(store->wake, NULL);
    start_threads(store, threads);
    if (store->thread_count == 0)
        return err_set(err, ERR_INTERNAL, "store: the system starts no thread");
    return true;
}

static mongoc_uri_t *parse_uri(const char *text, struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, mongoc_init); // never cleaned up: other threads may still use it at exit

    // The driver's own words may quote the address, and with it the password.
    bson_error_t error;
    mongoc_log_set_handler(NULL, NULL);
    mongoc_uri_t *uri = text != NULL ? mongoc_uri_new_with_error(text, &error) : NULL;
    mongoc_log_set_handler(driver_log, NULL);
    if (uri == NULL)
        err_set(err, ERR_CONFIG,
                "mongodb.uri is no MongoDB address: write "
                "mongodb://user:password@host:port/database, with special "
                "characters of the password percent-encoded");
    return uri;
}

struct store *store_new(struct event_base *base, const struct store_config *config, struct err *err)
{
    mongoc_uri_t *uri = parse_uri(config->uri, err);
    if (uri == NULL)
        return NULL;
    struct store *store = x_alloc(sizeof(*store));
    store->wake_fd = -1;
    store->keyring = config->keyring;
    pthread_mutex_init(&store->lock, NULL);
    pthread_cond_init(&store->more, NULL);

    const char *database = mongoc_uri_get_database(uri);
    store->database = x_dup(database != NULL && *database != '\0' ? database : "hookmill");
    complete_uri(uri);
    store->pool = mongoc_client_pool_new(uri);
    mongoc_uri_destroy(uri);
    bool ok = true;
    if (store->pool == NULL) {
        ok = err_set(err, ERR_CONFIG, "mongodb.uri asks for what this build of libmongoc has not");
    } else {
        mongoc_client_pool_set_error_api(store->pool, MONGOC_ERROR_API_VERSION_2);
        unsigned threads = config->threads == 0 ? THREADS_DEFAULT : config->threads;
        if (base != NULL)
            ok = join_loop(store, base, threads > THREADS_MAX ? THREADS_MAX : threads, err);
    }
    if (!ok) {
        store_free(store);
        return NULL;
    }
    return store;
}

void store_free(struct store *store)
{
    if (store == NULL)
        return;
    pthread_mutex_lock(&store->lock);
    store->stopping = true;
    pthread_cond_broadcast(&store->more);
    pthread_mutex_unlock(&store->lock);
    for (unsigned i = 0; i < store->thread_count; i++)
        pthread_join(store->threads[i], NULL);

    finish_jobs(store->finished, NULL);
    struct err canceled;
    err_set(&canceled, ERR_CANCELED, "the store is closing");
    struct job *jobs;
    while ((jobs = take_list(store, &store->queued)) != NULL) // a done may have queued another
        finish_jobs(jobs, &canceled);

    if (store->wake != NULL)
        event_free(store->wake);
    if (store->wake_fd >= 0)
        close(store->wake_fd);
    if (store->pool != NULL)
        mongoc_client_pool_destroy(store->pool);
    pthread_cond_destroy(&store->more);
    pthread_mutex_destroy(&store->lock);
    free(store->database);
    free(store);
}

void store_run(struct store *store, store_job_fn run, store_done_fn done, void *arg)
{
    assert(store->wake != NULL); // made without a loop: only store_borrow works
    struct job *job = x_alloc(sizeof(*job));
    *job = (struct job){.run = run, .done = done, .arg = arg};
    pthread_mutex_lock(&store->lock);
    DL_APPEND(store->queued, job);
    pthread_cond_signal(&store->more);
    pthread_mutex_unlock(&store->lock);
}

void store_borrow(struct store *store, struct db *ret_db)
{
    ret_db->client = mongoc_client_pool_pop(store->pool);
    ret_db->database = mongoc_client_get_database(ret_db->client, store->database);
    ret_db->keyring = store->keyring;
}

void store_return(struct store *store, struct db *db)
{
    mongoc_database_destroy(db->database);
    mongoc_client_pool_push(store->pool, db->client);
    *db = (struct db){0};
}

bool store_ping(struct db *db, struct err *err)
{
    bson_t *ping = BCON_NEW("ping", BCON_INT32(1));
    bson_error_t error;
    bool ok = mongoc_database_command_simple(db->database, ping, NULL, NULL, &error);
    bson_destroy(ping);
    return ok || store_error(err, &error, "ping");
}

// https://www.mongodb.com/docs/manual/reference/error-codes/ : the server or its state is in the
// way, not the request.
static bool code_may_pass(uint32_t code)
{
    static const uint32_t codes[] = {
        6,     // HostUnreachable
        7,     // HostNotFound
        24,    // LockTimeout
        46,    // LockBusy
        50,    // MaxTimeMSExpired
        64,    // WriteConcernFailed
        89,    // NetworkTimeout
        91,    // ShutdownInProgress
        112,   // WriteConflict
        133,   // FailedToSatisfyReadPreference
        189,   // PrimarySteppedDown
        262,   // ExceededTimeLimit
        9001,  // SocketException
        10107, // NotWritablePrimary
        11600, // InterruptedAtShutdown
        11602, // InterruptedDueToReplStateChange
        13435, // NotPrimaryNoSecondaryOk
        13436, // NotPrimaryOrSecondary
        14031, // OutOfDiskSpace
    };
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (codes[i] == code)
            return true;
    }
    return false;
}

static enum err_code classify(const bson_error_t *error)
{
    switch (error->domain) {
    case MONGOC_ERROR_STREAM:
    case MONGOC_ERROR_SERVER_SELECTION:
        return ERR_UNAVAILABLE;
    case MONGOC_ERROR_CLIENT:
        return error->code == MONGOC_ERROR_CLIENT_AUTHENTICATE ? ERR_DENIED : ERR_INTERNAL;
    case MONGOC_ERROR_SERVER:
    case MONGOC_ERROR_WRITE_CONCERN:
    case MONGOC_ERROR_COLLECTION:
        break;
    default:
        return ERR_INTERNAL;
    }
    if (error->code == 11000 || error->code == 11001)
        return ERR_CONFLICT;
    if (error->code == 13 || error->code == 18) // Unauthorized, AuthenticationFailed
        return ERR_DENIED;
    return code_may_pass(error->code) ? ERR_UNAVAILABLE : ERR_INTERNAL;
}

bool store_error(struct err *err, const bson_error_t *error, const char *what)
{
    return err_set(err, classify(error), "mongodb: %s: %s", what, error->message);
}
