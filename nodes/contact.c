// SPDX-License-Identifier: MIT
/*
 * contact: sets what is recorded of the person. Fields with a meaning of their own are checked, all
 * others go to customFields. null removes a field; a template that inserts nothing leaves it as it
 * is, so that an answer that is missing costs nothing that was known.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/contact.h"
#include "engine/node.h"
#include "engine/template.h"
#include "engine/value.h"
#include "engine/zone.h"
#include "nodes/types.h"
#include "nodes/update.h"

enum { FIELDS_MAX = 50, TEXT_MAX = 512 };

struct field {
    char *name;
    bool custom;
    struct value_template *value; // NULL: removes the field
};

struct contact {
    struct field *fields;
    size_t count;
    int next, error;
};

static void contact_free(void *config)
{
    struct contact *contact = config;
    for (size_t i = 0; i < contact->count; i++) {
        free(contact->fields[i].name);
        value_template_free(contact->fields[i].value);
    }
    free(contact->fields);
    free(contact);
}

/* Compiling */

static void field_add(struct contact *contact, struct node_parse *p, const cJSON *item, bool custom)
{
    const char *name = item->string;
    custom = custom || !contact_field_is_known(name);
    if (contact->count == FIELDS_MAX) {
        node_error(p, "field-value", "fields: more than %d", FIELDS_MAX);
        return;
    }
    if (custom && !contact_name_is_good(name)) {
        node_error(p, "field-value",
                   "fields: '%.60s' cannot be a field: 1 to %d bytes without '.', not with '$' in "
                   "front, and no name that the contact has already",
                   name, CONTACT_NAME_MAX);
        return;
    }
    struct value_template *value = cJSON_IsNull(item) ? NULL : node_value(p, item, name);
    if (!value && !cJSON_IsNull(item))
        return; // reported
    contact->fields[contact->count++] = (struct field){x_dup(name), custom, value};
}

static void *contact_parse(struct node_parse *p)
{
    struct contact *contact = x_alloc(sizeof *contact);
    contact->fields = x_calloc(FIELDS_MAX, sizeof *contact->fields);
    const cJSON *item, *custom;
    cJSON_ArrayForEach(item, node_member(p->data, "fields")) {
        bool nested = strcmp(item->string, "customFields") == 0 && cJSON_IsObject(item);
        const cJSON *inner = nested ? item : NULL;
        if (!nested)
            field_add(contact, p, item, false);
        cJSON_ArrayForEach(custom, inner)
            field_add(contact, p, custom, true);
    }
    if (contact->count == 0)
        node_lint(p, "contact-empty", "there is no field to set");
    contact->error = node_edge(p, "error");
    contact->next = node_default_edge(p);
    return contact;
}

/* What the fields with a meaning take */

static bool is_email(const char *text)
{
    const char *at = strchr(text, '@');
    return at && at != text && at[1] && !strchr(at + 1, '@') && !strpbrk(text, " \t\r\n,;<>");
}

static bool is_phone(const char *text)
{
    size_t digits = 0;
    for (const char *c = text + (*text == '+'); *c; c++) {
        digits += *c >= '0' && *c <= '9' ? 1 : 0;
        if (!strchr("0123456789 -()./", *c))
            return false;
    }
    return digits >= 4 && digits <= 20;
}

static bool is_language(const char *text)
{
    size_t len = strlen(text);
    for (const char *c = text; *c; c++) {
        bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z');
        if (!letter && !strchr("-_0123456789", *c))
            return false;
    }
    return len >= 2 && len <= 35; // as long as a language tag with all its parts
}

static bool is_birthday(const char *text)
{
    static const char form[] = "0000-00-00";
    if (strlen(text) != sizeof form - 1)
        return false;
    for (size_t i = 0; form[i]; i++)
        if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != '-')
            return false;
    return true;
}

// What the field should be when the text is not that; NULL when it is.
static const char *field_objection(const char *name, const char *text)
{
    if (strcmp(name, "email") == 0 && !is_email(text))
        return "an e-mail address";
    if (strcmp(name, "phone") == 0 && !is_phone(text))
        return "a phone number";
    if (strcmp(name, "language") == 0 && !is_language(text))
        return "a language (de, pt-BR)";
    if (strcmp(name, "timezone") == 0 && !zone_is_known(text))
        return "a time zone (Europe/Berlin)";
    if (strcmp(name, "birthday") == 0 && !is_birthday(text))
        return "a date (1990-12-31)";
    return NULL;
}

/* Running */

static bool is_nothing(const cJSON *value)
{
    return !value || cJSON_IsNull(value) ||
           (cJSON_IsString(value) && text_is_blank(value->valuestring));
}

// The text of a field with a meaning; NULL with run->err.
static cJSON *known_value(struct node_run *run, const char *name, const cJSON *value)
{
    struct buf text = {0};
    value_text(value, &text);
    char *plain = buf_take(&text);
    const char *objection = plain ? field_objection(name, plain) : NULL;
    cJSON *result = NULL;
    if (objection)
        err_set(&run->err, ERR_INPUT, "%s: '%.60s' is not %s", name, plain, objection);
    else if (plain && strlen(plain) > TEXT_MAX)
        err_set(&run->err, ERR_LIMIT, "%s: more than %d bytes", name, TEXT_MAX);
    else
        result = cJSON_CreateString(plain ? plain : "");
    free(plain);
    return result;
}

static bool field_render(struct node_run *run, const struct field *field, cJSON *fields,
                         cJSON *custom)
{
    cJSON *value = NULL;
    cJSON *into = field->custom ? custom : fields;
    if (!field->value) {
        cJSON_AddNullToObject(into, field->name);
        return true;
    }
    if (!node_render_value(run, field->value, &value))
        return false;
    if (is_nothing(value)) {
        cJSON_Delete(value);
        return true;
    }
    if (!field->custom) {
        cJSON *text = known_value(run, field->name, value);
        cJSON_Delete(value);
        value = text;
    }
    if (value)
        cJSON_AddItemToObject(into, field->name, value);
    return value != NULL;
}

static enum node_verdict contact_enter(struct node_run *run)
{
    const struct contact *contact = run->config;
    cJSON *change = cJSON_CreateObject();
    cJSON *fields = cJSON_AddObjectToObject(change, "contact");
    cJSON *custom = cJSON_CreateObject();
    bool ok = true;
    for (size_t i = 0; ok && i < contact->count; i++)
        ok = field_render(run, &contact->fields[i], fields, custom);
    if (cJSON_GetArraySize(custom) > 0)
        cJSON_AddItemToObject(fields, "customFields", custom);
    else
        cJSON_Delete(custom);
    if (ok && cJSON_GetArraySize(fields) > 0)
        return update_yield(run, change);
    cJSON_Delete(change);
    if (ok)
        return node_go(run, contact->next, "empty");
    struct err why = run->err;
    return node_fail_to(run, contact->error, "%s", why.text);
}

static enum node_verdict contact_resume(struct node_run *run, const struct node_signal *signal)
{
    const struct contact *contact = run->config;
    return update_end(run, signal, contact->next, contact->error);
}

static const char *const aliases[] = {"contactNode", "setContact", "updateContact", NULL};
static const char *const handles[] = {"error", NULL};

static const struct node_field fields[] = {
    {.name = "fields",
     .kind = FIELD_OBJECT,
     .required = true,
     .help = "name: value; texts in the values are templates. null removes a field"},
    {0},
};

const struct node_type node_contact = {
    .name = "contact",
    .aliases = aliases,
    .summary = "Sets what is recorded of the person: e-mail, phone, language, fields of your own.",
    .fields = fields,
    .handles = handles,
    .parse = contact_parse,
    .enter = contact_enter,
    .resume = contact_resume,
    .free = contact_free,
};
