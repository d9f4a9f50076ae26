// SPDX-License-Identifier: MIT
// The request of an api node: its compilation and its rendering.
#include "nodes/api_request.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/template.h"
#include "nodes/api_encode.h"

enum { HEADERS_MAX = 50, TIMEOUT_DEFAULT_MS = 10000, URL_BYTES_MAX = 8192 };

const char *const api_methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", NULL};
const char *const api_body_types[] = {"json", "form", "text", NULL};
static const char *const auth_types[] = {"none", "bearer", "basic", "header", NULL};

const struct node_field api_request_auth_fields[] = {
    {.name = "type", .kind = FIELD_WORD, .words = auth_types, .required = true, .help = "the way"},
    {.name = "token", .kind = FIELD_SECRETS, .help = "of bearer"},
    {.name = "username", .kind = FIELD_SECRETS, .help = "of basic"},
    {.name = "password", .kind = FIELD_SECRETS, .help = "of basic"},
    {.name = "name", .kind = FIELD_STRING, .help = "of header: the header's name"},
    {.name = "value", .kind = FIELD_SECRETS, .help = "of header: what it holds"},
    {0},
};

void api_request_deinit(struct api_request *request)
{
    template_free(request->url);
    value_template_free(request->query);
    for (size_t i = 0; i < request->header_count; i++) {
        free(request->headers[i].name);
        template_free(request->headers[i].value);
    }
    free(request->headers);
    free(request->auth.name);
    template_free(request->auth.first);
    template_free(request->auth.second);
    template_free(request->text_body);
    value_template_free(request->body);
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

static void headers_parse(struct node_parse *p, struct api_request *request, const cJSON *headers)
{
    const cJSON *item;
    int count = cJSON_GetArraySize(headers);
    if (count > HEADERS_MAX) {
        node_error(p, "field-value", "apiConfig.headers: more than %d", HEADERS_MAX);
        return;
    }
    request->headers = x_calloc((size_t)count + 1, sizeof *request->headers);
    cJSON_ArrayForEach(item, headers) {
        bool named = name_is_token(item->string);
        if (!named)
            node_error(p, "field-value", "apiConfig.headers: '%.60s' cannot be a header's name",
                       item->string);
        else if (!cJSON_IsString(item))
            node_error(p, "field-type", "apiConfig.headers: '%.60s' must be a text", item->string);
        if (!named || !cJSON_IsString(item))
            continue;
        struct api_header *header = &request->headers[request->header_count++];
        header->name = x_dup(item->string);
        header->value = node_secret_text(p, item->valuestring, "apiConfig.headers");
    }
}

// The template of a member that this type of auth needs.
static struct template *auth_part(struct node_parse *p, const cJSON *auth, const char *name)
{
    if (!node_member(auth, name))
        node_error(p, "field-missing", "apiConfig.auth.%s: is missing", name);
    return node_secret_template(p, auth, name);
}

static void auth_parse(struct node_parse *p, struct api_auth *auth, const cJSON *item)
{
    const char *type = json_str(item, "type");
    for (size_t i = 0; type && auth_types[i]; i++)
        if (strcmp(auth_types[i], type) == 0)
            auth->type = i;
    if (auth->type == AUTH_BEARER)
        auth->first = auth_part(p, item, "token");
    if (auth->type == AUTH_HEADER)
        auth->first = auth_part(p, item, "value");
    if (auth->type == AUTH_BASIC) {
        auth->first = auth_part(p, item, "username");
        auth->second = auth_part(p, item, "password");
    }
    if (auth->type != AUTH_HEADER)
        return;
    auth->name = x_dup(json_str(item, "name"));
    if (!auth->name || !name_is_token(auth->name))
        node_error(p, "field-value", "apiConfig.auth.name: must be the name of a header");
}

// A text that is JSON is taken as JSON, so that an inserted value cannot break out of its string.
static void json_text_parse(struct node_parse *p, struct api_request *request, const char *text)
{
    cJSON *json =
        strchr("{[", text[strspn(text, " \t\r\n")]) ? json_read(text, strlen(text), NULL) : NULL;
    if (json)
        request->body = node_secret_value(p, json, "apiConfig.body");
    else
        request->text_body = node_secret_text(p, text, "apiConfig.body");
    cJSON_Delete(json);
}

static void typed_body_parse(struct node_parse *p, struct api_request *request, const cJSON *body)
{
    if (request->body_type == API_BODY_FORM && !cJSON_IsObject(body))
        node_error(p, "field-type", "apiConfig.body: a form is an object");
    else if (request->body_type == API_BODY_TEXT && !cJSON_IsString(body))
        node_error(p, "field-type", "apiConfig.body: must be a text, as bodyType says");
    else if (request->body_type == API_BODY_TEXT)
        request->text_body = node_secret_text(p, body->valuestring, "apiConfig.body");
    else if (cJSON_IsString(body))
        json_text_parse(p, request, body->valuestring);
    else
        request->body = node_secret_value(p, body, "apiConfig.body");
}

static void body_parse(struct node_parse *p, struct api_request *request, const cJSON *config)
{
    const char *type = json_str(config, "bodyType");
    for (size_t i = 0; type && api_body_types[i]; i++)
        if (strcmp(api_body_types[i], type) == 0)
            request->body_type = (enum api_body)i;
    const cJSON *body = node_member(config, "body");
    if (!body || (cJSON_IsString(body) && !*body->valuestring))
        return;
    if (strcmp(request->method, "GET") == 0)
        node_warn(p, "api-body-unused", "a GET request has no body: it is not sent");
    else
        typed_body_parse(p, request, body);
}

void api_request_parse(struct node_parse *p, const cJSON *config, struct api_request *request)
{
    const char *url = json_str(config, "url"), *method = json_str(config, "method");
    request->url = url ? node_secret_text(p, url, "apiConfig.url") : NULL;
    if (request->url && strncmp(url, "{{", 2) != 0 && !url_is_http(template_prefix(request->url)))
        node_error(p, "field-value", "apiConfig.url: must begin with http:// or https://");
    request->method = api_methods[0];
    for (size_t i = 0; method && api_methods[i]; i++)
        if (strcmp(api_methods[i], method) == 0)
            request->method = api_methods[i];
    request->query = node_secret_value(p, node_member(config, "query"), "apiConfig.query");
    headers_parse(p, request, node_member(config, "headers"));
    auth_parse(p, &request->auth, node_member(config, "auth"));
    body_parse(p, request, config);
    request->timeout_ms = (int64_t)node_number(config, "timeout", TIMEOUT_DEFAULT_MS);
}

/* Rendering */

// Puts the query behind the URL: behind one that is there, in front of a fragment.
static bool query_render(struct node_run *run, const struct api_request *request, char **url)
{
    cJSON *query;
    if (!node_render_value(run, request->query, &query))
        return err_prefix(&run->err, "query");
    struct buf out;
    buf_init(&out, URL_BYTES_MAX);
    size_t bare = strcspn(*url, "#");
    bool has_query = memchr(*url, '?', bare) != NULL;
    struct buf pairs;
    buf_init(&pairs, URL_BYTES_MAX);
    pairs_add(query, &pairs);
    buf_add(&out, *url, bare);
    if (pairs.len && !(has_query && strchr("?&", (*url)[bare - 1])))
        buf_add_char(&out, has_query ? '&' : '?');
    buf_add_str(&out, pairs.data ? pairs.data : "");
    buf_add_str(&out, *url + bare);
    bool ok = !pairs.overflow && !out.overflow;
    buf_deinit(&pairs);
    cJSON_Delete(query);
    free(*url);
    *url = buf_take(&out);
    return ok || err_set(&run->err, ERR_LIMIT, "the URL has more than %d bytes", URL_BYTES_MAX);
}

// The dots, plain or escaped, at the beginning of a segment; its length in *ret_len.
static size_t dots_of(const char *segment, size_t *ret_len)
{
    size_t dots = 0, at = 0;
    *ret_len = strcspn(segment, "/?#");
    for (; at < *ret_len; dots++) {
        if (segment[at] == '.')
            at++;
        else if (strncasecmp(&segment[at], "%2e", 3) == 0)
            at += 3;
        else
            return 0; // a name
    }
    return dots;
}

// "/users/{{ name }}/orders" must not become "/orders" for who is called "..".
static bool path_climbs(const char *url)
{
    const char *scheme = strstr(url, "://"), *at = strpbrk(scheme ? scheme + 3 : url, "/?#");
    while (at && *at == '/') {
        size_t len, dots = dots_of(at + 1, &len);
        if (dots == 1 || dots == 2)
            return true;
        at += 1 + len;
    }
    return false;
}

static bool url_render(struct node_run *run, const struct api_request *request)
{
    char **url = &run->effect->url;
    if (!node_render_escaped(run, request->url, url_escape, url))
        return err_prefix(&run->err, "url");
    for (char *c = *url; *c; c++)
        if ((unsigned char)*c <= ' ')
            *c = '+'; // a blank or a line break in the first value: never a second header
    if (path_climbs(*url))
        return err_set(&run->err, ERR_INPUT, "the URL's path has a part '.' or '..'");
    return !request->query || query_render(run, request, url);
}

static void header_put(struct effect *effect, const char *name, char *value)
{
    for (char *c = value; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' '; // a value must not end its line
    // Case-insensitive on purpose: the flow's own Content-Type takes the place of ours.
    cJSON_DeleteItemFromObject(effect->headers, name);
    json_add_str(effect->headers, name, value);
}

static bool auth_render(struct node_run *run, const struct api_auth *auth)
{
    char *first = NULL, *second = NULL, *value = NULL;
    if (auth->type == AUTH_NONE)
        return true;
    bool ok = node_render(run, auth->first, &first) &&
              (!auth->second || node_render(run, auth->second, &second));
    const char *rest = second ? second : "";
    if (ok && auth->type == AUTH_BASIC)
        value = x_printf("Basic %s:%s", first, rest);
    else if (ok && auth->type == AUTH_BEARER)
        value = x_printf("Bearer %s", first);
    else if (ok)
        value = x_dup(first);
    if (ok)
        header_put(run->effect, auth->name ? auth->name : "Authorization", value);
    free(first);
    free(second);
    free(value);
    return ok || err_prefix(&run->err, "auth");
}

static bool headers_render(struct node_run *run, const struct api_request *request)
{
    static const char *const types[] = {
        [API_BODY_JSON] = "application/json",
        [API_BODY_FORM] = "application/x-www-form-urlencoded",
        [API_BODY_TEXT] = "text/plain; charset=utf-8",
    };
    struct effect *effect = run->effect;
    effect->headers = cJSON_CreateObject();
    if (request->body || (request->text_body && request->body_type == API_BODY_TEXT))
        json_add_str(effect->headers, "Content-Type", types[request->body_type]);
    for (size_t i = 0; i < request->header_count; i++) {
        const struct api_header *header = &request->headers[i];
        char *value;
        if (!node_render(run, header->value, &value))
            return err_prefix(&run->err, "headers");
        header_put(effect, header->name, value);
        free(value);
    }
    return auth_render(run, &request->auth);
}

static char *form_text(const cJSON *value, size_t max_bytes, bool *ret_overflow)
{
    struct buf out;
    buf_init(&out, max_bytes);
    pairs_add(value, &out);
    *ret_overflow = out.overflow;
    return buf_take(&out);
}

static bool body_render(struct node_run *run, const struct api_request *request)
{
    size_t max_bytes = run->limits->value_bytes;
    cJSON *value;
    bool overflow = false;
    if (request->text_body)
        return node_render(run, request->text_body, &run->effect->body);
    if (!request->body)
        return true;
    if (!node_render_value(run, request->body, &value))
        return err_prefix(&run->err, "body");
    run->effect->body = request->body_type == API_BODY_FORM ? form_text(value, max_bytes, &overflow)
                                                            : json_print(value);
    cJSON_Delete(value);
    if (!overflow && strlen(run->effect->body) <= max_bytes)
        return true;
    return err_set(&run->err, ERR_LIMIT, "the body has more than %zu bytes (limit value_bytes)",
                   max_bytes);
}

// A request that names no secret has no mark.
static void mark_settle(struct effect *effect)
{
    const char *mark = effect->secret_mark;
    bool used = strstr(effect->url, mark) || (effect->body && strstr(effect->body, mark));
    const cJSON *header;
    cJSON_ArrayForEach(header, effect->headers) {
        used = used || strstr(header->valuestring, mark);
    }
    if (used)
        return;
    free(effect->secret_mark);
    effect->secret_mark = NULL;
}

bool api_request_render(struct node_run *run, const struct api_request *request, bool *ret_bad_url)
{
    struct effect *effect = run->effect;
    effect->secret_mark = node_secret_mark(run);
    *ret_bad_url = false;
    if (!url_render(run, request))
        return false;
    const char *mark = effect->secret_mark;
    if (!url_is_http(effect->url) && strncmp(effect->url, mark, strlen(mark)) != 0) {
        *ret_bad_url = true;
        return true;
    }
    effect->kind = EFFECT_HTTP;
    effect->method = x_dup(request->method);
    effect->timeout_ms = request->timeout_ms;
    if (!headers_render(run, request) || !body_render(run, request))
        return false;
    mark_settle(effect);
    return true;
}
