// SPDX-License-Identifier: MIT
/*
 * What Meta tells of a message that it took: WhatsApp's statuses "sent" and "delivered", an echo on
 * Messenger and Instagram, to the webhook that the control API named. A failure is counted, not
 * retried.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sim/internal.h"
#include "sim/sim_webhook.h"

static void on_answer(void *arg, const struct http_response *response, const struct err *err)
{
    struct sim *sim = arg;

    if (response && response->status == 200)
        sim->webhooks_sent++;
    else
        sim->webhooks_failed++;
}

static void deliver(struct sim *sim, const struct sim_message *message)
{
    char *body = sim_webhook_body(message);
    char signature[SIM_SIGNATURE_SIZE];

    sim_webhook_signature(sim->webhook_secret, body, strlen(body), signature);
    char *header = x_printf("X-Hub-Signature-256: %s", signature);
    const char *const headers[] = {"Content-Type: application/json", header, NULL};
    const struct http_request request = {
        .method = "POST",
        .url = sim->webhook_url,
        .headers = headers,
        .body = body,
        .body_len = strlen(body),
    };
    http_start(sim->http, &request, on_answer, sim);
    free(header);
    free(body);
}

void sim_report(struct sim *sim, const struct sim_request *request)
{
    struct sim_message message = {
        .account = request->account,
        .from = request->to,
        .text = request->text,
        .id = request->message_id,
        .attempt = request->attempt,
        .kind = SIM_ECHO,
    };

    if (!sim->webhook_url || !platform_parse(request->platform, &message.platform))
        return;
    if (message.platform != PLATFORM_WHATSAPP) {
        deliver(sim, &message);
        return;
    }
    message.kind = SIM_STATUS;
    if (message.from[0] == '+') // statuses name people by digits alone
        message.from++;
    message.status = "sent";
    deliver(sim, &message);
    message.status = "delivered";
    deliver(sim, &message);
}
