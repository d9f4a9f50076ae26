// SPDX-License-Identifier: MIT
// Values during an evaluation, what they cost, and the arguments of functions.
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "engine/expression_tree.h"
#include "engine/icu.h"
#include "engine/value.h"
#include "engine/zone.h"

enum { BYTES_PER_UNIT = 64 };

static const cJSON json_true = {.type = cJSON_True}, json_false = {.type = cJSON_False},
                   json_null = {.type = cJSON_NULL};

/* Errors and costs */

PRINTF_LIKE(3, 0)
static bool fail_at(struct eval *e, const struct expr *x, const char *fmt, va_list ap)
{
    char words[160];
    const char *from = e->expression->text + x->from;
    vsnprintf(words, sizeof words, fmt, ap);
    int cut = (int)utf8_cut_bytes(from, x->to - x->from, 60);
    err_set(e->err, ERR_INPUT, "at '%.*s': %s", cut, from, words);
    text_tidy(e->err->text);
    return false;
}

bool(eval_fail)(struct eval *e, const struct expr *x, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fail_at(e, x, fmt, ap);
    va_end(ap);
    return false;
}

bool(call_fail)(const struct call *call, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fail_at(call->eval, call->node, fmt, ap);
    va_end(ap);
    return false;
}

bool eval_charge(struct eval *e, uint64_t units, size_t bytes)
{
    units += bytes / BYTES_PER_UNIT;
    if (units <= e->cost) {
        e->cost -= units;
        return true;
    }
    e->cost = 0;
    if (e->scope->cost_left && *e->scope->cost_left < e->scope->cost)
        return err_set(e->err, ERR_LIMIT,
                       "expressions and patterns cost too much in one run (limit run_cost)");
    return err_set(e->err, ERR_LIMIT, "an expression costs more than %u (limit expression_cost)",
                   (unsigned)e->scope->cost);
}

/* Values */

void datum_free(struct datum *d)
{
    cJSON_Delete(d->owned);
    d->owned = NULL;
}

struct datum datum_borrow(const cJSON *json)
{
    return (struct datum){.kind = DATUM_JSON, .json = json ? json : &json_null};
}

struct datum datum_bool(bool value)
{
    return datum_borrow(value ? &json_true : &json_false);
}

struct datum datum_number(double number)
{
    return (struct datum){.kind = DATUM_NUMBER, .number = number};
}

struct datum datum_date(int64_t ms)
{
    return (struct datum){.kind = DATUM_DATE, .ms = ms};
}

static bool size_admit(struct eval *e, const cJSON *value)
{
    size_t bytes;
    if (!value_measure(value, &bytes, e->err))
        return false;
    if (bytes > e->scope->bytes)
        return err_set(e->err, ERR_LIMIT, "an expression makes a value of more than %zu bytes",
                       e->scope->bytes);
    return eval_charge(e, 1, bytes);
}

bool datum_own(struct eval *e, cJSON *owned_json, struct datum *ret)
{
    if (!size_admit(e, owned_json)) {
        cJSON_Delete(owned_json);
        return false;
    }
    *ret = datum_borrow(owned_json);
    ret->owned = owned_json;
    return true;
}

bool datum_text(struct eval *e, char *owned_text, struct datum *ret)
{
    cJSON *json = cJSON_CreateNull();
    json->type = cJSON_String;
    json->valuestring = owned_text;
    return datum_own(e, json, ret);
}

const char *datum_type(const struct datum *d)
{
    if (d->kind != DATUM_JSON)
        return d->kind == DATUM_DATE ? "date" : "number";
    return cJSON_IsString(d->json)   ? "text"
           : cJSON_IsNumber(d->json) ? "number"
           : cJSON_IsBool(d->json)   ? "boolean"
           : cJSON_IsArray(d->json)  ? "list"
           : cJSON_IsObject(d->json) ? "object"
                                     : "null";
}

bool datum_is_null(const struct datum *d)
{
    return d->kind == DATUM_JSON && cJSON_IsNull(d->json);
}

bool value_is_true(const cJSON *value)
{
    if (!value || cJSON_IsNull(value) || cJSON_IsFalse(value))
        return false;
    if (cJSON_IsNumber(value))
        return value->valuedouble < 0 || value->valuedouble > 0;
    if (cJSON_IsString(value))
        return *value->valuestring != '\0';
    return cJSON_IsTrue(value) || value->child;
}

bool datum_is_true(const struct datum *d)
{
    if (d->kind == DATUM_NUMBER)
        return d->number < 0 || d->number > 0;
    return d->kind == DATUM_DATE || value_is_true(d->json);
}

const cJSON *datum_json(struct eval *e, struct datum *d)
{
    char text[ISO_TEXT_MAX];
    if (d->kind == DATUM_NUMBER) {
        d->json = d->owned = cJSON_CreateNumber(d->number);
    } else if (d->kind == DATUM_DATE) {
        zone_print_iso(d->ms, e->scope->zone, text);
        d->json = d->owned = cJSON_CreateString(text);
    }
    d->kind = DATUM_JSON;
    return d->json;
}

cJSON *datum_take(struct eval *e, struct datum *d)
{
    const cJSON *json = datum_json(e, d);
    cJSON *owned = d->owned;
    d->owned = NULL;
    if (owned && owned == json)
        return owned;
    d->owned = owned; // of which json is a part
    return size_admit(e, json) ? cJSON_Duplicate(json, true) : NULL;
}

bool datum_is_number(const struct datum *d, double *ret_number)
{
    if (d->kind == DATUM_NUMBER)
        *ret_number = d->number;
    return d->kind == DATUM_NUMBER ||
           (d->kind == DATUM_JSON && value_is_number(d->json, ret_number));
}

// Also a text that is one.
static bool datum_is_date(const struct eval *e, const struct datum *d, int64_t *ret_ms)
{
    if (d->kind == DATUM_DATE)
        *ret_ms = d->ms;
    return d->kind == DATUM_DATE || (d->kind == DATUM_JSON && cJSON_IsString(d->json) &&
                                     zone_parse_iso(d->json->valuestring, e->scope->zone, ret_ms));
}

bool datum_equal(struct eval *e, struct datum *a, struct datum *b, bool *ret_equal)
{
    double x, y;
    int64_t p, q;
    if (a->kind == DATUM_DATE || b->kind == DATUM_DATE) {
        *ret_equal = datum_is_date(e, a, &p) && datum_is_date(e, b, &q) && p == q;
        return true;
    }
    if ((a->kind == DATUM_NUMBER || b->kind == DATUM_NUMBER) && datum_is_number(a, &x) &&
        datum_is_number(b, &y)) {
        *ret_equal = !(x < y) && !(x > y);
        return true;
    }
    size_t bytes = 0;
    const cJSON *left = datum_json(e, a);
    if (left && left->child && !value_measure(left, &bytes, e->err))
        return false;
    if (!eval_charge(e, 0, bytes))
        return false;
    *ret_equal = value_equal(left, datum_json(e, b));
    return true;
}

int datum_order(struct eval *e, struct datum *a, struct datum *b)
{
    double x, y;
    int64_t p, q;
    int order;
    if (a->kind == DATUM_DATE || b->kind == DATUM_DATE)
        return datum_is_date(e, a, &p) && datum_is_date(e, b, &q) ? (p > q) - (p < q) : NO_ORDER;
    if ((a->kind == DATUM_NUMBER || b->kind == DATUM_NUMBER))
        return datum_is_number(a, &x) && datum_is_number(b, &y) ? (x > y) - (x < y) : NO_ORDER;
    if (!value_order(a->json, b->json, &order))
        return NO_ORDER;
    return (order > 0) - (order < 0);
}

/* What functions give */

bool call_give_number(struct call *call, double number, struct datum *ret)
{
    if (!isfinite(number))
        return call_fail(call, "the number is too large");
    *ret = datum_number(number);
    return true;
}

bool call_give_date(struct call *call, int64_t ms, struct datum *ret)
{
    char text[ISO_TEXT_MAX];
    int64_t back;
    zone_print_iso(ms, NULL, text);
    if (!zone_parse_iso(text, NULL, &back) || back != ms)
        return call_fail(call, "a date must be in the years 1 to 9999");
    *ret = datum_date(ms);
    return true;
}

/* Arguments */

bool call_has(const struct call *call, size_t i)
{
    return i < call->count && !datum_is_null(&call->args[i]);
}

static bool wrong_type(const struct call *call, size_t i, const char *wanted)
{
    return call_fail(call, "%s needs a %s as argument %zu, not %s%s", call->node->function->name,
                     wanted, i + 1, datum_is_null(&call->args[i]) ? "" : "a ",
                     datum_type(&call->args[i]));
}

bool call_text(struct call *call, size_t i, const char **ret_text)
{
    if (!call_has(call, i)) {
        *ret_text = "";
        return true;
    }
    const cJSON *json = datum_json(call->eval, &call->args[i]);
    if (json->child || cJSON_IsArray(json) || cJSON_IsObject(json))
        return wrong_type(call, i, "text");
    if (cJSON_IsString(json)) {
        *ret_text = json->valuestring; // which the function will look through
        return eval_charge(call->eval, 0, strlen(json->valuestring));
    }
    struct buf out = {0};
    value_text(json, &out);
    *ret_text = call->texts[call->text_count++] = buf_take(&out);
    return true;
}

bool call_number(struct call *call, size_t i, double *ret_number)
{
    return datum_is_number(&call->args[i], ret_number) || wrong_type(call, i, "number");
}

bool call_integer(struct call *call, size_t i, int64_t min, int64_t max, int64_t *ret)
{
    double number;
    if (!call_number(call, i, &number))
        return false;
    if (number < (double)min || number > (double)max || floor(number) < number)
        return call_fail(call, "argument %zu must be a whole number from %lld to %lld", i + 1,
                         (long long)min, (long long)max);
    *ret = (int64_t)number;
    return true;
}

bool call_date(struct call *call, size_t i, int64_t *ret_ms)
{
    double number;
    struct datum *d = &call->args[i];
    if (datum_is_date(call->eval, d, ret_ms))
        return true;
    if (!datum_is_number(d, &number))
        return wrong_type(call, i, "date");
    if (fabs(number) > 1e15)
        return call_fail(call, "a date must be in the years 1 to 9999");
    *ret_ms = (int64_t)number;
    return true;
}

bool call_list(struct call *call, size_t i, const cJSON **ret_list)
{
    if (call->args[i].kind != DATUM_JSON || !cJSON_IsArray(call->args[i].json))
        return wrong_type(call, i, "list");
    *ret_list = call->args[i].json;
    return true;
}

bool call_locale(struct call *call, size_t i, char *out)
{
    const char *locale = call->eval->scope->locale;
    if (call_has(call, i) && !call_text(call, i, &locale))
        return false;
    locale_canonical(locale, out);
    return true;
}

bool call_zone(struct call *call, size_t i, const char **ret_zone)
{
    *ret_zone = call->eval->scope->zone;
    if (!call_has(call, i))
        return true;
    if (!call_text(call, i, ret_zone))
        return false;
    return zone_is_known(*ret_zone) || call_fail(call, "there is no time zone '%.40s'", *ret_zone);
}

bool call_eval(struct call *call, size_t i, struct datum *ret)
{
    return expr_eval(call->eval, call->node->args[i], ret);
}

bool call_eval_item(struct call *call, size_t i, const cJSON *item, size_t index, struct datum *ret)
{
    struct eval *e = call->eval;
    struct eval_item inner = {.item = item, .index = (double)index, .outer = e->item};
    e->item = &inner;
    bool ok = expr_eval(e, call->node->args[i], ret);
    e->item = inner.outer;
    return ok;
}
