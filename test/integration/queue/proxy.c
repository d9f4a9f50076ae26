// SPDX-License-Identifier: MIT
// A TCP proxy that loses answers (see proxy.h).

#include "test/integration/queue/proxy.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/mem.h"

struct pair {
    struct pair *prev, *next;
    struct proxy *proxy;
    struct bufferevent *client, *server;
};

struct proxy {
    struct event_base *base;
    struct evconnlistener *listener;
    struct event *tick; // looks at what the test wants
    struct pair *pairs;
    int server_port;
    char *url;
    pthread_t thread;
    // Set by the test, seen by the thread
    atomic_bool swallow, cut, stop;
};

static void pair_free(struct pair *pair)
{
    DL_DELETE(pair->proxy->pairs, pair);
    bufferevent_free(pair->client);
    bufferevent_free(pair->server);
    free(pair);
}

static void on_client_data(struct bufferevent *bev, void *arg)
{
    struct pair *pair = arg;
    bufferevent_write_buffer(pair->server, bufferevent_get_input(bev));
}

static void on_server_data(struct bufferevent *bev, void *arg)
{
    struct pair *pair = arg;
    struct evbuffer *data = bufferevent_get_input(bev);
    if (atomic_load(&pair->proxy->swallow))
        evbuffer_drain(data, evbuffer_get_length(data));
    else
        bufferevent_write_buffer(pair->client, data);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
        pair_free(arg);
}

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer,
                      int peer_len, void *arg)
{
    struct proxy *proxy = arg;
    struct pair *pair = x_alloc(sizeof(*pair));
    struct sockaddr_in server = loopback(proxy->server_port);
    pair->proxy = proxy;
    pair->client = bufferevent_socket_new(proxy->base, fd, BEV_OPT_CLOSE_ON_FREE);
    pair->server = bufferevent_socket_new(proxy->base, -1, BEV_OPT_CLOSE_ON_FREE);
    DL_APPEND(proxy->pairs, pair);
    bufferevent_setcb(pair->client, on_client_data, NULL, on_event, pair);
    bufferevent_setcb(pair->server, on_server_data, NULL, on_event, pair);
    bufferevent_enable(pair->client, EV_READ | EV_WRITE);
    bufferevent_enable(pair->server, EV_READ | EV_WRITE);
    if (bufferevent_socket_connect(pair->server, (struct sockaddr *)&server, sizeof(server)) != 0)
        pair_free(pair);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct proxy *proxy = arg;
    if (atomic_load(&proxy->cut) || atomic_load(&proxy->stop)) {
        while (proxy->pairs)
            pair_free(proxy->pairs);
        atomic_store(&proxy->swallow, false);
        atomic_store(&proxy->cut, false);
    }
    if (atomic_load(&proxy->stop))
        event_base_loopbreak(proxy->base);
}

static void *run(void *arg)
{
    struct proxy *proxy = arg;
    event_base_dispatch(proxy->base);
    return NULL;
}

struct proxy *proxy_new(int server_port)
{
    struct proxy *proxy = x_alloc(sizeof(*proxy));
    struct sockaddr_in address = loopback(0);
    socklen_t len = sizeof(address);
    proxy->base = event_base_new();
    proxy->server_port = server_port;
    proxy->listener = evconnlistener_new_bind(proxy->base, on_accept, proxy, LEV_OPT_CLOSE_ON_FREE,
                                              16, (struct sockaddr *)&address, sizeof(address));
    if (!proxy->listener ||
        getsockname(evconnlistener_get_fd(proxy->listener), (struct sockaddr *)&address, &len) != 0)
        abort();
    proxy->url = x_printf("redis://127.0.0.1:%d", ntohs(address.sin_port));
    struct timeval tick = {.tv_usec = 1000};
    proxy->tick = event_new(proxy->base, -1, EV_PERSIST, on_tick, proxy);
    event_add(proxy->tick, &tick);
    if (pthread_create(&proxy->thread, NULL, run, proxy) != 0)
        abort();
    return proxy;
}

void proxy_free(struct proxy *proxy)
{
    atomic_store(&proxy->stop, true);
    pthread_join(proxy->thread, NULL);
    event_free(proxy->tick);
    evconnlistener_free(proxy->listener);
    event_base_free(proxy->base);
    free(proxy->url);
    free(proxy);
}

const char *proxy_url(const struct proxy *proxy)
{
    return proxy->url;
}

void proxy_swallow(struct proxy *proxy)
{
    atomic_store(&proxy->swallow, true);
}

void proxy_cut(struct proxy *proxy)
{
    atomic_store(&proxy->cut, true);
    while (atomic_load(&proxy->cut))
        poll(NULL, 0, 1);
}
