// SPDX-License-Identifier: MIT
/*
 * From one finished call to what the worker has to do. Three questions in turn: was there an
 * answer, is it an error of Meta's, is it the acceptance that we expect.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "connectors/answer.h"
#include "connectors/graph_errors.h"

_Static_assert(sizeof((struct graph_store *)0)->text == ANSWER_TEXT_MAX, "one size of texts");

static void say(const struct graph_answer *answer, struct graph_store *store,
                struct graph_result *result, enum graph_outcome outcome, const char *text)
{
    answer_text(store->text, text, answer->secret);
    result->outcome = outcome;
    result->text = store->text;
}

static enum graph_outcome outcome_of_err(enum err_code code)
{
    switch (code) {
    case ERR_UNAVAILABLE:
    case ERR_INTERNAL: // libcurl could not begin
        return GRAPH_RETRY_LATER;
    case ERR_CANCELED:
        return GRAPH_CANCELED;
    case ERR_INPUT:
        return GRAPH_REQUEST_WRONG;
    default: // ERR_AMBIGUOUS; ERR_LIMIT: an answer came, but nobody can read it
        return GRAPH_AMBIGUOUS;
    }
}

// An error that no table row explains, by Meta's flag, then by the HTTP status.
static enum graph_outcome outcome_of_status(int status, bool is_transient)
{
    if (status == 429)
        return GRAPH_SLOW_DOWN;
    if (is_transient || status >= 500 || status == 408)
        return GRAPH_RETRY_LATER;
    return status == 401 ? GRAPH_TOKEN_BAD : GRAPH_REQUEST_WRONG;
}

static void classify_error(const struct graph_answer *answer, const cJSON *error,
                           struct graph_store *store, struct graph_result *result)
{
    const char *message = json_str(error, "message");
    const char *details = json_str(json_get(error, "error_data"), "details");
    const char *trace = json_str(error, "fbtrace_id");

    result->code = (int)json_int(error, "code", 0);
    result->subcode = (int)json_int(error, "error_subcode", 0);
    char *text =
        x_printf("%s%s%s%s%s", message ? message : "error without a message", details ? ": " : "",
                 details ? details : "", trace ? " fbtrace_id=" : "", trace ? trace : "");
    const struct graph_meaning *meaning =
        json_get(error, "code") ? graph_errors_find(answer->platform, result->code, result->subcode)
                                : NULL;
    if (meaning && meaning->retry_after_ms > result->retry_after_ms)
        result->retry_after_ms = meaning->retry_after_ms;
    say(answer, store, result,
        meaning ? meaning->outcome
                : outcome_of_status(result->http_status, json_bool(error, "is_transient", false)),
        text);
    free(text);
}

/*
 * An answer that is not JSON. At 5xx it comes from something in front of the API: retry (reference,
 * 5.1). But 504 says that this something waited in vain for the API, which has the message: that is
 * a read time-out, reported by another. At 2xx the message was accepted and its id is lost.
 */
static void classify_bytes(const struct graph_answer *answer, struct graph_store *store,
                           struct graph_result *result)
{
    int status = result->http_status;
    char text[80];

    snprintf(text, sizeof text, "HTTP %d with an answer that is not a JSON object", status);
    if (status == 504 || (status >= 200 && status < 300))
        say(answer, store, result, GRAPH_AMBIGUOUS, text);
    else
        say(answer, store, result, outcome_of_status(status, false), text);
}

static const char *accepted_id(const struct graph_answer *answer, const cJSON *root)
{
    const cJSON *messages = json_get(root, "messages");

    if (answer->platform != PLATFORM_WHATSAPP)
        return json_str(root, "message_id");
    return json_str(cJSON_IsArray(messages) ? messages->child : NULL, "id");
}

static void classify_acceptance(const struct graph_answer *answer, const cJSON *root,
                                struct graph_store *store, struct graph_result *result)
{
    const char *id = accepted_id(answer, root);

    if (result->http_status < 200 || result->http_status >= 300) {
        char text[80];
        snprintf(text, sizeof text, "HTTP %d without an error object", result->http_status);
        say(answer, store, result, outcome_of_status(result->http_status, false), text);
        return;
    }
    result->outcome = GRAPH_SENT;
    if (!answer->expects_id)
        return;
    if (!id || !*id || strlen(id) > EVENT_ID_MAX) {
        say(answer, store, result, GRAPH_AMBIGUOUS,
            "accepted, but the answer holds no usable message id");
        return;
    }
    memcpy(store->message_id, id, strlen(id) + 1);
    result->message_id = store->message_id;
}

void graph_classify(const struct graph_answer *answer, const struct http_response *response,
                    const struct err *err, struct graph_store *store,
                    struct graph_result *ret_result)
{
    *store = (struct graph_store){0};
    *ret_result = (struct graph_result){.text = ""};
    if (!response) {
        say(answer, store, ret_result, outcome_of_err(err->code), err->text);
        return;
    }
    ret_result->http_status = response->status;
    cJSON *root = json_read(response->body, response->body_len, NULL);
    const cJSON *error = json_get(root, "error");

    if (error || response->status < 200 || response->status >= 300)
        ret_result->retry_after_ms = answer_retry_after_ms(response);
    if (!cJSON_IsObject(root))
        classify_bytes(answer, store, ret_result);
    else if (cJSON_IsObject(error))
        classify_error(answer, error, store, ret_result);
    else
        classify_acceptance(answer, root, store, ret_result);
    cJSON_Delete(root);
}
