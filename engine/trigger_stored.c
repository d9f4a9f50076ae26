// SPDX-License-Identifier: MIT
/*
 * Triggers as builders store them: words such as "message_received", and with what they ask for
 * behind a colon, "keyword:menu".
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "engine/trigger_set.h"

// Written without case, blanks, '_' and '-'.
static const struct stored {
    const char *word;
    enum trigger_type type;
    enum story_part story;
    const char *payload;
    bool missed;
} stored_words[] = {
    {.word = "keyword", .type = TRIGGER_KEYWORD},
    {.word = "keywords", .type = TRIGGER_KEYWORD},
    {.word = "message", .type = TRIGGER_MESSAGE},
    {.word = "messagereceived", .type = TRIGGER_MESSAGE},
    {.word = "anymessage", .type = TRIGGER_MESSAGE},
    {.word = "newmessage", .type = TRIGGER_MESSAGE},
    {.word = "firstmessage", .type = TRIGGER_FIRST_CONTACT},
    {.word = "firstcontact", .type = TRIGGER_FIRST_CONTACT},
    {.word = "newconversation", .type = TRIGGER_FIRST_CONTACT},
    {.word = "conversationstarted", .type = TRIGGER_FIRST_CONTACT},
    {.word = "postback", .type = TRIGGER_POSTBACK},
    {.word = "button", .type = TRIGGER_POSTBACK},
    {.word = "buttonclick", .type = TRIGGER_POSTBACK},
    {.word = "getstarted", .type = TRIGGER_POSTBACK, .payload = "GET_STARTED"},
    {.word = "quickreply", .type = TRIGGER_QUICK_REPLY},
    {.word = "referral", .type = TRIGGER_REFERRAL},
    {.word = "adclick", .type = TRIGGER_REFERRAL},
    {.word = "story", .type = TRIGGER_STORY},
    {.word = "storyreply", .type = TRIGGER_STORY, .story = STORY_REPLY},
    {.word = "storymention", .type = TRIGGER_STORY, .story = STORY_MENTION},
    {.word = "comment", .type = TRIGGER_COMMENT},
    {.word = "commentreceived", .type = TRIGGER_COMMENT},
    {.word = "reaction", .type = TRIGGER_REACTION},
    {.word = "messagereaction", .type = TRIGGER_REACTION},
    {.word = "optin", .type = TRIGGER_OPTIN},
    {.word = "call", .type = TRIGGER_CALL},
    {.word = "missedcall", .type = TRIGGER_CALL, .missed = true},
    {.word = "time", .type = TRIGGER_TIME},
    {.word = "schedule", .type = TRIGGER_TIME},
    {.word = "manual", .type = TRIGGER_MANUAL},
    {.word = "api", .type = TRIGGER_MANUAL},
    {.word = "default", .type = TRIGGER_DEFAULT},
    {.word = "fallback", .type = TRIGGER_DEFAULT},
};

static const char known_words[] =
    "keyword:WORD, message_received, first_message, postback, postback:PAYLOAD, quick_reply, "
    "referral, story_reply, story_mention, comment, comment:WORD, reaction, optin, call, "
    "missed_call, manual, default";

static const struct stored *stored_find(const char *word, size_t len)
{
    char squeezed[40];
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        if (strchr(" _-", word[i]))
            continue;
        if (used == sizeof squeezed - 1)
            return NULL;
        squeezed[used++] = (char)tolower((unsigned char)word[i]);
    }
    squeezed[used] = '\0';
    for (size_t i = 0; i < sizeof stored_words / sizeof *stored_words; i++)
        if (strcmp(stored_words[i].word, squeezed) == 0)
            return &stored_words[i];
    return NULL;
}

static void unknown_lint(struct compile *c, const char *node, const char *place, const char *word)
{
    if (!c->linting)
        return;
    int cut = (int)utf8_cut_bytes(word, strlen(word), 60);
    diags_add(c->diags, SEVERITY_WARNING, "trigger-unknown", node, NULL,
              "%s: the trigger '%.*s' is not known, and starts nothing; known: %s", place, cut,
              word, known_words);
}

// What stands behind the colon goes where the type keeps such.
static void value_parse(struct compile *c, const char *node, const char *place,
                        struct trigger *trigger, const char *text)
{
    cJSON *value = cJSON_CreateString(text);
    switch (trigger->type) {
    case TRIGGER_KEYWORD:
    case TRIGGER_COMMENT:
        trigger_words_parse(c, node, place, trigger, value);
        break;
    case TRIGGER_POSTBACK:
    case TRIGGER_QUICK_REPLY:
    case TRIGGER_OPTIN:
        trigger_texts_parse(c, node, place, &trigger->payloads, value);
        break;
    case TRIGGER_REFERRAL:
        trigger_texts_parse(c, node, place, &trigger->refs, value);
        break;
    case TRIGGER_REACTION:
        trigger_texts_parse(c, node, place, &trigger->emoji, value);
        break;
    default:
        break;
    }
    cJSON_Delete(value);
}

void trigger_parse_word(struct compile *c, const char *node, const char *place, const char *word)
{
    size_t len = strcspn(word, ":");
    const char *value = word[len] ? word + len + 1 + strspn(word + len + 1, " ") : NULL;
    const struct stored *stored = stored_find(word, len);
    if (!stored || (stored->type == TRIGGER_KEYWORD && (!value || !*value))) {
        unknown_lint(c, node, place, word);
        return;
    }
    struct trigger *trigger = trigger_add(c, node, stored->type);
    if (!trigger)
        return;
    trigger->story = stored->story;
    trigger->missed = stored->missed;
    if (!value || !*value)
        value = stored->payload;
    if (value)
        value_parse(c, node, place, trigger, value);
}

void triggers_parse_metadata(struct compile *c, const cJSON *list)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list) {
        const char *word = cJSON_GetStringValue(item);
        if (!word || !utf8_valid(word, strlen(word)))
            unknown_lint(c, NULL, "metadata.triggers", "no text");
        else
            trigger_parse_word(c, NULL, "metadata.triggers", word);
    }
}
