// SPDX-License-Identifier: MIT
// Figures that processes share: sums over them, over the dead, and over a program's successor.

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "process/metrics.h"

static char *text_of(const struct metrics *metrics)
{
    struct buf out = {0};
    metrics_print(metrics, &out);
    return buf_take(&out);
}

static void assert_prints(const struct metrics *metrics, const char *line)
{
    char *text = text_of(metrics);
    if (!strstr(text, line))
        fail_msg("missing %s in %s", line, text);
    free(text);
}

// In a process of its own, as the supervisor's children are.
static void in_child(struct metrics *metrics, unsigned process, unsigned counter, uint64_t n)
{
    pid_t pid = fork();
    if (pid == 0) {
        metrics_attach(metrics, process);
        metrics_add(metrics, counter, n);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void counters_are_summed_over_processes_and_outlive_them(void **state)
{
    struct metrics *metrics = metrics_new(3);
    unsigned counter = metrics_counter(metrics, "things_total", "Things.", "");
    for (unsigned process = 0; process < 3; process++)
        in_child(metrics, process, counter, 10 + process);
    assert_int_equal(metrics_value(metrics, counter), 33);
    metrics_detach(metrics, 1); // died
    in_child(metrics, 1, counter, 4);
    assert_int_equal(metrics_value(metrics, counter), 37);
    assert_prints(metrics, "# HELP things_total Things.\n# TYPE things_total counter\n"
                           "things_total 37\n");
    metrics_free(metrics);
}

static void gauges_end_with_their_process(void **state)
{
    struct metrics *metrics = metrics_new(2);
    unsigned sum = metrics_gauge(metrics, "open", "Open.", "");
    unsigned most = metrics_gauge_max(metrics, "waiting", "Waiting.", "");
    for (unsigned process = 0; process < 2; process++) {
        metrics_attach(metrics, process);
        metrics_set(metrics, sum, 5);
        metrics_set(metrics, most, 7 - process);
    }
    assert_int_equal(metrics_value(metrics, sum), 10);
    assert_int_equal(metrics_value(metrics, most), 7);
    metrics_detach(metrics, 0);
    assert_int_equal(metrics_value(metrics, sum), 5);
    assert_int_equal(metrics_value(metrics, most), 6);
    metrics_free(metrics);
}

static void series_of_one_name_share_a_head_and_zeros_are_left_out(void **state)
{
    struct metrics *metrics = metrics_new(1);
    unsigned a = metrics_counter(metrics, "x_total", "X.", "app=\"a\"");
    metrics_counter(metrics, "x_total", "X.", "app=\"b\"");
    metrics_counter(metrics, "y_total", "Y.", "");
    metrics_add(metrics, a, 2);
    char *text = text_of(metrics);
    assert_string_equal(text, "# HELP x_total X.\n# TYPE x_total counter\nx_total{app=\"a\"} 2\n"
                              "# HELP y_total Y.\n# TYPE y_total counter\ny_total 0\n");
    free(text);
    metrics_free(metrics);
}

static void histograms_are_cumulative_and_in_seconds(void **state)
{
    struct metrics *metrics = metrics_new(2);
    unsigned h = metrics_histogram(metrics, "took_seconds", "Took.", "stage=\"parse\"");
    metrics_observe(metrics, h, 50);
    metrics_attach(metrics, 1);
    metrics_observe(metrics, h, 51);
    metrics_observe(metrics, h, 9000000);
    assert_prints(metrics, "took_seconds_bucket{stage=\"parse\",le=\"0.00005\"} 1\n"
                           "took_seconds_bucket{stage=\"parse\",le=\"0.0001\"} 2\n");
    assert_prints(metrics, "took_seconds_bucket{stage=\"parse\",le=\"5\"} 2\n"
                           "took_seconds_bucket{stage=\"parse\",le=\"+Inf\"} 3\n"
                           "took_seconds_sum{stage=\"parse\"} 9.000101\n"
                           "took_seconds_count{stage=\"parse\"} 3\n");
    metrics_free(metrics);
}

static void all_processes_must_be_ready(void **state)
{
    struct metrics *metrics = metrics_new(2);
    char why[128];
    assert_false(metrics_ready(metrics, why));
    assert_string_equal(why, "process 0: it is starting");
    metrics_set_unready(metrics, NULL);
    metrics_attach(metrics, 1);
    metrics_set_unready(metrics, "Redis is away");
    assert_false(metrics_ready(metrics, why));
    assert_string_equal(why, "process 1: Redis is away");
    metrics_set_unready(metrics, NULL);
    assert_true(metrics_ready(metrics, why));
    metrics_detach(metrics, 0);
    assert_false(metrics_ready(metrics, why));
    char longest[300];
    memset(longest, 'w', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    metrics_attach(metrics, 0);
    metrics_set_unready(metrics, longest);
    assert_false(metrics_ready(metrics, why));
    assert_int_equal(strlen(why), strlen("process 0: ") + 95);
    metrics_free(metrics);
}

static void a_successor_goes_on_counting(void **state)
{
    struct metrics *old = metrics_new(1);
    metrics_counter(old, "gone_total", "Of the old program alone.", "");
    unsigned before = metrics_counter(old, "things_total", "Things.", "app=\"a\"");
    unsigned histogram = metrics_histogram(old, "took_seconds", "Took.", "");
    unsigned gauge = metrics_gauge(old, "open", "Open.", "");
    metrics_add(old, before, 5);
    metrics_observe(old, histogram, 1000000);
    metrics_set(old, gauge, 3);

    struct metrics *new = metrics_new(2);
    unsigned after = metrics_counter(new, "things_total", "Things.", "app=\"a\"");
    unsigned other = metrics_counter(new, "things_total", "Things.", "app=\"b\"");
    metrics_histogram(new, "took_seconds", "Took.", "");
    unsigned open = metrics_gauge(new, "open", "Open.", "");
    metrics_inherit(new, dup(metrics_fd(old)));
    metrics_add(new, after, 1);
    assert_int_equal(metrics_value(new, after), 6);
    metrics_add(old, before, 2); // an old child is still at work
    assert_int_equal(metrics_value(new, after), 8);
    assert_int_equal(metrics_value(new, other), 0);
    assert_int_equal(metrics_value(new, open), 0);
    metrics_settle(new);
    metrics_settle(new); // once is enough
    assert_int_equal(metrics_value(new, after), 8);
    assert_prints(new, "took_seconds_sum 1.000000\ntook_seconds_count 1\n");

    struct metrics *third = metrics_new(1);
    unsigned last = metrics_counter(third, "things_total", "Things.", "app=\"a\"");
    metrics_inherit(third, dup(metrics_fd(new)));
    assert_int_equal(metrics_value(third, last), 8);
    metrics_free(third);
    metrics_free(new);
    metrics_free(old);
}

static void memory_that_is_not_understood_counts_nothing(void **state)
{
    struct metrics *metrics = metrics_new(1);
    unsigned counter = metrics_counter(metrics, "things_total", "Things.", "");
    metrics_inherit(metrics, open("/dev/null", O_RDONLY | O_CLOEXEC));
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), 64 << 20), 0);
    metrics_inherit(metrics, dup(fileno(file)));
    fclose(file);
    assert_int_equal(metrics_value(metrics, counter), 0);
    metrics_free(metrics);
}

static void past_the_bound_nothing_is_counted_and_nothing_breaks(void **state)
{
    struct metrics *metrics = metrics_new(1);
    unsigned last = 1;
    for (int i = 0; i < METRICS_SERIES_MAX + 10; i++) {
        char labels[32];
        snprintf(labels, sizeof labels, "n=\"%d\"", i);
        last = metrics_counter(metrics, "x_total", "X.", labels);
    }
    assert_int_equal(last, 0);
    metrics_add(metrics, last, 1);
    char *text = text_of(metrics);
    assert_string_equal(text, "# HELP x_total X.\n# TYPE x_total counter\n");
    free(text);
    metrics_free(metrics);
}

int main(void)
{
    mem_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_are_summed_over_processes_and_outlive_them),
        cmocka_unit_test(gauges_end_with_their_process),
        cmocka_unit_test(series_of_one_name_share_a_head_and_zeros_are_left_out),
        cmocka_unit_test(histograms_are_cumulative_and_in_seconds),
        cmocka_unit_test(all_processes_must_be_ready),
        cmocka_unit_test(a_successor_goes_on_counting),
        cmocka_unit_test(memory_that_is_not_understood_counts_nothing),
        cmocka_unit_test(past_the_bound_nothing_is_counted_and_nothing_breaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
