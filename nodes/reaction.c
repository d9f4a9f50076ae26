// SPDX-License-Identifier: MIT
// reaction: puts an emoji on a message of the person's, or takes it back.
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/message.h"
#include "engine/template.h"
#include "nodes/say.h"
#include "nodes/types.h"

struct reaction {
    struct template *emoji;
    struct template *message; // NULL: the last one
    struct say_ways ways;
};

static void reaction_free(void *config)
{
    struct reaction *reaction = config;
    template_free(reaction->emoji);
    template_free(reaction->message);
    free(reaction);
}

static void *reaction_parse(struct node_parse *p)
{
    struct reaction *reaction = x_alloc(sizeof *reaction);
    reaction->emoji = node_template(p, p->data, "emoji");
    if (!text_is_blank(json_str(p->data, "messageId")))
        reaction->message = node_template(p, p->data, "messageId");
    say_ways_parse(p, &reaction->ways);
    say_next(p, &reaction->ways);
    return reaction;
}

// Best effort: where no edge leads away from a failure, the flow goes on.
static enum node_verdict go_without(struct node_run *run, const struct reaction *reaction,
                                    const char *why)
{
    if (reaction->ways.error != NOWHERE)
        return node_fail_to(run, reaction->ways.error, "%s", why);
    return node_go(run, reaction->ways.next, node_decide(run, "not done: %s", why));
}

static enum node_verdict reaction_enter(struct node_run *run)
{
    const struct reaction *reaction = run->config;
    const char *last = say_last_id(run);
    char *emoji, *id = NULL;
    if (!node_render(run, reaction->emoji, &emoji))
        return NODE_FAILED;
    bool ok = !reaction->message || node_render(run, reaction->message, &id);
    if (ok && text_is_blank(id)) {
        free(id);
        id = x_dup(reaction->message ? NULL : last);
    }
    enum node_verdict verdict = NODE_FAILED;
    if (ok && !id) {
        verdict = go_without(run, reaction, "there is no message to react to");
    } else if (ok) {
        cJSON *message = cJSON_CreateObject();
        json_add_str(message, "type", "reaction");
        json_add_str(message, "message_id", id);
        json_add_str(message, "emoji", text_is_blank(emoji) ? "" : emoji);
        verdict = say_send(run, &reaction->ways, message);
    }
    free(emoji);
    free(id);
    return verdict;
}

static enum node_verdict reaction_resume(struct node_run *run, const struct node_signal *signal)
{
    const struct reaction *reaction = run->config;
    const struct effect_result *result = signal->result;
    if (result->ok)
        return node_go(run, reaction->ways.next, NULL);
    if (result->window_closed && reaction->ways.closed != NOWHERE)
        return node_go(run, reaction->ways.closed, "windowClosed");
    return go_without(run, reaction, result->error);
}

static const char *const aliases[] = {"reactionNode", "react", NULL};
static const char *const handles[] = {SAY_HANDLES, NULL};

static const struct node_field fields[] = {
    {.name = "emoji",
     .kind = FIELD_TEMPLATE,
     .required = true,
     .help = "the emoji; \"\" takes back the one that is there"},
    {.name = "messageId",
     .kind = FIELD_TEMPLATE,
     .help = "on which message; the person's last unless given"},
    {0},
};

const struct node_type node_reaction = {
    .name = "reaction",
    .aliases = aliases,
    .summary = "Puts an emoji on the person's message.",
    .fields = fields,
    .handles = handles,
    .parse = reaction_parse,
    .enter = reaction_enter,
    .resume = reaction_resume,
    .free = reaction_free,
};
