// SPDX-License-Identifier: MIT
/*
 * For the authors of normalisers: one item of a delivery on its way to becoming an event.
 *
 * item_begin() appends an event for an element; the platform's reader fills it; item_end() keeps
 * the reader's work, or, when the element was not understood, turns the event into EVENT_OTHER:
 * type, account, contact, id and timestamp stay, the rest is the element's bytes.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/event.h"
#include "base/json.h"
#include "webhook/normalise.h"

// Where in the delivery we are.
struct walk {
    const struct json_doc *doc;
    struct event_list *list;
    enum platform platform;
    const char *account;   // of the entry, or ITEM_NO_ACCOUNT
    int64_t entry_time_ms; // entry[].time, 0 when there is none
    bool full;             // EVENT_LIST_MAX was passed
};

// Stands for an account that could not be told.
extern const char ITEM_NO_ACCOUNT[];
bool item_account_known(const struct event *event);

// The bytes that an element came in, on one line: line breaks between its tokens become blanks, as
// in the event's JSON form, so that both have the same identity. The caller's.
char *item_bytes(const struct walk *walk, const cJSON *element);

// The new event, owned by the list and valid until the next item_begin(); NULL when the list is
// full.
struct event *item_begin(struct walk *walk, const char *account);
void item_end(const struct walk *walk, struct event *event, const cJSON *element, bool understood,
              const char *type);

// An element that nobody looks into: begin and end in one.
void item_other(struct walk *walk, const cJSON *element, const char *type);

// True when the member is there and is not null.
bool item_has(const cJSON *object, const char *name);

/*
 * Take a member into *ret_field (a new string). False: it is there but cannot be carried (wrong
 * type, too long, empty id). A missing or null member leaves NULL and is true.
 */
MUST_USE bool item_take_id(const cJSON *object, const char *name, char **ret_field);
MUST_USE bool item_take_text(const cJSON *object, const char *name, char **ret_field);
MUST_USE bool item_take_array(const cJSON *object, const char *name, cJSON **ret_field);

// Takes an object or array member as the bytes received. False: it is there and something else.
MUST_USE bool item_take_raw(const struct walk *walk, const cJSON *object, const char *name,
                            char **ret_field);

// An account id as Redis keys can carry it, or NULL. Written to scratch when Meta sent a number.
const char *item_account_id(const cJSON *object, const char *name, char scratch[32]);

// Meta's time stamps come in seconds or milliseconds, as numbers or strings: ≥ 10^12 is
// milliseconds. 0 = none.
int64_t item_time(const cJSON *object, const char *name);

// Another name of the contact; the first becomes `contact`. NULL and names it has already are
// ignored.
void item_add_name(struct event *event, const char *name);
// The same from an id member. False as item_take_id.
MUST_USE bool item_take_name(struct event *event, const cJSON *object, const char *name);

// The same from a user name: a weak name, "@ana.r" (see alias_is_weak).
MUST_USE bool item_take_username(struct event *event, const cJSON *object, const char *name);

/* The platforms. Each returns whether the entry held anything it knows. */
bool messenger_entry(struct walk *walk, const cJSON *entry);
bool instagram_entry(struct walk *walk, const cJSON *entry);
bool whatsapp_entry(struct walk *walk, const cJSON *entry);
