// SPDX-License-Identifier: MIT
/*
 * What the listener is measured against: the server that one would write first. evhttp reads a
 * delivery, its X-Hub-Signature-256 is checked, cJSON parses it, one XADD stores its body, and 200
 * goes out when Redis has answered. No normalising, no de-duplication, no mailbox of a chat.
 *
 * Usage: xadd_baseline REDIS-HOST REDIS-PORT, with the app's secret in HOOKMILL_APP_SECRET. One
 * thread, as one listener has. Prints "ready: http://127.0.0.1:PORT" and serves until SIGTERM or
 * SIGINT.
 */
#include <cjson/cJSON.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <hiredis/adapters/libevent.h>
#include <hiredis/async.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct server {
    struct event_base *base;
    redisAsyncContext *redis;
    const char *secret;
};

static void answer(struct evhttp_request *request, int status, const char *reason)
{
    if (evhttp_request_get_connection(request))
        evhttp_send_reply(request, status, reason, NULL);
    else
        evhttp_request_free(request); // the client has gone; what is left of it is ours
}

static void on_stored(redisAsyncContext *redis, void *answered, void *arg)
{
    const redisReply *reply = answered;
    struct evhttp_request *request = arg;

    if (reply && reply->type == REDIS_REPLY_STRING) // the entry's id
        answer(request, 200, "OK");
    else
        answer(request, 503, "Service Unavailable");
}

static bool signature_holds(const char *secret, const char *header, const void *body, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned mac_len = 0;
    char right[sizeof "sha256=" + 64] = "sha256=";

    if (!header || !HMAC(EVP_sha256(), secret, (int)strlen(secret), body, len, mac, &mac_len))
        return false;
    for (size_t i = 0; i < mac_len; i++) {
        right[7 + 2 * i] = digits[mac[i] >> 4];
        right[8 + 2 * i] = digits[mac[i] & 15];
    }
    return strlen(header) == strlen(right) && CRYPTO_memcmp(header, right, strlen(right)) == 0;
}

static void on_delivery(struct evhttp_request *request, void *arg)
{
    struct server *server = arg;
    struct evbuffer *input = evhttp_request_get_input_buffer(request);
    size_t len = evbuffer_get_length(input);
    const char *body = (const char *)evbuffer_pullup(input, -1);
    const char *header =
        evhttp_find_header(evhttp_request_get_input_headers(request), "X-Hub-Signature-256");

    if (!body || !signature_holds(server->secret, header, body, len)) {
        answer(request, 401, "Unauthorized");
        return;
    }
    cJSON *json = cJSON_ParseWithLength(body, len);
    bool good = cJSON_IsObject(json);

    cJSON_Delete(json);
    if (!good)
        answer(request, 400, "Bad Request");
    else if (redisAsyncCommand(server->redis, on_stored, request, "XADD %s * body %b", "deliveries",
                               body, len) != REDIS_OK)
        answer(request, 503, "Service Unavailable");
}

static void stop(evutil_socket_t signal_number, short what, void *base)
{
    event_base_loopbreak(base);
}

static int bound_port(struct evhttp_bound_socket *bound)
{
    struct sockaddr_in address = {0};
    socklen_t len = sizeof address;

    if (getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &len) != 0)
        return -1;
    return ntohs(address.sin_port);
}

static int serve(struct server *server)
{
    struct evhttp *http = evhttp_new(server->base);
    struct evhttp_bound_socket *bound =
        http ? evhttp_bind_socket_with_handle(http, "127.0.0.1", 0) : NULL;
    struct event *on_term = evsignal_new(server->base, SIGTERM, stop, server->base);
    struct event *on_int = evsignal_new(server->base, SIGINT, stop, server->base);

    if (!bound || !on_term || !on_int || evsignal_add(on_term, NULL) ||
        evsignal_add(on_int, NULL)) {
        fputs("xadd_baseline: cannot listen on 127.0.0.1\n", stderr);
        return EXIT_FAILURE;
    }
    evhttp_set_gencb(http, on_delivery, server);
    printf("ready: http://127.0.0.1:%d\n", bound_port(bound));
    fflush(stdout);
    event_base_dispatch(server->base);
    redisAsyncFree(server->redis); // answers what still waits, so it goes first
    event_free(on_int);
    event_free(on_term);
    evhttp_free(http);
    event_base_free(server->base);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct server server = {.secret = getenv("HOOKMILL_APP_SECRET")};

    if (argc != 3 || !server.secret) {
        fputs("usage: HOOKMILL_APP_SECRET=… xadd_baseline REDIS-HOST REDIS-PORT\n", stderr);
        return EXIT_FAILURE;
    }
    server.base = event_base_new();
    server.redis = redisAsyncConnect(argv[1], atoi(argv[2]));
    if (!server.base || !server.redis || server.redis->err ||
        redisLibeventAttach(server.redis, server.base) != REDIS_OK) {
        fputs("xadd_baseline: no connection to Redis\n", stderr);
        return EXIT_FAILURE;
    }
    return serve(&server);
}
