// SPDX-License-Identifier: MIT
// Triggers, from a flow's data to their compiled form.
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "engine/fold.h"
#include "engine/pattern.h"
#include "engine/trigger_set.h"

const char *const trigger_type_names[] = {
    [TRIGGER_KEYWORD] = "keyword",   [TRIGGER_MESSAGE] = "message",
    [TRIGGER_POSTBACK] = "postback", [TRIGGER_FIRST_CONTACT] = "firstContact",
    [TRIGGER_REFERRAL] = "referral", [TRIGGER_QUICK_REPLY] = "quickReply",
    [TRIGGER_STORY] = "story",       [TRIGGER_COMMENT] = "comment",
    [TRIGGER_REACTION] = "reaction", [TRIGGER_OPTIN] = "optin",
    [TRIGGER_CALL] = "call",         [TRIGGER_TIME] = "time",
    [TRIGGER_MANUAL] = "manual",     [TRIGGER_DEFAULT] = "default",
    [TRIGGER_KIND] = NULL,
};

static const char *const match_words[] = {"exact", "word", "contains", "pattern", NULL};
static const char *const story_words[] = {"reply", "mention", NULL};

const struct node_field trigger_fields[] = {
    {.name = "type",
     .kind = FIELD_WORD,
     .required = true,
     .words = trigger_type_names,
     .help = "what starts a session"},
    {.name = "words",
     .kind = FIELD_ANY,
     .help = "keyword, comment: a text or a list of them, or patterns"},
    {.name = "match",
     .kind = FIELD_WORD,
     .words = match_words,
     .help = "how a keyword has to stand in the text; word unless given"},
    {.name = "payloads",
     .kind = FIELD_ANY,
     .help = "postback, quickReply, optin: a text or a list, each exact or with * at its end"},
    {.name = "refs", .kind = FIELD_ANY, .help = "referral: likewise, of the link"},
    {.name = "sources", .kind = FIELD_ANY, .help = "referral: ADS, SHORTLINK, ad, post …"},
    {.name = "adIds", .kind = FIELD_ANY, .help = "referral: ids of ads"},
    {.name = "story", .kind = FIELD_WORD, .words = story_words, .help = "only replies or mentions"},
    {.name = "posts", .kind = FIELD_ANY, .help = "comment: ids of posts or media"},
    {.name = "privateReply",
     .kind = FIELD_BOOL,
     .help = "comment: the first answer goes to the person in private"},
    {.name = "emoji",
     .kind = FIELD_ANY,
     .help = "reaction: an emoji, or Meta's word for it, or a list"},
    {.name = "missed", .kind = FIELD_BOOL, .help = "call: only one that nobody took"},
    {.name = "priority",
     .kind = FIELD_NUMBER,
     .min = -TRIGGER_PRIORITY_MAX,
     .max = TRIGGER_PRIORITY_MAX,
     .help = "the higher is asked first; 0 unless given"},
    {.name = "interrupts", .kind = FIELD_BOOL, .help = "also ends a session that waits"},
    {0}};

PRINTF_LIKE(4, 5)
static bool bad(struct compile *c, const char *node, const char *place, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = x_vprintf(fmt, ap);
    va_end(ap);
    diags_add(c->diags, SEVERITY_ERROR, "trigger-bad", node, NULL, "%s: %s", place, text);
    free(text);
    return false;
}

struct trigger *trigger_add(struct compile *c, const char *node, enum trigger_type type)
{
    struct triggers *all = &c->flow->triggers;
    all->given = true;
    if (all->count == TRIGGERS_MAX) {
        bad(c, node, "triggers", "a flow has at most %d triggers", TRIGGERS_MAX);
        return NULL;
    }
    all->items = x_realloc(all->items, all->count + 1, sizeof *all->items);
    struct trigger *trigger = &all->items[all->count++];
    *trigger = (struct trigger){.type = type, .match = MATCH_WORD};
    return trigger;
}

/* Lists of texts */

static bool text_add(struct compile *c, const char *node, const char *place,
                     struct trigger_texts *texts, const cJSON *item)
{
    const char *text = cJSON_GetStringValue(item);
    size_t len = text ? strlen(text) : 0;
    if (!text || len == 0 || len > TRIGGER_TEXT_BYTES || !utf8_valid(text, len))
        return bad(c, node, place, "must be a text of 1 to %d bytes, or a list of such texts",
                   TRIGGER_TEXT_BYTES);
    if (texts->count == TRIGGER_TEXTS_MAX)
        return bad(c, node, place, "has more than %d texts", TRIGGER_TEXTS_MAX);
    texts->items = x_realloc(texts->items, texts->count + 1, sizeof *texts->items);
    texts->items[texts->count++] =
        (struct trigger_text){.text = x_dup(text), .length = utf8_length(text)};
    return true;
}

static bool texts_read(struct compile *c, const char *node, const char *place,
                       struct trigger_texts *texts, const cJSON *item)
{
    if (!cJSON_IsArray(item))
        return !item || text_add(c, node, place, texts, item);
    const cJSON *each;
    cJSON_ArrayForEach(each, item) {
        if (!text_add(c, node, place, texts, each))
            return false;
    }
    return true;
}

// Exact, or with a '*' at the end: whatever begins so. An exact one says one character more.
void trigger_texts_parse(struct compile *c, const char *node, const char *place,
                         struct trigger_texts *texts, const cJSON *item)
{
    if (!texts_read(c, node, place, texts, item))
        return;
    for (size_t i = 0; i < texts->count; i++) {
        struct trigger_text *text = &texts->items[i];
        size_t len = strlen(text->text);
        text->prefix = text->text[len - 1] == '*';
        if (text->prefix)
            text->text[len - 1] = '\0';
        text->length = utf8_length(text->text) + !text->prefix;
    }
}

static bool word_compile(struct compile *c, const char *node, const char *place,
                         enum text_match match, struct trigger_text *word)
{
    if (match == MATCH_PATTERN) {
        struct err err;
        char *text = x_printf("(?i)%s", word->text);
        word->pattern = pattern_new(text, &err);
        word->length = 0;
        free(text);
        return word->pattern || bad(c, node, place, "pattern '%.60s': %s", word->text, err.text);
    }
    word->folded = trigger_fold(word->text);
    word->length = utf8_length(word->folded);
    return word->length > 0 || bad(c, node, place, "a keyword needs a letter, a digit or a sign");
}

static void comma_lint(struct compile *c, const char *node, const char *place,
                       const struct trigger *trigger, const cJSON *item)
{
    const char *text = cJSON_GetStringValue(item);
    if (c->linting && text && trigger->match != MATCH_PATTERN && strchr(text, ','))
        diags_add(c->diags, SEVERITY_WARNING, "keyword-comma", node, NULL,
                  "%s: '%.60s' is one keyword, comma and all; several are a list", place, text);
}

void trigger_words_parse(struct compile *c, const char *node, const char *place,
                         struct trigger *trigger, const cJSON *item)
{
    comma_lint(c, node, place, trigger, item);
    bool ok = texts_read(c, node, place, &trigger->words, item);
    for (size_t i = 0; ok && i < trigger->words.count; i++)
        ok = word_compile(c, node, place, trigger->match, &trigger->words.items[i]);
}

/* One trigger */

static int word_index(const char *const *words, const char *word)
{
    for (int i = 0; word && words[i]; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    return -1;
}

static void lists_parse(struct compile *c, const char *node, const char *place,
                        struct trigger *trigger, const cJSON *item)
{
    const struct {
        const char *name;
        struct trigger_texts *texts;
    } lists[] = {{"payloads", &trigger->payloads}, {"refs", &trigger->refs},
                 {"sources", &trigger->sources},   {"adIds", &trigger->ads},
                 {"posts", &trigger->posts},       {"emoji", &trigger->emoji}};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        char *member = x_printf("%s.%s", place, lists[i].name);
        trigger_texts_parse(c, node, member, lists[i].texts, node_member(item, lists[i].name));
        free(member);
    }
}

// Members that say nothing to this type of trigger: its author expects something of them.
static void unused_warn(struct compile *c, const char *node, const char *place,
                        enum trigger_type type, const cJSON *item)
{
    enum { WORDS = 1 << TRIGGER_KEYWORD | 1 << TRIGGER_COMMENT };
    static const struct {
        const char *name;
        unsigned types; // that look at it
    } members[] = {
        {"words", WORDS},
        {"match", WORDS},
        {"payloads", 1 << TRIGGER_POSTBACK | 1 << TRIGGER_QUICK_REPLY | 1 << TRIGGER_OPTIN},
        {"refs", 1 << TRIGGER_REFERRAL},
        {"sources", 1 << TRIGGER_REFERRAL},
        {"adIds", 1 << TRIGGER_REFERRAL},
        {"story", 1 << TRIGGER_STORY},
        {"posts", 1 << TRIGGER_COMMENT},
        {"privateReply", 1 << TRIGGER_COMMENT},
        {"emoji", 1 << TRIGGER_REACTION},
        {"missed", 1 << TRIGGER_CALL},
    };
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (node_member(item, members[i].name) && !(members[i].types & 1u << type))
            diags_add(c->diags, SEVERITY_WARNING, "field-unused", node, NULL,
                      "%s.%s: a %s trigger does not look at it", place, members[i].name,
                      trigger_type_names[type]);
}

// {type, …}
static void trigger_parse(struct compile *c, const struct flow_node *node, const char *place,
                          const cJSON *item)
{
    if (!fields_check_member(c, node, place, trigger_fields, item))
        return;
    int type = word_index(trigger_type_names, json_str(item, "type"));
    if (type < 0) // the table of fields knows the same words
        return;
    struct trigger *trigger = trigger_add(c, node->id, (enum trigger_type)type);
    if (!trigger)
        return;
    unused_warn(c, node->id, place, trigger->type, item);
    int match = word_index(match_words, json_str(item, "match"));
    if (match >= 0)
        trigger->match = (enum text_match)match;
    trigger->story = (enum story_part)(word_index(story_words, json_str(item, "story")) + 1);
    trigger->missed = json_bool(item, "missed", false);
    trigger->private_reply = json_bool(item, "privateReply", false);
    trigger->interrupts = json_bool(item, "interrupts", false);
    trigger->priority = (int)node_number(item, "priority", 0);
    lists_parse(c, node->id, place, trigger, item);
    char *member = x_printf("%s.words", place);
    trigger_words_parse(c, node->id, member, trigger, node_member(item, "words"));
    if (trigger->type == TRIGGER_KEYWORD && trigger->words.count == 0)
        bad(c, node->id, place, "a keyword trigger needs `words`");
    free(member);
}

void node_trigger(struct node_parse *p, const char *field, const cJSON *triggers)
{
    const cJSON *item = cJSON_IsArray(triggers) ? triggers->child : triggers;
    for (int i = 0; item; item = cJSON_IsArray(triggers) ? item->next : NULL) {
        char *place = cJSON_IsArray(triggers) ? x_printf("%.40s[%d]", field, i++) : x_dup(field);
        if (cJSON_IsObject(item))
            trigger_parse(p->compile, p->node, place, item);
        else if (cJSON_IsString(item))
            trigger_parse_word(p->compile, p->id, place, item->valuestring);
        else
            bad(p->compile, p->id, place, "must be a trigger {type, …} or a word");
        free(place);
    }
}

void node_trigger_keywords(struct node_parse *p, const char *field, const cJSON *words)
{
    if (!words || (cJSON_IsArray(words) && !words->child))
        return;
    struct trigger *trigger = trigger_add(p->compile, p->id, TRIGGER_KEYWORD);
    if (trigger)
        trigger_words_parse(p->compile, p->id, field, trigger, words);
}

void node_starts_on(struct node_parse *p, const cJSON *kinds)
{
    p->compile->flow->triggers.given = true;
    const cJSON *item;
    cJSON_ArrayForEach(item, kinds) {
        enum event_kind kind;
        if (!event_kind_parse(cJSON_GetStringValue(item), &kind))
            continue;
        struct trigger *trigger = trigger_add(p->compile, p->id, TRIGGER_KIND);
        if (trigger)
            trigger->kind = kind;
    }
}

/* The whole */

static uint32_t kinds_of(const struct trigger *trigger)
{
    enum {
        MESSAGE = 1 << EVENT_MESSAGE,
        POSTBACK = 1 << EVENT_POSTBACK,
        CONTACT = MESSAGE | POSTBACK | 1 << EVENT_REFERRAL | 1 << EVENT_OPTIN,
    };
    static const uint32_t kinds[TRIGGER_TYPE_COUNT] = {
        [TRIGGER_KEYWORD] = MESSAGE,
        [TRIGGER_MESSAGE] = MESSAGE,
        [TRIGGER_FIRST_CONTACT] = CONTACT,
        [TRIGGER_POSTBACK] = MESSAGE | POSTBACK,
        [TRIGGER_QUICK_REPLY] = MESSAGE,
        [TRIGGER_REFERRAL] = MESSAGE | POSTBACK | 1 << EVENT_REFERRAL,
        [TRIGGER_STORY] = MESSAGE | 1 << EVENT_MENTION,
        [TRIGGER_COMMENT] = 1 << EVENT_COMMENT,
        [TRIGGER_REACTION] = 1 << EVENT_REACTION,
        [TRIGGER_OPTIN] = 1 << EVENT_OPTIN,
        [TRIGGER_CALL] = 1 << EVENT_CALL,
        [TRIGGER_DEFAULT] = MESSAGE | POSTBACK,
        [TRIGGER_NONE] = CONTACT,
    };
    return trigger->type == TRIGGER_KIND ? UINT32_C(1) << trigger->kind : kinds[trigger->type];
}

void triggers_finish(struct compile *c)
{
    struct triggers *all = &c->flow->triggers;
    if (!all->given)
        trigger_add(c, NULL, TRIGGER_NONE);
    c->flow->starts_on = 0;
    for (size_t i = 0; i < all->count; i++)
        c->flow->starts_on |= kinds_of(&all->items[i]);
}

static void texts_deinit(struct trigger_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++) {
        free(texts->items[i].text);
        free(texts->items[i].folded);
        pattern_free(texts->items[i].pattern);
    }
    free(texts->items);
}

void triggers_deinit(struct triggers *triggers)
{
    for (size_t i = 0; i < triggers->count; i++) {
        struct trigger *trigger = &triggers->items[i];
        struct trigger_texts *const lists[] = {
            &trigger->words, &trigger->payloads, &trigger->refs, &trigger->sources,
            &trigger->ads,   &trigger->posts,    &trigger->emoji};
        for (size_t k = 0; k < sizeof lists / sizeof *lists; k++)
            texts_deinit(lists[k]);
    }
    free(triggers->items);
}
