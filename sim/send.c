// SPDX-License-Identifier: MIT
// One signed POST on a loop that lives as long as it.
#include "sim/send.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/http.h"

struct delivery {
    bool is_done;
    int status;
    struct err err;
};

static void on_answer(void *arg, const struct http_response *response, const struct err *err)
{
    struct delivery *delivery = arg;

    delivery->is_done = true;
    delivery->status = response ? response->status : 0;
    delivery->err = *err;
}

static void post(struct http *http, const char *url, const char *secret, const void *body,
                 size_t len, struct delivery *delivery)
{
    char signature[SIM_SIGNATURE_SIZE];

    sim_webhook_signature(secret, body, len, signature);
    char *header = x_printf("X-Hub-Signature-256: %s", signature);
    const char *const headers[] = {"Content-Type: application/json", header, NULL};
    const struct http_request request = {
        .method = "POST",
        .url = url,
        .headers = headers,
        .body = body,
        .body_len = len,
        .timeout_ms = 20000, // as long as Meta waits
    };
    http_start(http, &request, on_answer, delivery);
    free(header);
}

bool sim_deliver(const char *url, const char *secret, const void *body, size_t len, int *ret_status,
                 struct err *err)
{
    struct event_base *base = event_base_new();
    struct http *http = base ? http_new(base, NULL, err) : NULL;
    struct delivery delivery = {0};

    if (!base)
        return err_set(err, ERR_INTERNAL, "libevent cannot make a loop");
    if (http) {
        post(http, url, secret, body, len, &delivery);
        while (!delivery.is_done && event_base_loop(base, EVLOOP_ONCE) == 0)
            ;
    }
    bool ok = http && delivery.status != 0;
    if (ok)
        *ret_status = delivery.status;
    else if (http)
        err_set(err, delivery.err.code, "%s: %s", url, delivery.err.text);
    http_free(http);
    event_base_free(base);
    return ok;
}

bool sim_send(const struct sim_message *message, int *ret_status, struct err *err)
{
    if (!message->url || !message->secret || !message->account || !message->from)
        return err_set(err, ERR_INPUT, "url, secret, account and sender are needed");
    char *body = sim_webhook_body(message);
    bool ok = sim_deliver(message->url, message->secret, body, strlen(body), ret_status, err);
    free(body);
    return ok;
}
