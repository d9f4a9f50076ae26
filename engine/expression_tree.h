// SPDX-License-Identifier: MIT
/*
 * The inside of expressions: the tree that expression_parse.c makes, expression_eval.c walks and
 * the functions work on. Private to engine/. A tree is never deeper than EXPRESSION_DEPTH_MAX, so
 * walking it may recurse.
 */
#pragma once

#include <stdint.h>

#include "engine/expression.h"
#include "engine/scope.h"

struct pattern;

enum expr_kind {
    EXPR_VALUE, // `value`
    EXPR_PATH,  // `path`
    EXPR_ITEM,  // `path`, whose root is `item` or `index`: of the map() … around it
    EXPR_LIST,
    EXPR_OBJECT, // name, value, name, value …
    EXPR_NOT,
    EXPR_MINUS,
    EXPR_CHAIN, // a op b op c, of one level; `ops`
    EXPR_IF,    // condition ? a : b
    EXPR_INDEX, // a[b]
    EXPR_CALL,  // `function`
};

enum expr_op {
    OP_NONE,
    OP_OR,
    OP_AND,
    OP_EQUAL,
    OP_NOT_EQUAL,
    OP_LESS,
    OP_AT_MOST,
    OP_GREATER,
    OP_AT_LEAST,
    OP_IN,
    OP_NOT_IN,
    OP_CALL, // of the function of that name
    OP_ADD,
    OP_SUBTRACT,
    OP_MULTIPLY,
    OP_DIVIDE,
    OP_REMAINDER,
    OP_DEFAULT,
};

struct expr {
    enum expr_kind kind;
    unsigned depth;    // of the tree below
    unsigned from, to; // its place in the text
    bool bracketed;
    int level; // of an operator
    cJSON *value;
    struct path *path;
    const struct expression_function *function;
    struct pattern *pattern; // of matches with a literal pattern
    struct expr **args;
    unsigned char *ops; // enum expr_op, of EXPR_CHAIN: ops[i] is before args[i]
    size_t count;
};

struct expression {
    char *text;
    struct expr *root;
};

// expression_parse.c. NULL with err; text is NUL-terminated. The first `path_len` bytes are a path,
// whatever characters it has, and filters follow.
MUST_USE struct expr *expr_parse(const char *text, size_t path_len, struct err *err);
void expr_free(struct expr *x);

// As expression_parse(), with a path before the first filter.
MUST_USE struct expression *expression_parse_filters(const char *text, size_t len, size_t path_len,
                                                     struct err *err);

/* Values during an evaluation */

enum datum_kind { DATUM_JSON, DATUM_NUMBER, DATUM_DATE };
struct datum {
    enum datum_kind kind;
    const cJSON *json; // DATUM_JSON; never NULL
    cJSON *owned;      // what must be deleted, or NULL
    double number;     // DATUM_NUMBER; finite
    int64_t ms;        // DATUM_DATE
};

struct eval_item { // of map() …
    const cJSON *item;
    double index;
    const struct eval_item *outer;
};

struct eval {
    const struct expression *expression;
    struct scope *scope;
    const struct eval_item *item;
    uint64_t cost; // what is left
    struct err *err;
};

// A function's call: its arguments are evaluated (of a lazy one the first alone).
struct call {
    struct eval *eval;
    const struct expr *node;
    struct datum *args;
    size_t count;
    size_t first_lazy; // node->args[i] from here on are the function's to evaluate
    char *texts[8];    // what call_text() made
    size_t text_count;
    char *caught; // of FUNCTION_CATCH: why the first argument failed, or NULL
};

MUST_USE bool expr_eval(struct eval *e, const struct expr *x, struct datum *ret);
void datum_free(struct datum *d);

// Takes from the cost limit: `units`, and the bytes of what is made or looked through.
MUST_USE bool eval_charge(struct eval *e, uint64_t units, size_t bytes);
// "at '…': …"; return false.
bool eval_fail(struct eval *e, const struct expr *x, const char *fmt, ...) PRINTF_LIKE(3, 4);
bool call_fail(const struct call *call, const char *fmt, ...) PRINTF_LIKE(2, 3);
#ifdef __clang_analyzer__ // it does not see that these two return false
#define eval_fail(...) (eval_fail(__VA_ARGS__), false)
#define call_fail(...) (call_fail(__VA_ARGS__), false)
#endif

const char *datum_type(const struct datum *d); // "text", "null" … as type() gives it
bool datum_is_number(const struct datum *d, double *ret_number); // also a text that is one
bool datum_is_null(const struct datum *d);
bool datum_is_true(const struct datum *d);
// As JSON: borrowed from d, which then may own it. A date becomes its ISO text.
const cJSON *datum_json(struct eval *e, struct datum *d);
// The same, the caller's: a copy, or what it owned. NULL with err: too large.
MUST_USE cJSON *datum_take(struct eval *e, struct datum *d);
MUST_USE bool datum_equal(struct eval *e, struct datum *a, struct datum *b, bool *ret_equal);
// ret_order: below, 0 or above 0; where there is none between them, NO_ORDER.
enum { NO_ORDER = 2 };
int datum_order(struct eval *e, struct datum *a, struct datum *b);

struct datum datum_bool(bool value);
struct datum datum_number(double number); // must be finite
struct datum datum_date(int64_t ms);
struct datum datum_borrow(const cJSON *json); // NULL gives null
// Take ownership; false when it is larger than a value may be, or costs too much.
MUST_USE bool datum_own(struct eval *e, cJSON *owned_json, struct datum *ret);
MUST_USE bool datum_text(struct eval *e, char *owned_text, struct datum *ret);

// A function's results: each fails where it cannot be.
MUST_USE bool call_give_number(struct call *call, double number, struct datum *ret);
MUST_USE bool call_give_date(struct call *call, int64_t ms, struct datum *ret);

/* Arguments, from 0. False with err when it is of a wrong type. */

bool call_has(const struct call *call, size_t i); // given, and not null
MUST_USE bool call_text(struct call *call, size_t i, const char **ret_text);
MUST_USE bool call_number(struct call *call, size_t i, double *ret_number);
// A whole number between min and max.
MUST_USE bool call_integer(struct call *call, size_t i, int64_t min, int64_t max, int64_t *ret);
MUST_USE bool call_date(struct call *call, size_t i, int64_t *ret_ms);
MUST_USE bool call_list(struct call *call, size_t i, const cJSON **ret_list);
// The argument, or the scope's, as ICU wants it (LOCALE_MAX bytes).
MUST_USE bool call_locale(struct call *call, size_t i, char *out);
// The zone argument, checked, or the scope's.
MUST_USE bool call_zone(struct call *call, size_t i, const char **ret_zone);
// A lazy argument.
MUST_USE bool call_eval(struct call *call, size_t i, struct datum *ret);
MUST_USE bool call_eval_item(struct call *call, size_t i, const cJSON *item, size_t index,
                             struct datum *ret);
