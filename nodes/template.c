// SPDX-License-Identifier: MIT
/*
 * template: sends a message template of WhatsApp's, the one kind that may go out at any time.
 * Elsewhere its `fallback` is sent as a text.
 */
#include "engine/template.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/value.h"
#include "nodes/say.h"
#include "nodes/types.h"

enum { NAME_CHARS = 512, LANGUAGE_BYTES = 20, BUTTONS_MAX = 10 };

struct wa_template {
    struct value_template *tree;
    struct template *fallback; // or NULL
    struct say_ways ways;
};

static void template_node_free(void *config)
{
    struct wa_template *template = config;
    value_template_free(template->tree);
    template_free(template->fallback);
    free(template);
}

/* From the short form of parameters to Meta's components */

static cJSON *object_add(cJSON *list)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddItemToArray(list, object);
    return object;
}

// A component with its list of parameters, which it returns.
static cJSON *component_add(cJSON *components, const char *type)
{
    cJSON *component = object_add(components);
    json_add_str(component, "type", type);
    return cJSON_AddArrayToObject(component, "parameters");
}

static void text_add(cJSON *parameters, const char *name, const cJSON *value)
{
    cJSON *parameter = object_add(parameters);
    json_add_str(parameter, "type", "text");
    json_add_str(parameter, "parameter_name", name);
    cJSON_AddItemToObject(parameter, "text", cJSON_Duplicate(value, true));
}

// {"image": "https://…"}: true when the value is one.
static bool media_add(cJSON *parameters, const cJSON *value)
{
    static const char *const kinds[] = {"image", "video", "document", NULL};
    for (const char *const *kind = kinds; *kind; kind++) {
        const cJSON *media = json_get(value, *kind);
        if (!media)
            continue;
        cJSON *parameter = object_add(parameters);
        json_add_str(parameter, "type", *kind);
        if (cJSON_IsString(media))
            json_add_str(cJSON_AddObjectToObject(parameter, *kind), "link", media->valuestring);
        else
            cJSON_AddItemToObject(parameter, *kind, cJSON_Duplicate(media, true));
        return true;
    }
    return false;
}

// One value: a parameter as Meta has it, media, or a text.
static void parameter_add(cJSON *parameters, const cJSON *value)
{
    if (json_str(value, "type"))
        cJSON_AddItemToArray(parameters, cJSON_Duplicate(value, true));
    else if (json_get(value, "text"))
        text_add(parameters, json_str(value, "name"), json_get(value, "text"));
    else if (!media_add(parameters, value))
        text_add(parameters, NULL, value);
}

// A value, a list of them, or, where parameters have names, an object.
static void values_add(cJSON *components, const char *type, const cJSON *values)
{
    bool is_one = !cJSON_IsArray(values) && !cJSON_IsObject(values);
    bool is_media = json_get(values, "image") || json_get(values, "video") ||
                    json_get(values, "document") || json_str(values, "type");
    const cJSON *value;
    if (!values || (!is_one && cJSON_GetArraySize(values) == 0))
        return;
    cJSON *parameters = component_add(components, type);
    if (is_one || is_media) {
        parameter_add(parameters, values);
        return;
    }
    cJSON_ArrayForEach(value, values) {
        if (cJSON_IsObject(values))
            text_add(parameters, value->string, value);
        else
            parameter_add(parameters, value);
    }
}

// A text is the end of a URL button's address; {payload} belongs to a quick reply.
static void button_add(cJSON *components, const cJSON *value, int position)
{
    const cJSON *payload = json_get(value, "payload");
    const cJSON *text = cJSON_IsObject(value) ? json_get(value, "text") : value;
    const char *type = json_str(value, "type");
    cJSON *component = object_add(components);
    json_add_str(component, "type", "button");
    json_add_str(component, "sub_type", type ? type : payload ? "quick_reply" : "url");
    char index[INT_TEXT];
    int_text(json_int(value, "index", position), index);
    json_add_str(component, "index", index);
    cJSON *parameter = object_add(cJSON_AddArrayToObject(component, "parameters"));
    json_add_str(parameter, "type", payload ? "payload" : "text");
    if (payload || text)
        cJSON_AddItemToObject(parameter, payload ? "payload" : "text",
                              cJSON_Duplicate(payload ? payload : text, true));
}

static void short_form_add(cJSON *components, const cJSON *parameters)
{
    const cJSON *button;
    int position = 0;
    if (cJSON_IsArray(parameters)) {
        values_add(components, "body", parameters);
        return;
    }
    values_add(components, "header", node_member(parameters, "header"));
    values_add(components, "body", node_member(parameters, "body"));
    cJSON_ArrayForEach(button, node_member(parameters, "buttons"))
        button_add(components, button, position++);
}

/* Compiling */

static cJSON *tree_new(struct node_parse *p)
{
    static const char *const names[] = {"name", "templateName", NULL};
    static const char *const languages[] = {"language", "languageCode", NULL};
    cJSON *tree = cJSON_CreateObject();
    json_add_str(tree, "type", "template");
    say_take(tree, "name", p->data, names);
    say_take(tree, "language", p->data, languages);
    if (!json_get(tree, "name"))
        node_error(p, "field-missing", "name: is missing");
    if (!json_get(tree, "language"))
        node_error(p, "field-missing", "language: is missing (\"en\", \"pt_BR\" …)");
    cJSON *components = node_member(p->data, "components")
                            ? cJSON_Duplicate(node_member(p->data, "components"), true)
                            : cJSON_CreateArray();
    short_form_add(components, node_member(p->data, "parameters"));
    cJSON_AddItemToObject(tree, "components", components);
    return tree;
}

static void *template_node_parse(struct node_parse *p)
{
    struct wa_template *template = x_alloc(sizeof *template);
    cJSON *tree = tree_new(p);
    say_lint_chars(p, "name", json_str(tree, "name"), NAME_CHARS);
    say_lint_chars(p, "language", json_str(tree, "language"), LANGUAGE_BYTES);
    template->tree = node_value(p, tree, "parameters");
    cJSON_Delete(tree);
    template->fallback = node_template(p, p->data, "fallback");
    say_ways_parse(p, &template->ways);
    say_next(p, &template->ways);
    return template;
}

/* Running */

static bool wants_text(const char *name)
{
    static const char *const names[] = {"text", "payload", "parameter_name", "index",
                                        "link", "code",    "fallback_value", NULL};
    for (const char *const *each = names; name && *each; each++)
        if (strcmp(*each, name) == 0)
            return true;
    return false;
}

// What came out of a placeholder alone keeps the variable's type; Meta wants texts.
static void texts_fit(cJSON *container)
{
    cJSON *item = container->child, *following;
    for (; item; item = following) {
        following = item->next;
        if (cJSON_IsArray(item) || cJSON_IsObject(item)) {
            texts_fit(item);
        } else if (!cJSON_IsString(item) && wants_text(item->string)) {
            struct buf text = {0};
            value_text(item, &text);
            cJSON_ReplaceItemInObjectCaseSensitive(container, item->string,
                                                   cJSON_CreateString(text.data ? text.data : ""));
            buf_deinit(&text);
        }
    }
}

static enum node_verdict fallback_send(struct node_run *run, const struct wa_template *template)
{
    char *text = NULL;
    if (template->fallback && !node_render(run, template->fallback, &text))
        return NODE_FAILED;
    if (!text_is_blank(text))
        return node_send(run, text);
    free(text);
    return node_fail_to(run, template->ways.error,
                        "templates are WhatsApp's alone, and there is no fallback");
}

static enum node_verdict template_node_enter(struct node_run *run)
{
    const struct wa_template *template = run->config;
    cJSON *tree;
    char *text = NULL;
    if (!say_is_on(run, "whatsapp"))
        return fallback_send(run, template);
    if (template->fallback && !node_render(run, template->fallback, &text))
        return NODE_FAILED;
    if (!node_render_value(run, template->tree, &tree)) {
        free(text);
        return NODE_FAILED;
    }
    texts_fit(tree);
    enum node_verdict verdict = say_send(run, &template->ways, tree);
    if (verdict == NODE_EFFECT && !text_is_blank(text)) { // the better words for the records
        free(run->effect->text);
        run->effect->text = text;
        text = NULL;
    }
    free(text);
    return verdict;
}

static enum node_verdict template_node_resume(struct node_run *run,
                                              const struct node_signal *signal)
{
    const struct wa_template *template = run->config;
    if (!signal->result->ok)
        return say_failed(run, &template->ways, signal->result);
    return node_go(run, template->ways.next, NULL);
}

static const char *const aliases[] = {"templateNode", "whatsappTemplate", "templateMessage", NULL};
static const char *const handles[] = {SAY_HANDLES, NULL};

static const struct node_field fields[] = {
    {.name = "name", .kind = FIELD_TEMPLATE, .help = "the template's name"},
    {.name = "templateName", .kind = FIELD_TEMPLATE, .help = "the same"},
    {.name = "language", .kind = FIELD_TEMPLATE, .help = "its language: en, pt_BR …"},
    {.name = "languageCode", .kind = FIELD_TEMPLATE, .help = "the same"},
    {.name = "components", .kind = FIELD_LIST, .help = "what is filled in, in Meta's own form"},
    {.name = "parameters",
     .kind = FIELD_ANY,
     .help = "the same, shorter: the body's values, or {header, body, buttons}"},
    {.name = "fallback",
     .kind = FIELD_TEMPLATE,
     .help = "the text for platforms without templates, and for the records"},
    {0},
};

const struct node_type node_template_type = {
    .name = "template",
    .aliases = aliases,
    .summary = "Sends a message template of WhatsApp's; elsewhere a text.",
    .fields = fields,
    .handles = handles,
    .parse = template_node_parse,
    .enter = template_node_enter,
    .resume = template_node_resume,
    .free = template_node_free,
};
