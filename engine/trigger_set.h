// SPDX-License-Identifier: MIT
// The compiled triggers of a flow: private to engine/ (trigger.h is what others see).
#pragma once

#include "engine/graph.h"
#include "engine/trigger.h"

enum {
    TRIGGERS_MAX = 100,         // of a flow
    TRIGGER_TEXTS_MAX = 200,    // keywords, payloads … of one trigger's list
    TRIGGER_TEXT_BYTES = 200,   // of one of them
    TRIGGER_READS_BYTES = 2048, // of a message: commands are short
    TRIGGER_PRIORITY_MAX = 1000 // and as much below zero
};

enum trigger_type {
    TRIGGER_KEYWORD,
    TRIGGER_MESSAGE,
    TRIGGER_FIRST_CONTACT,
    TRIGGER_POSTBACK,
    TRIGGER_QUICK_REPLY,
    TRIGGER_REFERRAL,
    TRIGGER_STORY,
    TRIGGER_COMMENT,
    TRIGGER_REACTION,
    TRIGGER_OPTIN,
    TRIGGER_CALL,
    TRIGGER_TIME,
    TRIGGER_MANUAL,
    TRIGGER_DEFAULT,
    TRIGGER_KIND, // of the start node's `on`: any event of `kind`
    TRIGGER_NONE, // a flow that says nothing: any message, postback, referral, opt-in
    TRIGGER_TYPE_COUNT
};
extern const char *const trigger_type_names[]; // as flows write them, up to TRIGGER_DEFAULT

// What trigger_match.specificity holds: greater wins (docs/triggers.md).
enum trigger_class {
    CLASS_DEFAULT = 1,
    CLASS_MESSAGE,
    CLASS_FIRST_CONTACT,
    CLASS_KIND, // story, comment, referral, reaction, opt-in, call
    CLASS_PATTERN,
    CLASS_CONTAINS,
    CLASS_WORD,
    CLASS_EXACT,
    CLASS_PAYLOAD,
    CLASS_MANUAL,
};

enum text_match { MATCH_EXACT, MATCH_WORD, MATCH_CONTAINS, MATCH_PATTERN };
enum story_part { STORY_ANY, STORY_REPLY, STORY_MENTION };

struct trigger_text {
    char *text;              // as the flow has it; of a prefix without its '*'
    char *folded;            // keywords only
    struct pattern *pattern; // MATCH_PATTERN
    size_t length;           // characters that it says of the event
    bool prefix;
};

struct trigger_texts {
    struct trigger_text *items;
    size_t count;
};

struct trigger {
    enum trigger_type type;
    int priority;
    bool interrupts;
    enum event_kind kind;          // TRIGGER_KIND
    enum text_match match;         // of `words`
    struct trigger_texts words;    // keyword, comment
    struct trigger_texts payloads; // postback, quick reply, opt-in
    struct trigger_texts refs, sources, ads;
    struct trigger_texts posts;
    struct trigger_texts emoji;
    enum story_part story;
    bool missed;
    bool private_reply;
};

// trigger_text.c
// A text as keywords are compared: folded, blanks single, none at the ends.
MUST_USE char *trigger_fold(const char *text);
// Both texts are folded. Somewhere in it, where no letter or digit goes on beyond the word's ends.
bool text_has_word(const char *text, const char *word);
// The text is the word; signs around it ("menu!", "¿menú?") do not count.
bool text_is_exactly(const char *text, const char *word);

// trigger_parse.c
// A new trigger at the end; NULL, with an error, when the flow has too many.
struct trigger *trigger_add(struct compile *c, const char *node, enum trigger_type type);
// Keywords or payloads from a text, or a list of texts.
void trigger_words_parse(struct compile *c, const char *node, const char *place,
                         struct trigger *trigger, const cJSON *item);
void trigger_texts_parse(struct compile *c, const char *node, const char *place,
                         struct trigger_texts *texts, const cJSON *item);
// After the last one: the flow that said nothing gets what such flows have; starts_on is filled.
void triggers_finish(struct compile *c);
void triggers_deinit(struct triggers *triggers);

// trigger_stored.c: the words that builders store, such as "message_received", "keyword:menu".
void trigger_parse_word(struct compile *c, const char *node, const char *place, const char *word);
// metadata.triggers of a document.
void triggers_parse_metadata(struct compile *c, const cJSON *list);
