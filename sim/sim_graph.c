// SPDX-License-Identifier: MIT
/*
 * The Graph API's messages endpoints: `/{version}/{id}/messages`, for graph.facebook.com and
 * graph.instagram.com alike. WhatsApp is known by its body, Instagram by its account ids ("17841…")
 * or by a base URL that ends in /instagram. Tokens that begin with "expired" or "wrong" are
 * refused.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "sim/internal.h"

// ---- Errors

bool sim_refuse(struct sim_refusal *ret_refusal, int code, const char *fmt, ...)
{
    va_list ap;

    *ret_refusal = (struct sim_refusal){.status = 400, .code = code};
    int len = snprintf(ret_refusal->message, sizeof ret_refusal->message, "(#%d) ", code);
    va_start(ap, fmt);
    vsnprintf(ret_refusal->message + len, sizeof ret_refusal->message - (size_t)len, fmt, ap);
    va_end(ap);
    return false;
}

bool sim_refuse_whatsapp(struct sim_refusal *ret_refusal, int code, const char *fmt, ...)
{
    va_list ap;
    const char *message = code == 131008   ? "Required parameter is missing"
                          : code == 131009 ? "Parameter value is not valid"
                                           : "Invalid parameter";

    sim_refuse(ret_refusal, code, "%s", message);
    va_start(ap, fmt);
    vsnprintf(ret_refusal->details, sizeof ret_refusal->details, fmt, ap);
    va_end(ap);
    return false;
}

void sim_graph_error(struct sim_request *request, const struct sim_refusal *refusal)
{
    struct buf *out = request->answer;

    request->status = refusal->status;
    buf_add_str(out, "{\"error\":{\"message\":");
    buf_add_json_str(out, refusal->message);
    buf_printf(out, ",\"type\":\"OAuthException\",\"code\":%d", refusal->code);
    if (refusal->subcode)
        buf_printf(out, ",\"error_subcode\":%d", refusal->subcode);
    if (refusal->status >= 500)
        buf_add_str(out, ",\"is_transient\":true");
    if (refusal->details[0]) {
        buf_add_str(out, ",\"error_data\":{\"messaging_product\":\"whatsapp\",\"details\":");
        buf_add_json_str(out, refusal->details);
        buf_add_char(out, '}');
    }
    buf_printf(out, ",\"fbtrace_id\":\"A%llx\"}}", (unsigned long long)clock_mono_us());
}

void sim_graph_refuse(struct sim_request *request, int status)
{
    bool is_whatsapp = strcmp(request->platform, "whatsapp") == 0;
    struct sim_refusal refusal;

    if (status == 401)
        sim_refuse(&refusal, 190, "Invalid OAuth access token.");
    else if (status == 403)
        sim_refuse(&refusal, 10, "Application does not have permission for this action");
    else if (status == 429)
        sim_refuse(&refusal, is_whatsapp ? 130429 : 613, "Rate limit hit");
    else if (status >= 500)
        sim_refuse(&refusal, is_whatsapp ? 131016 : 2, "Service temporarily unavailable");
    else
        sim_refuse(&refusal, 100, "Invalid parameter");
    refusal.status = status;
    sim_graph_error(request, &refusal);
}

// ---- Who, to whom, what

// "/v25.0/108…/messages" → the account's id; false when the path is another.
static bool read_path(const char *path, char *account, size_t size)
{
    int at = 0;

    if (strncmp(path, "/facebook/", 10) == 0)
        path += 9;
    else if (strncmp(path, "/instagram/", 11) == 0)
        path += 10;
    unsigned major, minor;
    if (sscanf(path, "/v%u.%u/%n", &major, &minor, &at) != 2 || !at)
        return false;
    const char *id = path + at;
    size_t len = strcspn(id, "/");
    if (!len || len >= size || strcmp(id + len, "/messages") != 0)
        return false;
    memcpy(account, id, len);
    account[len] = '\0';
    return true;
}

static bool is_whatsapp_body(const cJSON *json)
{
    return json_get(json, "messaging_product") || json_get(json, "to") || json_get(json, "type") ||
           cJSON_IsString(json_get(json, "recipient"));
}

static void describe_whatsapp(struct sim_request *request)
{
    static const char *const kinds[] = {"text",     "interactive", "template", "image",
                                        "audio",    "video",       "document", "sticker",
                                        "location", "contacts",    "reaction"};
    const cJSON *json = request->json;
    const char *type = json_str(json, "type");
    const char *to = json_str(json, "to");

    request->to = to ? to : json_str(json, "recipient");
    request->attempt = json_str(json, "biz_opaque_callback_data");
    request->text = json_str(json_get(json, "text"), "body");
    if (!request->text)
        request->text = json_str(json_path(json, "interactive.body"), "text");
    if (!request->text && type)
        request->text = json_str(json_get(json, type), "caption");
    for (size_t i = 0; type && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(type, kinds[i]) == 0)
            request->kind = kinds[i];
    if (json_get(json, "status"))
        request->kind = "mark_read";
}

static void describe_messenger(struct sim_request *request)
{
    const cJSON *json = request->json;
    const cJSON *message = json_get(json, "message");
    const char *action = json_str(json, "sender_action");

    const cJSON *payload = json_path(message, "attachment.payload");

    request->to = json_str(json_get(json, "recipient"), "id");
    if (!request->to) // a private reply
        request->to = json_str(json_get(json, "recipient"), "comment_id");
    request->text = json_str(message, "text");
    if (!request->text)
        request->text = json_str(payload, "text");
    if (!request->text && cJSON_IsArray(json_get(payload, "elements")))
        request->text = json_str(json_get(payload, "elements")->child, "title");
    request->attempt = json_str(message, "metadata");
    if (action)
        request->kind = strcmp(action, "mark_seen") == 0     ? "mark_read"
                        : strncmp(action, "typing_", 7) == 0 ? "typing"
                        : strstr(action, "react")            ? "reaction"
                                                             : "sender_action";
    else if (json_get(message, "attachment"))
        request->kind = "attachment";
    else if (json_get(message, "quick_replies"))
        request->kind = "quick_replies";
    else if (message)
        request->kind = "text";
}

static void graph_describe(struct sim_request *request)
{
    bool is_known = read_path(request->path, request->account, sizeof request->account);

    request->kind = "unknown";
    if (is_known && is_whatsapp_body(request->json)) {
        request->platform = "whatsapp";
        describe_whatsapp(request);
        return;
    }
    bool is_instagram = strncmp(request->account, "17841", 5) == 0 ||
                        strncmp(request->path, "/instagram/", 11) == 0;
    request->platform = is_instagram ? "instagram" : "messenger";
    describe_messenger(request);
}

// ---- Answers

bool sim_graph_token(const struct sim_request *request, struct sim_refusal *ret_refusal)
{
    const char *token = sim_bearer(request);

    if (!token)
        sim_refuse(ret_refusal, 190, "An access token is required to request this resource.");
    else if (strncmp(token, "wrong", 5) == 0)
        sim_refuse(ret_refusal, 190, "Invalid OAuth access token - Cannot parse access token");
    else if (strncmp(token, "expired", 7) == 0)
        sim_refuse(ret_refusal, 190, "Error validating access token: Session has expired.");
    else
        return true;
    ret_refusal->status = 401;
    ret_refusal->subcode = token && token[0] == 'e' ? 463 : 0;
    return false;
}

static bool graph_check(const struct sim_request *request, struct sim_refusal *ret_refusal)
{
    char account[64];

    if (!read_path(request->path, account, sizeof account) ||
        strcmp(request->method, "POST") != 0) {
        sim_refuse(ret_refusal, 100, "Unsupported %s request: unknown path", request->method);
        ret_refusal->status = 404;
        return false;
    }
    if (!sim_graph_token(request, ret_refusal))
        return false;
    if (!cJSON_IsObject(request->json))
        return sim_refuse(ret_refusal, 100, "The body is not a JSON object");
    if (strcmp(request->platform, "whatsapp") == 0)
        return sim_whatsapp_check(request, ret_refusal);
    return sim_messenger_check(request, ret_refusal);
}

static void accept_whatsapp(struct sim *sim, struct sim_request *request)
{
    const char *to = json_str(request->json, "to");
    const char *digits = request->to[0] == '+' ? request->to + 1 : request->to;
    struct buf *out = request->answer;

    snprintf(request->message_id, sizeof request->message_id, "wamid.SIM%s%08llX", sim->seed,
             (unsigned long long)++sim->next_id);
    buf_add_str(out, "{\"messaging_product\":\"whatsapp\",\"contacts\":[{\"input\":");
    buf_add_json_str(out, request->to);
    buf_add_str(out, to ? ",\"wa_id\":" : ",\"user_id\":");
    buf_add_json_str(out, to ? digits : request->to);
    buf_printf(out, "}],\"messages\":[{\"id\":\"%s\"}]}", request->message_id);
}

static void accept_messenger(struct sim *sim, struct sim_request *request)
{
    bool is_instagram = strcmp(request->platform, "instagram") == 0;
    struct buf *out = request->answer;

    buf_add_str(out, "{\"recipient_id\":");
    buf_add_json_str(out, request->to);
    if (request->is_accepted) {
        snprintf(request->message_id, sizeof request->message_id, "%s%s%08llx",
                 is_instagram ? "aWdSIM" : "m_sim", sim->seed, (unsigned long long)++sim->next_id);
        buf_printf(out, ",\"message_id\":\"%s\"", request->message_id);
    }
    buf_add_char(out, '}');
}

static void graph_answer(struct sim *sim, struct sim_request *request)
{
    struct sim_refusal refusal = {0};
    bool is_message = json_get(request->json, "message") || json_get(request->json, "type");

    if (!graph_check(request, &refusal)) {
        sim_graph_error(request, &refusal);
        return;
    }
    request->status = 200;
    request->is_accepted = is_message && strcmp(request->kind, "mark_read") != 0;
    if (strcmp(request->platform, "whatsapp") != 0)
        accept_messenger(sim, request);
    else if (request->is_accepted)
        accept_whatsapp(sim, request);
    else
        buf_add_str(request->answer, "{\"success\":true}");
}

static bool graph_accepts(const char *path)
{
    return true; // asked last
}

const struct sim_endpoint sim_graph = {
    .accepts = graph_accepts,
    .describe = graph_describe,
    .answer = graph_answer,
    .refuse = sim_graph_refuse,
};
