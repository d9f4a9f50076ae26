// SPDX-License-Identifier: MIT
/*
 * The last moments of a connection that was refused while its client was still sending. Closing it
 * at once would make the kernel answer the rest with a reset, which can overtake the refusal; so
 * what still comes is read and dropped.
 */
#pragma once

struct event_base;
struct leaving;

/*
 * Takes over the connection behind `fd` by a descriptor of its own, so the caller may close `fd`.
 * `ended(arg)` is called once, when the client has closed or has sent too much; then
 * leaving_free(). NULL when out of descriptors.
 */
struct leaving *leaving_new(struct event_base *base, int fd, void (*ended)(void *arg), void *arg);
void leaving_free(struct leaving *leaving);
