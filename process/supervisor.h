// SPDX-License-Identifier: MIT
/*
 * The parent of N processes of one kind (listeners, workers): owns the listening sockets and the
 * shared figures, starts the children, starts one that died again with back-off, and ends when all
 * have ended. It opens no other connection and runs no thread.
 *
 *   SIGTERM, SIGINT   children end gracefully; the supervisor after them
 *   SIGHUP            starts over in place: the same process id executes the program (a new one, if
 *                     it was replaced) with the same arguments, sockets and configuration file. The
 *                     new children serve first, then the old ones end gracefully. Tried out first
 *                     (`--check`): what would not start changes nothing and is logged
 *
 * Since sockets are never closed before the last process that may accept from them has ended, no
 * connection is reset by any of this.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "process/metrics.h"

// A listening socket: one per child when `per_child` (SO_REUSEPORT), else one that all share.
struct supervisor_socket {
    const char *address;
    int port; // 0 = a free one
    bool per_child;
};

struct supervised {
    unsigned index;          // 0 … processes − 1
    const int *sockets;      // this child's listening descriptors, in the order of the table
    struct metrics *metrics; // attached
    int ready_fd;            // supervised_ready() writes to it
};
// Tells the supervisor that this child serves. Once.
void supervised_ready(struct supervised *self);

struct supervisor_config {
    const char *name; // for logs: "listener", "worker"
    unsigned processes;
    const struct supervisor_socket *sockets;
    size_t socket_count;
    struct metrics *metrics;                                          // made for `processes`
    bool (*run)(void *arg, struct supervised *self, struct err *err); // the child's life
    void *arg;
    void (*ready)(void *arg, const int *ports); // all children serve for the first time
    char **argv;                                // of this program, for SIGHUP
    int stop_ms; // children that are not gone so long after SIGTERM are killed
};

// Returns the exit status. Children return from it too, inside exit().
int supervise(const struct supervisor_config *config);
