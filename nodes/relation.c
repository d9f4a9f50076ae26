// SPDX-License-Identifier: MIT
// When relations hold (see relation.h).
#include "nodes/relation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "engine/node.h"
#include "engine/scope.h"
#include "engine/value.h"
#include "engine/zone.h"

// Flow Builder's operators, ours, and the words that other builders have for them; whether they say
// the opposite.
#define RELATIONS(ROW)                                                                             \
    ROW("==", EQUAL, false)                                                                        \
    ROW("!=", EQUAL, true)                                                                         \
    ROW(">", GREATER, false)                                                                       \
    ROW("<", LESS, false)                                                                          \
    ROW(">=", AT_LEAST, false)                                                                     \
    ROW("<=", AT_MOST, false)                                                                      \
    ROW("contains", CONTAINS, false)                                                               \
    ROW("not_contains", CONTAINS, true)                                                            \
    ROW("starts_with", STARTS_WITH, false)                                                         \
    ROW("ends_with", ENDS_WITH, false)                                                             \
    ROW("matches", MATCHES, false)                                                                 \
    ROW("not_matches", MATCHES, true)                                                              \
    ROW("in", IN, false)                                                                           \
    ROW("not_in", IN, true)                                                                        \
    ROW("exists", EXISTS, false)                                                                   \
    ROW("not_exists", EXISTS, true)                                                                \
    ROW("is_empty", EMPTY, false)                                                                  \
    ROW("not_empty", EMPTY, true)                                                                  \
    ROW("before", BEFORE, false)                                                                   \
    ROW("after", AFTER, false)                                                                     \
    ROW("same_day", SAME_DAY, false)                                                               \
    ROW("is", EQUAL, false)                                                                        \
    ROW("is_not", EQUAL, true)                                                                     \
    ROW("equals", EQUAL, false)                                                                    \
    ROW("not_equals", EQUAL, true)                                                                 \
    ROW("greater_than", GREATER, false)                                                            \
    ROW("less_than", LESS, false)                                                                  \
    ROW("startsWith", STARTS_WITH, false)                                                          \
    ROW("endsWith", ENDS_WITH, false)                                                              \
    ROW("notContains", CONTAINS, true)                                                             \
    ROW("notIn", IN, true)                                                                         \
    ROW("notExists", EXISTS, true)                                                                 \
    ROW("isEmpty", EMPTY, false)                                                                   \
    ROW("notEmpty", EMPTY, true)                                                                   \
    ROW("isNotEmpty", EMPTY, true)                                                                 \
    ROW("regex", MATCHES, false)

#define MEANING(word, relation, negated) {relation, negated},
static const struct {
    enum relation relation;
    bool negated;
} relations[] = {RELATIONS(MEANING)};

#define WORD(word, relation, negated) word,
const char *const relation_words[] = {RELATIONS(WORD) NULL};

enum relation relation_find(const char *word, bool *ret_negated)
{
    size_t i = 0;
    while (relation_words[i + 1] && strcmp(relation_words[i], word) != 0)
        i++;
    *ret_negated = relations[i].negated;
    return relations[i].relation;
}

static bool is_empty(const cJSON *value)
{
    if (cJSON_IsString(value))
        return text_is_blank(value->valuestring);
    if (cJSON_IsArray(value) || cJSON_IsObject(value))
        return value->child == NULL;
    return !value || cJSON_IsNull(value);
}

static bool order_holds(enum relation relation, int order)
{
    switch (relation) {
    case GREATER:
    case AFTER:
        return order > 0;
    case LESS:
    case BEFORE:
        return order < 0;
    case AT_LEAST:
        return order >= 0;
    default:
        return order <= 0;
    }
}

// A moment: an ISO text, or milliseconds since 1970.
static bool moment_of(const cJSON *value, const char *zone, int64_t *ret_ms)
{
    double number;
    if (cJSON_IsString(value) && zone_parse_iso(value->valuestring, zone, ret_ms))
        return true;
    if (!value_is_number(value, &number) || fabs(number) > 8.64e15)
        return false;
    *ret_ms = (int64_t)number;
    return true;
}

static bool dates_hold(const struct scope *scope, enum relation relation, const cJSON *left,
                       const cJSON *right)
{
    int64_t a, b;
    if (!moment_of(left, scope->zone, &a) || !moment_of(right, scope->zone, &b))
        return false;
    if (relation != SAME_DAY)
        return order_holds(relation, (a > b) - (a < b));
    struct calendar_time x, y;
    zone_calendar(a, scope->zone, &x);
    zone_calendar(b, scope->zone, &y);
    return x.year == y.year && x.month == y.month && x.day == y.day;
}

static bool edges_hold(enum relation relation, const cJSON *left, const cJSON *right)
{
    struct buf text = {0}, part = {0};
    value_text(left, &text);
    value_text(right, &part);
    bool holds = part.len > 0 && part.len <= text.len;
    if (holds)
        holds = memcmp(text.data + (relation == STARTS_WITH ? 0 : text.len - part.len), part.data,
                       part.len) == 0;
    buf_deinit(&text);
    buf_deinit(&part);
    return holds;
}

// A list, or a text of words between commas.
static bool is_in(const cJSON *item, const cJSON *list)
{
    if (!cJSON_IsString(list))
        return value_contains(list, item);
    bool found = false;
    const char *at = list->valuestring;
    while (!found && at) {
        const char *comma = strchr(at, ',');
        size_t len = comma ? (size_t)(comma - at) : strlen(at);
        for (; len && strchr(" \t\n", *at); at++)
            len--;
        while (len && strchr(" \t\n", at[len - 1]))
            len--;
        char *word = x_dupn(at, len);
        cJSON *value = cJSON_CreateString(word);
        found = value_equal(item, value);
        cJSON_Delete(value);
        free(word);
        at = comma ? comma + 1 : NULL;
    }
    return found;
}

bool relation_holds(const struct scope *scope, enum relation relation, const cJSON *left,
                    const cJSON *right)
{
    int order;
    switch (relation) {
    case EXISTS:
        return left && !cJSON_IsNull(left);
    case EMPTY:
        return is_empty(left);
    case EQUAL:
        return value_equal(left, right);
    case CONTAINS:
        return value_contains(left, right);
    case STARTS_WITH:
    case ENDS_WITH:
        return edges_hold(relation, left, right);
    case IN:
        return is_in(left, right);
    case BEFORE:
    case AFTER:
    case SAME_DAY:
        return dates_hold(scope, relation, left, right);
    default:
        return value_order(left, right, &order) && order_holds(relation, order);
    }
}
