// SPDX-License-Identifier: MIT
// `object: "page"`: what Messenger sends, and what happens on the page itself.

#include "webhook/messaging.h"

static const struct change_kind page_changes[] = {
    {.field = "feed",
     .kind = EVENT_FEED,
     .id = {"comment_id", "post_id"},
     .target = {"post_id"},
     .text = "message"},
    {.field = "mention",
     .kind = EVENT_MENTION,
     .id = {"comment_id"},
     .target = {"post_id"},
     .text = "message",
     .must = CHANGE_NEEDS_ANY},
    {.field = "leadgen", .kind = EVENT_ACCOUNT, .id = {"leadgen_id"}, .must = CHANGE_NEEDS_ID},
    {0},
};

bool messenger_entry(struct walk *walk, const cJSON *entry)
{
    bool messaging = messaging_lists(walk, entry);
    return change_lists(walk, entry, page_changes) || messaging;
}
