// SPDX-License-Identifier: MIT
/*
 * Connection cap and deadlines for evhttp (see http_guard.h). Each state has a queue of its
 * connections, oldest first, since all connections of a state have the same time to live; one slow
 * tick looks at the heads.
 */

#include "webhook/http_guard.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/mem.h"
#include "webhook/leaving.h"
#include "webhook/tls.h"

enum conn_state {
    CONN_NEW,     // bufferevent made; its evhttp_connection is not known yet
    CONN_READING, // a request is arriving
    CONN_TAKEN,   // the server works on it
    CONN_WRITING, // the answer is leaving
    CONN_IDLE,    // kept alive, nothing arriving
    CONN_LEAVING, // refused by evhttp and closed, while the client may still be sending
    CONN_STATES,
};

struct conn {
    struct http_guard *guard;
    struct bufferevent *bev;
    struct evhttp_connection *evcon; // NULL while CONN_NEW and CONN_LEAVING
    struct leaving *leaving;         // while CONN_LEAVING
    struct evbuffer_cb_entry *input_cb, *output_cb;
    int fd;
    enum conn_state state;
    int64_t since_ms; // in this state
    size_t held;      // bytes of a request that is not answered yet
    bool silent;      // not one byte since accept
    bool refused;     // evhttp answers by itself, perhaps before the request was read
    void (*gone)(void *arg);
    void *gone_arg;
    TAILQ_ENTRY(conn) link; // in guard->states[state]
};
TAILQ_HEAD(conn_queue, conn);

struct http_guard {
    struct http_guard_config config;
    struct event_base *base;
    struct evconnlistener **listeners; // evhttp's
    struct event *adopt, *tick;
    struct conn_queue states[CONN_STATES];
    int64_t ttl_ms[CONN_STATES]; // 0 = no limit
    struct conn **by_fd;
    int by_fd_cap;
    unsigned count;
    size_t held; // sum over connections
    uint64_t expired;
    bool accepting, stopping;
    bool accepted_all; // while stopping: the sockets' queues were empty
    void (*drained)(void *arg);
    void *drained_arg;
};

enum { TICK_MIN_MS = 5, TICK_MAX_MS = 250, LEAVING_MS = 3000, LINGER_MS = 1000 };

/* --- states --------------------------------------------------------------------------------------
 */

// Its request is answered, or gone: its bytes count no more.
static void let_go(struct conn *conn)
{
    conn->guard->held -= conn->held;
    conn->held = 0;
}

static void set_state(struct conn *conn, enum conn_state state)
{
    if (state != CONN_READING && state != CONN_TAKEN)
        let_go(conn);
    TAILQ_REMOVE(&conn->guard->states[conn->state], conn, link);
    conn->state = state;
    conn->since_ms = clock_mono_ms();
    TAILQ_INSERT_TAIL(&conn->guard->states[state], conn, link);
}

static void update_accepting(struct http_guard *guard)
{
    bool accept = !guard->accepted_all && guard->count < guard->config.max_connections;
    if (accept == guard->accepting)
        return;
    guard->accepting = accept;
    for (size_t i = 0; i < guard->config.socket_count; i++) {
        if (accept)
            evconnlistener_enable(guard->listeners[i]);
        else
            evconnlistener_disable(guard->listeners[i]);
    }
}

static void conn_forget(struct conn *conn)
{
    struct http_guard *guard = conn->guard;
    TAILQ_REMOVE(&guard->states[conn->state], conn, link);
    let_go(conn);
    if (conn->evcon && guard->by_fd[conn->fd] == conn)
        guard->by_fd[conn->fd] = NULL;
    free(conn);
    guard->count--;
    update_accepting(guard);
    if (guard->accepted_all && guard->count == 0)
        event_active(guard->adopt, EV_TIMEOUT, 0); // reports from the loop, see on_adopt
}

static void on_left(void *arg)
{
    struct conn *conn = arg;
    leaving_free(conn->leaving);
    conn_forget(conn);
}

// Stays, apart from evhttp, until the client has read its refusal.
static bool conn_leave(struct conn *conn)
{
    if (conn->state != CONN_WRITING || !conn->refused)
        return false;
    conn->leaving = leaving_new(conn->guard->base, conn->bev, on_left, conn);
    conn->guard->by_fd[conn->fd] = NULL;
    conn->evcon = NULL;
    set_state(conn, CONN_LEAVING);
    return true;
}

// evhttp frees the connection right after this.
static void on_closed(struct evhttp_connection *evcon, void *arg)
{
    struct conn *conn = arg;
    evbuffer_remove_cb_entry(bufferevent_get_input(conn->bev), conn->input_cb);
    evbuffer_remove_cb_entry(bufferevent_get_output(conn->bev), conn->output_cb);
    if (conn->guard->config.tls)
        tls_close(conn->bev);
    void (*gone)(void *) = conn->gone;
    void *gone_arg = conn->gone_arg;
    if (!conn_leave(conn))
        conn_forget(conn);
    if (gone)
        gone(gone_arg);
}

static void conn_close(struct conn *conn)
{
    if (conn->state == CONN_LEAVING) {
        on_left(conn);
        return;
    }
    conn->refused = false;               // it had its time
    evhttp_connection_free(conn->evcon); // calls on_closed
}

/* --- a connection's life: accepted, adopted, bytes in, bytes out
 * ----------------------------------
 */

/*
 * At the cap, whoever has been idle longest makes room; else whoever has been at a request longest,
 * if for a second at least: a request of Meta's is here at once, and those that are not are what
 * somebody holds the cap with.
 */
static void make_room(struct http_guard *guard)
{
    if (guard->count < guard->config.max_connections)
        return;
    struct conn *idle = TAILQ_FIRST(&guard->states[CONN_IDLE]);
    struct conn *slow = TAILQ_FIRST(&guard->states[CONN_READING]);
    if (idle) {
        conn_close(idle);
    } else if (slow && clock_mono_ms() - slow->since_ms >= LINGER_MS) {
        guard->expired++;
        conn_close(slow);
    }
}

// evhttp accepted a connection and asks for its bufferevent; it makes the rest after we return.
static struct bufferevent *on_accept(struct event_base *base, void *arg)
{
    struct http_guard *guard = arg;
    struct bufferevent *bev = guard->config.tls
                                  ? tls_bufferevent(guard->config.tls, base)
                                  : bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    if (!bev)
        return NULL;
    struct conn *conn = x_alloc(sizeof *conn);
    conn->guard = guard;
    conn->bev = bev;
    conn->silent = true;
    conn->since_ms = clock_mono_ms();
    bufferevent_incref(bev); // until adopted: evhttp may give up on it
    TAILQ_INSERT_TAIL(&guard->states[CONN_NEW], conn, link);
    guard->count++;
    make_room(guard);
    update_accepting(guard);
    event_active(guard->adopt, EV_TIMEOUT, 0);
    return bev;
}

// Bytes arrived on an idle connection: the next request's deadline starts.
static void on_input(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *arg)
{
    struct conn *conn = arg;
    if (info->n_added == 0)
        return;
    conn->silent = false;
    if (conn->state == CONN_IDLE)
        set_state(conn, CONN_READING);
    if (conn->state != CONN_READING)
        return;
    struct http_guard *guard = conn->guard;
    conn->held += info->n_added;
    guard->held += info->n_added;
    if (guard->held > guard->config.max_held)
        event_active(guard->adopt, EV_TIMEOUT, 0); // not inside evhttp's reading
}

// Bytes leave although the server has not answered: evhttp refuses a request by itself, and will
// close.
static void on_output(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *arg)
{
    struct conn *conn = arg;
    if (info->n_added == 0 || conn->state != CONN_READING)
        return;
    char line[16] = ""; // "HTTP/1.1 413 …"
    evbuffer_copyout(buffer, line, sizeof line - 1);
    const char *blank = strchr(line, ' ');
    int status = blank ? atoi(blank + 1) : 0;
    if (status < 400) // 100 Continue
        return;
    set_state(conn, CONN_WRITING);
    conn->refused = true;
    if (conn->guard->config.refused)
        conn->guard->config.refused(conn->guard->config.arg, status);
}

static void by_fd_set(struct http_guard *guard, int fd, struct conn *conn)
{
    if (fd >= guard->by_fd_cap) {
        int cap = fd + 64;
        guard->by_fd = x_realloc(guard->by_fd, (size_t)cap, sizeof *guard->by_fd);
        memset(guard->by_fd + guard->by_fd_cap, 0,
               (size_t)(cap - guard->by_fd_cap) * sizeof *guard->by_fd);
        guard->by_fd_cap = cap;
    }
    guard->by_fd[fd] = conn;
}

/*
 * evhttp makes its evhttp_connection after asking for the bufferevent, and has no call that hands
 * it out before a whole request is there; but it is the argument of the bufferevent's callbacks.
 */
static void conn_adopt(struct conn *conn)
{
    void *evcon = NULL;
    bufferevent_getcb(conn->bev, NULL, NULL, NULL, &evcon);
    if (!evcon || evhttp_connection_get_bufferevent(evcon) != conn->bev) {
        bufferevent_decref(conn->bev); // evhttp has dropped it already
        conn_forget(conn);
        return;
    }
    conn->evcon = evcon;
    conn->fd = bufferevent_getfd(conn->bev);
    by_fd_set(conn->guard, conn->fd, conn);
    evhttp_connection_set_closecb(conn->evcon, on_closed, conn);
    conn->input_cb = evbuffer_add_cb(bufferevent_get_input(conn->bev), on_input, conn);
    conn->output_cb = evbuffer_add_cb(bufferevent_get_output(conn->bev), on_output, conn);
    bufferevent_decref(conn->bev);
    set_state(conn, CONN_READING);
}

static void adopt_all(struct http_guard *guard)
{
    struct conn *conn;
    while ((conn = TAILQ_FIRST(&guard->states[CONN_NEW])))
        conn_adopt(conn);
}

// While stopping: whether all that was to be accepted is. What comes later is not for us.
static void look_at_queues(struct http_guard *guard)
{
    if (!guard->stopping || guard->accepted_all)
        return;
    for (size_t i = 0; i < guard->config.socket_count; i++) {
        struct pollfd fd = {.fd = guard->config.sockets[i], .events = POLLIN};
        if (poll(&fd, 1, 0) > 0)
            return; // the next turn of the loop, or the next tick, accepts
    }
    guard->accepted_all = true;
    update_accepting(guard);
}

/*
 * What nobody has signed yet may not fill the memory: above the bound, whoever has sent most of a
 * request that is not complete is cut off.
 */
static void keep_bound(struct http_guard *guard)
{
    while (guard->held > guard->config.max_held) {
        struct conn *conn, *most = NULL;
        TAILQ_FOREACH(conn, &guard->states[CONN_READING], link)
        {
            if (conn->held > 0 && (!most || conn->held > most->held))
                most = conn;
        }
        if (!most)
            return; // all of it is in the queue's hands
        guard->expired++;
        conn_close(most);
    }
}

// Runs in the same turn of the loop as the accept, before any byte is read.
static void on_adopt(evutil_socket_t fd, short what, void *arg)
{
    struct http_guard *guard = arg;
    adopt_all(guard);
    keep_bound(guard);
    look_at_queues(guard);
    if (guard->accepted_all && guard->count == 0 && guard->drained) {
        void (*drained)(void *) = guard->drained;
        guard->drained = NULL;
        drained(guard->drained_arg); // may free the guard
    }
}

/* --- time ----------------------------------------------------------------------------------------
 */

// While stopping: those that were accepted and have said nothing yet get as long as idle ones.
static void close_silent(struct http_guard *guard, int64_t now)
{
    struct conn *conn, *next;
    for (conn = TAILQ_FIRST(&guard->states[CONN_READING]);
         conn && now - conn->since_ms >= LINGER_MS; conn = next) {
        next = TAILQ_NEXT(conn, link);
        if (conn->silent)
            conn_close(conn);
    }
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct http_guard *guard = arg;
    int64_t now = clock_mono_ms();
    for (int state = CONN_READING; state < CONN_STATES; state++) {
        struct conn *conn;
        while (guard->ttl_ms[state] > 0 && (conn = TAILQ_FIRST(&guard->states[state])) &&
               now - conn->since_ms >= guard->ttl_ms[state]) {
            guard->expired += state == CONN_READING || state == CONN_WRITING;
            conn_close(conn);
        }
    }
    if (guard->stopping) {
        close_silent(guard, now);
        event_active(guard->adopt, EV_TIMEOUT, 0);
    }
    make_room(guard);
    update_accepting(guard); // after on_accept_error
}

// Out of descriptors, most likely. Accepting goes on at the next tick, not in a busy loop.
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
    struct http_guard *guard = arg;
    guard->accepting = false;
    for (size_t i = 0; i < guard->config.socket_count; i++)
        evconnlistener_disable(guard->listeners[i]);
}

static void bind_listeners(struct http_guard *guard, struct evhttp *http)
{
    guard->listeners = x_calloc(guard->config.socket_count, sizeof(struct evconnlistener *));
    for (size_t i = 0; i < guard->config.socket_count; i++) {
        struct evconnlistener *listener = evconnlistener_new(
            guard->base, NULL, NULL, LEV_OPT_CLOSE_ON_EXEC, 0, guard->config.sockets[i]);
        evhttp_bind_listener(http, listener); // sets the callback
        evconnlistener_set_error_cb(listener, on_accept_error);
        guard->listeners[i] = listener;
    }
}

struct http_guard *http_guard_new(struct event_base *base, struct evhttp *http,
                                  const struct http_guard_config *config)
{
    struct http_guard *guard = x_alloc(sizeof *guard);
    guard->config = *config;
    guard->base = base;
    bind_listeners(guard, http);
    guard->accepting = true;
    for (int state = 0; state < CONN_STATES; state++)
        TAILQ_INIT(&guard->states[state]);
    guard->ttl_ms[CONN_READING] = guard->ttl_ms[CONN_WRITING] = config->deadline_ms;
    guard->ttl_ms[CONN_IDLE] = config->idle_ms;
    guard->ttl_ms[CONN_LEAVING] = LEAVING_MS;
    int64_t tick_ms = config->deadline_ms / 16;
    if (tick_ms < TICK_MIN_MS)
        tick_ms = TICK_MIN_MS;
    if (tick_ms > TICK_MAX_MS)
        tick_ms = TICK_MAX_MS;
    guard->adopt = event_new(base, -1, 0, on_adopt, guard);
    guard->tick = event_new(base, -1, EV_PERSIST, on_tick, guard);
    event_add(guard->tick, &(struct timeval){.tv_usec = tick_ms * 1000});
    evhttp_set_bevcb(http, on_accept, guard);
    return guard;
}

void http_guard_free(struct http_guard *guard)
{
    if (!guard)
        return;
    struct conn *conn;
    while ((conn = TAILQ_FIRST(&guard->states[CONN_LEAVING])))
        conn_close(conn);
    event_free(guard->adopt);
    event_free(guard->tick);
    free(guard->by_fd);
    free(guard->listeners);
    free(guard);
}

/* --- for the server ------------------------------------------------------------------------------
 */

static struct conn *conn_of(const struct http_guard *guard, struct evhttp_request *request)
{
    struct evhttp_connection *evcon = evhttp_request_get_connection(request);
    int fd = bufferevent_getfd(evhttp_connection_get_bufferevent(evcon));
    return fd >= 0 && fd < guard->by_fd_cap ? guard->by_fd[fd] : NULL;
}

void http_guard_take(struct http_guard *guard, struct evhttp_request *request,
                     void (*gone)(void *arg), void *arg)
{
    struct conn *conn = conn_of(guard, request);
    conn->gone = gone;
    conn->gone_arg = arg;
    set_state(conn, CONN_TAKEN);
}

// The answer has left, and the connection is kept (evhttp closes it otherwise, after this).
static void on_written(struct evhttp_request *request, void *arg)
{
    struct conn *conn = arg;
    bool more = evbuffer_get_length(bufferevent_get_input(conn->bev)) > 0; // pipelined
    set_state(conn, more ? CONN_READING : CONN_IDLE);
}

void http_guard_answer(struct http_guard *guard, struct evhttp_request *request)
{
    struct conn *conn = conn_of(guard, request);
    conn->gone = NULL;
    set_state(conn, CONN_WRITING);
    evhttp_request_set_on_complete_cb(request, on_written, conn);
}

void http_guard_stop(struct http_guard *guard, void (*drained)(void *arg), void *arg)
{
    guard->stopping = true;
    guard->drained = drained;
    guard->drained_arg = arg;
    if (guard->ttl_ms[CONN_IDLE] > LINGER_MS)
        guard->ttl_ms[CONN_IDLE] = LINGER_MS;
    event_active(guard->adopt, EV_TIMEOUT, 0);
}

bool http_guard_is_stopping(const struct http_guard *guard)
{
    return guard->stopping;
}

unsigned http_guard_connections(const struct http_guard *guard)
{
    return guard->count;
}

uint64_t http_guard_expired(const struct http_guard *guard)
{
    return guard->expired;
}
