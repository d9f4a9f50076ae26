// SPDX-License-Identifier: MIT
/*
 * Reading JSON (see json.h): one recursive descent over the bytes checks them and makes the tree
 * that cJSON would make of them. Nodes and strings are taken from a few large pieces of memory that
 * go together, since a delivery has dozens of each and lives for microseconds. That is why the tree
 * of a document is never changed, nor deleted by cJSON; json_read() gives a copy that can be.
 */

#include "base/json.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

enum {
    DEFAULT_MAX_BYTES = 4 << 20,
    DEFAULT_MAX_DEPTH = 64,
    DEFAULT_MAX_VALUES = 1000000,
    EXACT_DIGITS = 15, // integers of more digits do not fit a double's 53 bits
    NUMBER_BYTES = 60, // a longer number is kept as text
    NODES_FIRST = 16,
    NODES_MOST = 4096, // of one piece
};

struct node {
    cJSON item; // the first member: a pointer to one is a pointer to the other
    size_t start, end;
};

struct nodes {
    struct nodes *next;
    size_t count, cap;
    struct node node[];
};

struct json_doc {
    cJSON *root;
    char *bytes;         // as received
    char *text;          // the strings, without their escapes
    struct nodes *nodes; // the newest first
};

struct scan {
    const char *s;
    size_t len, i;
    char *text; // the next string goes here
    struct json_doc *doc;
    size_t count, max_depth, max_values;
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

/* --- strings -------------------------------------------------------------------------------------
 *
 * What is kept of a value's text is never longer than what stands for it in the source with the
 * byte behind it (the quotes make up for the terminator; \uXXXX is at most three bytes): a buffer
 * of len + 1 bytes has room for all of them.
 */

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

// In UTF-8.
static void put_char(struct scan *scan, unsigned code)
{
    char *p = scan->text;
    if (code < 0x80) {
        *p++ = (char)code;
    } else if (code < 0x800) {
        *p++ = (char)(0xc0 | code >> 6);
        *p++ = (char)(0x80 | (code & 0x3f));
    } else {
        if (code < 0x10000) {
            *p++ = (char)(0xe0 | code >> 12);
        } else {
            *p++ = (char)(0xf0 | code >> 18);
            *p++ = (char)(0x80 | (code >> 12 & 0x3f));
        }
        *p++ = (char)(0x80 | (code >> 6 & 0x3f));
        *p++ = (char)(0x80 | (code & 0x3f));
    }
    scan->text = p;
}

// \uXXXX, or two of them that are a pair; i is at the backslash.
static bool scan_unit(struct scan *scan)
{
    size_t at = scan->i;
    int unit = unit_at(scan, at + 2);
    if (unit < 0)
        return fail(scan, "bad \\u escape");
    if (unit == 0)
        return fail(scan, "\\u0000 is not accepted");
    scan->i += 6;
    unsigned code = (unsigned)unit;
    if (unit >= 0xd800 && unit <= 0xdfff) {
        code = 0xfffd; // half a pair
        if (unit <= 0xdbff && scan->len - at >= 12 && scan->s[at + 6] == '\\' &&
            scan->s[at + 7] == 'u') {
            int low = unit_at(scan, at + 8);
            if (low >= 0xdc00 && low <= 0xdfff) {
                code = 0x10000 + ((unsigned)(unit - 0xd800) << 10) + (unsigned)(low - 0xdc00);
                scan->i += 6;
            }
        }
    }
    put_char(scan, code);
    return true;
}

// i is at the backslash.
static bool scan_escape(struct scan *scan)
{
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    char kind = scan->i + 1 < scan->len ? scan->s[scan->i + 1] : '\0';
    if (kind == 'u')
        return scan_unit(scan);
    const char *letter = kind ? strchr(letters, kind) : NULL;
    if (!letter)
        return fail(scan, "unknown escape");
    *scan->text++ = meant[letter - letters];
    scan->i += 2;
    return true;
}

static bool scan_string(struct scan *scan, char **ret_text)
{
    if (!take(scan, '"'))
        return fail(scan, "a string is expected");
    *ret_text = scan->text;
    for (;;) {
        size_t run = utf8_plain_run(scan->s + scan->i, scan->len - scan->i);
        memcpy(scan->text, scan->s + scan->i, run);
        scan->text += run;
        scan->i += run;
        if (scan->i >= scan->len)
            return fail(scan, "unfinished string");
        if (scan->s[scan->i] == '"') {
            *scan->text++ = '\0';
            return take(scan, '"');
        }
        if (scan->s[scan->i] != '\\')
            return fail(scan, "control character in a string");
        if (!scan_escape(scan))
            return false;
    }
}

/* --- other values --------------------------------------------------------------------------------
 */

static size_t count_digits(struct scan *scan)
{
    size_t start = scan->i;
    while (scan->i < scan->len && scan->s[scan->i] >= '0' && scan->s[scan->i] <= '9')
        scan->i++;
    return scan->i - start;
}

static void set_number(cJSON *item, double value)
{
    item->type = cJSON_Number;
    item->valuedouble = value;
    item->valueint = value >= INT_MAX ? INT_MAX : value <= INT_MIN ? INT_MIN : (int)value;
}

static void number_value(struct scan *scan, size_t start, bool integer, size_t digits, cJSON *item)
{
    const char *s = scan->s + start;
    size_t len = scan->i - start;
    if ((integer && digits > EXACT_DIGITS) || len > NUMBER_BYTES) {
        item->type = cJSON_String;
        item->valuestring = memcpy(scan->text, s, len);
        scan->text += len;
        *scan->text++ = '\0';
    } else if (integer) {
        int64_t value = 0;
        for (size_t i = len - digits; i < len; i++)
            value = value * 10 + (s[i] - '0');
        set_number(item, s[0] == '-' ? -(double)value : (double)value); // -0 stays
    } else {
        char text[NUMBER_BYTES + 1]; // strtod() wants its end marked
        memcpy(text, s, len);
        text[len] = '\0';
        set_number(item, strtod(text, NULL));
    }
}

static bool scan_number(struct scan *scan, cJSON *item)
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
    number_value(scan, start, integer, digits, item);
    return true;
}

static bool scan_literal(struct scan *scan, cJSON *item)
{
    static const struct {
        const char *text;
        int type;
    } literals[] = {{"true", cJSON_True}, {"false", cJSON_False}, {"null", cJSON_NULL}};
    for (size_t k = 0; k < 3; k++) {
        size_t len = strlen(literals[k].text);
        if (scan->len - scan->i >= len && memcmp(scan->s + scan->i, literals[k].text, len) == 0) {
            scan->i += len;
            item->type = literals[k].type;
            item->valueint = literals[k].type == cJSON_True; // as cJSON does
            return true;
        }
    }
    return fail(scan, "a value is expected");
}

/* --- the tree ------------------------------------------------------------------------------------
 */

static struct node *node_new(struct scan *scan)
{
    struct nodes *nodes = scan->doc->nodes;
    if (!nodes || nodes->count == nodes->cap) {
        size_t cap = nodes ? 2 * nodes->cap : NODES_FIRST + scan->len / 16;
        if (cap > NODES_MOST)
            cap = NODES_MOST;
        nodes = x_realloc(NULL, 1, sizeof *nodes + cap * sizeof *nodes->node);
        *nodes = (struct nodes){.next = scan->doc->nodes, .cap = cap};
        scan->doc->nodes = nodes;
    }
    struct node *node = &nodes->node[nodes->count++];
    *node = (struct node){0};
    return node;
}

// As cJSON's lists are: the first one's `prev` is the last one.
static void append(cJSON *parent, cJSON *child)
{
    cJSON *first = parent->child;
    if (!first) {
        parent->child = child->prev = child;
    } else {
        child->prev = first->prev;
        first->prev->next = child;
        first->prev = child;
    }
}

static cJSON *scan_value(struct scan *scan, size_t depth);

static bool scan_element(struct scan *scan, size_t depth, cJSON *parent)
{
    char *name = NULL;
    skip_blanks(scan);
    if (parent->type == cJSON_Object) {
        if (!scan_string(scan, &name))
            return false;
        skip_blanks(scan);
        if (!take(scan, ':'))
            return fail(scan, "':' is expected");
    }
    cJSON *child = scan_value(scan, depth + 1);
    if (!child)
        return false;
    child->string = name;
    append(parent, child);
    return true;
}

// Members or elements up to the closing bracket.
static bool scan_container(struct scan *scan, size_t depth, bool object, cJSON *item)
{
    if (depth >= scan->max_depth)
        return err_set(scan->err, ERR_LIMIT, "JSON: nested deeper than %zu at byte %zu",
                       scan->max_depth, scan->i);
    item->type = object ? cJSON_Object : cJSON_Array;
    char close = object ? '}' : ']';
    take(scan, object ? '{' : '[');
    skip_blanks(scan);
    if (take(scan, close))
        return true;
    for (;;) {
        if (!scan_element(scan, depth, item))
            return false;
        skip_blanks(scan);
        if (take(scan, close))
            return true;
        if (!take(scan, ','))
            return fail(scan, object ? "',' or '}' is expected" : "',' or ']' is expected");
    }
}

// NULL with err. What was made so far goes with the document.
static cJSON *scan_value(struct scan *scan, size_t depth)
{
    skip_blanks(scan);
    if (scan->i >= scan->len) {
        fail(scan, "unexpected end");
        return NULL;
    }
    if (scan->count++ >= scan->max_values) {
        err_set(scan->err, ERR_LIMIT, "JSON: more than %zu values", scan->max_values);
        return NULL;
    }
    struct node *node = node_new(scan);
    cJSON *item = &node->item;
    node->start = scan->i;
    char c = scan->s[scan->i];
    bool ok;
    if (c == '"') {
        item->type = cJSON_String;
        ok = scan_string(scan, &item->valuestring);
    } else if (c == '{' || c == '[') {
        ok = scan_container(scan, depth, c == '{', item);
    } else if (c == '-' || (c >= '0' && c <= '9')) {
        ok = scan_number(scan, item);
    } else {
        ok = scan_literal(scan, item);
    }
    node->end = scan->i;
    return ok ? item : NULL;
}

static bool scan_text(struct scan *scan, const struct json_limits *limits)
{
    size_t max_bytes = limits && limits->max_bytes ? limits->max_bytes : DEFAULT_MAX_BYTES;
    scan->max_depth = limits && limits->max_depth ? limits->max_depth : DEFAULT_MAX_DEPTH;
    scan->max_values = limits && limits->max_values ? limits->max_values : DEFAULT_MAX_VALUES;
    if (scan->len > max_bytes)
        return err_set(scan->err, ERR_LIMIT, "JSON: %zu bytes, at most %zu are accepted", scan->len,
                       max_bytes);
    if (!utf8_valid(scan->s, scan->len))
        return err_set(scan->err, ERR_INPUT, "JSON: the text is not valid UTF-8");
    scan->doc->text = scan->text = x_realloc(NULL, scan->len + 1, 1);
    scan->doc->root = scan_value(scan, 0);
    if (!scan->doc->root)
        return false;
    skip_blanks(scan);
    return scan->i == scan->len || fail(scan, "text after the value");
}

static void free_parts(struct json_doc *doc)
{
    for (struct nodes *nodes = doc->nodes, *next; nodes; nodes = next) {
        next = nodes->next;
        free(nodes);
    }
    free(doc->text);
    free(doc->bytes);
}

struct json_doc *json_parse(const void *data, size_t len, const struct json_limits *limits,
                            struct err *err)
{
    struct json_doc *doc = x_alloc(sizeof *doc);
    struct scan scan = {.s = data ? data : "", .len = len, .doc = doc, .err = err};
    if (!scan_text(&scan, limits)) {
        json_doc_free(doc);
        return NULL;
    }
    doc->bytes = x_dupn(scan.s, len);
    return doc;
}

void json_doc_free(struct json_doc *doc)
{
    if (doc)
        free_parts(doc);
    free(doc);
}

const cJSON *json_root(const struct json_doc *doc)
{
    return doc->root;
}

const char *json_raw(const struct json_doc *doc, const cJSON *item, size_t *ret_len)
{
    const struct node *node = (const struct node *)item;
    *ret_len = node->end - node->start;
    return doc->bytes + node->start;
}

cJSON *json_read(const void *data, size_t len, struct err *err)
{
    return json_read_within(data, len, NULL, err);
}

cJSON *json_read_within(const void *data, size_t len, const struct json_limits *limits,
                        struct err *err)
{
    struct json_doc doc = {0};
    struct scan scan = {.s = data ? data : "", .len = len, .doc = &doc, .err = err};
    cJSON *root = scan_text(&scan, limits) ? cJSON_Duplicate(doc.root, true) : NULL;
    free_parts(&doc);
    return root;
}
