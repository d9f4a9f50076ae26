// SPDX-License-Identifier: MIT
/*
 * The parser of expressions: a Pratt parser that reads characters directly. Levels, loosest first:
 * | filter, ?:, or, and, not, comparison, + -, * / %, ??, - and !, members and indices. In three
 * files, lowest first: expression_node.c (nodes and literals), expression_operand.c (lists, calls,
 * paths), expression_parse.c (operators, filters). Private to them.
 *
 * What gives a node gives NULL after an error, which is then told; what takes a node owns it, also
 * when it fails.
 */
#pragma once

#include "engine/expression_tree.h"

struct parser {
    const char *text, *at;
    unsigned depth;
    unsigned items; // how many map() … are around
    struct err *err;
};

/* expression_node.c */

struct expr *parse_fail(struct parser *p, const char *at, const char *fmt, ...) PRINTF_LIKE(3, 4);
void parse_blanks(struct parser *p);
bool parse_take(struct parser *p, char c); // when it comes next, after blanks
bool starts_name(char c);
size_t name_length(const char *at); // 0: none begins there
bool name_is(const char *at, const char *word);
struct expr *expr_new(struct parser *p, enum expr_kind kind, const char *from);
struct expr *expr_value(struct parser *p, const char *from, cJSON *owned_value);
// Adds owned_arg below x. False (both are then freed) when that is NULL or the tree becomes too
// deep.
MUST_USE bool expr_add(struct parser *p, struct expr *x, struct expr *owned_arg);
struct expr *parse_text(struct parser *p);
struct expr *parse_number(struct parser *p);

/* expression_operand.c */

struct expr *parse_postfix(struct parser *p);
struct expr *parse_path_text(struct parser *p, const char *from, const char *text, size_t len);
struct expr *parse_filter(struct parser *p, struct expr *owned_left); // behind a "|"
// The call is whole: are its arguments as many as the function takes?
struct expr *parse_call_end(struct parser *p, struct expr *owned_call);

/* expression_parse.c */

struct expr *parse_filtered(struct parser *p); // all that may stand in brackets
struct expr *parse_choice(struct parser *p);   // the same without filters
