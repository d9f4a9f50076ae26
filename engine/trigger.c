// SPDX-License-Identifier: MIT
// Whether an event starts a flow, and how well its trigger fits (see trigger.h).
#include "engine/trigger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "engine/pattern.h"
#include "engine/trigger_set.h"

enum { FLOW_STEPS = 10 * PATTERN_STEPS }; // more, and its other patterns do not fit

// An event as the triggers of one flow look at it.
struct look {
    const struct event *event;
    const struct trigger_context *context;
    const char *text; // folded, or NULL
    char *raw;        // as written, cut; for patterns
    uint64_t *steps;  // that the flow's patterns have taken
    cJSON *referral;  // {} when there is none; NULL until it is asked for
};

static bool pattern_fits(const struct look *look, const struct pattern *pattern, const char *text)
{
    return *look->steps <= FLOW_STEPS &&
           pattern_match_counted(pattern, text, look->steps) == PATTERN_YES;
}

static bool word_fits(const struct look *look, enum text_match match,
                      const struct trigger_text *word)
{
    switch (match) {
    case MATCH_EXACT:
        return text_is_exactly(look->text, word->folded);
    case MATCH_WORD:
        return text_has_word(look->text, word->folded);
    case MATCH_CONTAINS:
        return strstr(look->text, word->folded);
    default:
        return pattern_fits(look, word->pattern, look->raw) ||
               pattern_fits(look, word->pattern, look->text);
    }
}

// The longest keyword that fits.
static const struct trigger_text *best_word(const struct trigger *trigger, const struct look *look)
{
    const struct trigger_text *best = NULL;
    for (size_t i = 0; look->text && i < trigger->words.count; i++) {
        const struct trigger_text *word = &trigger->words.items[i];
        if ((!best || word->length > best->length) && word_fits(look, trigger->match, word))
            best = word;
    }
    return best;
}

static bool text_is(const struct trigger_text *text, const char *value)
{
    return text->prefix ? strncmp(value, text->text, strlen(text->text)) == 0
                        : strcmp(value, text->text) == 0;
}

static const struct trigger_text *best_text(const struct trigger_texts *texts, const char *value)
{
    const struct trigger_text *best = NULL;
    for (size_t i = 0; value && i < texts->count; i++)
        if ((!best || texts->items[i].length > best->length) && text_is(&texts->items[i], value))
            best = &texts->items[i];
    return best;
}

// No list, or one that has the value.
static bool allows(const struct trigger_texts *texts, const char *value)
{
    return texts->count == 0 || best_text(texts, value);
}

/* --- how a trigger fits
 * ------------------------------------------------------------------------ */

static bool fits(struct trigger_match *match, int specificity, const char *name)
{
    match->specificity = specificity;
    snprintf(match->name, sizeof match->name, "%s", name);
    return true;
}

static bool fits_by(struct trigger_match *match, int specificity, const char *name,
                    const struct trigger_text *text)
{
    match->specificity = specificity;
    match->length = text->length;
    int cut = (int)utf8_cut_bytes(text->text, strlen(text->text), 40);
    snprintf(match->name, sizeof match->name, "%.18s '%.*s%s'", name, cut, text->text,
             text->prefix ? "*" : "");
    return true;
}

static bool keyword_fits(const struct trigger *trigger, const struct look *look,
                         struct trigger_match *match)
{
    static const int classes[] = {CLASS_EXACT, CLASS_WORD, CLASS_CONTAINS, CLASS_PATTERN};
    const struct trigger_text *word =
        look->event->kind == EVENT_MESSAGE ? best_word(trigger, look) : NULL;
    const char *name = trigger->match == MATCH_PATTERN ? "pattern" : "keyword";
    return word && fits_by(match, classes[trigger->match], name, word);
}

// WhatsApp has no postbacks: there a tapped button or row is a message with a payload.
static bool payload_fits(const struct trigger *trigger, const struct look *look,
                         struct trigger_match *match)
{
    const struct event *event = look->event;
    bool tapped = event->kind == EVENT_MESSAGE && event->payload;
    bool its_kind =
        trigger->type == TRIGGER_QUICK_REPLY
            ? tapped
            : event->kind == EVENT_POSTBACK || (tapped && event->platform == PLATFORM_WHATSAPP);
    if (!its_kind)
        return false;
    if (trigger->payloads.count == 0)
        return fits(match, CLASS_KIND, trigger_type_names[trigger->type]);
    const struct trigger_text *payload = best_text(&trigger->payloads, event->payload);
    return payload && fits_by(match, CLASS_PAYLOAD, "payload", payload);
}

static const cJSON *referral_of(struct look *look)
{
    const char *text = look->event->referral;
    if (!look->referral)
        look->referral = text ? json_read(text, strlen(text), NULL) : NULL;
    if (!look->referral)
        look->referral = cJSON_CreateObject();
    return look->referral;
}

// Messages and postbacks tell of a link or an ad, too, when the person came by one.
static bool referral_fits(const struct trigger *trigger, struct look *look,
                          struct trigger_match *match)
{
    const struct event *event = look->event;
    bool may = event->kind == EVENT_MESSAGE || event->kind == EVENT_POSTBACK;
    if (event->kind != EVENT_REFERRAL && !(may && event->referral))
        return false;
    const cJSON *referral = referral_of(look);
    char scratch[32];
    const char *source = json_str(referral, "source"), *ref = json_str(referral, "ref");
    const char *ad = json_id(referral, "ad_id", scratch);
    source = source ? source : json_str(referral, "source_type"); // WhatsApp's words
    ad = ad ? ad : json_id(referral, "source_id", scratch);
    ref = ref || event->kind != EVENT_REFERRAL ? ref : event->payload;
    if (!allows(&trigger->sources, source) || !allows(&trigger->ads, ad))
        return false;
    if (trigger->refs.count == 0)
        return fits(match, CLASS_KIND, "referral");
    const struct trigger_text *text = best_text(&trigger->refs, ref);
    return text && fits_by(match, CLASS_KIND, "referral", text);
}

static bool is_story_reply(const struct event *event)
{
    cJSON *context =
        event->context ? json_read(event->context, strlen(event->context), NULL) : NULL;
    bool is = cJSON_IsObject(json_get(context, "story"));
    cJSON_Delete(context);
    return is;
}

static bool is_story_mention(const struct event *event)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, event->attachments) {
        const char *type = json_str(item, "type");
        if (type && strcmp(type, "story_mention") == 0)
            return true;
    }
    return false;
}

static bool story_fits(const struct trigger *trigger, const struct look *look,
                       struct trigger_match *match)
{
    if (look->event->kind != EVENT_MESSAGE)
        return false;
    if (trigger->story != STORY_MENTION && is_story_reply(look->event))
        return fits(match, CLASS_KIND, "story reply");
    return trigger->story != STORY_REPLY && is_story_mention(look->event) &&
           fits(match, CLASS_KIND, "story mention");
}

// A comment that was changed or taken away is no new one.
static bool comment_fits(const struct trigger *trigger, const struct look *look,
                         struct trigger_match *match)
{
    const struct event *event = look->event;
    if (event->kind != EVENT_COMMENT || event->status || !allows(&trigger->posts, event->target))
        return false;
    if (trigger->words.count == 0)
        return fits(match, CLASS_KIND, "comment");
    const struct trigger_text *word = best_word(trigger, look);
    return word && fits_by(match, CLASS_KIND, "comment", word);
}

// "❤" and "❤️" are the same: the second only asks to be shown in colour (U+FE0F).
static size_t emoji_length(const char *emoji)
{
    size_t len = strlen(emoji);
    return len > 3 && strcmp(emoji + len - 3, "\xef\xb8\x8f") == 0 ? len - 3 : len;
}

static bool reaction_fits(const struct trigger *trigger, const struct look *look,
                          struct trigger_match *match)
{
    const struct event *event = look->event;
    if (event->kind != EVENT_REACTION || !event->emoji || !*event->emoji)
        return false;
    if (trigger->emoji.count == 0)
        return fits(match, CLASS_KIND, "reaction");
    size_t len = emoji_length(event->emoji);
    cJSON *data = event->data ? json_read(event->data, strlen(event->data), NULL) : NULL;
    const char *word = json_str(data, "reaction"); // "love": Meta's, beside the emoji
    const struct trigger_text *found = NULL;
    for (size_t i = 0; !found && i < trigger->emoji.count; i++) {
        const struct trigger_text *text = &trigger->emoji.items[i];
        if ((emoji_length(text->text) == len && strncmp(text->text, event->emoji, len) == 0) ||
            (word && strcmp(text->text, word) == 0))
            found = text;
    }
    cJSON_Delete(data);
    return found && fits_by(match, CLASS_KIND, "reaction", found);
}

// The person called: at once, or when it ended and nobody had taken it.
static bool call_fits(const struct trigger *trigger, const struct look *look,
                      struct trigger_match *match)
{
    const struct event *event = look->event;
    if (event->kind != EVENT_CALL || !event->type)
        return false;
    cJSON *data = event->data ? json_read(event->data, strlen(event->data), NULL) : NULL;
    const char *direction = json_str(data, "direction");
    bool inbound = direction && strcmp(direction, "USER_INITIATED") == 0;
    bool taken = json_int(data, "duration", 0) > 0;
    cJSON_Delete(data);
    const char *when = trigger->missed ? "terminate" : "connect";
    if (!inbound || strcmp(event->type, when) != 0 || (trigger->missed && taken))
        return false;
    return fits(match, CLASS_KIND, trigger->missed ? "missed call" : "call");
}

static bool is_said(const struct event *event)
{
    return event->kind == EVENT_MESSAGE || event->kind == EVENT_POSTBACK;
}

static bool is_approach(const struct event *event)
{
    return is_said(event) || event->kind == EVENT_REFERRAL || event->kind == EVENT_OPTIN;
}

static bool optin_fits(const struct trigger *trigger, const struct look *look,
                       struct trigger_match *match)
{
    if (look->event->kind != EVENT_OPTIN)
        return false;
    if (trigger->payloads.count == 0)
        return fits(match, CLASS_KIND, "optin");
    const struct trigger_text *text = best_text(&trigger->payloads, look->event->payload);
    return text && fits_by(match, CLASS_KIND, "optin", text);
}

// Of the start node's `on`.
static bool kind_fits(const struct trigger *trigger, const struct look *look,
                      struct trigger_match *match)
{
    const struct event *event = look->event;
    if (event->kind != trigger->kind || (event->kind == EVENT_COMMENT && event->status))
        return false;
    int specificity = event->kind == EVENT_MESSAGE ? CLASS_MESSAGE : CLASS_KIND;
    return fits(match, specificity, event_kind_name(event->kind));
}

static bool trigger_fits(const struct trigger *trigger, struct look *look,
                         struct trigger_match *match)
{
    const struct event *event = look->event;
    switch (trigger->type) {
    case TRIGGER_KEYWORD:
        return keyword_fits(trigger, look, match);
    case TRIGGER_POSTBACK:
    case TRIGGER_QUICK_REPLY:
        return payload_fits(trigger, look, match);
    case TRIGGER_REFERRAL:
        return referral_fits(trigger, look, match);
    case TRIGGER_STORY:
        return story_fits(trigger, look, match);
    case TRIGGER_COMMENT:
        return comment_fits(trigger, look, match);
    case TRIGGER_REACTION:
        return reaction_fits(trigger, look, match);
    case TRIGGER_CALL:
        return call_fits(trigger, look, match);
    case TRIGGER_OPTIN:
        return optin_fits(trigger, look, match);
    case TRIGGER_KIND:
        return kind_fits(trigger, look, match);
    case TRIGGER_FIRST_CONTACT:
        return look->context->first_contact && is_approach(event) &&
               fits(match, CLASS_FIRST_CONTACT, "first contact");
    case TRIGGER_MESSAGE:
        return event->kind == EVENT_MESSAGE && fits(match, CLASS_MESSAGE, "message");
    case TRIGGER_DEFAULT:
        return is_said(event) && fits(match, CLASS_DEFAULT, "default");
    case TRIGGER_NONE:
        return is_approach(event) && fits(match, CLASS_DEFAULT, event_kind_name(event->kind));
    default: // time resumes, and manual is by EVENT_START alone
        return false;
    }
}

int trigger_compare(const struct trigger_match *a, const struct trigger_match *b)
{
    if (a->priority != b->priority)
        return a->priority > b->priority ? 1 : -1;
    if (a->specificity != b->specificity)
        return a->specificity > b->specificity ? 1 : -1;
    return (a->length > b->length) - (a->length < b->length);
}

static bool start_fits(const struct event *event, const struct trigger_context *context,
                       struct trigger_match *match)
{
    if (!event->target || !context->flow_id || strcmp(event->target, context->flow_id) != 0)
        return false;
    cJSON *data = event->data ? json_read(event->data, strlen(event->data), NULL) : NULL;
    bool interrupts = json_bool(data, "interrupt", false);
    cJSON_Delete(data);
    *match = (struct trigger_match){0};
    return (interrupts || !context->is_waiting) && fits(match, CLASS_MANUAL, "manual");
}

static bool find_best(const struct triggers *triggers, struct look *look,
                      struct trigger_match *ret_match)
{
    bool found = false;
    for (size_t i = 0; i < triggers->count; i++) {
        const struct trigger *trigger = &triggers->items[i];
        struct trigger_match match = {.priority = trigger->priority,
                                      .private_reply = trigger->private_reply};
        if ((look->context->is_waiting && !trigger->interrupts) ||
            !trigger_fits(trigger, look, &match) ||
            (found && trigger_compare(&match, ret_match) <= 0))
            continue;
        *ret_match = match;
        found = true;
    }
    return found;
}

bool trigger_match(const struct flow *flow, const struct event *event,
                   const struct trigger_context *context, struct trigger_match *ret_match)
{
    if (!event->contact || event->standby || event->group)
        return false;
    if (event->kind == EVENT_START)
        return start_fits(event, context, ret_match);
    if (!flow_starts_on(flow, event->kind))
        return false;
    char *folded = context->text ? NULL : trigger_text(event);
    uint64_t steps = 0;
    struct look look = {.event = event,
                        .context = context,
                        .text = context->text ? context->text : folded,
                        .steps = &steps};
    if (event->text)
        look.raw = x_dupn(event->text,
                          utf8_cut_bytes(event->text, strlen(event->text), TRIGGER_READS_BYTES));
    bool found = find_best(&flow->triggers, &look, ret_match);
    free(folded);
    free(look.raw);
    cJSON_Delete(look.referral);
    return found;
}
