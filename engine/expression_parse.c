// SPDX-License-Identifier: MIT
/*
 * Expressions, from text to tree: a Pratt parser that reads characters directly. Levels, loosest
 * first: | filter, ?:, or, and, not, comparison, + -, * / %, ??, - and !, members and indices.
 */
#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "engine/expression_tree.h"
#include "engine/functions.h"
#include "engine/path.h"
#include "engine/pattern.h"
#include "engine/value.h"

enum level {
    LEVEL_OR = 1,
    LEVEL_AND,
    LEVEL_NOT,
    LEVEL_COMPARE,
    LEVEL_ADD,
    LEVEL_MULTIPLY,
    LEVEL_DEFAULT
};
enum { ARGUMENTS_MAX = 1000 };

struct parser {
    const char *text, *at;
    unsigned depth;
    unsigned items; // how many map() … are around
    struct err *err;
};

static struct expr *parse_filtered(struct parser *p);
static struct expr *parse_choice(struct parser *p);

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

PRINTF_LIKE(3, 4)
static struct expr *fail(struct parser *p, const char *at, const char *fmt, ...)
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

static void blanks_skip(struct parser *p)
{
    while (*p->at && strchr(" \t\r\n", *p->at))
        p->at++;
}

static bool take(struct parser *p, char c)
{
    blanks_skip(p);
    if (*p->at != c)
        return false;
    p->at++;
    return true;
}

static bool starts_name(char c)
{
    return isalpha((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static size_t name_length(const char *at)
{
    size_t len = 0;
    if (starts_name(*at))
        while (starts_name(at[len]) || isdigit((unsigned char)at[len]))
            len++;
    return len;
}

static bool word_is(const char *at, const char *word)
{
    size_t len = strlen(word);
    return name_length(at) == len && memcmp(at, word, len) == 0;
}

/* Nodes of the tree */

static struct expr *node_new(struct parser *p, enum expr_kind kind, const char *from)
{
    struct expr *x = x_alloc(sizeof *x);
    x->kind = kind;
    x->depth = 1;
    x->from = (unsigned)(from - p->text);
    x->to = (unsigned)(p->at - p->text);
    return x;
}

// Adds owned_arg below x. False (x is then freed) when that is NULL or the tree becomes too deep.
static bool node_add(struct parser *p, struct expr *x, struct expr *owned_arg)
{
    if (owned_arg && owned_arg->depth >= EXPRESSION_DEPTH_MAX) {
        expr_free(owned_arg);
        owned_arg = NULL;
        fail(p, p->text + x->from, "nested deeper than %d levels", EXPRESSION_DEPTH_MAX);
    }
    if (!owned_arg) {
        expr_free(x);
        return false;
    }
    if (x->depth <= owned_arg->depth)
        x->depth = owned_arg->depth + 1;
    x->args = x_realloc(x->args, x->count + 1, sizeof(struct expr *));
    x->args[x->count++] = owned_arg;
    x->to = (unsigned)(p->at - p->text);
    return true;
}

static struct expr *value_new(struct parser *p, const char *from, cJSON *owned_value)
{
    struct expr *x = node_new(p, EXPR_VALUE, from);
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

static struct expr *parse_text(struct parser *p)
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
            return fail(p, p->at - 1, "no character is written like that");
        }
    }
    if (!*p->at) {
        buf_deinit(&out);
        return fail(p, from, "the quote is not closed");
    }
    p->at++;
    cJSON *value = cJSON_CreateString(out.data ? out.data : "");
    buf_deinit(&out);
    return value_new(p, from, value);
}

static struct expr *parse_number(struct parser *p)
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
        return fail(p, from, "not a number");
    p->at = at;
    return value_new(p, from, cJSON_CreateNumber(number));
}

static struct expr *parse_list(struct parser *p)
{
    struct expr *x = node_new(p, EXPR_LIST, p->at++);
    while (!take(p, ']')) {
        if (x->count && !take(p, ',')) {
            expr_free(x);
            return fail(p, p->at, "',' or ']' is missing");
        }
        if (!node_add(p, x, parse_filtered(p)))
            return NULL;
    }
    x->to = (unsigned)(p->at - p->text);
    return x;
}

static struct expr *parse_member_name(struct parser *p)
{
    blanks_skip(p);
    const char *from = p->at;
    if (*p->at == '"' || *p->at == '\'')
        return parse_text(p);
    size_t len = name_length(p->at);
    if (len == 0)
        return fail(p, p->at, "a member's name is missing");
    p->at += len;
    char *name = x_dupn(from, len);
    cJSON *value = cJSON_CreateString(name);
    free(name);
    return value_new(p, from, value);
}

static struct expr *parse_object(struct parser *p)
{
    struct expr *x = node_new(p, EXPR_OBJECT, p->at++);
    while (!take(p, '}')) {
        if (x->count && !take(p, ',')) {
            expr_free(x);
            return fail(p, p->at, "',' or '}' is missing");
        }
        if (!node_add(p, x, parse_member_name(p)))
            return NULL;
        if (!take(p, ':')) {
            expr_free(x);
            return fail(p, p->at, "':' is missing");
        }
        if (!node_add(p, x, parse_filtered(p)))
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
        fail(p, p->text + arg->from, "%s", err.text);
    return call->pattern != NULL;
}

// The call is whole: are its arguments as many as the function takes?
static struct expr *call_check(struct parser *p, struct expr *x)
{
    const struct expression_function *f = x->function;
    x->to = (unsigned)(p->at - p->text);
    bool fits = x->count >= f->min && x->count <= f->max;
    if (fits && (!(f->flags & FUNCTION_PATTERN) || pattern_prepare(p, x)))
        return x;
    if (!fits)
        fail(p, p->text + x->from, "wrong number of arguments: %s(%s)", f->name, f->arguments);
    expr_free(x);
    return NULL;
}

static bool parse_argument(struct parser *p, struct expr *call,
                           struct expr *(*parse)(struct parser *))
{
    bool sees_item = call->function->flags & FUNCTION_ITEM && call->count >= 1;
    if (call->count >= ARGUMENTS_MAX) {
        expr_free(call);
        fail(p, p->at, "more than %d arguments", ARGUMENTS_MAX);
        return false;
    }
    p->items += sees_item;
    struct expr *arg = parse(p);
    p->items -= sees_item;
    return node_add(p, call, arg);
}

static struct expr *call_new(struct parser *p, const char *name, size_t len)
{
    char word[64];
    snprintf(word, sizeof word, "%.*s", (int)(len < 63 ? len : 63), name);
    const struct expression_function *function = function_find(word);
    if (!function) {
        const char *nearest = function_nearest(word);
        return nearest
                   ? fail(p, name, "there is no function '%s'; did you mean '%s'?", word, nearest)
                   : fail(p, name, "there is no function '%s'", word);
    }
    struct expr *x = node_new(p, EXPR_CALL, name);
    x->function = function;
    return x;
}

static struct expr *parse_call(struct parser *p, const char *name, size_t len)
{
    struct expr *x = call_new(p, name, len);
    if (!x)
        return NULL;
    while (!take(p, ')')) {
        if (x->count && !take(p, ',')) {
            expr_free(x);
            return fail(p, p->at, "',' or ')' is missing");
        }
        if (!parse_argument(p, x, parse_filtered))
            return NULL;
    }
    return call_check(p, x);
}

// Behind a "|".
static struct expr *parse_filter(struct parser *p, struct expr *owned_left)
{
    blanks_skip(p);
    const char *name = p->at;
    size_t len = name_length(name);
    struct expr *x =
        len ? call_new(p, name, len) : fail(p, p->at, "the name of a filter is missing after |");
    if (!x) {
        expr_free(owned_left);
        return NULL;
    }
    p->at += len;
    x->from = owned_left->from;
    if (!node_add(p, x, owned_left))
        return NULL;
    if (take(p, ':'))
        do
            if (!parse_argument(p, x, parse_choice))
                return NULL;
        while (take(p, ','));
    return call_check(p, x);
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
        return fail(p, p->at, "a name is missing") != NULL;
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

static struct expr *parse_path(struct parser *p)
{
    const char *from = p->at;
    struct buf text = {.max = EXPRESSION_BYTES_MAX};
    struct err err;
    struct path *path = NULL;
    bool ok = path_text_read(p, &text);
    if (ok) {
        path = path_parse(text.data, text.len, &err);
        if (!path)
            fail(p, from, "%s", err.text);
    }
    buf_deinit(&text);
    if (!path)
        return NULL;
    const char *root = path_root(path);
    if (strcmp(root, "secrets") == 0) {
        path_free(path);
        return fail(p, from, "a secret can be inserted only as {{ secrets.NAME }}, by itself");
    }
    bool is_item = p->items && (strcmp(root, "item") == 0 || strcmp(root, "index") == 0);
    struct expr *x = node_new(p, is_item ? EXPR_ITEM : EXPR_PATH, from);
    x->path = path;
    return x;
}

static struct expr *parse_word(struct parser *p)
{
    static const char *const reserved[] = {"and", "or", "not", "in", NULL};
    const char *from = p->at;
    size_t len = name_length(from);
    cJSON *value = word_is(from, "true")    ? cJSON_CreateTrue()
                   : word_is(from, "false") ? cJSON_CreateFalse()
                   : word_is(from, "null")  ? cJSON_CreateNull()
                                            : NULL;
    if (value) {
        p->at += len;
        return value_new(p, from, value);
    }
    for (const char *const *word = reserved; *word; word++)
        if (word_is(from, *word))
            return fail(p, from, "a value is missing before '%s'", *word);
    const char *next = from + len;
    next += strspn(next, " \t\r\n");
    if (len && *next == '(') {
        p->at = next + 1;
        return parse_call(p, from, len);
    }
    return parse_path(p);
}

/* Operators */

static struct expr *parse_primary(struct parser *p)
{
    blanks_skip(p);
    char c = *p->at;
    if (c == '(') {
        const char *from = p->at++;
        struct expr *x = parse_filtered(p);
        if (!x)
            return NULL;
        if (!take(p, ')')) {
            expr_free(x);
            return fail(p, *p->at ? p->at : from, "')' is missing");
        }
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
    return fail(p, p->at, "a value is missing");
}

// Members and indices of what is no path.
static struct expr *parse_postfix(struct parser *p)
{
    struct expr *x = parse_primary(p);
    while (x && (*p->at == '[' || *p->at == '.')) {
        struct expr *index = node_new(p, EXPR_INDEX, p->text + x->from);
        bool bracket = *p->at++ == '[';
        if (!node_add(p, index, x) ||
            !node_add(p, index, bracket ? parse_filtered(p) : parse_member_name(p)))
            return NULL;
        if (bracket && !take(p, ']')) {
            expr_free(index);
            return fail(p, p->at, "']' is missing");
        }
        index->to = (unsigned)(p->at - p->text);
        x = index;
    }
    return x;
}

struct op_word {
    const char *text;
    enum expr_op op;
    enum level level;
};
static const struct op_word symbols[] = {
    // longer ones first
    {"||", OP_OR, LEVEL_OR},           {"&&", OP_AND, LEVEL_AND},
    {"==", OP_EQUAL, LEVEL_COMPARE},   {"!=", OP_NOT_EQUAL, LEVEL_COMPARE},
    {"<=", OP_AT_MOST, LEVEL_COMPARE}, {">=", OP_AT_LEAST, LEVEL_COMPARE},
    {"<", OP_LESS, LEVEL_COMPARE},     {">", OP_GREATER, LEVEL_COMPARE},
    {"??", OP_DEFAULT, LEVEL_DEFAULT}, {"+", OP_ADD, LEVEL_ADD},
    {"-", OP_SUBTRACT, LEVEL_ADD},     {"*", OP_MULTIPLY, LEVEL_MULTIPLY},
    {"/", OP_DIVIDE, LEVEL_MULTIPLY},  {"%", OP_REMAINDER, LEVEL_MULTIPLY},
    {NULL, OP_NONE, LEVEL_OR},
};
static const struct op_word words[] = {
    {"or", OP_OR, LEVEL_OR},
    {"and", OP_AND, LEVEL_AND},
    {"in", OP_IN, LEVEL_COMPARE},
    {"contains", OP_CALL, LEVEL_COMPARE},
    {"starts_with", OP_CALL, LEVEL_COMPARE},
    {"ends_with", OP_CALL, LEVEL_COMPARE},
    {"matches", OP_CALL, LEVEL_COMPARE},
    {NULL, OP_NONE, LEVEL_OR},
};

// The operator that comes next, and its bytes; nothing is taken yet.
static struct op_word op_peek(struct parser *p, size_t *ret_len)
{
    blanks_skip(p);
    for (const struct op_word *symbol = symbols; symbol->text; symbol++) {
        *ret_len = strlen(symbol->text);
        if (strncmp(p->at, symbol->text, *ret_len) == 0)
            return *symbol;
    }
    for (const struct op_word *word = words; word->text; word++) {
        *ret_len = strlen(word->text);
        if (word_is(p->at, word->text))
            return *word;
    }
    if (word_is(p->at, "not")) {
        const char *next = p->at + 3 + strspn(p->at + 3, " \t\r\n");
        *ret_len = (size_t)(next - p->at) + 2;
        if (word_is(next, "in"))
            return (struct op_word){"not in", OP_NOT_IN, LEVEL_COMPARE};
    }
    return (struct op_word){NULL, OP_NONE, LEVEL_OR};
}

static struct expr *parse_binary(struct parser *p, int min_level);

static struct expr *parse_prefixed(struct parser *p, enum expr_kind kind, size_t len,
                                   int operand_level)
{
    const char *from = p->at;
    p->at += len;
    struct expr *operand = parse_binary(p, operand_level), *x = node_new(p, kind, from);
    return node_add(p, x, operand) ? x : NULL;
}

static struct expr *parse_operand(struct parser *p, int min_level)
{
    blanks_skip(p);
    if (p->depth >= EXPRESSION_DEPTH_MAX)
        return fail(p, p->at, "nested deeper than %d levels", EXPRESSION_DEPTH_MAX);
    p->depth++;
    struct expr *x;
    if (word_is(p->at, "not") && min_level <= LEVEL_NOT)
        x = parse_prefixed(p, EXPR_NOT, 3, LEVEL_NOT);
    else if (*p->at == '!' && p->at[1] != '=')
        x = parse_prefixed(p, EXPR_NOT, 1, LEVEL_DEFAULT + 1);
    else if (*p->at == '-')
        x = parse_prefixed(p, EXPR_MINUS, 1, LEVEL_DEFAULT + 1);
    else
        x = parse_postfix(p);
    p->depth--;
    return x;
}

// `a contains b` is contains(a, b).
static struct expr *call_of_operator(struct parser *p, struct expr *left, struct op_word op,
                                     struct expr *right)
{
    struct expr *x = node_new(p, EXPR_CALL, p->text + left->from);
    x->function = function_find(op.text);
    x->level = (int)op.level;
    if (!node_add(p, x, left)) {
        expr_free(right);
        return NULL;
    }
    return node_add(p, x, right) ? call_check(p, x) : NULL;
}

// Appends `op right` to the chain `left`, or makes one of them. Takes both.
static struct expr *chain_add(struct parser *p, struct expr *left, struct op_word op,
                              struct expr *right)
{
    bool goes_on = left->level == (int)op.level && !left->bracketed;
    if (goes_on && op.level == LEVEL_COMPARE) {
        expr_free(left);
        expr_free(right);
        return fail(p, p->at, "comparisons in a row need brackets");
    }
    if (op.op == OP_CALL)
        return call_of_operator(p, left, op, right);
    struct expr *chain = left;
    if (!goes_on) {
        chain = node_new(p, EXPR_CHAIN, p->text + left->from);
        chain->level = (int)op.level;
        if (!node_add(p, chain, left)) {
            expr_free(right);
            return NULL;
        }
    }
    if (!node_add(p, chain, right))
        return NULL;
    chain->ops = x_realloc(chain->ops, chain->count, sizeof *chain->ops);
    chain->ops[chain->count - 1] = (unsigned char)op.op;
    return chain;
}

static struct expr *parse_binary(struct parser *p, int min_level)
{
    struct expr *left = parse_operand(p, min_level);
    while (left) {
        size_t len;
        struct op_word op = op_peek(p, &len);
        if (op.op == OP_NONE || (int)op.level < min_level)
            return left;
        p->at += len;
        struct expr *right = parse_binary(p, (int)op.level + 1);
        if (!right) {
            expr_free(left);
            return NULL;
        }
        left = chain_add(p, left, op, right);
    }
    return NULL;
}

// condition ? a : b
static struct expr *parse_choice(struct parser *p)
{
    struct expr *x = parse_binary(p, LEVEL_OR);
    if (!x || !take(p, '?'))
        return x;
    struct expr *choice = node_new(p, EXPR_IF, p->text + x->from);
    if (p->depth >= EXPRESSION_DEPTH_MAX) {
        expr_free(choice);
        expr_free(x);
        return fail(p, p->at, "nested deeper than %d levels", EXPRESSION_DEPTH_MAX);
    }
    p->depth++;
    bool ok = node_add(p, choice, x) && node_add(p, choice, parse_choice(p));
    if (ok && !take(p, ':')) {
        expr_free(choice);
        fail(p, p->at, "':' is missing");
        ok = false;
    }
    ok = ok && node_add(p, choice, parse_choice(p));
    p->depth--;
    return ok ? choice : NULL;
}

static struct expr *parse_filtered(struct parser *p)
{
    struct expr *x = parse_choice(p);
    while (x && take(p, '|'))
        x = parse_filter(p, x);
    return x;
}

struct expr *expr_parse(const char *text, struct err *err)
{
    struct parser p = {.text = text, .at = text, .err = err};
    struct expr *x = parse_filtered(&p);
    if (x && *p.at) {
        expr_free(x);
        return fail(&p, p.at, "not expected here");
    }
    return x;
}
