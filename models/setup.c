// SPDX-License-Identifier: MIT
/*
 * The indexes, as one table. They are those of the schema documents, except where these would
 * forbid what Hookmill is for: several active flows per user are allowed, an account is unique by
 * its platform's own id and not by its owner, e-mail addresses and user names are unique only where
 * present, and sessions expire by `expireAt`, set when they end.
 */
#include "models/setup.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "models/document.h"

struct index_row {
    const char *collection;
    const char *keys;    // JSON
    const char *options; // JSON, or NULL
};

#define UNIQUE         "{\"unique\":true}"
#define UNIQUE_PRESENT "{\"unique\":true,\"sparse\":true}"
#define EXPIRES        "{\"expireAfterSeconds\":0}"

static const struct index_row indexes[] = {
    {"users", "{\"email\":1}", UNIQUE_PRESENT},
    {"users", "{\"username\":1}", UNIQUE_PRESENT},
    {"users", "{\"createdAt\":-1}", NULL},
    {"users", "{\"role\":1,\"createdAt\":1}", NULL},
    {"users", "{\"isActive\":1,\"isOnline\":1}", NULL},

    // accountId is Hookmill's; documents of other applications lack it.
    {"integrations", "{\"accountId\":1,\"platform\":1}",
     "{\"unique\":true,\"partialFilterExpression\":{\"accountId\":{\"$exists\":true}}}"},
    {"integrations", "{\"userId\":1,\"platform\":1}", NULL},
    {"integrations", "{\"status\":1}", NULL},

    {"flows", "{\"userId\":1,\"status\":1}", NULL},
    {"flows", "{\"userId\":1,\"updatedAt\":-1}", NULL},
    {"flows", "{\"name\":\"text\",\"description\":\"text\"}", NULL},
    {"flows", "{\"isTemplate\":1,\"templateCategory\":1}", NULL},
    {"flows", "{\"userId\":1,\"isActive\":1}", NULL},
    {"flows", "{\"name\":1,\"userId\":1}", NULL},
    {"flows", "{\"category\":1,\"isPublic\":1}", NULL},
    {"flows", "{\"status\":1}", NULL},
    {"flows", "{\"tags\":1}", NULL},
    {"flows", "{\"createdAt\":-1}", NULL},
    {"flows", "{\"executionCount\":-1}", NULL},

    {"flow_versions", "{\"flowId\":1,\"versionNumber\":-1}", UNIQUE},
    {"flow_versions", "{\"flowId\":1,\"createdAt\":-1}", NULL},

    {"chat_sessions", "{\"sessionId\":1}", UNIQUE},
    {"chat_sessions", "{\"flowId\":1,\"startedAt\":-1}", NULL},
    {"chat_sessions", "{\"userId\":1,\"startedAt\":-1}", NULL},
    {"chat_sessions", "{\"status\":1,\"startedAt\":-1}", NULL},
    {"chat_sessions", "{\"chatId\":1,\"startedAt\":-1}", NULL},
    {"chat_sessions", "{\"startedAt\":-1}", NULL},
    {"chat_sessions", "{\"endedAt\":-1}", NULL},
    {"chat_sessions", "{\"expireAt\":1}", EXPIRES},

    {"session_history", "{\"chatId\":1,\"at\":-1}", NULL},
    {"session_history", "{\"sessions\":1,\"at\":1}", NULL},
    {"session_history", "{\"expireAt\":1}", EXPIRES},

    {"chats", "{\"userId\":1,\"platform\":1,\"customerId\":1}", NULL},
    {"chats", "{\"userId\":1,\"lastMessageAt\":-1}", NULL},
    {"chats", "{\"accountId\":1,\"lastMessageAt\":-1}", NULL},
    {"chats", "{\"accountId\":1,\"status\":1,\"lastMessageAt\":-1}", NULL},
    {"chats", "{\"campaignId\":1,\"status\":1}", NULL},
    {"chats", "{\"lastMessageAt\":-1}", NULL},
    {"chats", "{\"participants\":1,\"lastMessageAt\":-1}", NULL},
    {"chats", "{\"participants\":1,\"type\":1}", NULL},
    {"chats", "{\"createdAt\":-1}", NULL},
    {"chats", "{\"updatedAt\":-1}", NULL},

    {"messages", "{\"chatId\":1,\"order\":-1}", NULL},
    {"messages", "{\"chatId\":1,\"createdAt\":1}", NULL},
    {"messages", "{\"chatId\":1,\"timestamp\":-1}", NULL},
    {"messages", "{\"accountKey\":1,\"platformMessageId\":1}", NULL},
    {"messages", "{\"userId\":1,\"timestamp\":-1}", NULL},
    {"messages", "{\"source\":1,\"timestamp\":-1}", NULL},
    {"messages", "{\"senderId\":1}", NULL},
    {"messages", "{\"sessionId\":1}", "{\"sparse\":true}"},
    {"messages", "{\"messageType\":1,\"createdAt\":-1}", NULL},
    {"messages", "{\"createdAt\":-1}", NULL},
    {"messages", "{\"content\":\"text\"}", NULL},

    {"contacts", "{\"accountKey\":1,\"aliases\":1}", NULL},
    {"contacts", "{\"userId\":1,\"lastSeenAt\":-1}", NULL},
    {"contacts", "{\"accountKey\":1,\"tags\":1}", NULL},

    {"receipts", "{\"expireAt\":1}", EXPIRES},

    {"refresh_tokens", "{\"token\":1}", UNIQUE},
    {"refresh_tokens", "{\"userId\":1}", NULL},
    {"refresh_tokens", "{\"expiresAt\":1}", EXPIRES},

    {"campaigns", "{\"userId\":1,\"status\":1}", NULL},
    {"campaigns", "{\"createdAt\":-1}", NULL},

    {"analytics", "{\"userId\":1,\"date\":-1}", NULL},
    {"analytics", "{\"campaignId\":1,\"date\":-1}", NULL},
    {"analytics", "{\"date\":1,\"platform\":1}", NULL},

    {"calls", "{\"roomId\":1}", UNIQUE},
    {"calls", "{\"participants.userId\":1,\"updatedAt\":-1}", NULL},
    {"calls", "{\"participants.userId\":1,\"status\":1,\"updatedAt\":-1}", NULL},
    {"calls", "{\"initiatorId\":1}", NULL},
    {"calls", "{\"chatId\":1,\"createdAt\":-1}", NULL},
    {"calls", "{\"accountId\":1,\"status\":1,\"createdAt\":-1}", NULL},
    {"calls", "{\"status\":1}", NULL},
    {"calls", "{\"mediaType\":1}", NULL},
    {"calls", "{\"createdAt\":-1}", NULL},
    {"calls", "{\"updatedAt\":-1}", NULL},
    {"calls", "{\"endedAt\":-1}", "{\"sparse\":true}"},

    {"flow_stats", "{\"flowId\":1,\"day\":-1}", UNIQUE_PRESENT},
};

static bson_t *from_text(const char *json)
{
    bson_error_t error;
    return bson_new_from_json((const uint8_t *)json, -1,
                              &error); // the table's own text: never NULL
}

// MongoDB's own convention: field_direction joined by underscores. Caller frees.
static char *index_name(const bson_t *keys)
{
    char *name = x_dup("");
    bson_iter_t it;
    bson_iter_init(&it, keys);
    while (bson_iter_next(&it)) {
        const char *gap = *name != '\0' ? "_" : "";
        char *longer =
            BSON_ITER_HOLDS_UTF8(&it)
                ? x_printf("%s%s%s_%s", name, gap, bson_iter_key(&it), bson_iter_utf8(&it, NULL))
                : x_printf("%s%s%s_%d", name, gap, bson_iter_key(&it), bson_iter_int32(&it));
        free(name);
        name = longer;
    }
    return name;
}

static bool is_there(struct db *db, const char *collection, const char *name, bool *ret_there,
                     struct err *err)
{
    mongoc_collection_t *c = mongoc_database_get_collection(db->database, collection);
    mongoc_cursor_t *cursor = mongoc_collection_find_indexes_with_opts(c, NULL);
    const bson_t *doc;
    bson_error_t error;
    bool there = false;
    while (!there && mongoc_cursor_next(cursor, &doc)) {
        const char *other = document_str(doc, "name");
        there = other != NULL && strcmp(other, name) == 0;
    }
    // 26 is NamespaceNotFound: no collection yet, so no index either.
    bool ok = !mongoc_cursor_error(cursor, &error) || error.code == 26 ||
              store_error(err, &error, collection);
    mongoc_cursor_destroy(cursor);
    mongoc_collection_destroy(c);
    if (ok)
        *ret_there = there;
    return ok;
}

static bool create(struct db *db, const struct index_row *row, const bson_t *keys, const char *name,
                   bson_error_t *error)
{
    bson_t command = BSON_INITIALIZER, list, index;
    bson_t *options = from_text(row->options != NULL ? row->options : "{}");

    BSON_APPEND_UTF8(&command, "createIndexes", row->collection);
    BSON_APPEND_ARRAY_BEGIN(&command, "indexes", &list);
    BSON_APPEND_DOCUMENT_BEGIN(&list, "0", &index);
    BSON_APPEND_DOCUMENT(&index, "key", keys);
    BSON_APPEND_UTF8(&index, "name", name);
    bson_concat(&index, options);
    bson_append_document_end(&list, &index);
    bson_append_array_end(&command, &list);
    bool ok = mongoc_database_write_command_with_opts(db->database, &command, NULL, NULL, error);
    bson_destroy(&command);
    bson_destroy(options);
    return ok;
}

// What a refusal of one index means: false only for what stands in the way of all of them.
static bool judge(const bson_error_t *error, const char **ret_word, struct err *err)
{
    struct err why;
    store_error(&why, error, "createIndexes");
    *ret_word =
        error->code == 85 ? "exists" : "skipped"; // IndexOptionsConflict: there, under another name
    if (why.code == ERR_UNAVAILABLE || why.code == ERR_DENIED)
        return err_set(err, why.code, "%s", why.text);
    return true;
}

static bool setup_index(struct db *db, const struct index_row *row, setup_say_fn say, void *arg,
                        struct err *err)
{
    bson_t *keys = from_text(row->keys);
    char *name = index_name(keys), *line = NULL;
    const char *word = "skipped";
    bool there = false, ok = is_there(db, row->collection, name, &there, err);
    bson_error_t error;

    if (ok && there) {
        line = x_printf("exists index %s.%s", row->collection, name);
    } else if (ok && create(db, row, keys, name, &error)) {
        line = x_printf("created index %s.%s", row->collection, name);
    } else if (ok) {
        ok = judge(&error, &word, err);
        line = x_printf("%s index %s.%s: %s", word, row->collection, name, error.message);
    }
    if (ok)
        say(arg, line);
    free(line);
    free(name);
    bson_destroy(keys);
    return ok;
}

bool setup_indexes(struct db *db, setup_say_fn say, void *arg, struct err *err)
{
    for (size_t i = 0; i < sizeof(indexes) / sizeof(indexes[0]); i++) {
        if (!setup_index(db, &indexes[i], say, arg, err))
            return false;
    }
    return true;
}

static bool tell_missing(struct db *db, const struct index_row *row, setup_say_fn say, void *arg,
                         struct err *err)
{
    bson_t *keys = from_text(row->keys);
    char *name = index_name(keys);
    bool there = false, ok = is_there(db, row->collection, name, &there, err);

    if (ok && !there) {
        char *line = x_printf("%s.%s", row->collection, name);
        say(arg, line);
        free(line);
    }
    free(name);
    bson_destroy(keys);
    return ok;
}

bool setup_missing_indexes(struct db *db, setup_say_fn say, void *arg, struct err *err)
{
    for (size_t i = 0; i < sizeof(indexes) / sizeof(indexes[0]); i++) {
        if (strstr(indexes[i].keys, "\"text\"") == NULL &&
            !tell_missing(db, &indexes[i], say, arg, err))
            return false;
    }
    return true;
}
