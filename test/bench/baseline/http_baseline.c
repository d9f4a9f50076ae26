// SPDX-License-Identifier: MIT
/*
 * What the listener is measured against: evhttp alone, which reads a request and answers 200. One
 * thread, as one listener has. Prints "ready: http://127.0.0.1:PORT" and serves until SIGTERM or
 * SIGINT.
 */
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static void answer(struct evhttp_request *request, void *arg)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(request);

    evbuffer_drain(body, evbuffer_get_length(body));
    evhttp_send_reply(request, 200, "OK", NULL);
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

int main(void)
{
    struct event_base *base = event_base_new();
    struct evhttp *http = base ? evhttp_new(base) : NULL;
    struct evhttp_bound_socket *bound =
        http ? evhttp_bind_socket_with_handle(http, "127.0.0.1", 0) : NULL;
    struct event *on_term = base ? evsignal_new(base, SIGTERM, stop, base) : NULL;
    struct event *on_int = base ? evsignal_new(base, SIGINT, stop, base) : NULL;

    if (!bound || !on_term || !on_int || evsignal_add(on_term, NULL) ||
        evsignal_add(on_int, NULL)) {
        fputs("http_baseline: cannot listen on 127.0.0.1\n", stderr);
        return EXIT_FAILURE;
    }
    evhttp_set_gencb(http, answer, NULL);
    printf("ready: http://127.0.0.1:%d\n", bound_port(bound));
    fflush(stdout);
    event_base_dispatch(base);
    event_free(on_int);
    event_free(on_term);
    evhttp_free(http);
    event_base_free(base);
    return EXIT_SUCCESS;
}
