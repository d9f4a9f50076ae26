// SPDX-License-Identifier: MIT
/*
 * api: calls an HTTP API. The parsed body goes to responseVariable; the variable named by the
 * node's id always gets {status, ok, error?} and, without a responseVariable, body.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/node.h"
#include "engine/path.h"
#include "engine/template.h"
#include "nodes/types.h"

enum { HEADERS_MAX = 50, TIMEOUT_DEFAULT_MS = 10000 };

struct header {
    char *name;
    struct template *value;
};

struct api {
    struct template *url;
    const char *method; // of the table below
    struct header *headers;
    size_t header_count;
    struct template *text_body;     // a body that is a text, or
    struct value_template *body;    // any other JSON, or neither
    struct path *response, *status; // response may be NULL
    int64_t timeout_ms;
    int next, error;
};

static const char *const methods[] = {"GET", "POST", "PUT", "DELETE", NULL};

static void api_free(void *config)
{
    struct api *api = config;
    template_free(api->url);
    for (size_t i = 0; i < api->header_count; i++) {
        free(api->headers[i].name);
        template_free(api->headers[i].value);
    }
    free(api->headers);
    template_free(api->text_body);
    value_template_free(api->body);
    path_free(api->response);
    path_free(api->status);
    free(api);
}

/* Compiling */

static bool url_is_http(const char *url)
{
    return strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0;
}

// RFC 9110 token: what a header's name may have.
static bool name_is_token(const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)name[i]) && !strchr("!#$%&'*+-.^_`|~", name[i]))
            return false;
    return len > 0 && len <= 100;
}

static void headers_parse(struct node_parse *p, struct api *api, const cJSON *headers)
{
    const cJSON *item;
    int count = cJSON_GetArraySize(headers);
    if (count > HEADERS_MAX) {
        node_error(p, "field-value", "apiConfig.headers: more than %d", HEADERS_MAX);
        return;
    }
    api->headers = x_calloc((size_t)count + 1, sizeof *api->headers);
    cJSON_ArrayForEach(item, headers) {
        if (!cJSON_IsString(item) || !name_is_token(item->string)) {
            node_error(p, "field-type", "apiConfig.headers: '%.60s' must be a text", item->string);
            continue;
        }
        struct header *header = &api->headers[api->header_count++];
        header->name = x_dup(item->string);
        header->value = node_template_text(p, item->valuestring, "apiConfig.headers");
    }
}

// A text that is JSON is taken as JSON, so that an inserted value cannot break out of its string.
static void text_body_parse(struct node_parse *p, struct api *api, const char *text)
{
    cJSON *json =
        strchr("{[", text[strspn(text, " \t\r\n")]) ? json_read(text, strlen(text), NULL) : NULL;
    if (json)
        api->body = node_value(p, json, "apiConfig.body");
    else
        api->text_body = node_template_text(p, text, "apiConfig.body");
    cJSON_Delete(json);
}

static void body_parse(struct node_parse *p, struct api *api, const cJSON *body)
{
    if (!body || (cJSON_IsString(body) && !*body->valuestring))
        return;
    if (strcmp(api->method, "GET") == 0)
        node_warn(p, "api-body-unused", "a GET request has no body: it is not sent");
    else if (!cJSON_IsString(body))
        api->body = node_value(p, body, "apiConfig.body");
    else
        text_body_parse(p, api, body->valuestring);
}

static void *api_parse(struct node_parse *p)
{
    struct api *api = x_alloc(sizeof *api);
    const cJSON *config = node_member(p->data, "apiConfig");
    api->url = node_template(p, config, "url");
    const char *url = json_str(config, "url");
    if (api->url && strncmp(url, "{{", 2) != 0 && !url_is_http(template_prefix(api->url)))
        node_error(p, "field-value", "apiConfig.url: must begin with http:// or https://");
    const char *method = json_str(config, "method");
    api->method = methods[0];
    for (size_t i = 0; method && methods[i]; i++)
        if (strcmp(methods[i], method) == 0)
            api->method = methods[i];
    headers_parse(p, api, node_member(config, "headers"));
    body_parse(p, api, node_member(config, "body"));
    api->response = node_sets(p, config, "responseVariable", NULL);
    api->status = node_sets(p, NULL, "", p->id);
    if (api->response && strcmp(path_root(api->response), path_root(api->status)) == 0)
        node_error(p, "variable-bad",
                   "apiConfig.responseVariable: the node's own id holds its status; choose another "
                   "name");
    api->timeout_ms = (int64_t)node_number(config, "timeout", TIMEOUT_DEFAULT_MS);
    api->error = node_edge(p, "error");
    api->next = node_edge(p, "success");
    int other = node_default_edge(p);
    api->next = api->next == NOWHERE ? other : api->next;
    return api;
}

/* Running */

// RFC 3986: everything but unreserved characters, so that a value cannot add a query, a path or a
// host.
static void url_escape(const char *value, struct buf *out)
{
    static const char digits[] = "0123456789ABCDEF";
    for (; *value; value++) {
        unsigned char c = (unsigned char)*value;
        if (isalnum(c) || strchr("-._~", c)) {
            buf_add_char(out, (char)c);
            continue;
        }
        char hex[3] = {'%', digits[c >> 4], digits[c & 15]};
        buf_add(out, hex, sizeof hex);
    }
}

static bool url_render(struct node_run *run, const struct api *api, char **ret_url)
{
    if (!node_render_escaped(run, api->url, url_escape, ret_url))
        return err_prefix(&run->err, "url");
    for (char *c = *ret_url; *c; c++)
        if ((unsigned char)*c <= ' ')
            *c = '+'; // a blank or a line break in the first value: never a second header
    return true;
}

static bool headers_render(struct node_run *run, const struct api *api)
{
    struct effect *effect = run->effect;
    effect->headers = cJSON_CreateObject();
    if (api->body)
        json_add_str(effect->headers, "Content-Type", "application/json");
    for (size_t i = 0; i < api->header_count; i++) {
        const struct header *header = &api->headers[i];
        char *value;
        if (!node_render(run, header->value, &value))
            return false;
        for (char *c = value; *c; c++)
            if ((unsigned char)*c < ' ' || *c == 0x7f)
                *c = ' '; // a value must not end its line
        // Case-insensitive on purpose: the flow's own Content-Type takes the place of ours.
        cJSON_DeleteItemFromObject(effect->headers, header->name);
        json_add_str(effect->headers, header->name, value);
        free(value);
    }
    return true;
}

static bool body_render(struct node_run *run, const struct api *api)
{
    cJSON *value;
    if (api->text_body)
        return node_render(run, api->text_body, &run->effect->body);
    if (!api->body)
        return true;
    if (!node_render_value(run, api->body, &value))
        return false;
    run->effect->body = json_print(value);
    cJSON_Delete(value);
    if (strlen(run->effect->body) <= run->limits->value_bytes)
        return true;
    return err_set(&run->err, ERR_LIMIT, "the body has more than %zu bytes (limit value_bytes)",
                   run->limits->value_bytes);
}

// Stores status and body, also of a failure: the error branch may want them.
static bool result_store(struct node_run *run, const struct api *api,
                         const struct effect_result *result, bool ok)
{
    cJSON *status = cJSON_CreateObject();
    json_add_int(status, "status", result->status);
    cJSON_AddBoolToObject(status, "ok", ok);
    if (!result->ok)
        json_add_str(status, "error", result->error);
    cJSON *body = result->value ? cJSON_Duplicate(result->value, true) : cJSON_CreateNull();
    if (!api->response)
        cJSON_AddItemToObject(status, "body", body);
    if (!node_set(run, api->status, status)) {
        if (api->response)
            cJSON_Delete(body);
        return false;
    }
    return !api->response || node_set(run, api->response, body);
}

static enum node_verdict api_enter(struct node_run *run)
{
    const struct api *api = run->config;
    char *url = NULL;
    if (!url_render(run, api, &url))
        return NODE_FAILED;
    run->effect->url = url;
    if (!url_is_http(url)) {
        const struct effect_result none = {.error = "the URL is not of http or https"};
        return result_store(run, api, &none, false)
                   ? node_fail_to(run, api->error,
                                  "the URL '%.80s' does not begin with http:// or https://", url)
                   : NODE_FAILED;
    }
    run->effect->kind = EFFECT_HTTP;
    run->effect->method = x_dup(api->method);
    run->effect->timeout_ms = api->timeout_ms;
    if (!headers_render(run, api) || !body_render(run, api))
        return NODE_FAILED;
    return NODE_EFFECT;
}

// The answer came, but cannot be a variable (too large, not UTF-8): for the flow the call failed.
static enum node_verdict refused(struct node_run *run, const struct api *api,
                                 const struct effect_result *result)
{
    struct err why = run->err;
    run->err = (struct err){0};
    const struct effect_result without_body = {.status = result->status, .error = why.text};
    if (!result_store(run, api, &without_body, false))
        return NODE_FAILED;
    return node_fail_to(run, api->error, "the answer cannot be kept: %.200s", why.text);
}

static enum node_verdict api_resume(struct node_run *run, const struct node_signal *signal)
{
    const struct api *api = run->config;
    const struct effect_result *result = signal->result;
    bool ok = result->ok && result->status < 400;
    if (!result_store(run, api, result, ok))
        return refused(run, api, result);
    if (!result->ok)
        return node_fail_to(run, api->error, "the API call failed: %s", result->error);
    if (!ok)
        return node_fail_to(run, api->error, "the API answered HTTP %d", result->status);
    return node_go(run, api->next, node_decide(run, "HTTP %d", result->status));
}

static const char *const aliases[] = {"apiNode", "http", "httpNode", "webhook", NULL};
static const char *const handles[] = {"success", "error", NULL};

static const struct node_field config_fields[] = {
    {.name = "url", .kind = FIELD_TEMPLATE, .required = true, .help = "values are URL-encoded"},
    {.name = "method", .kind = FIELD_WORD, .words = methods, .help = "GET unless given"},
    {.name = "headers", .kind = FIELD_OBJECT, .help = "name: template"},
    {.name = "body",
     .kind = FIELD_ANY,
     .help = "a template, or JSON whose texts are templates; not with GET"},
    {.name = "responseVariable", .kind = FIELD_VARIABLE, .help = "gets the answer's body"},
    {.name = "timeout",
     .kind = FIELD_NUMBER,
     .min = 1,
     .max = 120000,
     .help = "milliseconds; 10000 unless given"},
    {0},
};

static const struct node_field fields[] = {
    {.name = "apiConfig",
     .kind = FIELD_OBJECT,
     .required = true,
     .members = config_fields,
     .help = "the request"},
    {0},
};

const struct node_type node_api = {
    .name = "api",
    .aliases = aliases,
    .summary = "Calls an HTTP API and keeps its answer.",
    .fields = fields,
    .handles = handles,
    .parse = api_parse,
    .enter = api_enter,
    .resume = api_resume,
    .free = api_free,
};
