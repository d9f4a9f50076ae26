// SPDX-License-Identifier: MIT
/*
 * Reading `messages` back: the memory of an AI node. What a person never saw (a failed message) is
 * no part of it, nor what was said in a group; what a person of the account's said is. Sorted by
 * the position in the chat: the platforms' own times are those of other clocks, WhatsApp's in whole
 * seconds.
 */
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "models/document.h"
#include "models/projection.h"

enum { RECENT_MAX = 100 };

static cJSON *read_message(const bson_t *doc)
{
    cJSON *message = cJSON_CreateObject();
    const char *role = document_str(doc, "role");
    json_add_str(message, "role", role != NULL ? role : "user");
    json_add_str(message, "content", document_str(doc, "content"));
    return message;
}

bool messages_recent(struct db *db, const char *chat, int limit, cJSON **ret_messages,
                     struct err *err)
{
    char id[25];
    projection_chat_id(chat, id);
    bson_oid_t oid = document_oid_of(id);
    int64_t most = limit < 0 ? 0 : limit > RECENT_MAX ? RECENT_MAX : limit;
    cJSON *messages = cJSON_CreateArray();
    if (most == 0) { // to MongoDB, 0 is no limit
        *ret_messages = messages;
        return true;
    }
    bson_t *filter = BCON_NEW("chatId", BCON_OID(&oid), "content", "{", "$gt", BCON_UTF8(""), "}",
                              "status", "{", "$ne", BCON_UTF8("failed"), "}", "groupId", BCON_NULL);
    bson_t *opts =
        BCON_NEW("sort", "{", "order", BCON_INT32(-1), "}", "limit", BCON_INT64(most), "projection",
                 "{", "role", BCON_INT32(1), "content", BCON_INT32(1), "}");
    mongoc_collection_t *c = mongoc_database_get_collection(db->database, "messages");
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(c, filter, opts, NULL);
    const bson_t *doc;
    bson_error_t error;
    while (mongoc_cursor_next(cursor, &doc))
        cJSON_InsertItemInArray(messages, 0, read_message(doc)); // newest came first
    bool ok = !mongoc_cursor_error(cursor, &error) || store_error(err, &error, "messages");
    mongoc_cursor_destroy(cursor);
    mongoc_collection_destroy(c);
    bson_destroy(filter);
    bson_destroy(opts);
    if (ok)
        *ret_messages = messages;
    else
        cJSON_Delete(messages);
    return ok;
}
