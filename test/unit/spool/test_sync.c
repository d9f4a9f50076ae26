// SPDX-License-Identifier: MIT
// Whose record is told to be on disk: fdatasync() is wrapped by the linker, held up, made to fail.

#include <errno.h>
#include <pthread.h>

#include "test/unit/spool/fixture.h"

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

static struct disk {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool hangs;
    int error;         // what the next calls fail with
    unsigned asked;    // calls that began
    unsigned answered; // calls that ended
} disk = {.mutex = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};

int __wrap_fdatasync(int fd)
{
    pthread_mutex_lock(&disk.mutex);
    disk.asked++;
    while (disk.hangs)
        pthread_cond_wait(&disk.cond, &disk.mutex);
    disk.answered++;
    int error = disk.error;
    pthread_mutex_unlock(&disk.mutex);
    if (error == 0)
        return __real_fdatasync(fd);
    errno = error;
    return -1;
}

static void disk_set(bool hangs, int error)
{
    pthread_mutex_lock(&disk.mutex);
    disk.hangs = hangs;
    disk.error = error;
    pthread_cond_broadcast(&disk.cond);
    pthread_mutex_unlock(&disk.mutex);
}

static unsigned disk_asked(void)
{
    pthread_mutex_lock(&disk.mutex);
    unsigned asked = disk.asked;
    pthread_mutex_unlock(&disk.mutex);
    return asked;
}

static int setup(void **state)
{
    disk_set(false, 0);
    return fixture_setup(state);
}

static int teardown(void **state)
{
    disk_set(false, 0); // whatever failed: the spool's thread has to end
    return fixture_teardown(state);
}

static void nothing_is_told_before_the_disk_has_it(void **state)
{
    struct fixture *f = *state;
    fixture_open(f, 1, 0);
    disk_set(true, 0);
    unsigned asked = disk_asked();
    struct done done = {0};
    spool_append(f->spool, 0, "one", 3, 1, on_done, &done);
    wait_for(f, disk_asked() > asked);
    for (int i = 0; i < 20; i++)
        event_base_loop(f->base, EVLOOP_ONCE); // it turns all the same
    assert_false(done.called);
    assert_true(spool_holds(f->spool, 0));
    disk_set(false, 0);
    wait_for(f, done.called);
    assert_int_equal(done.code, ERR_NONE);
    assert_drains(f, 0, "one ");
}

static void what_comes_while_the_disk_works_is_told_to_it_at_once(void **state)
{
    struct fixture *f = *state;
    enum { MANY = 50 };
    struct done first = {0}, done[MANY] = {{0}};
    fixture_open(f, 1, 0);
    disk_set(true, 0);
    unsigned asked = disk_asked();
    spool_append(f->spool, 0, "first", 5, 1, on_done, &first);
    wait_for(f, disk_asked() > asked);
    for (int i = 0; i < MANY; i++)
        spool_append(f->spool, 0, "x", 1, 1, on_done, &done[i]);
    disk_set(false, 0);
    wait_for(f, done[MANY - 1].called);
    assert_int_equal(disk_asked() - asked, 2); // the first one's, and one for all the others
    for (int i = 0; i < MANY; i++)
        assert_true(done[i].called && done[i].code == ERR_NONE);
}

static void what_the_disk_refuses_is_refused(void **state)
{
    struct fixture *f = *state;
    fixture_open(f, 1, 0);
    assert_int_equal(append(f, 0, "before"), ERR_NONE);
    disk_set(false, EIO);
    assert_int_equal(append(f, 0, "lost"), ERR_UNAVAILABLE);
    disk_set(false, 0);
    assert_int_equal(append(f, 0, "after"), ERR_NONE);
    assert_drains(f, 0, "before after ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_told_before_the_disk_has_it, setup, teardown),
        cmocka_unit_test_setup_teardown(what_comes_while_the_disk_works_is_told_to_it_at_once,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(what_the_disk_refuses_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests_name("the spool and fdatasync", tests, NULL, NULL);
}
