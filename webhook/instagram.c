// SPDX-License-Identifier: MIT
/*
 * `object: "instagram"`: messages as Messenger has them, and comments and mentions, which come in
 * changes[] (Facebook Login) or as `field` and `value` of the entry itself (Instagram Login).
 */

#include "webhook/item.h"

// One page of Meta's names a comment by `id`, another by `comment_id`.
static const struct change_kind instagram_changes[] = {
    {"comments", "from", {"comment_id", "id"}, NULL},
    {"live_comments", "from", {"comment_id", "id"}, NULL},
    {"mentions", NULL, {"comment_id", "media_id"}, NULL},
    {"story_insights", NULL, {"media_id", NULL}, NULL},
    {0},
};

bool instagram_entry(struct walk *walk, const cJSON *entry)
{
    bool any = messaging_lists(walk, entry);
    any = change_list(walk, entry, instagram_changes) || any;
    if (!item_has(entry, "field"))
        return any;
    item_change(walk, entry, instagram_changes);
    return true;
}
