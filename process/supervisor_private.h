// SPDX-License-Identifier: MIT
// What supervisor.c (children, signals) and reload.c (starting over) share.
#pragma once

#include <signal.h>
#include <stdint.h>

#include "process/handover.h"
#include "process/supervisor.h"

struct child {
    pid_t pid; // 0 = none
    bool ready;
    int64_t started_ms, restart_at_ms, backoff_ms;
};

// The children of the program before, while they still serve or answer what they have.
struct old_children {
    pid_t *pids;
    size_t count;
    bool told;          // to end
    int64_t kill_at_ms; // once told
};

// A try of the program that would take this one's place.
struct trial {
    pid_t pid; // 0 = none
    int fd;
    struct buf said;
    int64_t give_up_ms;
};

struct supervisor {
    const struct supervisor_config *config;
    char *program;
    struct child *children;
    size_t count;
    struct old_children old;
    struct sockets sockets;
    struct trial trial;
    int signal_fd, ready[2];
    sigset_t signals;
    bool took_over; // from a program before, in this process
    bool served;    // all children were ready at once
    bool stopping, failed, reload_wanted;
    int64_t kill_at_ms;
};

// SIGHUP came: tries the program out, when nothing else is under way.
void reload_request(struct supervisor *s);
// The trial's end, which may be that of this program; and its time.
void reload_reaped(struct supervisor *s, int status);
void reload_tick(struct supervisor *s);
void reload_cancel(struct supervisor *s);
