// SPDX-License-Identifier: MIT
/*
 * The last moments of a connection that was refused while its client was still sending. Closing it
 * at once would make the kernel answer the rest with a reset, which can overtake the refusal; so
 * what still comes is read and dropped.
 */
#pragma once

struct bufferevent;
struct event_base;
struct leaving;

/*
 * Keeps a connection's socket open, and its bufferevent silent, when the caller frees that; the
 * bufferevent is one that closes its socket (BEV_OPT_CLOSE_ON_FREE). `ended(arg)` is called once,
 * when the client has closed or has sent too much; then leaving_free().
 */
struct leaving *leaving_new(struct event_base *base, struct bufferevent *bev,
                            void (*ended)(void *arg), void *arg);
void leaving_free(struct leaving *leaving);
