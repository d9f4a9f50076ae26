// SPDX-License-Identifier: MIT
/*
 * handoff: gives the chat to the operators, and waits until it comes back: by time, by an
 * operator's hand, or by a word of the person's.
 *
 *   enter ──update: begins──▶ TOLD ──message──▶ GIVEN ──▶ waiting ──update: over──▶ OVER ──▶ on
 *
 * The update comes before the message: what the person was promised must be in the operators' list.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/fold.h"
#include "engine/node.h"
#include "engine/template.h"
#include "nodes/types.h"
#include "nodes/update.h"

enum { KEYWORDS_MAX = 20, KEYWORD_BYTES_MAX = 100, TEAM_BYTES_MAX = 100 };

// Which effect's result the node waits for; node_state "phase".
enum phase { PHASE_BEGINS, PHASE_TOLD, PHASE_OVER };
// How it came back; node_state "way" while PHASE_OVER.
enum way { WAY_TIME, WAY_OPERATOR, WAY_KEYWORD, WAYS };

struct handoff {
    struct template *message, *note, *team; // each may be NULL
    char *keywords[KEYWORDS_MAX];           // folded
    size_t keyword_count;
    int64_t for_ms; // 0: until somebody gives it back
    int ways[WAYS]; // each the default edge where it has none of its own
    int error;
};

static const char *const way_words[WAYS] = {"time", "operator", "keyword"};
static const char *const way_handles[WAYS] = {"timeout", "resumed", "keyword"};

static void handoff_free(void *config)
{
    struct handoff *handoff = config;
    template_free(handoff->message);
    template_free(handoff->note);
    template_free(handoff->team);
    for (size_t i = 0; i < handoff->keyword_count; i++)
        free(handoff->keywords[i]);
    free(handoff);
}

/* Compiling */

// The text without case, accents and the blanks around it.
static char *folded(const char *text)
{
    text += strspn(text, " \t\r\n");
    size_t len = strlen(text);
    while (len > 0 && strchr(" \t\r\n", text[len - 1]))
        len--;
    char *plain = x_dupn(text, len), *fold = text_fold(plain);
    free(plain);
    return fold;
}

static void keywords_parse(struct handoff *handoff, struct node_parse *p)
{
    const cJSON *word;
    cJSON_ArrayForEach(word, node_member(p->data, "resumeKeywords")) {
        const char *text = cJSON_GetStringValue(word);
        if (!text || text_is_blank(text) || strlen(text) > KEYWORD_BYTES_MAX ||
            handoff->keyword_count == KEYWORDS_MAX)
            node_error(p, "field-value",
                       "resumeKeywords: must be a list of at most %d texts of 1 to %d bytes",
                       KEYWORDS_MAX, KEYWORD_BYTES_MAX);
        else
            handoff->keywords[handoff->keyword_count++] = folded(text);
    }
}

static void *handoff_parse(struct node_parse *p)
{
    struct handoff *handoff = x_alloc(sizeof *handoff);
    handoff->message = node_template(p, p->data, "message");
    handoff->note = node_template(p, p->data, "note");
    handoff->team = node_template(p, p->data, "team");
    handoff->for_ms = (int64_t)node_number(p->data, "for", 0);
    keywords_parse(handoff, p);
    handoff->error = node_edge(p, "error");
    for (size_t i = 0; i < WAYS; i++)
        handoff->ways[i] = node_edge(p, way_handles[i]);
    int next = node_default_edge(p);
    for (size_t i = 0; i < WAYS; i++)
        if (handoff->ways[i] == NOWHERE)
            handoff->ways[i] = next;
    return handoff;
}

/* Running */

static int64_t until_of(const struct node_run *run)
{
    const cJSON *until = node_state_value(run, "until");
    return cJSON_IsNumber(until) ? (int64_t)until->valuedouble : 0;
}

// A member of the change that is not blank. False: a limit was passed.
static bool text_add(struct node_run *run, const struct template *template, const char *name,
                     size_t most, cJSON *object)
{
    char *text = NULL;
    if (!template)
        return true;
    if (!node_render(run, template, &text))
        return false;
    bool fits = strlen(text) <= most;
    if (fits && !text_is_blank(text))
        json_add_str(object, name, text);
    free(text);
    return fits || err_set(&run->err, ERR_LIMIT, "%s: more than %zu bytes", name, most);
}

static enum node_verdict handoff_enter(struct node_run *run)
{
    const struct handoff *handoff = run->config;
    int64_t until_ms = handoff->for_ms > 0 ? run->env->now_ms + handoff->for_ms : 0;
    cJSON *change = cJSON_CreateObject();
    cJSON *begins = cJSON_AddObjectToObject(change, "handoff");
    if (!text_add(run, handoff->note, "note", run->limits->output_bytes, begins) ||
        !text_add(run, handoff->team, "team", TEAM_BYTES_MAX, begins)) {
        cJSON_Delete(change);
        struct err why = run->err;
        return node_fail_to(run, handoff->error, "%s", why.text);
    }
    if (until_ms > 0)
        json_add_int(begins, "until_ms", until_ms);
    node_state_put(run, "until", cJSON_CreateNumber((double)until_ms));
    node_state_set(run, "phase", PHASE_BEGINS);
    return update_yield(run, change);
}

static enum node_verdict come_back(struct node_run *run, enum way way)
{
    node_state_set(run, "phase", PHASE_OVER);
    node_state_set(run, "way", (int)way);
    cJSON *change = cJSON_CreateObject();
    json_add_str(cJSON_AddObjectToObject(change, "handoff"), "over", way_words[way]);
    return update_yield(run, change);
}

static enum node_verdict stay(struct node_run *run)
{
    int64_t until_ms = until_of(run);
    if (until_ms > 0 && until_ms <= run->env->now_ms)
        return come_back(run, WAY_TIME);
    run->wait_ms = until_ms > 0 ? until_ms - run->env->now_ms : 0;
    node_decide(run, "handed off");
    return NODE_WAIT_HANDOFF;
}

static enum node_verdict tell(struct node_run *run, const struct handoff *handoff)
{
    char *text = NULL;
    node_state_set(run, "phase", PHASE_TOLD);
    if (handoff->message && !node_render(run, handoff->message, &text))
        return NODE_FAILED;
    if (!text_is_blank(text))
        return node_send(run, text);
    free(text);
    return stay(run);
}

static enum node_verdict result_take(struct node_run *run, const struct handoff *handoff,
                                     const struct node_signal *signal)
{
    switch ((enum phase)node_state_get(run, "phase")) {
    case PHASE_BEGINS:
        if (!signal->result->ok)
            return node_fail_to(run, handoff->error, "the chat was not handed off: %s",
                                signal->result->error);
        return tell(run, handoff);
    case PHASE_TOLD: // or not: a person answers in any case
        return stay(run);
    default: {
        int way = node_state_get(run, "way");
        way = way < WAYS ? way : WAY_TIME;
        return node_go(run, handoff->ways[way], way_handles[way]);
    }
    }
}

static bool is_keyword(const struct handoff *handoff, const char *said)
{
    if (!said || strlen(said) > KEYWORD_BYTES_MAX * 2 || handoff->keyword_count == 0)
        return false;
    char *word = folded(said);
    bool found = false;
    for (size_t i = 0; !found && i < handoff->keyword_count; i++)
        found = strcmp(handoff->keywords[i], word) == 0;
    free(word);
    return found;
}

static enum node_verdict handoff_resume(struct node_run *run, const struct node_signal *signal)
{
    const struct handoff *handoff = run->config;
    switch (signal->kind) {
    case SIGNAL_RESULT:
        return result_take(run, handoff, signal);
    case SIGNAL_TIMER:
        return come_back(run, WAY_TIME);
    case SIGNAL_RESUMED:
        return come_back(run, WAY_OPERATOR);
    default:
        if (is_keyword(handoff, signal->text))
            return come_back(run, WAY_KEYWORD);
        run->wait_goes_on = true;
        node_decide(run, "left to the operators");
        return NODE_WAIT_HANDOFF;
    }
}

static const char *const aliases[] = {"handoffNode", "humanHandoff", "human", "humanNode", NULL};
static const char *const handles[] = {"timeout", "resumed", "keyword", "error", NULL};

static const struct node_field fields[] = {
    {.name = "message", .kind = FIELD_TEMPLATE, .help = "what to tell the person"},
    {.name = "note", .kind = FIELD_TEMPLATE, .help = "what the operators should know"},
    {.name = "team", .kind = FIELD_TEMPLATE, .help = "who is to answer; at most 100 bytes"},
    {.name = "for",
     .kind = FIELD_NUMBER,
     .min = 0,
     .max = 2592000000.0,
     .help = "milliseconds until the flow goes on by itself; at most 30 days; 0 or none: never"},
    {.name = "resumeKeywords",
     .kind = FIELD_LIST,
     .help = "words by which the person gives the chat back to the flow; at most 20"},
    {0},
};

const struct node_type node_handoff = {
    .name = "handoff",
    .aliases = aliases,
    .summary = "Gives the chat to people; the flow is silent until it comes back.",
    .waits = true,
    .fields = fields,
    .handles = handles,
    .parse = handoff_parse,
    .enter = handoff_enter,
    .resume = handoff_resume,
    .free = handoff_free,
};
