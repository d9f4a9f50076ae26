// SPDX-License-Identifier: MIT
/*
 * typing: shows that somebody is writing, for a while, then goes on. WhatsApp shows it together
 * with the read mark of the person's last message; where there is none it is left out, and only
 * the time passes.
 */
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "nodes/say.h"
#include "nodes/types.h"

enum { DURATION_DEFAULT_MS = 1500, SHOWN_MS = 20000 };

struct typing {
    bool on;
    int64_t duration_ms; // 0: goes on at once
    struct say_ways ways;
};

static void *typing_parse(struct node_parse *p)
{
    struct typing *typing = x_alloc(sizeof *typing);
    typing->on = json_bool(p->data, "on", true);
    typing->duration_ms =
        (int64_t)node_number(p->data, "duration", typing->on ? DURATION_DEFAULT_MS : 0);
    if (typing->duration_ms > SHOWN_MS)
        node_lint(p, "typing-long", "duration: the platforms show it for about 20 seconds");
    say_ways_parse(p, &typing->ways);
    say_next(p, &typing->ways);
    return typing;
}

static enum node_verdict pause(struct node_run *run, const struct typing *typing)
{
    if (typing->duration_ms <= 0)
        return node_go(run, typing->ways.next, NULL);
    return node_wait_delay(run, typing->duration_ms);
}

static enum node_verdict typing_enter(struct node_run *run)
{
    const struct typing *typing = run->config;
    const char *last = say_last_id(run);
    if (say_is_on(run, "whatsapp") && (!last || !typing->on))
        return pause(run, typing);
    cJSON *message = cJSON_CreateObject();
    json_add_str(message, "type", "typing");
    cJSON_AddBoolToObject(message, "on", typing->on);
    json_add_str(message, "message_id", last);
    return say_send(run, &typing->ways, message);
}

// Best effort: where no edge leads away from a failure, the time passes without it.
static enum node_verdict typing_resume(struct node_run *run, const struct node_signal *signal)
{
    const struct typing *typing = run->config;
    if (signal->kind == SIGNAL_TIMER)
        return node_go(run, typing->ways.next, NULL);
    const struct effect_result *result = signal->result;
    bool has_way =
        typing->ways.error != NOWHERE || (result->window_closed && typing->ways.closed != NOWHERE);
    if (!result->ok && has_way)
        return say_failed(run, &typing->ways, result);
    return pause(run, typing);
}

static const char *const aliases[] = {"typingNode", "typingIndicator", NULL};
static const char *const handles[] = {SAY_HANDLES, NULL};

static const struct node_field fields[] = {
    {.name = "duration",
     .kind = FIELD_NUMBER,
     .min = 0,
     .max = 60000,
     .help = "milliseconds until the flow goes on; 1500 unless given"},
    {.name = "on", .kind = FIELD_BOOL, .help = "false: ends it (Messenger, Instagram)"},
    {0},
};

const struct node_type node_typing = {
    .name = "typing",
    .aliases = aliases,
    .summary = "Shows that somebody is writing, and waits a moment.",
    .waits = true,
    .fields = fields,
    .handles = handles,
    .parse = typing_parse,
    .enter = typing_enter,
    .resume = typing_resume,
    .free = free,
};
