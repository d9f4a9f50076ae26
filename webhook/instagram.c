// SPDX-License-Identifier: MIT
/*
 * `object: "instagram"`: messages as Messenger has them, and comments and mentions, which come in
 * changes[] (Facebook Login) or as `field` and `value` of the entry itself (Instagram Login).
 */

#include "webhook/messaging.h"

// One page of Meta's names a comment by `id`, another by `comment_id`.
static const struct change_kind instagram_changes[] = {
    {.field = "comments",
     .kind = EVENT_COMMENT,
     .id = {"comment_id", "id"},
     .target = {"media.id", "media_id"},
     .text = "text"},
    {.field = "live_comments",
     .kind = EVENT_COMMENT,
     .id = {"comment_id", "id"},
     .target = {"media.id", "media_id"},
     .text = "text"},
    {.field = "mentions", // of a caption there is the media alone
     .kind = EVENT_MENTION,
     .id = {"comment_id"},
     .target = {"media_id"},
     .must = CHANGE_NEEDS_ANY},
    {.field = "story_insights",
     .kind = EVENT_ACCOUNT,
     .target = {"media_id"},
     .must = CHANGE_NEEDS_ANY},
    {0},
};

bool instagram_entry(struct walk *walk, const cJSON *entry)
{
    bool messaging = messaging_lists(walk, entry);
    return change_lists(walk, entry, instagram_changes) || messaging;
}
