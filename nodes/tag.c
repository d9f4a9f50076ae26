// SPDX-License-Identifier: MIT
// tag: puts tags on the contact and takes tags off.
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/contact.h"
#include "engine/node.h"
#include "nodes/types.h"
#include "nodes/update.h"

enum { TAGS_MAX = 20 };

struct tag {
    struct template_list add, remove;
    int next, error;
};

static void tag_free(void *config)
{
    struct tag *tag = config;
    template_list_deinit(&tag->add);
    template_list_deinit(&tag->remove);
    free(tag);
}

static void *tag_parse(struct node_parse *p)
{
    struct tag *tag = x_alloc(sizeof *tag);
    template_list_parse(&tag->add, p, "add", TAGS_MAX);
    template_list_parse(&tag->remove, p, "remove", TAGS_MAX);
    if (tag->add.count == 0 && tag->remove.count == 0)
        node_lint(p, "tag-empty", "there is no tag to add or to remove");
    tag->error = node_edge(p, "error");
    tag->next = node_default_edge(p);
    return tag;
}

// The text without blanks around it, in place.
static char *trim(char *text)
{
    text += strspn(text, " \t\r\n");
    size_t len = strlen(text);
    while (len > 0 && strchr(" \t\r\n", text[len - 1]))
        text[--len] = '\0';
    return text;
}

// Blank tags are left out. False: a limit was passed.
static bool tags_render(struct node_run *run, const struct template_list *list, const char *name,
                        cJSON *tags)
{
    cJSON *texts = cJSON_CreateArray();
    bool ok = true;
    for (size_t i = 0; ok && i < list->count; i++) {
        char *text;
        ok = node_render(run, list->items[i], &text);
        if (!ok)
            break;
        const char *tag = trim(text);
        if (strlen(tag) > CONTACT_TAG_MAX)
            ok = err_set(&run->err, ERR_LIMIT, "a tag has more than %d bytes", CONTACT_TAG_MAX);
        else if (*tag)
            cJSON_AddItemToArray(texts, cJSON_CreateString(tag));
        free(text);
    }
    if (ok && cJSON_GetArraySize(texts) > 0)
        cJSON_AddItemToObject(tags, name, texts);
    else
        cJSON_Delete(texts);
    return ok;
}

static enum node_verdict tag_enter(struct node_run *run)
{
    const struct tag *tag = run->config;
    cJSON *change = cJSON_CreateObject();
    cJSON *tags = cJSON_AddObjectToObject(change, "tags");
    if (!tags_render(run, &tag->add, "add", tags) ||
        !tags_render(run, &tag->remove, "remove", tags)) {
        cJSON_Delete(change);
        char why[sizeof run->err.text];
        memcpy(why, run->err.text, sizeof why);
        return node_fail_to(run, tag->error, "%s", why);
    }
    if (cJSON_GetArraySize(tags) > 0)
        return update_yield(run, change);
    cJSON_Delete(change);
    return node_go(run, tag->next, "empty");
}

static enum node_verdict tag_resume(struct node_run *run, const struct node_signal *signal)
{
    const struct tag *tag = run->config;
    return update_end(run, signal, tag->next, tag->error);
}

static const char *const aliases[] = {"tagNode", "tags", "addTag", NULL};
static const char *const handles[] = {"error", NULL};

static const struct node_field fields[] = {
    {.name = "add",
     .kind = FIELD_LIST,
     .help = "tags to put on the contact: templates, at most 20"},
    {.name = "remove", .kind = FIELD_LIST, .help = "tags to take off: templates, at most 20"},
    {0},
};

const struct node_type node_tag = {
    .name = "tag",
    .aliases = aliases,
    .summary = "Puts tags on the contact, and takes tags off.",
    .fields = fields,
    .handles = handles,
    .parse = tag_parse,
    .enter = tag_enter,
    .resume = tag_resume,
    .free = tag_free,
};
