// SPDX-License-Identifier: MIT
// Functions of expressions: texts. Positions and lengths are in characters as people count them.
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "engine/functions.h"
#include "engine/grapheme.h"
#include "engine/pattern.h"
#include "engine/value.h"

enum { MATCH_COST = 50 }; // a match may look at a text many times

// Takes the buffer. An overflow is an error.
static bool give(struct call *call, struct buf *owned_out, struct datum *ret)
{
    if (!owned_out->overflow)
        return datum_text(call->eval, buf_take(owned_out), ret);
    buf_deinit(owned_out);
    return err_set(call->eval->err, ERR_LIMIT, "an expression makes a text of more than %zu bytes",
                   call->eval->scope->bytes);
}

static bool give_part(struct call *call, const char *text, size_t len, struct datum *ret)
{
    return datum_text(call->eval, x_dupn(text, len), ret);
}

FUNCTION(text)
{
    const char *text;
    const cJSON *json = datum_json(call->eval, &call->args[0]);
    if (json->child || cJSON_IsArray(json) || cJSON_IsObject(json)) {
        struct buf out;
        buf_init(&out, call->eval->scope->bytes);
        value_text(json, &out);
        return give(call, &out, ret);
    }
    return call_text(call, 0, &text) && give_part(call, text, strlen(text), ret);
}

// Blanks of all scripts.
static size_t blank_at(const char *text)
{
    static const char *const blanks[] = {"\xc2\xa0",     "\xe2\x80\xaf", "\xe3\x80\x80",
                                         "\xef\xbb\xbf", "\xe2\x80\xa8", "\xe2\x80\xa9",
                                         "\xe1\x9a\x80", "\xe2\x81\x9f", "\xc2\x85"};
    if (*text && strchr(" \t\r\n\v\f", *text))
        return 1;
    for (size_t i = 0; i < sizeof blanks / sizeof *blanks; i++)
        if (strncmp(text, blanks[i], strlen(blanks[i])) == 0)
            return strlen(blanks[i]);
    const unsigned char *c = (const unsigned char *)text;
    bool general = c[0] == 0xe2 && c[1] == 0x80 && c[2] >= 0x80 && c[2] <= 0x8b; // U+2000 … U+200B
    return general ? 3 : 0;
}

FUNCTION(trim)
{
    const char *text;
    if (!call_text(call, 0, &text))
        return false;
    for (size_t len = blank_at(text); len; len = blank_at(text))
        text += len;
    const char *end = text;
    for (const char *at = text; *at;) {
        size_t blank = blank_at(at);
        at += blank ? blank : 1;
        if (!blank)
            end = at;
    }
    return give_part(call, text, (size_t)(end - text), ret);
}

FUNCTION(replace)
{
    const char *text, *what, *by;
    if (!call_text(call, 0, &text) || !call_text(call, 1, &what) || !call_text(call, 2, &by))
        return false;
    struct buf out;
    buf_init(&out, call->eval->scope->bytes);
    const char *found = *what ? strstr(text, what) : NULL;
    for (; found && !out.overflow; found = strstr(text, what)) {
        buf_add(&out, text, (size_t)(found - text));
        buf_add_str(&out, by);
        text = found + strlen(what);
    }
    buf_add_str(&out, text);
    return give(call, &out, ret);
}

static void part_add(cJSON *list, const char *text, size_t len)
{
    char *part = x_dupn(text, len);
    cJSON_AddItemToArray(list, cJSON_CreateString(part));
    free(part);
}

static void split_characters(const char *text, cJSON *list)
{
    size_t count, from = 0;
    size_t *ends = grapheme_ends(text, &count);
    for (size_t i = 0; i < count; from = ends[i++])
        part_add(list, text + from, ends[i] - from);
    free(ends);
}

FUNCTION(split)
{
    const char *text, *separator;
    if (!call_text(call, 0, &text) || !call_text(call, 1, &separator) ||
        !eval_charge(call->eval, 0, 8 * strlen(text))) // it may have many parts
        return false;
    cJSON *list = cJSON_CreateArray();
    if (!*separator) {
        split_characters(text, list);
        return datum_own(call->eval, list, ret);
    }
    const char *end;
    for (; (end = strstr(text, separator)) != NULL; text = end + strlen(separator))
        part_add(list, text, (size_t)(end - text));
    part_add(list, text, strlen(text));
    return datum_own(call->eval, list, ret);
}

FUNCTION(starts_with)
{
    const char *text, *part;
    if (!call_text(call, 0, &text) || !call_text(call, 1, &part))
        return false;
    *ret = datum_bool(strncmp(text, part, strlen(part)) == 0);
    return true;
}

FUNCTION(ends_with)
{
    const char *text, *part;
    if (!call_text(call, 0, &text) || !call_text(call, 1, &part))
        return false;
    size_t len = strlen(text), end = strlen(part);
    *ret = datum_bool(len >= end && strcmp(text + len - end, part) == 0);
    return true;
}

FUNCTION(contains)
{
    size_t bytes = 0;
    const cJSON *in = datum_json(call->eval, &call->args[0]);
    const cJSON *what = datum_json(call->eval, &call->args[1]);
    if (!value_measure(in, &bytes, call->eval->err) || !eval_charge(call->eval, 0, bytes))
        return false;
    if (cJSON_IsObject(in) && cJSON_IsString(what))
        *ret = datum_bool(cJSON_GetObjectItemCaseSensitive(in, what->valuestring) != NULL);
    else
        *ret = datum_bool(value_contains(in, what));
    return true;
}

FUNCTION(matches)
{
    const char *text, *source;
    struct err err;
    if (!call_text(call, 0, &text) || !call_text(call, 1, &source) ||
        !eval_charge(call->eval, MATCH_COST, strlen(text)))
        return false;
    struct pattern *made = NULL;
    const struct pattern *pattern = call->node->pattern;
    if (!pattern)
        pattern = made = pattern_new(source, &err);
    if (!pattern)
        return call_fail(call, "%s", err.text);
    uint64_t steps = 0;
    enum pattern_match match = pattern_match_counted(pattern, text, &steps);
    pattern_free(made);
    if (match == PATTERN_LIMIT)
        return call_fail(call, "the pattern takes too long");
    if (!eval_charge(call->eval, steps / PATTERN_STEPS_PER_UNIT, 0))
        return false;
    *ret = datum_bool(match == PATTERN_YES);
    return true;
}

static bool pad(struct call *call, bool left, struct datum *ret)
{
    const char *text, *fill = " ";
    int64_t width;
    if (!call_text(call, 0, &text) || !call_integer(call, 1, 0, 10000, &width) ||
        (call_has(call, 2) && !call_text(call, 2, &fill)))
        return false;
    size_t have = grapheme_count(text), step = grapheme_count(fill);
    size_t missing = step && (size_t)width > have ? (size_t)width - have : 0;
    struct buf out;
    buf_init(&out, call->eval->scope->bytes);
    if (!left)
        buf_add_str(&out, text);
    for (; missing >= step && missing && !out.overflow; missing -= step)
        buf_add_str(&out, fill);
    if (missing)
        buf_add(&out, fill, grapheme_offset(fill, missing));
    if (left)
        buf_add_str(&out, text);
    return give(call, &out, ret);
}

FUNCTION(pad_left)
{
    return pad(call, true, ret);
}

FUNCTION(pad_right)
{
    return pad(call, false, ret);
}

FUNCTION(truncate)
{
    const char *text, *ending = "…";
    int64_t most;
    if (!call_text(call, 0, &text) || !call_integer(call, 1, 0, INT32_MAX, &most) ||
        (call_has(call, 2) && !call_text(call, 2, &ending)))
        return false;
    size_t room = (size_t)most, end = grapheme_count(ending);
    if (text[grapheme_offset(text, room)] == '\0')
        return give_part(call, text, strlen(text), ret);
    if (end > room)
        return give_part(call, text, grapheme_offset(text, room), ret);
    struct buf out;
    buf_init(&out, call->eval->scope->bytes);
    buf_add(&out, text, grapheme_offset(text, room - end));
    buf_add_str(&out, ending);
    return give(call, &out, ret);
}
