// SPDX-License-Identifier: MIT
/*
 * The figures of all processes of one supervisor, in memory that they share: each process raises
 * its own counters, whoever is asked prints the sums.
 *
 * Made before forking: series are declared with their names and labels, then the processes attach.
 * Raising a counter is one relaxed atomic add in the process's own row. A process that replaces a
 * dead one takes over its row and its sums, so counters never fall while the supervisor lives.
 * Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct metrics;

enum { METRICS_SERIES_MAX = 16384, METRICS_BUCKETS = 12, METRICS_PROCESSES_MAX = 256 };

struct metrics *metrics_new(unsigned processes);
void metrics_free(struct metrics *metrics);

/*
 * Declare, in the parent or identically in each process before the first use. `labels` is
 * Prometheus' own form, e.g. app="demo",code="200", or "". Series of one name are declared one
 * after the other and share type and help of the first; series declared in a row have numbers in a
 * row. Returns the series' number. Series of a counter that is 0 are not printed when they have
 * labels. Past METRICS_SERIES_MAX, what is declared counts nothing (logged once).
 */
unsigned metrics_counter(struct metrics *metrics, const char *name, const char *help,
                         const char *labels);
unsigned metrics_gauge(struct metrics *metrics, const char *name, const char *help,
                       const char *labels); // summed over processes
unsigned metrics_gauge_max(struct metrics *metrics, const char *name, const char *help,
                           const char *labels); // the largest of the processes'
// Buckets from 50 us to 5 s; observed in microseconds, printed in seconds.
unsigned metrics_histogram(struct metrics *metrics, const char *name, const char *help,
                           const char *labels);

// This process is number `process` (0 …) from now on.
void metrics_attach(struct metrics *metrics, unsigned process);
// That process has ended (the supervisor says so): its gauges are 0, and it is not ready until a
// successor says that it is.
void metrics_detach(struct metrics *metrics, unsigned process);
void metrics_add(struct metrics *metrics, unsigned series, uint64_t n);
void metrics_set(struct metrics *metrics, unsigned gauge, uint64_t value);
void metrics_observe(struct metrics *metrics, unsigned histogram, int64_t us);
uint64_t metrics_value(const struct metrics *metrics, unsigned series); // sum over processes

// Whether this process can do its work; NULL = ready. At most 95 bytes of `why` are kept.
void metrics_set_unready(struct metrics *metrics, const char *why);
// True when all processes are ready; else ret_why says which is not.
bool metrics_ready(const struct metrics *metrics, char ret_why[128]);

void metrics_print(const struct metrics *metrics, struct buf *out); // Prometheus' text form

/*
 * Counters go on when a program starts over in place: it inherits the memory of the one before by
 * its descriptor, and adds what is there, and what old processes still add, to what it prints.
 * Series are found by name and labels. metrics_inherit takes `fd`, after all declarations and
 * before forking; memory that it does not understand counts nothing. metrics_settle, in the parent,
 * once no old process is left: takes the sums over for good.
 */
int metrics_fd(const struct metrics *metrics);
void metrics_inherit(struct metrics *metrics, int fd);
void metrics_settle(struct metrics *metrics);
