// SPDX-License-Identifier: MIT
/*
 * What a flow sees of an event: the variables `event` and `last`. Private to engine/. Pure; what
 * they return is the caller's.
 */
#pragma once

#include <cjson/cJSON.h>

#include "base/event.h"

// Bounds of what one event may bring into a session; platforms' own limits are below.
enum {
    EVENT_VALUE_TEXT_MAX = 8192,      // bytes of each text; the rest is cut off
    EVENT_VALUE_TREES_MAX = 32768,    // bytes of attachments, data, context and referral together
    EVENT_VALUE_KEPT_MAX = 2048,      // the same, of an event that waits for the next input
    EVENT_VALUE_CALLBACK_MAX = 98304, // of a callback: a body of 64 KiB, printed again
};

/*
 * {kind, type, id, text, payload, reply_to, target, emoji, attachments, data, context, referral},
 * without what the event does not have. Trees that are beyond `trees_max` are left out and named in
 * `left_out`.
 */
MUST_USE cJSON *event_value(const struct event *event, size_t trees_max);

// {text, payload} of an event_value, or of what older sessions kept.
MUST_USE cJSON *event_value_last(const cJSON *value);
