// SPDX-License-Identifier: MIT
/*
 * Inside http: at most so many requests of one origin are with libcurl at once; the others wait
 * here, first come first served. libcurl would queue them as well, but a request's time-out runs
 * while it is queued there, and the wait for a slow server's other requests is not that server's
 * fault. For http.c alone.
 */
#pragma once

struct http;
struct http_call;
struct http_host;

// Launches the call (http_launch), now or when its turn comes.
void http_gate_enter(struct http_call *call, const char *url);

// The call is over, launched or not: the next one of its origin may go.
void http_gate_leave(struct http_call *call);
