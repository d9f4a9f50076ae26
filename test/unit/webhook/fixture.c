// SPDX-License-Identifier: MIT
// A listener in front of a queue in memory (see fixture.h).

#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "process/sockets.h"
#include "webhook/received.h"
#include "webhook/signature.h"

const struct config_app apps[FIXTURE_APPS] = {
    {.name = (char *)"shop",
     .secret = (char *)"shop-secret",
     .previous_secret = (char *)"shop-secret-of-last-year",
     .verify_token = (char *)"tok+1"},
    {.name = (char *)"bar", .secret = (char *)"bar-secret", .verify_token = (char *)"tok2"},
};

const char text_body[] =
    "{\"object\":\"page\",\"entry\":[{\"id\":\"11\",\"messaging\":[{\"sender\":{\"id\":\"22\"},"
    "\"timestamp\":1795000000000,\"message\":{\"mid\":\"m_1\",\"text\":\"Hi\"}}]}]}";

void fixture_start(struct fixture *f, const struct listener_config *wanted)
{
    struct listener_config config = wanted ? *wanted : (struct listener_config){0};
    struct err err = {0};
    f->socket = socket_listen("127.0.0.1", 0, true, &err);
    if (f->socket < 0)
        fail_msg("%s", err.text);
    f->port = socket_port(f->socket);
    f->metrics = metrics_new(1);
    listener_figures_declare(&f->figures, f->metrics, apps, FIXTURE_APPS);
    config.sockets = &f->socket;
    config.socket_count = 1;
    config.figures = &f->figures;
    config.apps = apps;
    config.app_count = FIXTURE_APPS;
    f->base = listener_base_new();
    f->queue = fake_queue_new(f->base);
    const struct received_config received = {.queue = f->queue, .redis_url = ""};
    f->received = received_new(f->base, &received, &err);
    if (!f->received)
        fail_msg("%s", err.text);
    config.received = f->received;
    f->listener = listener_new(f->base, &config, f->queue);
}

void fixture_stop(struct fixture *f)
{
    listener_free(f->listener);
    fake_queue_free(f->queue);
    received_free(f->received);
    event_base_free(f->base);
    metrics_free(f->metrics);
    close(f->socket);
}

struct buf signed_post(const char *path, const char *secret, const char *body, size_t len,
                       const char *more_headers)
{
    char signature[SIGNATURE_TEXT];
    signature_make(secret, body, len, signature);
    struct buf request = {0};
    buf_printf(&request,
               "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
               "X-Hub-Signature-256: %s\r\n%sContent-Length: %zu\r\n\r\n",
               path, signature, more_headers, len);
    buf_add(&request, body, len);
    return request;
}

int deliver(struct fixture *f, const char *body, struct buf *response)
{
    struct buf request = signed_post("/webhooks/shop", "shop-secret", body, strlen(body), "");
    int status = http_exchange(f->base, f->port, request.data, response);
    buf_deinit(&request);
    return status;
}

bool one_waits(void *arg)
{
    return fake_queue_waiting(arg) == 1;
}
