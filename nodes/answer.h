// SPDX-License-Identifier: MIT
/*
 * What makes an answer valid, and the value that it becomes. Part of the input node. Pure: the same
 * answer under the same rule always gives the same value. One file per family of types behind it
 * (answer_number.c …), each with one or more readers of answer_readers.h.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

struct pattern;

enum answer_type {
    ANSWER_TEXT,
    ANSWER_NUMBER,
    ANSWER_INTEGER,
    ANSWER_EMAIL,
    ANSWER_PHONE,
    ANSWER_URL,
    ANSWER_DATE,
    ANSWER_TIME,
    ANSWER_DATETIME,
    ANSWER_YES_NO,
    ANSWER_LOCATION,
    ANSWER_MEDIA,
    ANSWER_CHOICE, // the node's own matter (choices.h)
    ANSWER_TYPES,
};

// Kinds of media, bits of `accept`.
enum {
    MEDIA_IMAGE = 1,
    MEDIA_VIDEO = 2,
    MEDIA_AUDIO = 4,
    MEDIA_DOCUMENT = 8,
    MEDIA_STICKER = 16,
    MEDIA_DEFAULT = MEDIA_IMAGE | MEDIA_VIDEO | MEDIA_AUDIO | MEDIA_DOCUMENT,
};

enum { COUNTRY_BYTES = 3 }; // "DE"

// What an answer is judged by. All pointers are borrowed.
struct rule {
    enum answer_type type;
    bool required;
    struct pattern *pattern; // or NULL
    /*
     * Bounds of the answer's measure: a number's value; a text's, address's length in characters;
     * a date's days since 1970-01-01; a time's minutes since midnight; a date and time's
     * milliseconds since 1970; the number of files.
     */
    bool has_min, has_max;
    double min, max;
    char country[COUNTRY_BYTES]; // of phone numbers without a country code; "" = unknown
    unsigned accept;             // of media
    int max_files;               // of media; with 1 the value is the file, else a list
    // Where and when the person is
    const char *locale; // ICU's or BCP 47's name; NULL = "en"
    const char *zone;   // NULL = UTC
    int64_t now_ms;
};

// What the person sent. Borrowed; each member but `text` may be NULL.
struct answer {
    const char *text;         // without blanks around it; "" = none
    const char *payload;      // of what was tapped
    const cJSON *attachments; // array of {type, url …} (event_value.h)
    const cJSON *data;        // the event's own object: a location
};

enum answer_outcome { ANSWER_VALID, ANSWER_INVALID, ANSWER_LIMIT };

enum { WHY_BYTES = 160 };

/*
 * Valid: *ret_value is the caller's. Invalid: `why` gets a sentence for the person, in ASCII.
 * LIMIT: the pattern cost too much.
 */
enum answer_outcome answer_read(const struct rule *rule, const struct answer *answer,
                                cJSON **ret_value, char why[WHY_BYTES]);

/*
 * A bound as the flow writes it, as the measure above: a number; "2026-12-24", "today", "+30d",
 * "-18y" (days, weeks, months, years) of dates; "17:30" of times; any of these, "now", "+2h" or
 * ISO 8601 of dates with times. False: it is none of its type.
 */
bool answer_bound(const struct rule *rule, const char *text, double *ret_measure);

// Whether the answer is one of the words that skip a question in many languages.
bool answer_is_skip(const char *text);
// Whether both are the same but for case, width, accents and punctuation.
bool answer_same_word(const char *a, const char *b);

// The country that a WhatsApp contact's id tells: "595981…" and "PY.1349…" give "PY"; "" = none.
void answer_chat_country(const char *id, char ret_country[COUNTRY_BYTES]);
// Whether the country (two capital letters) has a calling code.
bool answer_country_is_known(const char *country);
