// SPDX-License-Identifier: MIT
/*
 * The checked pass in front of cJSON (see json.h). One recursive descent over the bytes checks
 * them and notes the range of every value in document order. cJSON then reads the same bytes,
 * unless something had to be replaced: long integers are quoted, halves of surrogate pairs become
 * U+FFFD.
 */

#include "base/json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"

enum {
    DEFAULT_MAX_BYTES = 4 << 20,
    DEFAULT_MAX_DEPTH = 64,
    DEFAULT_MAX_VALUES = 1000000,
    EXACT_DIGITS = 15, // integers of more digits do not fit a double's 53 bits
    NUMBER_BYTES = 60, // cJSON 1.7.15 reads no longer number
};

struct range {
    size_t start, end;
};

struct json_doc {
    cJSON *root;
    char *bytes;
    struct range *ranges; // by document order, as valueint says
    size_t count;
};

struct scan {
    const char *s;
    size_t len, i;
    struct buf out; // what cJSON reads instead, once something was replaced
    size_t copied;  // so many bytes of s are in it
    struct range *ranges;
    size_t count, cap;
    size_t max_depth, max_values;
    struct err *err;
};

static bool fail(struct scan *scan, const char *what)
{
    return err_set(scan->err, ERR_INPUT, "JSON: %s at byte %zu", what, scan->i);
}

static void skip_blanks(struct scan *scan)
{
    while (scan->i < scan->len && (scan->s[scan->i] == ' ' || scan->s[scan->i] == '\n' ||
                                   scan->s[scan->i] == '\t' || scan->s[scan->i] == '\r'))
        scan->i++;
}

static bool take(struct scan *scan, char c)
{
    if (scan->i >= scan->len || scan->s[scan->i] != c)
        return false;
    scan->i++;
    return true;
}

// The bytes from `from` to the present position are to read `text`.
static void replace(struct scan *scan, size_t from, const char *text, size_t len)
{
    buf_add(&scan->out, scan->s + scan->copied, from - scan->copied);
    buf_add(&scan->out, text, len);
    scan->copied = scan->i;
}

// The four hex digits at i, or -1.
static int unit_at(const struct scan *scan, size_t i)
{
    if (scan->len - i < 4)
        return -1;
    int unit = 0;
    for (size_t k = i; k < i + 4; k++) {
        char c = scan->s[k];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

// An escape; i is at the backslash.
static bool scan_escape(struct scan *scan)
{
    size_t at = scan->i;
    char kind = at + 1 < scan->len ? scan->s[at + 1] : '\0';
    if (kind != 'u') {
        if (!kind || !strchr("\"\\/bfnrt", kind))
            return fail(scan, "unknown escape");
        scan->i += 2;
        return true;
    }
    int unit = unit_at(scan, at + 2);
    if (unit < 0)
        return fail(scan, "bad \\u escape");
    if (unit == 0)
        return fail(scan, "\\u0000 is not accepted");
    size_t used = 6;
    bool half = unit >= 0xd800 && unit <= 0xdfff;
    if (half && unit <= 0xdbff && scan->len - at >= 12 && scan->s[at + 6] == '\\' &&
        scan->s[at + 7] == 'u') {
        int low = unit_at(scan, at + 8);
        if (low >= 0xdc00 && low <= 0xdfff) {
            half = false;
            used = 12;
        }
    }
    scan->i += used;
    if (half)
        replace(scan, at, "\\ufffd", 6);
    return true;
}

static bool scan_string(struct scan *scan)
{
    if (!take(scan, '"'))
        return fail(scan, "a string is expected");
    for (;;) {
        while (scan->i < scan->len && scan->s[scan->i] != '"' && scan->s[scan->i] != '\\' &&
               (unsigned char)scan->s[scan->i] >= ' ')
            scan->i++;
        if (scan->i >= scan->len)
            return fail(scan, "unfinished string");
        if (scan->s[scan->i] == '"')
            return take(scan, '"');
        if (scan->s[scan->i] != '\\')
            return fail(scan, "control character in a string");
        if (!scan_escape(scan))
            return false;
    }
}

static size_t count_digits(struct scan *scan)
{
    size_t start = scan->i;
    while (scan->i < scan->len && scan->s[scan->i] >= '0' && scan->s[scan->i] <= '9')
        scan->i++;
    return scan->i - start;
}

static bool scan_number(struct scan *scan)
{
    size_t start = scan->i;
    if (scan->s[scan->i] == '-')
        scan->i++;
    bool zero = scan->i < scan->len && scan->s[scan->i] == '0';
    size_t digits = count_digits(scan);
    if (digits == 0 || (zero && digits > 1))
        return fail(scan, "bad number");
    bool integer = true;
    if (scan->i < scan->len && scan->s[scan->i] == '.') {
        integer = false;
        scan->i++;
        if (count_digits(scan) == 0)
            return fail(scan, "bad number");
    }
    if (scan->i < scan->len && (scan->s[scan->i] | 0x20) == 'e') {
        integer = false;
        scan->i++;
        if (scan->i < scan->len && (scan->s[scan->i] == '+' || scan->s[scan->i] == '-'))
            scan->i++;
        if (count_digits(scan) == 0)
            return fail(scan, "bad number");
    }
    size_t len = scan->i - start;
    if ((integer && digits > EXACT_DIGITS) || len > NUMBER_BYTES) {
        char *quoted = x_printf("\"%.*s\"", (int)len, scan->s + start);
        replace(scan, start, quoted, len + 2);
        free(quoted);
    }
    return true;
}

static bool scan_literal(struct scan *scan)
{
    static const char *const literals[] = {"true", "false", "null"};
    for (size_t k = 0; k < 3; k++) {
        size_t len = strlen(literals[k]);
        if (scan->len - scan->i >= len && memcmp(scan->s + scan->i, literals[k], len) == 0) {
            scan->i += len;
            return true;
        }
    }
    return fail(scan, "a value is expected");
}

static bool scan_value(struct scan *scan, size_t depth);

// Members or elements up to the closing bracket.
static bool scan_container(struct scan *scan, size_t depth, bool object)
{
    if (depth >= scan->max_depth)
        return err_set(scan->err, ERR_LIMIT, "JSON: nested deeper than %zu at byte %zu",
                       scan->max_depth, scan->i);
    char close = object ? '}' : ']';
    take(scan, object ? '{' : '[');
    skip_blanks(scan);
    if (take(scan, close))
        return true;
    for (;;) {
        skip_blanks(scan);
        if (object) {
            if (!scan_string(scan))
                return false;
            skip_blanks(scan);
            if (!take(scan, ':'))
                return fail(scan, "':' is expected");
        }
        if (!scan_value(scan, depth + 1))
            return false;
        skip_blanks(scan);
        if (take(scan, close))
            return true;
        if (!take(scan, ','))
            return fail(scan, object ? "',' or '}' is expected" : "',' or ']' is expected");
    }
}

static size_t new_range(struct scan *scan)
{
    if (scan->count == scan->cap) {
        scan->cap = scan->cap ? scan->cap * 2 : 64;
        scan->ranges = x_realloc(scan->ranges, scan->cap, sizeof *scan->ranges);
    }
    return scan->count++;
}

static bool scan_value(struct scan *scan, size_t depth)
{
    skip_blanks(scan);
    if (scan->i >= scan->len)
        return fail(scan, "unexpected end");
    if (scan->count >= scan->max_values)
        return err_set(scan->err, ERR_LIMIT, "JSON: more than %zu values", scan->max_values);
    size_t index = new_range(scan);
    size_t start = scan->i;
    char c = scan->s[scan->i];
    bool ok = c == '{' || c == '['                 ? scan_container(scan, depth, c == '{')
              : c == '"'                           ? scan_string(scan)
              : c == '-' || (c >= '0' && c <= '9') ? scan_number(scan)
                                                   : scan_literal(scan);
    scan->ranges[index] = (struct range){start, scan->i};
    return ok;
}

static bool scan_text(struct scan *scan, size_t max_bytes)
{
    if (scan->len > max_bytes)
        return err_set(scan->err, ERR_LIMIT, "JSON: %zu bytes, at most %zu are accepted", scan->len,
                       max_bytes);
    if (!utf8_valid(scan->s, scan->len))
        return err_set(scan->err, ERR_INPUT, "JSON: the text is not valid UTF-8");
    if (!scan_value(scan, 0))
        return false;
    skip_blanks(scan);
    return scan->i == scan->len || fail(scan, "text after the value");
}

// Writes each item's document-order index into valueint.
static void number_items(cJSON *item, int *next)
{
    for (; item; item = item->next) {
        item->valueint = (*next)++;
        number_items(item->child, next);
    }
}

static bool scan_all(struct scan *scan, const struct json_limits *limits)
{
    scan->max_depth = limits && limits->max_depth ? limits->max_depth : DEFAULT_MAX_DEPTH;
    scan->max_values = limits && limits->max_values ? limits->max_values : DEFAULT_MAX_VALUES;
    return scan_text(scan, limits && limits->max_bytes ? limits->max_bytes : DEFAULT_MAX_BYTES);
}

static cJSON *parse_scanned(struct scan *scan)
{
    if (scan->copied == 0)
        return cJSON_ParseWithLength(scan->s, scan->len);
    replace(scan, scan->len, "", 0);
    return cJSON_ParseWithLength(scan->out.data, scan->out.len);
}

struct json_doc *json_parse(const void *data, size_t len, const struct json_limits *limits,
                            struct err *err)
{
    struct scan scan = {.s = data ? data : "", .len = len, .err = err};
    struct json_doc *doc = NULL;
    if (scan_all(&scan, limits)) {
        cJSON *root = parse_scanned(&scan);
        if (root) {
            int next = 0;
            number_items(root, &next);
            doc = x_alloc(sizeof *doc);
            *doc = (struct json_doc){root, x_dupn(data, len), scan.ranges, scan.count};
            scan.ranges = NULL;
        } else {
            fail(&scan, "cJSON refused the text");
        }
    }
    free(scan.ranges);
    buf_deinit(&scan.out);
    return doc;
}

void json_doc_free(struct json_doc *doc)
{
    if (!doc)
        return;
    cJSON_Delete(doc->root);
    free(doc->bytes);
    free(doc->ranges);
    free(doc);
}

const cJSON *json_root(const struct json_doc *doc)
{
    return doc->root;
}

const char *json_raw(const struct json_doc *doc, const cJSON *item, size_t *ret_len)
{
    const struct range *range = &doc->ranges[item->valueint];
    *ret_len = range->end - range->start;
    return doc->bytes + range->start;
}

cJSON *json_read(const void *data, size_t len, struct err *err)
{
    struct scan scan = {.s = data ? data : "", .len = len, .err = err};
    cJSON *root = NULL;
    if (scan_all(&scan, NULL)) {
        root = parse_scanned(&scan);
        if (!root)
            fail(&scan, "cJSON refused the text");
    }
    free(scan.ranges);
    buf_deinit(&scan.out);
    return root;
}

/* --- look-ups -------------------------------------------------------------------------------- */

const cJSON *json_get(const cJSON *object, const char *name)
{
    return object ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;
}

const cJSON *json_path(const cJSON *object, const char *path)
{
    while (object && *path) {
        size_t len = strcspn(path, ".");
        const cJSON *child = cJSON_IsObject(object) ? object->child : NULL;
        while (child && (strncmp(child->string, path, len) != 0 || child->string[len]))
            child = child->next;
        object = child;
        path += len + (path[len] == '.');
    }
    return object;
}

const char *json_str(const cJSON *object, const char *name)
{
    const cJSON *item = json_get(object, name);
    return cJSON_IsString(item) ? item->valuestring : NULL;
}

const char *json_id(const cJSON *object, const char *name, char scratch[32])
{
    const cJSON *item = json_get(object, name);
    if (cJSON_IsString(item))
        return item->valuestring;
    if (!cJSON_IsNumber(item) || item->valuedouble != floor(item->valuedouble) ||
        fabs(item->valuedouble) >= 1e15)
        return NULL;
    snprintf(scratch, 32, "%.0f", item->valuedouble);
    return scratch;
}

static int64_t from_double(double value)
{
    if (value >= 9.2e18)
        return INT64_MAX;
    if (value <= -9.2e18)
        return INT64_MIN;
    return (int64_t)value;
}

int64_t json_int(const cJSON *object, const char *name, int64_t fallback)
{
    const cJSON *item = json_get(object, name);
    if (cJSON_IsNumber(item))
        return isnan(item->valuedouble) ? fallback : from_double(item->valuedouble);
    if (!cJSON_IsString(item) || !*item->valuestring)
        return fallback;
    char *end = NULL;
    errno = 0;
    long long value = strtoll(item->valuestring, &end, 10); // saturates
    return *end ? fallback : value;
}

bool json_bool(const cJSON *object, const char *name, bool fallback)
{
    const cJSON *item = json_get(object, name);
    return cJSON_IsBool(item) ? cJSON_IsTrue(item) : fallback;
}

char *json_print(const cJSON *item)
{
    return cJSON_PrintUnformatted(item);
}

void json_add_str(cJSON *object, const char *name, const char *value)
{
    if (value)
        cJSON_AddStringToObject(object, name, value);
}

void json_add_int(cJSON *object, const char *name, int64_t value)
{
    cJSON_AddNumberToObject(object, name, (double)value);
}
