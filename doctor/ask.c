// SPDX-License-Identifier: MIT
/*
 * Questions that leave this machine. Many are started, then waited for together; how many are under
 * way at once is bounded by the http object's max_per_host.
 */
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "doctor/internal.h"

enum { VISIT_TIMEOUT_MS = 10000 };

void question_deinit(struct question *q)
{
    cJSON_Delete(q->json);
    *q = (struct question){0};
}

static void on_answer(void *arg, const struct graph_admin_answer *answer)
{
    struct question *q = arg;

    q->ok = answer->ok;
    q->json = cJSON_Duplicate(answer->json, true); // NULL of NULL
    q->http_status = answer->http_status;
    q->code = answer->code;
    q->subcode = answer->subcode;
    q->date_ms = answer->date_ms;
    q->arrived_ms = answer->arrived_ms;
    snprintf(q->text, sizeof q->text, "%s", answer->text);
    q->doctor->open--;
}

static void begin(struct doctor *d, struct question *q)
{
    question_deinit(q);
    q->doctor = d;
    q->asked = true;
    d->open++;
}

void ask_node(struct doctor *d, struct question *q, enum graph_host host, const char *node,
              const char *edge, const char *fields, const char *token)
{
    begin(d, q);
    graph_admin_get(d->graph, host, node, edge, fields, token, on_answer, q);
}

void ask_token(struct doctor *d, struct question *q, const char *token,
               const struct config_app *app)
{
    begin(d, q);
    char *app_token = graph_app_token(app->id, app->secret);
    graph_debug_token(d->graph, token, app_token, on_answer, q);
    secret_free(app_token);
}

void ask_wait(struct doctor *d)
{
    while (d->open > 0)
        event_base_loop(d->base, EVLOOP_ONCE);
}

bool report_unanswered(struct doctor *d, const struct question *q)
{
    if (q->ok || (q->http_status != 0 && q->http_status < 500))
        return false;
    report(d, DOCTOR_FAILED,
           "Meta did not tell: %s" MEND
           "Try again in a few minutes; if it stays so, look at the check \"graph api\".",
           q->text);
    return true;
}

static void on_visited(void *arg, const struct http_response *response, const struct err *err)
{
    struct visit *v = arg;

    if (response) {
        v->status = response->status;
        snprintf(v->body, sizeof v->body, "%s", response->body);
    } else {
        snprintf(v->text, sizeof v->text, "%s", err->text);
    }
    v->doctor->open--;
}

void visit(struct doctor *d, struct visit *v, const char *method, const char *url, const char *body)
{
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    const struct http_request request = {
        .method = method,
        .url = url,
        .headers = body ? headers : NULL,
        .body = body,
        .body_len = body ? strlen(body) : 0,
        .timeout_ms = VISIT_TIMEOUT_MS,
        .max_response = 1 << 16,
    };
    *v = (struct visit){.doctor = d};
    d->open++;
    http_start(d->public_http, &request, on_visited, v);
    ask_wait(d);
}
