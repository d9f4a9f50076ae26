// SPDX-License-Identifier: MIT
/*
 * api: calls an HTTP API. The parsed body goes to responseVariable, parts of it where `mapping`
 * says; the variable named by the node's id always gets {status, ok, error?} and, without a
 * responseVariable, body. A call that failed for a while is made again as `retry` says: the session
 * waits for the clock, so that the wait outlives the process.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/node.h"
#include "engine/path.h"
#include "nodes/api_mapping.h"
#include "nodes/api_request.h"
#include "nodes/types.h"

enum { RETRY_TIMES = 3, RETRY_BACKOFF_MS = 1000, RETRY_WAIT_MAX_MS = 3600000 };

// Why a call may be made again; bits of `retry_on`, by the words of `retry.on`.
enum { ON_TIMEOUT = 1, ON_5XX = 2, ON_429 = 4, ON_NETWORK = 8, ON_ALL = 15 };
static const char *const retry_words[] = {"timeout", "5xx", "429", "network", NULL};

struct api {
    struct api_request request;
    struct mapping mapping;
    struct path *response, *status; // response may be NULL
    int retry_times;                // 0: never
    unsigned retry_on;
    double backoff_ms, factor;
    int next, error, timeout;
};

static void api_free(void *config)
{
    struct api *api = config;
    api_request_deinit(&api->request);
    mapping_deinit(&api->mapping);
    path_free(api->response);
    path_free(api->status);
    free(api);
}

/* Compiling */

static void retry_parse(struct api *api, const cJSON *retry)
{
    if (!retry)
        return;
    api->retry_times = (int)node_number(retry, "times", RETRY_TIMES);
    api->backoff_ms = node_number(retry, "backoff", RETRY_BACKOFF_MS);
    api->factor = node_number(retry, "factor", 2);
    const cJSON *on = node_member(retry, "on"), *word;
    api->retry_on = on ? 0 : ON_ALL;
    cJSON_ArrayForEach(word, on) {
        for (unsigned i = 0; retry_words[i]; i++)
            if (strcmp(retry_words[i], word->valuestring) == 0)
                api->retry_on |= 1u << i;
    }
}

static void *api_parse(struct node_parse *p)
{
    struct api *api = x_alloc(sizeof *api);
    const cJSON *config = node_member(p->data, "apiConfig");
    api_request_parse(p, config, &api->request);
    retry_parse(api, node_member(config, "retry"));
    api->response = node_sets(p, config, "responseVariable", NULL);
    api->status = node_sets(p, NULL, "", p->id);
    if (api->response && strcmp(path_root(api->response), path_root(api->status)) == 0)
        node_error(p, "variable-bad",
                   "apiConfig.responseVariable: the node's own id holds its status; choose another "
                   "name");
    mapping_parse(p, node_member(config, "mapping"), node_member(config, "required"),
                  path_root(api->status), &api->mapping);
    api->error = node_edge(p, "error");
    api->timeout = node_edge(p, "timeout");
    api->timeout = api->timeout == NOWHERE ? api->error : api->timeout;
    api->next = node_edge(p, "success");
    int other = node_default_edge(p);
    api->next = api->next == NOWHERE ? other : api->next;
    return api;
}

/* Running */

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

/*
 * The first try's number in the session names all of them, as the shell names a first one: an API
 * that knows the key does not do its work twice.
 */
static void key_put(struct node_run *run)
{
    int first = node_state_get(run, "first");
    if (!first) {
        node_state_set(run, "first", (int)(run->session->effect_seq + 1));
        return;
    }
    if (cJSON_GetObjectItem(run->effect->headers, "Idempotency-Key"))
        return; // the flow's own
    char *key = x_printf("hm:%s:%d", run->session->id, first);
    json_add_str(run->effect->headers, "Idempotency-Key", key);
    free(key);
}

static enum node_verdict api_enter(struct node_run *run)
{
    const struct api *api = run->config;
    bool bad_url;
    if (!api_request_render(run, &api->request, &bad_url))
        return NODE_FAILED;
    if (bad_url) {
        const struct effect_result none = {.error = "the URL is not of http or https"};
        return result_store(run, api, &none, false)
                   ? node_fail_to(run, api->error,
                                  "the URL '%.80s' does not begin with http:// or https://",
                                  run->effect->url)
                   : NODE_FAILED;
    }
    if (api->retry_times)
        key_put(run);
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

static unsigned failure_of(const struct effect_result *result)
{
    if (result->timed_out)
        return ON_TIMEOUT;
    if (result->status == 429)
        return ON_429;
    if (result->status >= 500)
        return ON_5XX;
    return result->status == 0 && !result->ok ? ON_NETWORK : 0;
}

static bool may_retry(const struct node_run *run, const struct api *api,
                      const struct effect_result *result)
{
    return node_state_get(run, "tries") < api->retry_times && (failure_of(result) & api->retry_on);
}

static enum node_verdict retry_wait(struct node_run *run, const struct api *api,
                                    const struct effect_result *result)
{
    int tries = node_state_get(run, "tries");
    double wait_ms = api->backoff_ms;
    for (int i = 0; i < tries; i++)
        wait_ms *= api->factor;
    if (wait_ms > RETRY_WAIT_MAX_MS)
        wait_ms = RETRY_WAIT_MAX_MS;
    node_state_set(run, "tries", tries + 1);
    if (result->status)
        node_decide(run, "HTTP %d: again in %.0f ms", result->status, wait_ms);
    else
        node_decide(run, "%.80s: again in %.0f ms", result->error, wait_ms);
    return node_wait_delay(run, (int64_t)wait_ms);
}

static enum node_verdict answered(struct node_run *run, const struct api *api,
                                  const struct effect_result *result)
{
    const char *lacks = mapping_lacks(&api->mapping, result->value);
    if (lacks)
        return node_fail_to(run, api->error, "the answer has no '%.80s'", lacks);
    if (!mapping_store(run, &api->mapping, result->value))
        return refused(run, api, result);
    return node_go(run, api->next, node_decide(run, "HTTP %d", result->status));
}

static enum node_verdict api_resume(struct node_run *run, const struct node_signal *signal)
{
    const struct api *api = run->config;
    if (signal->kind == SIGNAL_TIMER)
        return api_enter(run);
    const struct effect_result *result = signal->result;
    bool ok = result->ok && result->status < 400;
    if (!ok && may_retry(run, api, result))
        return retry_wait(run, api, result);
    if (!result_store(run, api, result, ok))
        return refused(run, api, result);
    if (!result->ok)
        return node_fail_to(run, result->timed_out ? api->timeout : api->error,
                            "the API call failed: %s", result->error);
    if (!ok)
        return node_fail_to(run, api->error, "the API answered HTTP %d", result->status);
    return answered(run, api, result);
}

static const char *const aliases[] = {"apiNode", "http", "httpNode", "webhook", NULL};
static const char *const handles[] = {"success", "error", "timeout", NULL};

static const struct node_field retry_fields[] = {
    {.name = "times", .kind = FIELD_NUMBER, .min = 1, .max = 5, .help = "3 unless given"},
    {.name = "backoff",
     .kind = FIELD_NUMBER,
     .min = 100,
     .max = RETRY_WAIT_MAX_MS,
     .help = "milliseconds before the first; 1000 unless given"},
    {.name = "factor",
     .kind = FIELD_NUMBER,
     .min = 1,
     .max = 10,
     .help = "each wait is so many times the one before; 2 unless given"},
    {.name = "on", .kind = FIELD_WORDS, .words = retry_words, .help = "all of them unless given"},
    {0},
};

static const struct node_field config_fields[] = {
    {.name = "url", .kind = FIELD_SECRETS, .required = true, .help = "values are URL-encoded"},
    {.name = "method", .kind = FIELD_WORD, .words = api_methods, .help = "GET unless given"},
    {.name = "query", .kind = FIELD_OBJECT, .help = "name: value; put behind the URL, encoded"},
    {.name = "headers", .kind = FIELD_OBJECT, .help = "name: template"},
    {.name = "auth",
     .kind = FIELD_OBJECT,
     .members = api_request_auth_fields,
     .help = "who asks; secrets belong here"},
    {.name = "body",
     .kind = FIELD_ANY,
     .help = "a template, or JSON whose texts are templates; not with GET"},
    {.name = "bodyType", .kind = FIELD_WORD, .words = api_body_types, .help = "json unless given"},
    {.name = "responseVariable", .kind = FIELD_VARIABLE, .help = "gets the answer's body"},
    {.name = "mapping", .kind = FIELD_OBJECT, .help = "variable: path in the answer's body"},
    {.name = "required",
     .kind = FIELD_LIST,
     .help = "variables of `mapping` that must be in the answer, else it is an error"},
    {.name = "timeout",
     .kind = FIELD_NUMBER,
     .min = 1,
     .max = 120000,
     .help = "milliseconds; 10000 unless given"},
    {.name = "retry",
     .kind = FIELD_OBJECT,
     .members = retry_fields,
     .help = "when to call again, and how often"},
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
