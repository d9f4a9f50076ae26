// SPDX-License-Identifier: MIT
// Parsing expressions: what operators stand between.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "engine/expression_parser.h"
#include "engine/functions.h"
#include "engine/path.h"
#include "engine/pattern.h"

enum { ARGUMENTS_MAX = 1000 };

static struct expr *parse_list(struct parser *p)
{
    struct expr *x = expr_new(p, EXPR_LIST, p->at++);
    while (!parse_take(p, ']')) {
        if (x->count && !parse_take(p, ',')) {
            expr_free(x);
            return parse_fail(p, p->at, "',' or ']' is missing");
        }
        if (!expr_add(p, x, parse_filtered(p)))
            return NULL;
    }
    x->to = (unsigned)(p->at - p->text);
    return x;
}

static struct expr *parse_member_name(struct parser *p)
{
    parse_blanks(p);
    const char *from = p->at;
    if (*p->at == '"' || *p->at == '\'')
        return parse_text(p);
    size_t len = name_length(p->at);
    if (len == 0)
        return parse_fail(p, p->at, "a member's name is missing");
    p->at += len;
    char *name = x_dupn(from, len);
    cJSON *value = cJSON_CreateString(name);
    free(name);
    return expr_value(p, from, value);
}

static struct expr *parse_object(struct parser *p)
{
    struct expr *x = expr_new(p, EXPR_OBJECT, p->at++);
    while (!parse_take(p, '}')) {
        if (x->count && !parse_take(p, ',')) {
            expr_free(x);
            return parse_fail(p, p->at, "',' or '}' is missing");
        }
        if (!expr_add(p, x, parse_member_name(p)))
            return NULL;
        if (!parse_take(p, ':')) {
            expr_free(x);
            return parse_fail(p, p->at, "':' is missing");
        }
        if (!expr_add(p, x, parse_filtered(p)))
            return NULL;
    }
    x->to = (unsigned)(p->at - p->text);
    return x;
}

/* Calls */

static bool pattern_prepare(struct parser *p, struct expr *call)
{
    const struct expr *arg = call->count == 2 ? call->args[1] : NULL;
    if (!arg || arg->kind != EXPR_VALUE || !cJSON_IsString(arg->value))
        return true; // known only when it runs
    struct err err;
    call->pattern = pattern_new(arg->value->valuestring, &err);
    if (!call->pattern)
        parse_fail(p, p->text + arg->from, "%s", err.text);
    return call->pattern != NULL;
}

struct expr *parse_call_end(struct parser *p, struct expr *x)
{
    const struct expression_function *f = x->function;
    bool fits = x->count >= f->min && x->count <= f->max;
    if (fits && (!(f->flags & FUNCTION_PATTERN) || pattern_prepare(p, x)))
        return x;
    if (!fits)
        parse_fail(p, p->text + x->from, "wrong number of arguments: %s(%s)", f->name,
                   f->arguments);
    expr_free(x);
    return NULL;
}

static bool parse_argument(struct parser *p, struct expr *call,
                           struct expr *(*parse)(struct parser *))
{
    bool sees_item = call->function->flags & FUNCTION_ITEM && call->count >= 1;
    if (call->count >= ARGUMENTS_MAX) {
        expr_free(call);
        parse_fail(p, p->at, "more than %d arguments", ARGUMENTS_MAX);
        return false;
    }
    p->items += sees_item;
    struct expr *arg = parse(p);
    p->items -= sees_item;
    return expr_add(p, call, arg);
}

static struct expr *call_new(struct parser *p, const char *name, size_t len)
{
    char word[64];
    snprintf(word, sizeof word, "%.*s", (int)(len < 63 ? len : 63), name);
    const struct expression_function *function = function_find(word);
    if (!function) {
        const char *nearest = function_nearest(word);
        return nearest ? parse_fail(p, name, "there is no function '%s'; did you mean '%s'?", word,
                                    nearest)
                       : parse_fail(p, name, "there is no function '%s'", word);
    }
    struct expr *x = expr_new(p, EXPR_CALL, name);
    x->function = function;
    return x;
}

static struct expr *parse_call(struct parser *p, const char *name, size_t len)
{
    struct expr *x = call_new(p, name, len);
    if (!x)
        return NULL;
    while (!parse_take(p, ')')) {
        if (x->count && !parse_take(p, ',')) {
            expr_free(x);
            return parse_fail(p, p->at, "',' or ')' is missing");
        }
        if (!parse_argument(p, x, parse_filtered))
            return NULL;
    }
    x->to = (unsigned)(p->at - p->text);
    return parse_call_end(p, x);
}

struct expr *parse_filter(struct parser *p, struct expr *owned_left)
{
    parse_blanks(p);
    const char *name = p->at;
    size_t len = name_length(name);
    struct expr *x = len ? call_new(p, name, len)
                         : parse_fail(p, p->at, "the name of a filter is missing after |");
    if (!x) {
        expr_free(owned_left);
        return NULL;
    }
    p->at += len;
    x->from = owned_left->from;
    if (!expr_add(p, x, owned_left))
        return NULL;
    if (parse_take(p, ':'))
        do
            if (!parse_argument(p, x, parse_choice))
                return NULL;
        while (parse_take(p, ','));
    return parse_call_end(p, x);
}

/* Paths */

// A name, or one in backticks that may have any character a path may; adds it to `out`.
static bool path_name_read(struct parser *p, struct buf *out)
{
    const char *at = p->at;
    size_t len = name_length(at);
    bool quoted = *at == '`';
    if (quoted)
        len = strcspn(++at, "`.[]");
    else if (!len && out->len) // the index of a list: items.0
        len = strspn(at, "0123456789");
    if (!len || (quoted && at[len] != '`'))
        return parse_fail(p, p->at, "a name is missing") != NULL;
    buf_add(out, at, len);
    p->at = at + len + quoted;
    return true;
}

static bool path_text_read(struct parser *p, struct buf *out)
{
    if (!path_name_read(p, out))
        return false;
    for (;;) {
        size_t digits = *p->at == '[' ? strspn(p->at + 1, "0123456789") : 0;
        if (digits && p->at[digits + 1] == ']') {
            buf_add(out, p->at, digits + 2);
            p->at += digits + 2;
        } else if (*p->at == '.') {
            p->at++;
            buf_add_char(out, '.');
            if (!path_name_read(p, out))
                return false;
        } else {
            return true;
        }
    }
}

// The node of a path that begins at `from`.
struct expr *parse_path_text(struct parser *p, const char *from, const char *text, size_t len)
{
    struct err err;
    struct path *path = path_parse(text, len, &err);
    if (!path)
        return parse_fail(p, from, "%s", err.text);
    const char *root = path_root(path);
    if (strcmp(root, "secrets") == 0) {
        path_free(path);
        return parse_fail(p, from,
                          "a secret can be inserted only as {{ secrets.NAME }}, by itself");
    }
    bool is_item = p->items && (strcmp(root, "item") == 0 || strcmp(root, "index") == 0);
    struct expr *x = expr_new(p, is_item ? EXPR_ITEM : EXPR_PATH, from);
    x->path = path;
    return x;
}

static struct expr *parse_path(struct parser *p)
{
    const char *from = p->at;
    struct buf text = {.max = EXPRESSION_BYTES_MAX};
    struct expr *x =
        path_text_read(p, &text) ? parse_path_text(p, from, text.data, text.len) : NULL;
    buf_deinit(&text);
    return x;
}

static struct expr *parse_word(struct parser *p)
{
    static const char *const reserved[] = {"and", "or", "not", "in", NULL};
    const char *from = p->at;
    size_t len = name_length(from);
    cJSON *value = name_is(from, "true")    ? cJSON_CreateTrue()
                   : name_is(from, "false") ? cJSON_CreateFalse()
                   : name_is(from, "null")  ? cJSON_CreateNull()
                                            : NULL;
    if (value) {
        p->at += len;
        return expr_value(p, from, value);
    }
    for (const char *const *word = reserved; *word; word++)
        if (name_is(from, *word))
            return parse_fail(p, from, "a value is missing before '%s'", *word);
    const char *next = from + len;
    next += strspn(next, " \t\r\n");
    if (len && *next == '(') {
        p->at = next + 1;
        return parse_call(p, from, len);
    }
    return parse_path(p);
}

static struct expr *parse_primary(struct parser *p)
{
    parse_blanks(p);
    char c = *p->at;
    if (c == '(') {
        const char *from = p->at++;
        struct expr *x = parse_filtered(p);
        if (!x)
            return NULL;
        if (!parse_take(p, ')')) {
            expr_free(x);
            return parse_fail(p, *p->at ? p->at : from, "')' is missing");
        }
        x->from = (unsigned)(from - p->text);
        x->to = (unsigned)(p->at - p->text);
        x->bracketed = true;
        return x;
    }
    if (c == '[')
        return parse_list(p);
    if (c == '{')
        return parse_object(p);
    if (c == '"' || c == '\'')
        return parse_text(p);
    if (isdigit((unsigned char)c))
        return parse_number(p);
    if (c == '`' || starts_name(c))
        return parse_word(p);
    return parse_fail(p, p->at, "a value is missing");
}

// What stands behind `owned_base`: [index] or .member.
static struct expr *parse_index(struct parser *p, struct expr *owned_base)
{
    struct expr *x = expr_new(p, EXPR_INDEX, p->text + owned_base->from);
    bool bracket = *p->at++ == '[';
    if (!expr_add(p, x, owned_base) ||
        !expr_add(p, x, bracket ? parse_filtered(p) : parse_member_name(p)))
        return NULL;
    if (bracket && !parse_take(p, ']')) {
        expr_free(x);
        return parse_fail(p, p->at, "']' is missing");
    }
    x->to = (unsigned)(p->at - p->text);
    return x;
}

// Members and indices of what is no path.
struct expr *parse_postfix(struct parser *p)
{
    struct expr *x = parse_primary(p);
    while (x && (*p->at == '[' || *p->at == '.'))
        x = parse_index(p, x);
    return x;
}
