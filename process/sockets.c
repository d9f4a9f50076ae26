// SPDX-License-Identifier: MIT
// Listening sockets and the supervisor's table of them (see sockets.h).

#include "process/sockets.h"

#include <errno.h>
#include <linux/filter.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 4096 };

/* --- one socket ----------------------------------------------------------------------------------
 */

static bool bind_and_listen(int fd, const struct addrinfo *address, bool shared_port, bool listens)
{
    const int on = 1;
    return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
           (!shared_port || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0) &&
           bind(fd, address->ai_addr, address->ai_addrlen) == 0 &&
           (!listens || listen(fd, BACKLOG) == 0);
}

// -1 with errno.
static int open_socket(const struct addrinfo *address, bool shared_port, bool listens)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind_and_listen(fd, address, shared_port, listens))
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static struct addrinfo *resolve(const char *address, int port, struct err *err)
{
    char service[16];
    snprintf(service, sizeof service, "%d", port);
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found;
    int failure = getaddrinfo(address, service, &hints, &found);
    if (failure == 0)
        return found;
    err_set(err, ERR_CONFIG, "listen address '%s' port %d: %s", address, port,
            gai_strerror(failure));
    return NULL;
}

int socket_listen(const char *address, int port, bool shared_port, struct err *err)
{
    struct addrinfo *found = resolve(address, port, err);
    if (!found)
        return -1;
    int fd = open_socket(found, shared_port, true);
    if (fd < 0)
        err_set(err, ERR_UNAVAILABLE, "cannot listen on %s port %d: %s", address, port,
                strerror(errno));
    freeaddrinfo(found);
    return fd;
}

// Another program that shares its port, too, would silently get a part of our connections.
static bool port_is_free(const char *address, int port, struct err *err)
{
    struct addrinfo *found = resolve(address, port, err);
    if (!found)
        return false;
    int fd = open_socket(found, false, false);
    if (fd < 0)
        err_set(err, ERR_UNAVAILABLE, "cannot listen on %s port %d: %s", address, port,
                strerror(errno));
    freeaddrinfo(found);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

int socket_port(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {0};
    socklen_t len = sizeof address;
    if (getsockname(fd, &address.any, &len) != 0)
        return 0;
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

// A filter that lets no packet through: SYNs and the last step of a handshake go unheard.
void socket_refuse(int fd)
{
    struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
    const struct sock_fprog program = {.len = 1, .filter = &nothing};
    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

/* --- the table -----------------------------------------------------------------------------------
 */

static struct socket_entry *add(struct sockets *sockets, const char *address, int port, int index,
                                int fd)
{
    sockets->entries = x_realloc(sockets->entries, sockets->count + 1, sizeof *sockets->entries);
    struct socket_entry *entry = &sockets->entries[sockets->count++];
    *entry =
        (struct socket_entry){.address = x_dup(address), .port = port, .index = index, .fd = fd};
    return entry;
}

bool sockets_adopt(struct sockets *sockets, const char *address, int port, int index, int fd)
{
    int listens = 0;
    socklen_t len = sizeof listens;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) != 0 || !listens)
        return false;
    add(sockets, address, port, index, fd);
    return true;
}

static bool is_of_row(const struct socket_entry *entry, const struct supervisor_socket *row)
{
    return strcmp(entry->address, row->address) == 0 && entry->port == row->port &&
           (entry->index >= 0) == row->per_child;
}

static struct socket_entry *find(const struct sockets *sockets, const struct supervisor_socket *row,
                                 int index)
{
    for (size_t i = 0; i < sockets->count; i++)
        if (is_of_row(&sockets->entries[i], row) && sockets->entries[i].index == index)
            return &sockets->entries[i];
    return NULL;
}

const struct socket_entry *sockets_find(const struct sockets *sockets,
                                        const struct supervisor_socket *row, unsigned child)
{
    return find(sockets, row, row->per_child ? (int)child : -1);
}

// The port that the row's sockets have: the configured one, or the one that the first one got.
static int port_of_row(const struct sockets *sockets, const struct supervisor_socket *row)
{
    for (size_t i = 0; i < sockets->count; i++)
        if (is_of_row(&sockets->entries[i], row))
            return socket_port(sockets->entries[i].fd);
    return row->port;
}

static bool has_row(const struct sockets *sockets, const struct supervisor_socket *row)
{
    for (size_t i = 0; i < sockets->count; i++)
        if (is_of_row(&sockets->entries[i], row))
            return true;
    return false;
}

static bool open_row(struct sockets *sockets, const struct supervisor_socket *row,
                     unsigned processes, struct err *err)
{
    if (row->per_child && row->port != 0 && !has_row(sockets, row) &&
        !port_is_free(row->address, row->port, err))
        return false;
    for (unsigned child = 0; child < (row->per_child ? processes : 1); child++) {
        if (sockets_find(sockets, row, child))
            continue;
        int fd = socket_listen(row->address, port_of_row(sockets, row), row->per_child, err);
        if (fd < 0)
            return false;
        add(sockets, row->address, row->port, row->per_child ? (int)child : -1, fd);
    }
    for (size_t i = 0; i < sockets->count; i++)
        sockets->entries[i].wanted |= is_of_row(&sockets->entries[i], row);
    return true;
}

bool sockets_open(struct sockets *sockets, const struct supervisor_socket *rows, size_t row_count,
                  unsigned processes, struct err *err)
{
    for (size_t i = 0; i < row_count; i++)
        if (!open_row(sockets, &rows[i], processes, err))
            return false;
    return true;
}

int *sockets_of_child(const struct sockets *sockets, const struct supervisor_socket *rows,
                      size_t row_count, unsigned processes, unsigned child, size_t *ret_count)
{
    int *fds = x_calloc(sockets->count + 1, sizeof *fds);
    size_t count = 0;
    for (size_t i = 0; i < row_count; i++)
        fds[count++] = sockets_find(sockets, &rows[i], child)->fd;
    for (size_t i = 0; i < sockets->count; i++) {
        const struct socket_entry *entry = &sockets->entries[i];
        if (entry->wanted && entry->index >= (int)processes &&
            (unsigned)entry->index % processes == child)
            fds[count++] = entry->fd;
    }
    *ret_count = count;
    return fds;
}

void sockets_refuse(struct sockets *sockets, bool only_unwanted)
{
    for (size_t i = 0; i < sockets->count; i++)
        if (!only_unwanted || !sockets->entries[i].wanted)
            socket_refuse(sockets->entries[i].fd);
}

void sockets_close_unwanted(struct sockets *sockets)
{
    size_t kept = 0;
    for (size_t i = 0; i < sockets->count; i++) {
        if (sockets->entries[i].wanted) {
            sockets->entries[kept++] = sockets->entries[i];
            continue;
        }
        close(sockets->entries[i].fd);
        free(sockets->entries[i].address);
    }
    sockets->count = kept;
}

void sockets_deinit(struct sockets *sockets)
{
    for (size_t i = 0; i < sockets->count; i++) {
        close(sockets->entries[i].fd);
        free(sockets->entries[i].address);
    }
    free(sockets->entries);
    *sockets = (struct sockets){0};
}
