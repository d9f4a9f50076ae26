// SPDX-License-Identifier: MIT
// The head of a transcript, and what the engine is told beside the session (see player.h).
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "engine/contact.h"
#include "play/player.h"

#define DEFAULT_CLOCK   "2026-01-05T09:00:00Z"
#define DEFAULT_CONTACT "Ana"
#define CALLBACK_URL    "https://hookmill.example/callbacks/"

static void put(cJSON *object, const char *name, cJSON *owned_value)
{
    cJSON_DeleteItemFromObjectCaseSensitive(object, name);
    if (cJSON_IsNull(owned_value))
        cJSON_Delete(owned_value);
    else
        cJSON_AddItemToObject(object, name, owned_value);
}

// Every member of `from` into `to`, objects into objects; null takes one away.
static void merge(cJSON *to, const cJSON *from)
{
    const cJSON *member;
    cJSON_ArrayForEach(member, from) {
        cJSON *there = cJSON_GetObjectItemCaseSensitive(to, member->string);
        if (cJSON_IsObject(there) && cJSON_IsObject(member))
            merge(there, member);
        else
            put(to, member->string, cJSON_Duplicate(member, true));
    }
}

void head_init(struct player *player)
{
    struct err err;
    if (!moment_parse(DEFAULT_CLOCK, &player->now_ms, &err))
        player->now_ms = 0;
    player->seed = 1;
    player->contact = cJSON_CreateObject();
    player->account = cJSON_CreateObject();
    player->name = DEFAULT_CONTACT;
}

/* The lines */

static bool line_platform(struct player *player, const struct line *line, struct err *err)
{
    return platform_parse(line->text, &player->platform) ||
           err_set(err, ERR_INPUT, "'%.40s' is no platform: messenger, instagram, whatsapp",
                   line->text);
}

static bool line_clock(struct player *player, const struct line *line, struct err *err)
{
    return moment_parse(line->text, &player->now_ms, err);
}

static bool line_seed(struct player *player, const struct line *line, struct err *err)
{
    char *end;
    player->seed = strtoull(line->text, &end, 10);
    return (*line->text && !*end) || err_set(err, ERR_INPUT, "a seed is a whole number");
}

static bool merge_text(cJSON *to, const char *text, struct err *err)
{
    cJSON *from = json_read(text, strlen(text), err);
    if (!from)
        return false;
    merge(to, from);
    cJSON_Delete(from);
    return true;
}

// NAME, or an object of what is recorded
static bool line_contact(struct player *player, const struct line *line, struct err *err)
{
    if (*line->text == '{')
        return merge_text(player->contact, line->text, err);
    player->name = line->text;
    return true;
}

static bool line_account(struct player *player, const struct line *line, struct err *err)
{
    if (*line->text != '{')
        return err_set(err, ERR_INPUT, "`account {…}` is a JSON object");
    if (!merge_text(player->account, line->text, err))
        return false;
    // As accounts are read: without a zone of its own, an account has that of its hours.
    const char *zone = json_str(json_get(player->account, "businessHours"), "timezone");
    if (zone && !json_str(player->account, "timezone"))
        json_add_str(player->account, "timezone", zone);
    return true;
}

static bool line_timezone(struct player *player, const struct line *line, struct err *err)
{
    put(player->account, "timezone", cJSON_CreateString(line->text));
    return true;
}

line_fn head_line(enum line_kind kind)
{
    static const line_fn fns[] = {[LINE_PLATFORM] = line_platform, [LINE_CLOCK] = line_clock,
                                  [LINE_SEED] = line_seed,         [LINE_CONTACT] = line_contact,
                                  [LINE_ACCOUNT] = line_account,   [LINE_TIMEZONE] = line_timezone};
    return fns[kind];
}

/* What the shell knows */

void contact_change(struct player *player, const cJSON *change)
{
    struct err err;
    cJSON *changed = contact_changed(player->contact, change, &err);
    if (!changed)
        return; // too much for a contact: a worker refuses it
    cJSON_Delete(player->contact);
    player->contact = changed;
}

static char *callback_url(void *arg, const struct session *session, const char *name)
{
    return x_printf(CALLBACK_URL "%s", name);
}

struct engine_env player_env(struct player *player)
{
    const struct play_options *options = player->options;
    return (struct engine_env){.now_ms = player->now_ms,
                               .seed = player->seed,
                               .limits = options->limits,
                               .contact = player->contact,
                               .account = player->account,
                               .inbound_ms = player->inbound_ms,
                               .callback_url = callback_url,
                               .on_step = options->on_step,
                               .on_step_arg = options->on_step_arg};
}
