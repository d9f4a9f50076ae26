// SPDX-License-Identifier: MIT
// The pool of threads, without a server: where jobs run, what is canceled, and what an address that
// is wrong says.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <event2/event.h>
#include <pthread.h>
#include <string.h>

#include "models/store.h"

// Nothing listens on port 1 of this machine.
static const char NOBODY[] = "mongodb://user:hunter2@127.0.0.1:1/shop?serverSelectionTimeoutMS=200";

struct job {
    pthread_t thread;
    unsigned ran, done;
    enum err_code code;
    struct event_base *base;
    struct store *store;
};

static void run(struct db *db, void *arg)
{
    struct job *job = arg;
    assert_string_equal(mongoc_database_get_name(db->database), "shop");
    job->thread = pthread_self();
    job->ran++;
}

static void done(void *arg, const struct err *err)
{
    struct job *job = arg;
    job->done++;
    job->code = err != NULL ? err->code : ERR_NONE;
    if (job->base != NULL)
        event_base_loopbreak(job->base);
}

static struct store *make(struct event_base *base, const char *uri, struct err *err)
{
    struct store_config config = {.uri = uri, .threads = 1};
    return store_new(base, &config, err);
}

static void a_job_runs_elsewhere_and_is_done_on_the_loop(void **state)
{
    struct event_base *base = event_base_new();
    struct err err = {0};
    struct store *store = make(base, NOBODY, &err);
    struct job job = {.base = base};
    assert_non_null(store);
    store_run(store, run, done, &job);
    assert_int_equal(job.done, 0);
    event_base_dispatch(base);
    assert_int_equal(job.ran, 1);
    assert_int_equal(job.done, 1);
    assert_int_equal(job.code, ERR_NONE);
    assert_false(pthread_equal(job.thread, pthread_self()));
    store_free(store);
    event_base_free(base);
}

static void block(struct db *db, void *arg)
{
    struct err err = {0};
    assert_false(store_ping(db, &err)); // as long as server selection takes
}

static void queue_another(void *arg, const struct err *err)
{
    struct job *job = arg;
    job->base = NULL;
    store_run(job->store, run, done, job);
}

static void closing_cancels_what_has_not_begun(void **state)
{
    struct event_base *base = event_base_new();
    struct err err = {0};
    struct store *store = make(base, NOBODY, &err);
    struct job first = {0}, queued = {0}, late = {.store = store};
    assert_non_null(store);
    store_run(store, block, done, &first); // may or may not have begun when the store closes
    store_run(store, run, done, &queued);
    store_run(store, run, queue_another, &late);
    store_free(store);
    assert_int_equal(first.done, 1);
    assert_int_equal(queued.done, 1);
    assert_int_equal(queued.ran + (queued.code == ERR_CANCELED ? 1 : 0), 1);
    assert_int_equal(late.done, 1);
    assert_int_equal(late.code, ERR_CANCELED);
    event_base_free(base);
}

static void a_server_that_is_away_is_unavailable(void **state)
{
    struct err err = {0};
    struct store *store = make(NULL, NOBODY, &err);
    struct db db;
    assert_non_null(store);
    store_borrow(store, &db);
    assert_false(store_ping(&db, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    assert_null(strstr(err.text, "hunter2"));
    store_return(store, &db);
    store_free(store);
}

static void a_wrong_address_is_told_without_its_password(void **state)
{
    static const char *const cases[] = {"",
                                        "http://user:hunter2@host/db",
                                        "mongodb://",
                                        "mongodb://user:hunter2@/x@y:z:hunter2",
                                        "mongodb://user:hunter2@host:99999999/db",
                                        "mongodb://us:er:hunter2@ho st/db"};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err = {0};
        if (make(NULL, cases[i], &err) != NULL)
            fail_msg("accepted: %s", cases[i]);
        assert_int_equal(err.code, ERR_CONFIG);
        assert_null(strstr(err.text, "hunter2"));
    }
}

static void the_drivers_errors_have_our_codes(void **state)
{
    static const struct {
        uint32_t domain, code;
        enum err_code want;
    } cases[] = {
        {MONGOC_ERROR_SERVER, 11000, ERR_CONFLICT},
        {MONGOC_ERROR_SERVER, 10107, ERR_UNAVAILABLE},
        {MONGOC_ERROR_SERVER, 13, ERR_DENIED},
        {MONGOC_ERROR_SERVER, 121, ERR_INTERNAL},
        {MONGOC_ERROR_STREAM, 4, ERR_UNAVAILABLE},
        {MONGOC_ERROR_SERVER_SELECTION, 13053, ERR_UNAVAILABLE},
        {MONGOC_ERROR_WRITE_CONCERN, 64, ERR_UNAVAILABLE},
        {MONGOC_ERROR_CLIENT, MONGOC_ERROR_CLIENT_AUTHENTICATE, ERR_DENIED},
        {MONGOC_ERROR_BSON, 2, ERR_INTERNAL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bson_error_t error = {.domain = cases[i].domain, .code = cases[i].code, .message = "why"};
        struct err err = {0};
        assert_false(store_error(&err, &error, "flows"));
        assert_int_equal(err.code, cases[i].want);
        assert_string_equal(err.text, "mongodb: flows: why");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_runs_elsewhere_and_is_done_on_the_loop),
        cmocka_unit_test(closing_cancels_what_has_not_begun),
        cmocka_unit_test(a_server_that_is_away_is_unavailable),
        cmocka_unit_test(a_wrong_address_is_told_without_its_password),
        cmocka_unit_test(the_drivers_errors_have_our_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
