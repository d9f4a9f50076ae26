// SPDX-License-Identifier: MIT
/*
 * What Meta has of an app's webhooks: the callback URL of each object, and its fields. The fields
 * are those of the platform reference, section 1.2; some have two spellings there, either is right.
 */
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/json.h"
#include "doctor/internal.h"

// Without an essential field a platform is deaf; without a useful one something that Hookmill does
// is missing; the others are a matter of taste.
enum weight { ESSENTIAL, USEFUL, OPTIONAL };

struct field {
    enum weight weight;
    const char *name, *other; // other: a second spelling, or NULL
};

static const struct field page_fields[] = {
    {ESSENTIAL, "messages", NULL},
    {ESSENTIAL, "messaging_postbacks", NULL},
    {USEFUL, "message_echoes", NULL},
    {USEFUL, "message_edits", "message_edit"},
    {USEFUL, "message_reactions", "messaging_reactions"},
    {USEFUL, "message_reads", NULL},
    {USEFUL, "message_deliveries", NULL},
    {USEFUL, "messaging_optins", NULL},
    {USEFUL, "messaging_referrals", "messaging_referral"},
    {USEFUL, "messaging_handovers", "messaging_handover"},
    {USEFUL, "messaging_policy_enforcement", NULL},
    {OPTIONAL, "messaging_account_linking", NULL},
    {OPTIONAL, "standby", NULL},
    {OPTIONAL, "feed", NULL},
    {OPTIONAL, "response_feedback", NULL},
    {0},
};
static const struct field instagram_fields[] = {
    {ESSENTIAL, "messages", NULL},
    {ESSENTIAL, "messaging_postbacks", NULL},
    {USEFUL, "messaging_seen", NULL},
    {USEFUL, "message_reactions", "messaging_reactions"},
    {USEFUL, "message_edit", "message_edits"},
    {USEFUL, "messaging_referral", "messaging_referrals"},
    {USEFUL, "messaging_handover", "messaging_handovers"},
    {OPTIONAL, "standby", NULL},
    {OPTIONAL, "messaging_optins", NULL},
    {OPTIONAL, "comments", NULL},
    {OPTIONAL, "live_comments", NULL},
    {OPTIONAL, "mentions", NULL},
    {0},
};
static const struct field whatsapp_fields[] = {
    {ESSENTIAL, "messages", NULL},
    {USEFUL, "account_update", NULL},
    {USEFUL, "account_alerts", NULL},
    {USEFUL, "message_template_status_update", NULL},
    {USEFUL, "phone_number_quality_update", NULL},
    {USEFUL, "smb_message_echoes", NULL},
    {USEFUL, "user_preferences", NULL},
    {OPTIONAL, "calls", NULL},
    {OPTIONAL, "history", NULL},
    {OPTIONAL, "smb_app_state_sync", NULL},
    {OPTIONAL, "message_template_quality_update", NULL},
    {OPTIONAL, "security", NULL},
    {0},
};

static const struct {
    const char *object;
    const struct field *fields;
} objects[PLATFORM_COUNT] = {
    [PLATFORM_MESSENGER] = {"page", page_fields},
    [PLATFORM_INSTAGRAM] = {"instagram", instagram_fields},
    [PLATFORM_WHATSAPP] = {"whatsapp_business_account", whatsapp_fields},
};

void check_subscriptions(struct doctor *d)
{
    struct question *q = &d->app->subscriptions;
    const struct config_app *app = d->app->config;
    char *token = graph_app_token(app->id, app->secret);

    ask_node(d, q, GRAPH_FACEBOOK, app->id, "subscriptions", NULL, token);
    ask_wait(d);
    secret_free(token);
    if (report_unanswered(d, q))
        return;
    if (!q->ok) {
        report(d, DOCTOR_FAILED,
               "Meta refuses the app's id and secret: %s" MEND
               "Compare id and secret in the section [app %s] with App ID and App Secret in the "
               "app's settings; a wrong secret makes every delivery fail, too.",
               q->text, app->name);
        return;
    }
    d->app->facts |= NEED(FACT_SUBSCRIPTIONS);
    int count = cJSON_GetArraySize(json_get(q->json, "data"));
    if (count == 0)
        report(
            d, DOCTOR_FAILED,
            "the app is subscribed to nothing" MEND
            "In the app's dashboard give each product's webhooks the callback URL and the verify "
            "token, and subscribe to their fields (docs/meta-setup.md).");
    else
        report(d, DOCTOR_OK, "to %d object%s", count, count == 1 ? "" : "s");
}

/* --- the callback URL
 * --------------------------------------------------------------------------------- */

static bool is_same_url(const char *a, const char *b)
{
    size_t a_len = strlen(a), b_len = strlen(b);
    a_len -= a_len > 0 && a[a_len - 1] == '/';
    b_len -= b_len > 0 && b[b_len - 1] == '/';
    return a_len == b_len && memcmp(a, b, a_len) == 0;
}

static bool ends_with(const char *text, const char *tail)
{
    size_t len = strlen(text), tail_len = strlen(tail);
    return len >= tail_len && strcmp(text + len - tail_len, tail) == 0;
}

// Whether this is an address of the app's: the whole of it where we know it, else its path.
static bool is_own_url(const struct doctor *d, const char *url)
{
    if (d->app->callback)
        return is_same_url(url, d->app->callback);
    char *path = x_printf("/webhooks/%s", d->app->config->name);
    bool ok = ends_with(url, path);
    free(path);
    return ok;
}

void check_callback(struct doctor *d)
{
    const cJSON *entry;
    struct buf wrong = {0}, off = {0};

    cJSON_ArrayForEach(entry, json_get(d->app->subscriptions.json, "data")) {
        const char *object = json_str(entry, "object"), *url = json_str(entry, "callback_url");
        if (!object)
            continue;
        if (url && !is_own_url(d, url))
            buf_printf(&wrong, "%s%s: %s", wrong.len ? ", " : "", object, url);
        if (!json_bool(entry, "active", true))
            buf_printf(&off, " %s", object);
    }
    if (wrong.len)
        report(d, DOCTOR_FAILED,
               "Meta delivers elsewhere (%s)" MEND
               "In the app's dashboard set the callback URL to %s%s, with this app's verify token.",
               wrong.data, d->app->callback ? d->app->callback : "https://your.host/webhooks/",
               d->app->callback ? "" : d->app->config->name);
    else if (off.len)
        report(d, DOCTOR_FAILED,
               "Meta has switched off:%s" MEND
               "Save the callback URL in the app's dashboard again; it is verified, and deliveries "
               "begin anew.",
               off.data);
    else
        report(d, DOCTOR_OK, "%s",
               d->app->callback ? d->app->callback
                                : "ends in the app's path (the host is not known)");
    buf_deinit(&wrong);
    buf_deinit(&off);
}

/* --- fields
 * ------------------------------------------------------------------------------------------- */

static void add_missing(const cJSON *have, const struct field *fields, enum weight weight,
                        struct buf *out)
{
    for (; fields->name; fields++)
        if (fields->weight == weight && !graph_has_field(have, fields->name) &&
            !(fields->other && graph_has_field(have, fields->other)))
            buf_printf(out, " %s", fields->name);
}

// The object is not subscribed to at all; that is ill only where accounts need it.
static void report_unsubscribed(struct doctor *d, enum platform platform)
{
    const char *object = objects[platform].object;

    if (!(d->platforms & (1u << platform)))
        report(d, DOCTOR_SKIPPED,
               "not subscribed, and no %s account is connected" MEND
               "Nothing to do unless this app is to serve that platform.",
               platform_name(platform));
    else if (d->app_count > 1 || platform == PLATFORM_INSTAGRAM)
        // Another app may serve it; whether the list shows Instagram Login's product is unknown.
        report(d, DOCTOR_WARNING,
               "this app's list does not show a subscription to %s" MEND
               "If this app serves the %s accounts: subscribe it in its dashboard, in the "
               "webhooks of that product.",
               object, platform_name(platform));
    else
        report(
            d, DOCTOR_FAILED,
            "the app is not subscribed to %s: no %s event ever comes" MEND
            "In the app's dashboard, in the webhooks of this object, give callback URL and verify "
            "token, and subscribe to its fields.",
            object, platform_name(platform));
}

static void report_fields(struct doctor *d, enum platform platform, const cJSON *have)
{
    struct buf essential = {0}, useful = {0}, optional = {0};

    add_missing(have, objects[platform].fields, ESSENTIAL, &essential);
    add_missing(have, objects[platform].fields, USEFUL, &useful);
    add_missing(have, objects[platform].fields, OPTIONAL, &optional);
    if (essential.len)
        report(d, DOCTOR_FAILED,
               "missing:%s%s" MEND
               "In the app's dashboard, in the webhooks of %s, subscribe to them; without%s "
               "people write and nothing happens.",
               essential.data, useful.data ? useful.data : "", objects[platform].object,
               essential.data);
    else if (useful.len)
        report(d, DOCTOR_WARNING,
               "missing:%s" MEND
               "In the app's dashboard, in the webhooks of %s, subscribe to them (and the "
               "account, where it has a list of its own).",
               useful.data, objects[platform].object);
    else
        report(d, DOCTOR_OK, "all that are needed%s%s", optional.len ? "; could be added:" : "",
               optional.len ? optional.data : "");
    buf_deinit(&essential);
    buf_deinit(&useful);
    buf_deinit(&optional);
}

void check_fields(struct doctor *d)
{
    for (enum platform platform = 0; platform < PLATFORM_COUNT; platform++) {
        const cJSON *entry =
            graph_subscription(d->app->subscriptions.json, objects[platform].object);
        d->part = objects[platform].object;
        if (entry)
            report_fields(d, platform, json_get(entry, "fields"));
        else
            report_unsubscribed(d, platform);
    }
    d->part = NULL;
}
