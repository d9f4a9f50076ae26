// SPDX-License-Identifier: MIT
/*
 * What a supervisor leaves to the program that takes its place in the same process: sockets, the
 * memory of the figures, the children that still serve. It travels in one environment variable,
 * with the descriptors left open. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "process/sockets.h"

struct handover {
    bool given; // there is one
    struct sockets sockets;
    int metrics_fd; // -1 = none
    pid_t *children;
    size_t child_count;
};

/*
 * Reads and removes the variable. One that was made by another process than `writer` is not for us:
 * then the handover is empty.
 */
void handover_read(struct handover *handover, pid_t writer);
void handover_deinit(struct handover *handover); // its sockets are closed, unless they were taken

/*
 * Executes `program` with `argv` in this process. Returns only when that failed, with errno, and
 * with everything as it was.
 */
void handover_execute(const struct handover *handover, const char *program, char **argv);

/*
 * Starts `program` with `argv` and `--check`; `ret_fd` is what it says on both outputs, not
 * blocking. -1 when it could not be started.
 */
pid_t handover_try(const struct handover *handover, const char *program, char **argv, int *ret_fd);

// The program that this process was started from: where it was then, whatever lies there now. The
// caller frees; NULL when it cannot be told.
MUST_USE char *handover_program(char **argv);
