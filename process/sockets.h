// SPDX-License-Identifier: MIT
/*
 * Listening sockets: opening one, and the table of those that a supervisor owns and hands on to the
 * program that takes its place. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "process/supervisor.h"

/*
 * Binds and listens; not blocking, closed on exec. With `shared_port` several sockets may have the
 * same port, and the kernel spreads connections over them. -1 with err.
 */
MUST_USE int socket_listen(const char *address, int port, bool shared_port, struct err *err);
int socket_port(int fd);
/*
 * From now on no connection gets into the socket's queue; what is in it can still be accepted, and
 * lives on. Clients try again, until the socket is closed and they are refused.
 */
void socket_refuse(int fd);

struct socket_entry {
    char *address; // as configured
    int port;      // as configured: 0 = any
    int index;     // the child's; -1 = shared by all
    int fd;
    bool wanted; // by a row of the table
};

// A zeroed struct is an empty table.
struct sockets {
    struct socket_entry *entries;
    size_t count;
};

// Takes over a descriptor that the program before has left. False when it is no listening socket.
bool sockets_adopt(struct sockets *sockets, const char *address, int port, int index, int fd);
// Opens what the rows want and is not there.
MUST_USE bool sockets_open(struct sockets *sockets, const struct supervisor_socket *rows,
                           size_t row_count, unsigned processes, struct err *err);
// The descriptors of one child (see struct supervised); the caller frees.
MUST_USE int *sockets_of_child(const struct sockets *sockets, const struct supervisor_socket *rows,
                               size_t row_count, unsigned processes, unsigned child,
                               size_t *ret_count);
const struct socket_entry *sockets_find(const struct sockets *sockets,
                                        const struct supervisor_socket *row, unsigned child);
void sockets_refuse(struct sockets *sockets, bool only_unwanted);
void sockets_close_unwanted(struct sockets *sockets);
void sockets_deinit(struct sockets *sockets); // closes all
