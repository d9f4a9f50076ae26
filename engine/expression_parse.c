// SPDX-License-Identifier: MIT
// Parsing expressions: operators by their levels, choices, filters.
#include <stdlib.h>
#include <string.h>

#include "engine/expression_parser.h"
#include "engine/functions.h"

enum level {
    LEVEL_OR = 1,
    LEVEL_AND,
    LEVEL_NOT,
    LEVEL_COMPARE,
    LEVEL_ADD,
    LEVEL_MULTIPLY,
    LEVEL_DEFAULT
};
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
    parse_blanks(p);
    for (const struct op_word *symbol = symbols; symbol->text; symbol++) {
        *ret_len = strlen(symbol->text);
        if (strncmp(p->at, symbol->text, *ret_len) == 0)
            return *symbol;
    }
    for (const struct op_word *word = words; word->text; word++) {
        *ret_len = strlen(word->text);
        if (name_is(p->at, word->text))
            return *word;
    }
    if (name_is(p->at, "not")) {
        const char *next = p->at + 3 + strspn(p->at + 3, " \t\r\n");
        *ret_len = (size_t)(next - p->at) + 2;
        if (name_is(next, "in"))
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
    struct expr *operand = parse_binary(p, operand_level), *x = expr_new(p, kind, from);
    return expr_add(p, x, operand) ? x : NULL;
}

static struct expr *parse_operand(struct parser *p, int min_level)
{
    parse_blanks(p);
    if (p->depth >= EXPRESSION_DEPTH_MAX)
        return parse_fail(p, p->at, "nested deeper than %d levels", EXPRESSION_DEPTH_MAX);
    p->depth++;
    struct expr *x;
    if (name_is(p->at, "not") && min_level <= LEVEL_NOT)
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
    struct expr *x = expr_new(p, EXPR_CALL, p->text + left->from);
    x->function = function_find(op.text);
    x->level = (int)op.level;
    if (!expr_add(p, x, left)) {
        expr_free(right);
        return NULL;
    }
    return expr_add(p, x, right) ? parse_call_end(p, x) : NULL;
}

// Appends `op right` to the chain `left`, or makes one of them. Takes both.
static struct expr *chain_add(struct parser *p, struct expr *left, struct op_word op,
                              struct expr *right)
{
    bool goes_on = left->level == (int)op.level && !left->bracketed;
    if (goes_on && op.level == LEVEL_COMPARE) {
        expr_free(left);
        expr_free(right);
        return parse_fail(p, p->at, "comparisons in a row need brackets");
    }
    if (op.op == OP_CALL)
        return call_of_operator(p, left, op, right);
    struct expr *chain = left;
    if (!goes_on) {
        chain = expr_new(p, EXPR_CHAIN, p->text + left->from);
        chain->level = (int)op.level;
        if (!expr_add(p, chain, left)) {
            expr_free(right);
            return NULL;
        }
    }
    if (!expr_add(p, chain, right))
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
struct expr *parse_choice(struct parser *p)
{
    struct expr *x = parse_binary(p, LEVEL_OR);
    if (!x || !parse_take(p, '?'))
        return x;
    struct expr *choice = expr_new(p, EXPR_IF, p->text + x->from);
    if (p->depth >= EXPRESSION_DEPTH_MAX) {
        expr_free(choice);
        expr_free(x);
        return parse_fail(p, p->at, "nested deeper than %d levels", EXPRESSION_DEPTH_MAX);
    }
    p->depth++;
    bool ok = expr_add(p, choice, x) && expr_add(p, choice, parse_choice(p));
    if (ok && !parse_take(p, ':')) {
        expr_free(choice);
        parse_fail(p, p->at, "':' is missing");
        ok = false;
    }
    ok = ok && expr_add(p, choice, parse_choice(p));
    p->depth--;
    return ok ? choice : NULL;
}

static struct expr *parse_filters(struct parser *p, struct expr *owned_left)
{
    struct expr *x = owned_left;
    while (x && parse_take(p, '|'))
        x = parse_filter(p, x);
    return x;
}

struct expr *parse_filtered(struct parser *p)
{
    return parse_filters(p, parse_choice(p));
}

struct expr *expr_parse(const char *text, size_t path_len, struct err *err)
{
    struct parser p = {.text = text, .at = text + path_len, .err = err};
    struct expr *x = path_len ? parse_filters(&p, parse_path_text(&p, text, text, path_len))
                              : parse_filtered(&p);
    if (x && *p.at) {
        expr_free(x);
        return parse_fail(&p, p.at, "not expected here");
    }
    return x;
}
