// SPDX-License-Identifier: MIT
// Effects: their life and their JSON form.
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/engine.h"

static const char *const kind_names[] = {"none", "send", "http", "ai", "update"};

const char *effect_kind_name(enum effect_kind kind)
{
    return kind_names[kind];
}

void effect_deinit(struct effect *e)
{
    static const struct effect untouched;
    // As after most steps. Bytes between members can only make it look touched. NOLINTNEXTLINE
    if (memcmp(e, &untouched, sizeof untouched) == 0)
        return;
    for (size_t i = 0; i < e->choice_count; i++) {
        free(e->choices[i].id);
        free(e->choices[i].title);
    }
    free(e->choices);
    free(e->node);
    free(e->text);
    free(e->method);
    free(e->url);
    free(e->body);
    free(e->system);
    free(e->prompt);
    free(e->secret_mark);
    cJSON_Delete(e->headers);
    cJSON_Delete(e->message);
    cJSON_Delete(e->tools);
    cJSON_Delete(e->schema);
    cJSON_Delete(e->rounds);
    cJSON_Delete(e->change);
    cJSON_Delete(e->models);
    *e = (struct effect){0};
}

// The members that are JSON themselves.
struct tree {
    const char *name;
    cJSON **at;
    cJSON_bool (*is)(const cJSON *);
};
#define TREES(e)                                                                                   \
    {"message", &(e)->message, cJSON_IsObject}, {"headers", &(e)->headers, cJSON_IsObject},        \
        {"models", &(e)->models, cJSON_IsArray}, {"tools", &(e)->tools, cJSON_IsArray},            \
        {"schema", &(e)->schema, cJSON_IsObject}, {"rounds", &(e)->rounds, cJSON_IsArray},         \
        {"change", &(e)->change, cJSON_IsObject},

static void choices_write(struct buf *out, const struct effect *e)
{
    if (e->choice_count == 0)
        return;
    buf_add_str(out, ",\"choices\":[");
    for (size_t i = 0; i < e->choice_count; i++) {
        buf_add_str(out, i > 0 ? ",{" : "{");
        json_write_str(out, "id", e->choices[i].id);
        json_write_str(out, "title", e->choices[i].title);
        buf_add_char(out, '}');
    }
    buf_add_char(out, ']');
}

char *effect_to_json(const struct effect *effect)
{
    struct effect *e = (struct effect *)effect; // only read
    struct buf out = {0};
    buf_reserve(&out, 1000); // most effects take less
    buf_add_char(&out, '{');
    json_write_str(&out, "kind", kind_names[e->kind]);
    json_write_int(&out, "seq", e->seq);
    json_write_str(&out, "node", e->node);
    json_write_str(&out, "text", e->text);
    choices_write(&out, e);
    json_write_str(&out, "method", e->method);
    json_write_str(&out, "url", e->url);
    json_write_str(&out, "body", e->body);
    json_write_int(&out, "timeout", e->timeout_ms);
    const struct tree trees[] = {TREES(e)};
    for (size_t i = 0; i < sizeof trees / sizeof *trees; i++)
        json_write_tree(&out, trees[i].name, *trees[i].at);
    json_write_str(&out, "secret_mark", e->secret_mark);
    if (e->knowledge)
        json_write_tree(&out, "knowledge", &(cJSON){.type = cJSON_True});
    json_write_str(&out, "system", e->system);
    json_write_str(&out, "prompt", e->prompt);
    const cJSON temperature = {.type = cJSON_Number, .valuedouble = e->temperature};
    json_write_tree(&out, "temperature", &temperature);
    json_write_int(&out, "max_tokens", e->max_tokens);
    json_write_int(&out, "history", e->history);
    buf_add_char(&out, '}');
    return buf_take(&out);
}

static bool choices_parse(const cJSON *list, struct effect *e, struct err *err)
{
    if (!list)
        return true;
    if (!cJSON_IsArray(list))
        return err_set(err, ERR_INPUT, "effect: choices must be a list");
    e->choices = x_calloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *e->choices);
    const cJSON *item;
    cJSON_ArrayForEach(item, list) {
        struct choice *choice = &e->choices[e->choice_count++];
        choice->id = x_dup(json_str(item, "id"));
        choice->title = x_dup(json_str(item, "title"));
        if (!choice->id || !choice->title)
            return err_set(err, ERR_INPUT, "effect: a choice needs id and title");
    }
    return true;
}

static bool trees_parse(const cJSON *json, struct effect *e, struct err *err)
{
    const struct tree trees[] = {TREES(e)};
    for (size_t i = 0; i < sizeof trees / sizeof *trees; i++) {
        const cJSON *tree = json_get(json, trees[i].name);
        if (tree && !trees[i].is(tree))
            return err_set(err, ERR_INPUT, "effect: %s has the wrong type", trees[i].name);
        *trees[i].at = tree ? cJSON_Duplicate(tree, true) : NULL;
    }
    return true;
}

static bool effect_parse(const cJSON *json, struct effect *e, struct err *err)
{
    const char *kind = json_str(json, "kind");
    size_t index = 0;
    const size_t count = sizeof kind_names / sizeof *kind_names;
    while (index < count && (!kind || strcmp(kind, kind_names[index]) != 0))
        index++;
    if (index == count)
        return err_set(err, ERR_INPUT, "effect: kind is missing or unknown");
    e->kind = (enum effect_kind)index;
    int64_t seq = json_int(json, "seq", -1);
    if (seq < 0 || seq > UINT32_MAX)
        return err_set(err, ERR_INPUT, "effect: seq is missing or out of range");
    e->seq = (uint32_t)seq;
    e->node = x_dup(json_str(json, "node"));
    e->text = x_dup(json_str(json, "text"));
    e->method = x_dup(json_str(json, "method"));
    e->url = x_dup(json_str(json, "url"));
    e->body = x_dup(json_str(json, "body"));
    e->system = x_dup(json_str(json, "system"));
    e->prompt = x_dup(json_str(json, "prompt"));
    e->secret_mark = x_dup(json_str(json, "secret_mark"));
    e->knowledge = json_bool(json, "knowledge", false);
    e->timeout_ms = json_int(json, "timeout", 0);
    const cJSON *temperature = json_get(json, "temperature");
    e->temperature = cJSON_IsNumber(temperature) ? temperature->valuedouble : -1;
    e->max_tokens = (int)json_int(json, "max_tokens", 0);
    e->history = (int)json_int(json, "history", 0);
    return choices_parse(json_get(json, "choices"), e, err) && trees_parse(json, e, err);
}

bool effect_from_json(const cJSON *json, struct effect *ret_effect, struct err *err)
{
    struct effect effect = {0};
    if (!effect_parse(json, &effect, err)) {
        effect_deinit(&effect);
        return false;
    }
    *ret_effect = effect;
    return true;
}
