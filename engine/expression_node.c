// SPDX-License-Identifier: MIT
// Parsing expressions: errors, names, nodes, texts and numbers.
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "engine/expression_parser.h"
#include "engine/path.h"
#include "engine/pattern.h"
#include "engine/value.h"

void expr_free(struct expr *x)
{
    if (!x)
        return;
    for (size_t i = 0; i < x->count; i++)
        expr_free(x->args[i]);
    free(x->args);
    free(x->ops);
    path_free(x->path);
    pattern_free(x->pattern);
    cJSON_Delete(x->value);
    free(x);
}

/* Errors and pieces of text */

struct expr *parse_fail(struct parser *p, const char *at, const char *fmt, ...)
{
    char words[200];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(words, sizeof words, fmt, ap);
    va_end(ap);
    int cut = (int)utf8_cut_bytes(at, strlen(at), 30);
    if (*at)
        err_set(p->err, ERR_INPUT, "at '%.*s': %s", cut, at, words);
    else
        err_set(p->err, ERR_INPUT, "at the end: %s", words);
    if (p->err)
        text_tidy(p->err->text);
    return NULL;
}

void parse_blanks(struct parser *p)
{
    while (*p->at && strchr(" \t\r\n", *p->at))
        p->at++;
}

bool parse_take(struct parser *p, char c)
{
    parse_blanks(p);
    if (*p->at != c)
        return false;
    p->at++;
    return true;
}

bool starts_name(char c)
{
    return isalpha((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

size_t name_length(const char *at)
{
    size_t len = 0;
    if (starts_name(*at))
        while (starts_name(at[len]) || isdigit((unsigned char)at[len]))
            len++;
    return len;
}

bool name_is(const char *at, const char *word)
{
    size_t len = strlen(word);
    return name_length(at) == len && memcmp(at, word, len) == 0;
}

/* Nodes of the tree */

struct expr *expr_new(struct parser *p, enum expr_kind kind, const char *from)
{
    struct expr *x = x_alloc(sizeof *x);
    x->kind = kind;
    x->depth = 1;
    x->from = (unsigned)(from - p->text);
    x->to = (unsigned)(p->at - p->text);
    return x;
}

bool expr_add(struct parser *p, struct expr *x, struct expr *owned_arg)
{
    if (owned_arg && owned_arg->depth >= EXPRESSION_DEPTH_MAX) {
        expr_free(owned_arg);
        owned_arg = NULL;
        parse_fail(p, p->text + x->from, "nested deeper than %d levels", EXPRESSION_DEPTH_MAX);
    }
    if (!owned_arg) {
        expr_free(x);
        return false;
    }
    if (x->depth <= owned_arg->depth)
        x->depth = owned_arg->depth + 1;
    x->args = x_realloc(x->args, x->count + 1, sizeof(struct expr *));
    x->args[x->count++] = owned_arg;
    x->to = owned_arg->to;
    return true;
}

struct expr *expr_value(struct parser *p, const char *from, cJSON *owned_value)
{
    struct expr *x = expr_new(p, EXPR_VALUE, from);
    x->value = owned_value;
    return x;
}

/* Literals */

static bool hex4(const char *at, unsigned *ret_unit)
{
    unsigned unit = 0;
    for (int i = 0; i < 4; i++) {
        if (!isxdigit((unsigned char)at[i]))
            return false;
        char c = (char)tolower((unsigned char)at[i]);
        unit = unit * 16 + (unsigned)(isdigit((unsigned char)c) ? c - '0' : c - 'a' + 10);
    }
    *ret_unit = unit;
    return true;
}

static void add_code_point(struct buf *out, unsigned c)
{
    char bytes[4];
    size_t len = 0;
    if (c < 0x80) {
        bytes[len++] = (char)c;
    } else if (c < 0x800) {
        bytes[len++] = (char)(0xc0 | c >> 6);
        bytes[len++] = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        bytes[len++] = (char)(0xe0 | c >> 12);
        bytes[len++] = (char)(0x80 | (c >> 6 & 0x3f));
        bytes[len++] = (char)(0x80 | (c & 0x3f));
    } else {
        bytes[len++] = (char)(0xf0 | c >> 18);
        bytes[len++] = (char)(0x80 | (c >> 12 & 0x3f));
        bytes[len++] = (char)(0x80 | (c >> 6 & 0x3f));
        bytes[len++] = (char)(0x80 | (c & 0x3f));
    }
    buf_add(out, bytes, len);
}

// What follows a backslash. False: no character can be that.
static bool escape_read(struct parser *p, struct buf *out)
{
    static const char names[] = "nrt", meanings[] = "\n\r\t";
    const char *name = *p->at ? strchr(names, *p->at) : NULL;
    unsigned high, low;
    if (*p->at != 'u') {
        buf_add_char(out, name ? meanings[name - names] : *p->at);
        p->at += *p->at != '\0';
        return true;
    }
    if (!hex4(p->at + 1, &high) || high == 0 || (high >= 0xdc00 && high < 0xe000))
        return false;
    p->at += 5;
    if (high >= 0xd800 && high < 0xdc00) {
        if (p->at[0] != '\\' || p->at[1] != 'u' || !hex4(p->at + 2, &low) || low < 0xdc00 ||
            low > 0xdfff)
            return false;
        p->at += 6;
        high = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    }
    add_code_point(out, high);
    return true;
}

struct expr *parse_text(struct parser *p)
{
    const char *from = p->at;
    char quote = *p->at++;
    struct buf out = {0};
    while (*p->at && *p->at != quote) {
        if (*p->at != '\\') {
            buf_add_char(&out, *p->at++);
            continue;
        }
        p->at++;
        if (!escape_read(p, &out)) {
            buf_deinit(&out);
            return parse_fail(p, p->at - 1, "no character is written like that");
        }
    }
    if (!*p->at) {
        buf_deinit(&out);
        return parse_fail(p, from, "the quote is not closed");
    }
    p->at++;
    cJSON *value = cJSON_CreateString(out.data ? out.data : "");
    buf_deinit(&out);
    return expr_value(p, from, value);
}

struct expr *parse_number(struct parser *p)
{
    const char *from = p->at, *at = p->at;
    char word[65];
    at += strspn(at, "0123456789");
    if (*at == '.' && isdigit((unsigned char)at[1]))
        at += 1 + strspn(at + 1, "0123456789");
    if (*at == 'e' || *at == 'E') {
        const char *exponent = at + 1 + (at[1] == '+' || at[1] == '-');
        if (isdigit((unsigned char)*exponent))
            at = exponent + strspn(exponent, "0123456789");
    }
    size_t len = (size_t)(at - from);
    double number = 0;
    snprintf(word, sizeof word, "%.*s", (int)(len < 64 ? len : 64), from);
    if (starts_name(*at) || len > 64 || !text_is_number(word, &number))
        return parse_fail(p, from, "not a number");
    p->at = at;
    return expr_value(p, from, cJSON_CreateNumber(number));
}
