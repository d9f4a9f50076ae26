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
 * No connection is reset by any of this: sockets are never closed before the last process that may
 * accept from them has ended; and before the last children are told to end, the kernel is told to
 * let no further connection into the sockets' queues, so that what is in them can be emptied.
 *
 * What a child owes for it: on SIGTERM or SIGINT it goes on accepting until the queues of its
 * sockets are empty, answers what is under way, and returns from `run`. Its handlers are to be
 * there before supervised_ready(); until then these signals wait.
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
    unsigned index; // 0 … processes − 1
    /*
     * This child's listening descriptors, not blocking: one per row, in the order of the table,
     * then those that a supervisor with more children left behind. Not the child's to close.
     */
    const int *sockets;
    size_t socket_count;
    struct metrics *metrics; // attached
    int ready_fd;            // supervised_ready() writes to it; -1 = nobody is told
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

/*
 * For `--check`: whether a supervisor with this configuration would get its sockets, given those
 * that the running one holds. The caller looks at the rest of what its children need, and calls
 * supervisor_checked() at the end, with nothing but that on standard output.
 */
MUST_USE bool supervisor_check(const struct supervisor_config *config, struct err *err);
void supervisor_checked(void);
