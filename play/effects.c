// SPDX-License-Identifier: MIT
/*
 * The effects: one row of the table for each kind, with how it is written on a line, when two lines
 * are the same, and what an answer to it looks like (see player.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "play/player.h"

void effect_answer_deinit(struct effect_answer *answer)
{
    cJSON_Delete(answer->value);
    free(answer->error);
    *answer = (struct effect_answer){0};
}

static void answer_fail(struct effect_answer *answer, char *owned_error)
{
    answer->error = owned_error;
    answer->result = (struct effect_result){.error = owned_error};
}

// "error TEXT" and "timeout", which every kind can be answered with.
static bool answer_failed(const char *text, struct effect_answer *answer)
{
    if (strncmp(text, "error ", 6) == 0)
        answer_fail(answer, x_dup(text + 6));
    else if (strcmp(text, "timeout") == 0)
        answer_fail(answer, x_dup("no answer in time"));
    answer->result.timed_out = answer->error && strcmp(text, "timeout") == 0;
    return answer->error != NULL;
}

/* bot: a message */

// A text that is a private reply may have choices beside its tree.
static char *tree_show(const struct effect *effect)
{
    cJSON *tree = cJSON_Duplicate(effect->message, true);
    cJSON *choices = effect->choice_count ? cJSON_AddObjectToObject(tree, "choices") : NULL;
    for (size_t i = 0; i < effect->choice_count; i++)
        json_add_str(choices, effect->choices[i].id, effect->choices[i].title);
    char *text = json_print(tree);
    cJSON_Delete(tree);
    return text;
}

static char *message_show(const struct effect *effect)
{
    struct buf out = {0};
    if (effect->message)
        return tree_show(effect);
    buf_add_str(&out, effect->text ? effect->text : "");
    for (size_t i = 0; i < effect->choice_count; i++)
        buf_printf(&out, "%s%s=%s", i ? " | " : " [", effect->choices[i].id,
                   effect->choices[i].title);
    if (effect->choice_count > 0)
        buf_add_str(&out, "]");
    return buf_take(&out);
}

static bool message_same(const char *written, const char *came)
{
    return *came == '{' ? same_json(written, came) : same_text(written, came);
}

static bool message_answer(const struct effect *effect, const char *text,
                           struct effect_answer *answer, struct err *err)
{
    if (answer_failed(text, answer))
        return true;
    if (strcmp(text, "closed") == 0) {
        answer_fail(answer, x_dup("the person wrote too long ago"));
        answer->result.window_closed = true;
        return true;
    }
    if (strcmp(text, "sent") != 0)
        return err_set(err, ERR_INPUT,
                       "a message is answered by `-> sent`, `-> closed` or `-> error TEXT`");
    answer->result = (struct effect_result){.ok = true};
    return true;
}

/* api: METHOD URL [BODY] */

// Where a secret belongs, its name stands. Caller frees.
static char *secrets_named(const char *text, const char *mark)
{
    struct buf out = {0};
    const char *at, *end;
    size_t len = mark ? strlen(mark) : 0;
    while (len > 0 && (at = strstr(text, mark)) && (end = strstr(at + len, mark))) {
        buf_add(&out, text, (size_t)(at - text));
        buf_printf(&out, "{{secrets.%.*s}}", (int)(end - at - (ptrdiff_t)len), at + len);
        text = end + len;
    }
    buf_add_str(&out, text);
    return buf_take(&out);
}

static char *call_show(const struct effect *effect)
{
    char *url = secrets_named(effect->url, effect->secret_mark);
    char *body = secrets_named(effect->body ? effect->body : "", effect->secret_mark);
    cJSON *json = json_of(body);
    if (json) {
        free(body);
        body = json_print(json);
    }
    char *line = x_printf("%s %s%s%s", effect->method, url, *body ? " " : "", body);
    cJSON_Delete(json);
    free(url);
    free(body);
    return line;
}

// The length of "METHOD URL".
static size_t request_length(const char *line)
{
    size_t method = strcspn(line, " ");
    return method + (line[method] ? 1 + strcspn(line + method + 1, " \n") : 0);
}

static bool call_same(const char *written, const char *came)
{
    size_t len = request_length(written);
    if (len != request_length(came) || strncmp(written, came, len) != 0)
        return false;
    written += len + strspn(written + len, " \n");
    came += len + strspn(came + len, " ");
    return !*written || same_json(written, came); // without a body, any will do
}

static bool call_answer(const struct effect *effect, const char *text, struct effect_answer *answer,
                        struct err *err)
{
    int status, used = 0;
    if (answer_failed(text, answer))
        return true;
    if (sscanf(text, "%3d%n", &status, &used) != 1 || used != 3 || status < 100 ||
        (text[used] && !strchr(" \n", text[used])))
        return err_set(err, ERR_INPUT,
                       "a call is answered by `-> STATUS [BODY]`, `-> timeout` or `-> error TEXT`");
    text += used + strspn(text + used, " \n");
    // As the worker has it: a body that is JSON becomes its tree, any other text a string.
    answer->value = json_of(text);
    if (!answer->value)
        answer->value = cJSON_CreateString(text);
    bool ok = status >= 200 && status < 300;
    if (!ok)
        answer_fail(answer, x_printf("HTTP status %d", status));
    answer->result.ok = ok;
    answer->result.status = status;
    answer->result.value = answer->value;
    return true;
}

/* ai: [PROMPT], or what the model is told after its first answer of the turn */

static char *prompt_show(const struct effect *effect)
{
    struct buf out = {0};
    const cJSON *message = effect->rounds ? effect->rounds->child : NULL, *told = NULL;
    if (!message)
        return x_dup(effect->prompt ? effect->prompt : "");
    for (; message; message = message->next) // all behind the last answer
        if (strcmp(json_str(message, "role"), "assistant") == 0)
            told = message->next;
    for (; told; told = told->next)
        buf_printf(&out, "%s%s", out.len ? "\n" : "", json_str(told, "content"));
    return buf_take(&out);
}

enum { TOKEN_BYTES = 4 }; // of text, about

// "call NAME {…}", one in each line, as the worker has tool calls; NULL when it is none.
static cJSON *calls_read(const char *text)
{
    cJSON *calls = cJSON_CreateArray();
    while (strncmp(text, "call ", 5) == 0) {
        const char *name = text + 5, *end = text + strcspn(text, "\n");
        size_t len = strcspn(name, " \n");
        const char *arguments = name + len + strspn(name + len, " ");
        cJSON *call = cJSON_CreateObject();
        char *id = x_printf("call_%d", cJSON_GetArraySize(calls) + 1);
        char *named = x_dupn(name, len);
        char *given = arguments < end ? x_dupn(arguments, (size_t)(end - arguments)) : x_dup("{}");
        json_add_str(call, "id", id);
        json_add_str(call, "type", "function");
        cJSON *function = cJSON_AddObjectToObject(call, "function");
        json_add_str(function, "name", named);
        json_add_str(function, "arguments", given);
        cJSON_AddItemToArray(calls, call);
        free(id);
        free(named);
        free(given);
        text = end + strspn(end, "\n ");
    }
    if (calls->child && !*text)
        return calls;
    cJSON_Delete(calls);
    return NULL;
}

static bool prompt_answer(const struct effect *effect, const char *text,
                          struct effect_answer *answer, struct err *err)
{
    if (answer_failed(text, answer))
        return true;
    cJSON *quoted = *text == '"' ? json_of(text) : NULL;
    if (quoted && cJSON_IsString(quoted))
        text = quoted->valuestring;
    answer->value = cJSON_CreateObject();
    json_add_str(answer->value, "text", text);
    json_add_str(answer->value, "model", "transcript");
    cJSON *calls = quoted ? NULL : calls_read(text);
    if (calls) {
        cJSON_AddItemToObject(answer->value, "tool_calls", calls);
        cJSON_ReplaceItemInObject(answer->value, "text", cJSON_CreateString(""));
    }
    cJSON *json = effect->schema ? json_of(text) : NULL;
    if (json)
        cJSON_AddItemToObject(answer->value, "json", json);
    json_add_int(answer->value, "tokens", (int64_t)(strlen(text) / TOKEN_BYTES + 1));
    answer->result = (struct effect_result){.ok = true, .value = answer->value};
    cJSON_Delete(quoted);
    return true;
}

/* update: {…} */

static char *change_show(const struct effect *effect)
{
    return json_print(effect->change);
}

static bool change_answer(const struct effect *effect, const char *text,
                          struct effect_answer *answer, struct err *err)
{
    return answer_failed(text, answer) ||
           err_set(err, ERR_INPUT, "an update fails by `-> error TEXT`, or it is done");
}

static const struct effect_row rows[] = {
    {.effect = EFFECT_SEND,
     .line = LINE_BOT,
     .show = message_show,
     .same = message_same,
     .answer = message_answer},
    {.effect = EFFECT_HTTP,
     .line = LINE_API,
     .answered = true,
     .fill = "200 {}",
     .show = call_show,
     .same = call_same,
     .answer = call_answer},
    {.effect = EFFECT_AI,
     .line = LINE_AI,
     .answered = true,
     .fill = "The model's answer.",
     .show = prompt_show,
     .same = same_prefix,
     .answer = prompt_answer},
    {.effect = EFFECT_UPDATE,
     .line = LINE_UPDATE,
     .show = change_show,
     .same = same_json,
     .answer = change_answer},
};

const struct effect_row *effect_row_find(enum effect_kind kind)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].effect == kind)
            return &rows[i];
    return NULL;
}

char *play_effect_line(const struct effect *effect)
{
    const struct effect_row *row = effect_row_find(effect->kind);
    char *text = row ? row->show(effect) : x_dup(effect_kind_name(effect->kind));
    line_tidy(text);
    char *line = row ? line_print(row->line, text) : x_printf("%s:", text);
    free(text);
    return line;
}
