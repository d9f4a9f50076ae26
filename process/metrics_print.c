// SPDX-License-Identifier: MIT
// Shared figures as others see them: sums, readiness, Prometheus' text (see metrics.h).

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "process/metrics_memory.h"

uint64_t metrics_value(const struct metrics *metrics, unsigned series)
{
    return metrics_sum(metrics, &metrics->series[series], 0);
}

/* --- readiness -----------------------------------------------------------------------------------
 */

static enum metrics_state state_of(const struct metrics_row *row,
                                   char why[sizeof(uint64_t) * METRICS_WHY_WORDS])
{
    for (unsigned try = 0;; try++) {
        uint64_t words[METRICS_WHY_WORDS];
        unsigned turn = atomic_load(&row->turn);
        for (unsigned i = 0; i < METRICS_WHY_WORDS; i++)
            words[i] = atomic_load(&row->why[i]);
        enum metrics_state state = (enum metrics_state)atomic_load(&row->state);
        if ((turn % 2 != 0 || turn != atomic_load(&row->turn)) && try < METRICS_TRIES)
            continue; // it is just being written
        memcpy(why, words, sizeof words);
        why[sizeof words - 1] = '\0';
        return state;
    }
}

bool metrics_ready(const struct metrics *metrics, char ret_why[128])
{
    unsigned processes = metrics->region->processes;
    for (unsigned i = 0; i < processes; i++) {
        char why[sizeof(uint64_t) * METRICS_WHY_WORDS];
        enum metrics_state state = state_of(&metrics->region->rows[i], why);
        if (state == METRICS_READY)
            continue;
        const char *text = state == METRICS_STARTING ? "it is starting" : why;
        if (processes == 1)
            snprintf(ret_why, 128, "%s", text);
        else
            snprintf(ret_why, 128, "process %u: %s", i, text);
        return false;
    }
    return true;
}

/* --- Prometheus' text ----------------------------------------------------------------------------
 */

static const char *type_name(enum metrics_type type)
{
    return type == METRICS_COUNTER ? "counter" : type == METRICS_HISTOGRAM ? "histogram" : "gauge";
}

static void print_value(const struct metrics *metrics, const struct metrics_series *series,
                        struct buf *out)
{
    uint64_t value = metrics_sum(metrics, series, 0);
    bool labels = *series->labels;
    if (value == 0 && labels && series->type == METRICS_COUNTER)
        return;
    buf_printf(out, "%s%s%s%s %" PRIu64 "\n", series->name, labels ? "{" : "", series->labels,
               labels ? "}" : "", value);
}

static void print_histogram(const struct metrics *metrics, const struct metrics_series *series,
                            struct buf *out)
{
    const char *comma = *series->labels ? "," : "";
    const char *open = *series->labels ? "{" : "", *close = *series->labels ? "}" : "";
    uint64_t count = 0;
    for (unsigned i = 0; i <= METRICS_BUCKETS; i++) {
        count += metrics_sum(metrics, series, i);
        buf_printf(out, "%s_bucket{%s%sle=\"%s\"} %" PRIu64 "\n", series->name, series->labels,
                   comma, i < METRICS_BUCKETS ? metrics_buckets[i].label : "+Inf", count);
    }
    buf_printf(out, "%s_sum%s%s%s %.6f\n%s_count%s%s%s %" PRIu64 "\n", series->name, open,
               series->labels, close,
               (double)metrics_sum(metrics, series, METRICS_BUCKETS + 1) / 1e6, series->name, open,
               series->labels, close, count);
}

void metrics_print(const struct metrics *metrics, struct buf *out)
{
    const char *name = "";
    for (unsigned i = 1; i < metrics->count; i++) {
        const struct metrics_series *series = &metrics->series[i];
        if (strcmp(name, series->name) != 0)
            buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", series->name, series->help,
                       series->name, type_name(series->type));
        name = series->name;
        if (series->type == METRICS_HISTOGRAM)
            print_histogram(metrics, series, out);
        else
            print_value(metrics, series, out);
    }
}
