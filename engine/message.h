// SPDX-License-Identifier: MIT
/*
 * The canonical message: what a node wants said, as JSON, before any platform's form. A text with
 * choices is `text` and `choices` of the effect and has no tree. All others are an object with
 * `type`; texts are rendered, limits are the connectors' matter. Members, "?" where they may be
 * missing:
 *
 *   text              text              for a text that has one of the last three members below
 *   image, video, audio, document, sticker
 *                     url, caption?, filename?
 *   link              text?, title, url                        a button that opens the address
 *   card              title, subtitle?, image?, url?, buttons?
 *                     buttons: [{id, title} | {url, title} | {phone, title}]
 *   carousel          text?, cards: [a card without type]
 *   location          latitude, longitude, name?, address?
 *   contact           contacts: [{name, phones?: [text], emails?: [text], organization?, url?}]
 *   list              text, button, header?, footer?,
 *                     sections: [{title?, rows: [{id, title, description?}]}]
 *   buttons           text, header?, footer?, image?, buttons as a card's: buttons under a text
 *   template          name, language, components?              WhatsApp's own form of components
 *   reaction          message_id, emoji ("" takes it back)
 *   typing            on (true, false), message_id?            no message: nothing is recorded;
 *                     WhatsApp shows it with the read mark of that message, and not without
 *   location_request  text                                     WhatsApp; elsewhere its text
 *
 * Any of them may have `reply_to` (a message's id), `tag` (Messenger's message tag) and
 * `comment_id` (a private reply to that comment). Other members are ignored. Pure.
 */
#pragma once

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/err.h"

// What it says, in words, a line each: for the records, and for platforms that lack the kind.
void message_words(const cJSON *message, struct buf *out);

// False, with the place, when a tree does not have the form above (journals, tests).
MUST_USE bool message_check(const cJSON *message, struct err *err);

// Whether it is something that stands in the thread afterwards (all but typing and reaction). A
// message without a tree is.
bool message_is_said(const cJSON *message);
