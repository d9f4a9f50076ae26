// SPDX-License-Identifier: MIT
// What the message nodes have in common (see say.h).
#include "nodes/say.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/utf8.h"
#include "engine/message.h"
#include "engine/value.h"

void say_ways_parse(struct node_parse *p, struct say_ways *ways)
{
    ways->error = node_edge(p, "error");
    ways->closed = node_edge(p, "windowClosed");
    ways->next = NOWHERE;
}

void say_next(struct node_parse *p, struct say_ways *ways)
{
    ways->next = node_default_edge(p);
}

/* Rendering */

static bool is_degrees(const char *name)
{
    return strcmp(name, "latitude") == 0 || strcmp(name, "longitude") == 0;
}

// The item as its place wants it; NULL: leave it as it is.
static cJSON *item_fitted(const cJSON *item)
{
    double number;
    if (item->string && is_degrees(item->string))
        return cJSON_IsString(item) && value_is_number(item, &number) ? cJSON_CreateNumber(number)
                                                                      : NULL;
    if (!cJSON_IsNumber(item) && !cJSON_IsBool(item))
        return NULL;
    struct buf text = {0};
    value_text(item, &text);
    cJSON *fitted = cJSON_CreateString(text.data);
    buf_deinit(&text);
    return fitted;
}

// Recursion is bounded: value_template_parse() has measured the template, vars_set() the variables.
static void tidy(cJSON *container)
{
    cJSON *item = container->child, *following;
    for (; item; item = following) {
        following = item->next;
        bool is_empty =
            cJSON_IsNull(item) || (cJSON_IsString(item) && text_is_blank(item->valuestring));
        cJSON *fitted = is_empty ? NULL : item_fitted(item);
        if (is_empty)
            cJSON_Delete(cJSON_DetachItemViaPointer(container, item));
        else if (fitted && item->string)
            cJSON_ReplaceItemInObjectCaseSensitive(container, item->string, fitted);
        else if (fitted)
            cJSON_ReplaceItemViaPointer(container, item, fitted);
        else
            tidy(item);
    }
}

bool say_render(struct node_run *run, const struct value_template *template, cJSON **ret_message)
{
    if (!node_render_value(run, template, ret_message))
        return false;
    tidy(*ret_message);
    return true;
}

/* Sending */

// A text alone needs no tree.
static bool is_plain(const cJSON *message)
{
    return strcmp(json_str(message, "type"), "text") == 0 && cJSON_GetArraySize(message) == 2;
}

enum node_verdict say_send(struct node_run *run, const struct say_ways *ways, cJSON *owned_message)
{
    struct err err;
    if (!message_check(owned_message, &err)) {
        cJSON_Delete(owned_message);
        return node_fail_to(run, ways->error, "%s", err.text);
    }
    struct buf words = {0};
    message_words(owned_message, &words);
    enum node_verdict verdict = node_send(run, buf_take(&words));
    if (is_plain(owned_message))
        cJSON_Delete(owned_message);
    else
        run->effect->message = owned_message;
    return verdict;
}

enum node_verdict say_failed(struct node_run *run, const struct say_ways *ways,
                             const struct effect_result *result)
{
    if (result->window_closed && ways->closed != NOWHERE)
        return node_go(run, ways->closed, "windowClosed");
    return node_fail_to(run, ways->error, "the message was not sent: %s", result->error);
}

/* What is known of the session */

bool say_is_on(const struct node_run *run, const char *platform)
{
    const char *name = json_str(run->session->vars, "platform");
    return name && strcmp(name, platform) == 0;
}

const char *say_last_id(const struct node_run *run)
{
    const cJSON *event = json_get(run->session->vars, "event");
    const char *kind = json_str(event, "kind"), *id = json_str(event, "id");
    return kind && strcmp(kind, "message") == 0 && id && *id ? id : NULL;
}

/* For parse() */

void say_take(cJSON *tree, const char *member, const cJSON *object, const char *const *names)
{
    for (; *names; names++) {
        const cJSON *item = node_member(object, *names);
        if (!item || (cJSON_IsString(item) && text_is_blank(item->valuestring)))
            continue;
        cJSON_AddItemToObject(tree, member, cJSON_Duplicate(item, true));
        return;
    }
}

void say_lint_chars(const struct node_parse *p, const char *field, const char *text, size_t max)
{
    if (text && !strstr(text, "{{") && utf8_length(text) > max)
        node_lint(p, "text-cut", "%s: '%.60s' has %zu characters; the rest after %zu is cut", field,
                  text, utf8_length(text), max);
}
