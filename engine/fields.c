// SPDX-License-Identifier: MIT
// Checks a node's data against the field table of its type.
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/config.h"
#include "base/utf8.h"
#include "engine/expression.h"
#include "engine/graph.h"
#include "engine/path.h"
#include "engine/pattern.h"
#include "engine/template.h"

const char *field_kind_name(enum field_kind kind)
{
    static const char *const names[] = {
        [FIELD_STRING] = "text",      [FIELD_TEMPLATE] = "template",
        [FIELD_PATTERN] = "pattern",  [FIELD_VARIABLE] = "variable",
        [FIELD_NODE] = "node id",     [FIELD_WORD] = "word",
        [FIELD_NUMBER] = "number",    [FIELD_BOOL] = "true/false",
        [FIELD_OBJECT] = "object",    [FIELD_LIST] = "list",
        [FIELD_ANY] = "anything",     [FIELD_EXPRESSION] = "expression",
        [FIELD_SECRETS] = "template", [FIELD_WORDS] = "list",
    };
    return names[kind];
}

// What builders keep in any node's data for themselves.
static const char *const common_names[] = {"label", "description", "color", "icon", "notes", NULL};

enum { FIELDS_DEPTH_MAX = 4, NAME_SHOWN = 40 };

// Where a member is, as "conditions[2].operator" is within "conditions[2]" within "conditions":
// written only for a finding.
struct place {
    struct compile *compile;
    const struct flow_node *node;
    const struct place *within; // NULL: the data itself
    const char *name;           // NULL: of a list, at `index`
    int index;
};

static bool fields_check_at(const struct place *place, const struct node_field *fields,
                            const cJSON *data, unsigned depth);

static struct place place_member(const struct place *place, const char *name)
{
    return (struct place){place->compile, place->node, place, name, 0};
}

static struct place place_element(const struct place *place, int index)
{
    return (struct place){place->compile, place->node, place, NULL, index};
}

static void place_print(const struct place *place, struct buf *out)
{
    if (!place->within)
        return;
    place_print(place->within, out);
    if (!place->name) {
        buf_printf(out, "[%d]", place->index);
        return;
    }
    if (out->len > 0)
        buf_add_char(out, '.');
    buf_add(out, place->name, utf8_cut_bytes(place->name, strlen(place->name), NAME_SHOWN));
}

static void place_report(const struct place *place, enum severity severity, const char *code,
                         const char *fmt, ...) PRINTF_LIKE(4, 5);

static void place_report(const struct place *place, enum severity severity, const char *code,
                         const char *fmt, ...)
{
    struct buf text = {0};
    if (diags_keeps(place->compile->diags, severity)) {
        va_list ap;
        va_start(ap, fmt);
        char *what = x_vprintf(fmt, ap);
        va_end(ap);
        place_print(place, &text);
        buf_printf(&text, ": %s", what);
        free(what);
    }
    diags_add(place->compile->diags, severity, code, place->node->id, NULL, "%s",
              text.data ? text.data : "");
    buf_deinit(&text);
}

static bool place_error(const struct place *place, const char *code, const char *what,
                        const char *detail)
{
    place_report(place, SEVERITY_ERROR, code, "%s%s", what, detail);
    return false;
}

static bool type_fits(enum field_kind kind, const cJSON *item)
{
    switch (kind) {
    case FIELD_NUMBER:
        return cJSON_IsNumber(item);
    case FIELD_BOOL:
        return cJSON_IsBool(item);
    case FIELD_OBJECT:
        return cJSON_IsObject(item);
    case FIELD_LIST:
    case FIELD_WORDS:
        return cJSON_IsArray(item);
    case FIELD_ANY:
        return true;
    default:
        return cJSON_IsString(item);
    }
}

static bool word_check(const struct place *place, const struct node_field *field, const cJSON *item)
{
    for (const char *const *word = field->words; *word; word++)
        if (strcmp(*word, item->valuestring) == 0)
            return true;
    bool kept = diags_keeps(place->compile->diags, SEVERITY_ERROR);
    const char *nearest = kept ? nearest_word(item->valuestring, field->words, 3) : NULL;
    char what[200];
    int cut = (int)utf8_cut_bytes(item->valuestring, strlen(item->valuestring), 60);
    snprintf(what, sizeof what, "'%.*s' is not a known word", cut, item->valuestring);
    char detail[160];
    if (nearest) {
        snprintf(detail, sizeof detail, ": did you mean '%s'?", nearest);
        return place_error(place, "field-value", what, detail);
    }
    size_t len = (size_t)snprintf(detail, sizeof detail, "; known:");
    for (const char *const *word = field->words; *word && len < sizeof detail; word++)
        len += (size_t)snprintf(detail + len, sizeof detail - len, " %s", *word);
    return place_error(place, "field-value", what, detail);
}

static bool words_check(const struct place *place, const struct node_field *field,
                        const cJSON *list)
{
    bool ok = true;
    int index = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, list) {
        struct place at = place_element(place, index++);
        if (!cJSON_IsString(item) || !utf8_valid(item->valuestring, strlen(item->valuestring)))
            ok = place_error(&at, "field-type", "must be a ", field_kind_name(FIELD_WORD));
        else if (!word_check(&at, field, item))
            ok = false;
    }
    return ok;
}

static bool list_check(const struct place *place, const struct node_field *field, const cJSON *list,
                       unsigned depth)
{
    bool ok = true;
    int index = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, list) {
        struct place at = place_element(place, index++);
        if (!cJSON_IsObject(item))
            ok = place_error(&at, "field-type", "must be an object", "");
        else if (!fields_check_at(&at, field->members, item, depth + 1))
            ok = false;
    }
    return ok;
}

static bool item_check(const struct place *place, const struct node_field *field, const cJSON *item,
                       unsigned depth)
{
    if (!type_fits(field->kind, item))
        return place_error(place, "field-type", "must be a ", field_kind_name(field->kind));
    if (cJSON_IsString(item) && !utf8_valid(item->valuestring, strlen(item->valuestring)))
        return place_error(place, "field-value", "is not UTF-8", "");
    bool bounded = field->min != 0 || field->max != 0;
    if (field->kind == FIELD_NUMBER && bounded &&
        !(item->valuedouble >= field->min && item->valuedouble <= field->max)) {
        char detail[64];
        snprintf(detail, sizeof detail, "%g and %g", field->min, field->max);
        return place_error(place, "field-value", "must be between ", detail);
    }
    if (field->kind == FIELD_WORD)
        return word_check(place, field, item);
    if (field->kind == FIELD_WORDS)
        return words_check(place, field, item);
    if (field->kind == FIELD_OBJECT && field->members)
        return fields_check_at(place, field->members, item, depth + 1);
    if (field->kind == FIELD_LIST && field->members)
        return list_check(place, field, item, depth);
    return true;
}

static const struct node_field *field_find(const struct node_field *fields, const char *name)
{
    for (; fields && fields->name; fields++)
        if (strcmp(fields->name, name) == 0)
            return fields;
    return NULL;
}

static void unknown_warn(const struct place *member, const struct node_field *fields)
{
    const char *known[64];
    size_t count = 0;
    for (; fields && fields->name && count + 1 < sizeof known / sizeof *known; fields++)
        known[count++] = fields->name;
    known[count] = NULL;
    bool kept = diags_keeps(member->compile->diags, SEVERITY_WARNING);
    const char *nearest = kept ? nearest_word(member->name, known, 2) : NULL;
    place_report(member, SEVERITY_WARNING, "field-unknown", "unknown field, not used%s%s%s",
                 nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

static bool is_common(const char *name)
{
    for (const char *const *common = common_names; *common; common++)
        if (strcmp(*common, name) == 0)
            return true;
    return false;
}

static bool fields_check_at(const struct place *place, const struct node_field *fields,
                            const cJSON *data, unsigned depth)
{
    if (depth > FIELDS_DEPTH_MAX)
        return true; // tables are not deeper
    bool ok = true;
    const cJSON *item;
    cJSON_ArrayForEach(item, data) {
        const struct node_field *field = field_find(fields, item->string);
        struct place member = place_member(place, item->string);
        if (!field && !(depth == 0 && is_common(item->string)))
            unknown_warn(&member, fields);
        else if (field && !cJSON_IsNull(item) && !item_check(&member, field, item, depth))
            ok = false;
    }
    for (; fields && fields->name; fields++) {
        struct place member = place_member(place, fields->name);
        if (fields->required && !node_member(data, fields->name))
            ok = place_error(&member, "field-missing", "is missing", "");
    }
    return ok;
}

bool fields_check(struct compile *compile, const struct flow_node *node,
                  const struct node_field *fields, const cJSON *data)
{
    struct place place = {.compile = compile, .node = node};
    return fields_check_at(&place, fields, data, 0);
}

bool fields_check_member(struct compile *compile, const struct flow_node *node, const char *name,
                         const struct node_field *fields, const cJSON *object)
{
    struct place data = {.compile = compile, .node = node};
    struct place place = place_member(&data, name);
    return fields_check_at(&place, fields, object, 1);
}

/* Of a node that has a finding */

static void text_try(struct node_parse *p, const struct node_field *field, const cJSON *object)
{
    struct path *path;
    switch (field->kind) {
    case FIELD_TEMPLATE:
        template_free(node_template(p, object, field->name));
        break;
    case FIELD_SECRETS:
        template_free(node_secret_template(p, object, field->name));
        break;
    case FIELD_PATTERN:
        pattern_free(node_pattern(p, object, field->name));
        break;
    case FIELD_EXPRESSION:
        expression_free(node_expression(p, object, field->name));
        break;
    case FIELD_VARIABLE: // perhaps to be set: nobody who reads it is told that nothing does
        path = node_reads(p, object, field->name);
        if (path)
            names_add(&p->compile->sets, path_root(path), p->id);
        path_free(path);
        break;
    default:
        break;
    }
}

static void texts_try(struct node_parse *p, const struct node_field *fields, const cJSON *object,
                      unsigned depth)
{
    for (; depth <= FIELDS_DEPTH_MAX && fields && fields->name; fields++) {
        const cJSON *item = node_member(object, fields->name), *element;
        if (cJSON_IsString(item) && utf8_valid(item->valuestring, strlen(item->valuestring)))
            text_try(p, fields, object);
        if (fields->kind == FIELD_OBJECT && cJSON_IsObject(item))
            texts_try(p, fields->members, item, depth + 1);
        if (fields->kind == FIELD_LIST && cJSON_IsArray(item) && fields->members) {
            cJSON_ArrayForEach(element, item) {
                if (cJSON_IsObject(element))
                    texts_try(p, fields->members, element, depth + 1);
            }
        }
    }
}

void fields_try(struct node_parse *p, const struct node_field *fields)
{
    names_add(&p->compile->sets, p->id, p->id); // what many nodes set
    texts_try(p, fields, p->data, 0);
}
