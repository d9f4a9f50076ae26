// SPDX-License-Identifier: MIT
/*
 * The simulator's server: reads a request, finds its endpoint, applies the behaviour that was asked
 * for, remembers, answers. What is right or wrong about a request is in sim_graph.c and sim_groq.c.
 */
#include "sim/sim.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/crypto.h"
#include "base/json.h"
#include "sim/internal.h"

enum {
    BODY_MAX = 1 << 20,    // bytes
    HEADERS_MAX = 1 << 16, // bytes
    MEMORY_REQUESTS = 200000,
    MEMORY_BYTES = 512 << 20,
    IDLE_S = 120,
};

// An answer that waits for its time.
struct sim_pending {
    struct sim *sim;
    struct sim_pending *prev, *next;
    struct evhttp_request *http;
    struct event *timer;
    bool drop;
    int status;
    struct evbuffer *body;
};

const char *sim_header(const struct sim_request *request, const char *name)
{
    return evhttp_find_header(evhttp_request_get_input_headers(request->http), name);
}

const char *sim_bearer(const struct sim_request *request)
{
    const char *value = sim_header(request, "Authorization");
    return value && strncasecmp(value, "Bearer ", 7) == 0 && value[7] ? value + 7 : NULL;
}

// ---- Answering

// Closes the connection without a word; it may have gone already.
static void hang_up(struct evhttp_request *http)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(http);

    if (connection)
        evhttp_connection_free(connection); // with its request
    else
        evhttp_request_free(http);
}

static void pending_free(struct sim_pending *pending)
{
    if (pending->prev)
        pending->prev->next = pending->next;
    else
        pending->sim->pending = pending->next;
    if (pending->next)
        pending->next->prev = pending->prev;
    event_free(pending->timer);
    evbuffer_free(pending->body);
    free(pending);
}

static void on_pending(evutil_socket_t fd, short what, void *arg)
{
    struct sim_pending *pending = arg;

    if (pending->drop)
        hang_up(pending->http);
    else
        evhttp_send_reply(pending->http, pending->status, NULL, pending->body);
    pending_free(pending);
}

// Also without a delay a hang-up waits for the next turn: evhttp is still inside the connection.
static void answer_later(struct sim *sim, struct evhttp_request *http, int status,
                         const struct sim_fault *fault, const struct buf *answer)
{
    struct sim_pending *pending = x_alloc(sizeof *pending);
    const struct timeval wait = {fault->delay_ms / 1000, (fault->delay_ms % 1000) * 1000};

    pending->sim = sim;
    pending->http = http;
    pending->drop = fault->drop != SIM_DROP_NOT;
    pending->status = status;
    pending->body = evbuffer_new();
    evbuffer_add(pending->body, answer->data, answer->len);
    pending->next = sim->pending;
    if (pending->next)
        pending->next->prev = pending;
    sim->pending = pending;
    pending->timer = event_new(sim->base, -1, 0, on_pending, pending);
    event_add(pending->timer, &wait);
}

static void answer_now(struct evhttp_request *http, int status, const struct buf *answer)
{
    struct evbuffer *body = evbuffer_new();

    evbuffer_add(body, answer->data, answer->len);
    evhttp_send_reply(http, status, NULL, body);
    evbuffer_free(body);
}

static void add_headers(struct evhttp_request *http, const struct sim_fault *fault)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(http);
    const cJSON *header;

    cJSON_ArrayForEach(header, fault->headers) {
        if (!cJSON_IsString(header))
            continue;
        evhttp_remove_header(headers, header->string);
        evhttp_add_header(headers, header->string, header->valuestring);
    }
    if (fault->retry_after >= 0) {
        char seconds[24];
        snprintf(seconds, sizeof seconds, "%lld", (long long)fault->retry_after);
        evhttp_add_header(headers, "Retry-After", seconds);
    }
}

// ---- One request

static void answer_api(struct sim *sim, const struct sim_endpoint *endpoint,
                       struct sim_request *request)
{
    endpoint->describe(request);
    const struct sim_fault fault = sim_behaviours_take(sim->behaviours, request);

    if (fault.drop == SIM_DROP_BEFORE) {
        request->status = 0; // seen, not taken
    } else if (fault.status || fault.body) {
        request->status = fault.status ? fault.status : 200;
        if (fault.body)
            buf_add_str(request->answer, fault.body);
        else
            endpoint->refuse(request, fault.status);
    } else {
        endpoint->answer(sim, request);
    }
    sim_memory_add(sim->memory, request);
    add_headers(request->http, &fault);
    if (fault.drop != SIM_DROP_NOT || fault.delay_ms > 0)
        answer_later(sim, request->http, request->status, &fault, request->answer);
    else
        answer_now(request->http, request->status, request->answer);
    if (request->is_accepted)
        sim_report(sim, request);
}

static const char *method_name(struct evhttp_request *http)
{
    switch (evhttp_request_get_command(http)) {
    case EVHTTP_REQ_GET:
        return "GET";
    case EVHTTP_REQ_POST:
        return "POST";
    case EVHTTP_REQ_PUT:
        return "PUT";
    case EVHTTP_REQ_DELETE:
        return "DELETE";
    case EVHTTP_REQ_PATCH:
        return "PATCH";
    default:
        return "HEAD";
    }
}

static const struct sim_endpoint *find_endpoint(const char *path)
{
    static const struct sim_endpoint *const endpoints[] = {&sim_groq, &sim_echo, &sim_admin,
                                                           &sim_graph};

    for (size_t i = 0; i + 1 < sizeof endpoints / sizeof *endpoints; i++)
        if (endpoints[i]->accepts(path))
            return endpoints[i];
    return &sim_graph; // answers what nobody knows in Meta's words
}

static void on_request(struct evhttp_request *http, void *arg)
{
    struct sim *sim = arg;
    struct evbuffer *input = evhttp_request_get_input_buffer(http);
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(http);
    const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
    const char *query = uri ? evhttp_uri_get_query(uri) : NULL;
    size_t len = evbuffer_get_length(input);

    buf_clear(&sim->answer);
    struct sim_request request = {
        .http = http,
        .method = method_name(http),
        .path = path && *path ? path : "/",
        .query = query ? query : "",
        .body = len ? (const char *)evbuffer_pullup(input, -1) : "",
        .body_len = len,
        .answer = &sim->answer,
    };
    request.json = len ? json_read(request.body, len, NULL) : NULL;
    evhttp_add_header(evhttp_request_get_output_headers(http), "Content-Type", "application/json");
    if (sim_control_accepts(request.path)) {
        sim_control_answer(sim, &request);
        answer_now(http, request.status, request.answer);
    } else {
        answer_api(sim, find_endpoint(request.path), &request);
    }
    cJSON_Delete(request.json);
}

// ---- Life

static bool listen_on(struct sim *sim, const struct sim_config *config, struct err *err)
{
    const char *address = config->address ? config->address : "127.0.0.1";
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } bound = {0};
    socklen_t len = sizeof bound;

    struct evhttp_bound_socket *socket =
        evhttp_bind_socket_with_handle(sim->server, address, (uint16_t)config->port);
    if (!socket)
        return err_set(err, ERR_UNAVAILABLE, "cannot listen on %s port %d", address, config->port);
    if (getsockname(evhttp_bound_socket_get_fd(socket), &bound.any, &len) != 0)
        return err_set(err, ERR_INTERNAL, "cannot read the listening port");
    sim->port = ntohs(bound.any.sa_family == AF_INET6 ? bound.v6.sin6_port : bound.v4.sin_port);
    return true;
}

struct sim *sim_new(struct event_base *base, const struct sim_config *config, struct err *err)
{
    static const struct sim_config defaults;
    struct sim *sim = x_alloc(sizeof *sim);
    uint8_t seed[4];

    crypto_random(seed, sizeof seed);
    hex_encode(seed, sizeof seed, sim->seed);
    sim->base = base;
    sim->memory = sim_memory_new(MEMORY_REQUESTS, MEMORY_BYTES);
    sim->behaviours = sim_behaviours_new();
    sim->server = evhttp_new(base);
    if (!sim->server)
        err_set(err, ERR_INTERNAL, "libevent cannot make an HTTP server");
    if (!sim->server || !listen_on(sim, config ? config : &defaults, err)) {
        sim_free(sim);
        return NULL;
    }
    evhttp_set_max_body_size(sim->server, BODY_MAX);
    evhttp_set_max_headers_size(sim->server, HEADERS_MAX);
    evhttp_set_timeout(sim->server, IDLE_S);
    evhttp_set_default_content_type(sim->server, NULL);
    evhttp_set_allowed_methods(sim->server, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_PUT |
                                                EVHTTP_REQ_DELETE | EVHTTP_REQ_PATCH |
                                                EVHTTP_REQ_HEAD);
    evhttp_set_gencb(sim->server, on_request, sim);
    return sim;
}

int sim_port(const struct sim *sim)
{
    return sim->port;
}

void sim_free(struct sim *sim)
{
    if (!sim)
        return;
    http_free(sim->http);
    while (sim->pending) {
        // NOLINTNEXTLINE(clang-analyzer-unix.Malloc): pending_free() took the last one out
        hang_up(sim->pending->http);
        pending_free(sim->pending);
    }
    if (sim->server)
        evhttp_free(sim->server);
    sim_memory_free(sim->memory);
    sim_behaviours_free(sim->behaviours);
    buf_deinit(&sim->answer);
    free(sim->webhook_url);
    secret_free(sim->webhook_secret);
    cJSON_Delete(sim->meta);
    free(sim);
}
