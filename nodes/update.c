// SPDX-License-Identifier: MIT
// What the nodes that change records share (see update.h).
#include "nodes/update.h"

#include <stdlib.h>

#include "base/mem.h"
#include "engine/template.h"

enum node_verdict update_yield(struct node_run *run, cJSON *owned_change)
{
    run->effect->kind = EFFECT_UPDATE;
    run->effect->change = owned_change;
    return NODE_EFFECT;
}

enum node_verdict update_end(struct node_run *run, const struct node_signal *signal, int next,
                             int error)
{
    if (!signal->result->ok)
        return node_fail_to(run, error, "nothing was changed: %s", signal->result->error);
    return node_go(run, next, NULL);
}

void template_list_parse(struct template_list *list, struct node_parse *p, const char *name,
                         int most)
{
    const cJSON *texts = node_member(p->data, name), *text;
    int count = cJSON_GetArraySize(texts);
    if (count > most) {
        node_error(p, "field-value", "%s: has %d entries, at most %d", name, count, most);
        return;
    }
    list->items = x_calloc((size_t)count + 1, sizeof *list->items);
    cJSON_ArrayForEach(text, texts) {
        struct template *item = NULL;
        if (cJSON_IsString(text))
            item = node_template_text(p, text->valuestring, name); // reports
        else
            node_error(p, "field-type", "%s: must be a list of texts", name);
        if (item)
            list->items[list->count++] = item;
    }
}

void template_list_deinit(struct template_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        template_free(list->items[i]);
    free(list->items);
}
