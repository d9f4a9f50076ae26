// SPDX-License-Identifier: MIT
// Shared figures: declaring, raising, handing on (see metrics.h).

#include "process/metrics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "process/metrics_memory.h"

enum { MAGIC = 0x484d4601 }; // "HMF" and the version of this layout

// From the fastest stage to what Meta takes for no answer.
const struct metrics_bucket metrics_buckets[METRICS_BUCKETS] = {
    {50, "0.00005"}, {100, "0.0001"},  {250, "0.00025"}, {500, "0.0005"},
    {1000, "0.001"}, {2500, "0.0025"}, {5000, "0.005"},  {10000, "0.01"},
    {50000, "0.05"}, {250000, "0.25"}, {1000000, "1"},   {5000000, "5"},
};

/* --- memory --------------------------------------------------------------------------------------
 */

static size_t region_size(unsigned processes)
{
    return sizeof(struct metrics_region) + (processes + 1) * sizeof(struct metrics_row);
}

static struct metrics_region *region_map(int fd, size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static unsigned declare(struct metrics *metrics, enum metrics_type type, const char *name,
                        const char *help, const char *labels);

struct metrics *metrics_new(unsigned processes)
{
    struct metrics *metrics = x_alloc(sizeof *metrics);
    metrics->fd = memfd_create("hookmill-metrics", MFD_CLOEXEC);
    if (metrics->fd < 0 || ftruncate(metrics->fd, (off_t)region_size(processes)) != 0 ||
        !(metrics->region = region_map(metrics->fd, region_size(processes)))) {
        log_error("metrics.memory", "reason", strerror(errno));
        abort(); // as for any memory that is not to be had
    }
    metrics->region->magic = MAGIC;
    metrics->region->processes = processes;
    metrics->series = x_calloc(METRICS_SERIES_MAX, sizeof *metrics->series);
    metrics->mine = &metrics->region->rows[0];
    declare(metrics, METRICS_UNUSED, "", "", ""); // number 0 takes what found no room
    return metrics;
}

void metrics_free(struct metrics *metrics)
{
    if (!metrics)
        return;
    munmap(metrics->region, region_size(metrics->region->processes));
    if (metrics->before)
        munmap(metrics->before, region_size(metrics->before->processes));
    close(metrics->fd);
    for (unsigned i = 0; i < metrics->count; i++) {
        free(metrics->series[i].name);
        free(metrics->series[i].help);
        free(metrics->series[i].labels);
    }
    free(metrics->series);
    free(metrics);
}

/* --- declaring -----------------------------------------------------------------------------------
 */

static unsigned declare(struct metrics *metrics, enum metrics_type type, const char *name,
                        const char *help, const char *labels)
{
    unsigned slots =
        type == METRICS_HISTOGRAM || type == METRICS_UNUSED ? (unsigned)METRICS_HISTOGRAM_SLOTS : 1;
    unsigned number = metrics->count;
    struct metrics_name *shared = &metrics->region->names[number];
    char text[METRICS_NAME_MAX];
    int len = snprintf(text, sizeof text, "%s{%s}", name, labels);
    if (number >= METRICS_SERIES_MAX || metrics->slots + slots > METRICS_SLOTS_MAX ||
        len >= METRICS_NAME_MAX) {
        static bool said;
        if (!said)
            log_error("metrics.full", "series", name, "labels", labels);
        said = true;
        return 0;
    }
    memcpy(shared->text, text, (size_t)len + 1);
    shared->type = type;
    shared->slot = metrics->slots;
    metrics->series[number] = (struct metrics_series){.name = x_dup(name),
                                                      .help = x_dup(help),
                                                      .labels = x_dup(labels),
                                                      .type = type,
                                                      .slot = metrics->slots,
                                                      .before = -1};
    metrics->slots += slots;
    atomic_store(&metrics->region->names_used, ++metrics->count);
    return number;
}

unsigned metrics_counter(struct metrics *metrics, const char *name, const char *help,
                         const char *labels)
{
    return declare(metrics, METRICS_COUNTER, name, help, labels);
}

unsigned metrics_gauge(struct metrics *metrics, const char *name, const char *help,
                       const char *labels)
{
    return declare(metrics, METRICS_GAUGE, name, help, labels);
}

unsigned metrics_gauge_max(struct metrics *metrics, const char *name, const char *help,
                           const char *labels)
{
    return declare(metrics, METRICS_GAUGE_MAX, name, help, labels);
}

unsigned metrics_histogram(struct metrics *metrics, const char *name, const char *help,
                           const char *labels)
{
    return declare(metrics, METRICS_HISTOGRAM, name, help, labels);
}

/* --- raising -------------------------------------------------------------------------------------
 */

void metrics_attach(struct metrics *metrics, unsigned process)
{
    metrics->mine = &metrics->region->rows[process];
}

static _Atomic(uint64_t) *slot_of(struct metrics *metrics, unsigned series)
{
    return &metrics->mine->slots[metrics->series[series].slot];
}

void metrics_add(struct metrics *metrics, unsigned series, uint64_t n)
{
    atomic_fetch_add_explicit(slot_of(metrics, series), n, memory_order_relaxed);
}

void metrics_set(struct metrics *metrics, unsigned gauge, uint64_t value)
{
    atomic_store_explicit(slot_of(metrics, gauge), value, memory_order_relaxed);
}

void metrics_observe(struct metrics *metrics, unsigned histogram, int64_t us)
{
    _Atomic(uint64_t) *slots = slot_of(metrics, histogram);
    unsigned bucket = 0;
    while (bucket < METRICS_BUCKETS && us > metrics_buckets[bucket].us)
        bucket++;
    atomic_fetch_add_explicit(&slots[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&slots[METRICS_BUCKETS + 1], us > 0 ? (uint64_t)us : 0,
                              memory_order_relaxed);
}

/* --- readiness -----------------------------------------------------------------------------------
 */

static void set_state(struct metrics_row *row, enum metrics_state state, const char *why)
{
    uint64_t words[METRICS_WHY_WORDS] = {0};
    if (why)
        memcpy(words, why, strnlen(why, sizeof words - 1));
    atomic_fetch_add(&row->turn, 1);
    for (unsigned i = 0; i < METRICS_WHY_WORDS; i++)
        atomic_store(&row->why[i], words[i]);
    atomic_store(&row->state, state);
    atomic_fetch_add(&row->turn, 1);
}

void metrics_set_unready(struct metrics *metrics, const char *why)
{
    set_state(metrics->mine, why ? METRICS_UNREADY : METRICS_READY, why);
}

void metrics_detach(struct metrics *metrics, unsigned process)
{
    struct metrics_row *row = &metrics->region->rows[process];
    for (unsigned i = 0; i < metrics->count; i++) {
        enum metrics_type type = metrics->series[i].type;
        if (type == METRICS_GAUGE || type == METRICS_GAUGE_MAX)
            atomic_store(&row->slots[metrics->series[i].slot], 0);
    }
    // It may have died while it wrote.
    atomic_store(&row->turn, atomic_load(&row->turn) & ~1u);
    set_state(row, METRICS_UNREADY, "it has ended and is started again");
}

/* --- handing on ----------------------------------------------------------------------------------
 */

int metrics_fd(const struct metrics *metrics)
{
    return metrics->fd;
}

static struct metrics_region *region_adopt(int fd)
{
    struct stat stat;
    size_t size = fstat(fd, &stat) == 0 && stat.st_size > 0 ? (size_t)stat.st_size : 0;
    struct metrics_region *region =
        size >= sizeof(struct metrics_region) ? region_map(fd, size) : NULL;
    if (!region)
        return NULL;
    if (region->magic == MAGIC && region->processes <= METRICS_PROCESSES_MAX &&
        size == region_size(region->processes) &&
        atomic_load(&region->names_used) <= METRICS_SERIES_MAX)
        return region;
    munmap(region, size);
    return NULL;
}

static bool is_series(const struct metrics_name *name, const char *text, enum metrics_type type)
{
    return name->type == type && strncmp(name->text, text, METRICS_NAME_MAX) == 0 &&
           name->slot <= METRICS_SLOTS_MAX - METRICS_HISTOGRAM_SLOTS;
}

// The slot of a series in the region before. It is nearly always the same one.
static int slot_before(const struct metrics *metrics, unsigned number)
{
    const struct metrics_name *mine = &metrics->region->names[number];
    unsigned used = atomic_load(&metrics->before->names_used);
    for (unsigned i = 0; i < used; i++) {
        const struct metrics_name *name = &metrics->before->names[(number + i) % used];
        if (is_series(name, mine->text, (enum metrics_type)mine->type))
            return (int)name->slot;
    }
    return -1;
}

void metrics_inherit(struct metrics *metrics, int fd)
{
    metrics->before = region_adopt(fd);
    close(fd);
    if (!metrics->before) {
        log_warn("metrics.inherit", "reason", "not understood: counters start at 0");
        return;
    }
    for (unsigned i = 0; i < metrics->count; i++) {
        struct metrics_series *series = &metrics->series[i];
        if (series->type == METRICS_COUNTER || series->type == METRICS_HISTOGRAM)
            series->before = slot_before(metrics, i);
    }
}

static uint64_t sum_rows(const struct metrics_region *region, unsigned slot, bool max)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i <= region->processes; i++) {
        uint64_t value = atomic_load_explicit(&region->rows[i].slots[slot], memory_order_relaxed);
        sum = !max ? sum + value : value > sum ? value : sum;
    }
    return sum;
}

uint64_t metrics_sum(const struct metrics *metrics, const struct metrics_series *series,
                     unsigned offset)
{
    for (unsigned try = 0;; try++) {
        unsigned turn = atomic_load(&metrics->region->turn);
        uint64_t sum =
            sum_rows(metrics->region, series->slot + offset, series->type == METRICS_GAUGE_MAX);
        if (series->before >= 0 && !atomic_load(&metrics->region->settled))
            sum += sum_rows(metrics->before, (unsigned)series->before + offset, false);
        if ((turn % 2 == 0 && turn == atomic_load(&metrics->region->turn)) || try == METRICS_TRIES)
            return sum;
    }
}

void metrics_settle(struct metrics *metrics)
{
    struct metrics_region *region = metrics->region;
    if (!metrics->before || atomic_load(&region->settled))
        return;
    atomic_fetch_add(&region->turn, 1);
    for (unsigned i = 0; i < metrics->count; i++) {
        const struct metrics_series *series = &metrics->series[i];
        unsigned slots = series->type == METRICS_HISTOGRAM ? (unsigned)METRICS_HISTOGRAM_SLOTS : 1;
        for (unsigned k = 0; series->before >= 0 && k < slots; k++)
            atomic_fetch_add(&region->rows[region->processes].slots[series->slot + k],
                             sum_rows(metrics->before, (unsigned)series->before + k, false));
    }
    atomic_store(&region->settled, 1);
    atomic_fetch_add(&region->turn, 1);
}
