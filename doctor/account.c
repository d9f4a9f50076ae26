// SPDX-License-Identifier: MIT
/*
 * Accounts. A batch is asked at once, in three rounds (whose token is it and what may it do; whom
 * does it open; who is subscribed there), and then judged one after the other.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "doctor/internal.h"

enum { EXPIRY_WARNING_DAYS = 14, DAY_S = 24 * 60 * 60 };

static bool by_facebook(const struct account *account)
{
    return account->platform != PLATFORM_INSTAGRAM ||
           (account->login && strcmp(account->login, "facebook") == 0);
}

/* --- round 1: the token
 * ------------------------------------------------------------------------------- */

static void load(struct doctor *d, struct patient *p)
{
    if (!account_load(&d->db, p->platform, p->id, &p->account, &p->err))
        return;
    report_hide(d, p->account->token);
    p->facts |= NEED(FACT_TOKEN);
}

static bool asks_about_tokens(const struct doctor *d, const struct config_app *app)
{
    return app->id && *app->id && (!d->options->app || strcmp(d->options->app, app->name) == 0);
}

// The app whose token it is tells; others are refused, or told of another app's id.
static void read_token(struct patient *p, const struct config_app *app)
{
    struct graph_token info;

    if (!p->token.ok || !graph_token_read(p->token.json, &info))
        return;
    p->info = info;
    p->facts |= NEED(FACT_TOKEN_INFO);
    if (!*info.app_id || strcmp(info.app_id, app->id) == 0)
        p->app = app;
}

static bool is_expired(int64_t at_s)
{
    return at_s > 0 && at_s <= clock_wall_ms() / 1000;
}

static void ask_tokens(struct doctor *d, struct patient *patients, size_t count)
{
    for (size_t a = 0; a < d->app_count; a++) {
        const struct config_app *app = d->apps[a].config;
        if (!asks_about_tokens(d, app))
            continue;
        for (size_t i = 0; i < count; i++)
            if (patients[i].account && !patients[i].app) {
                patients[i].facts &= ~NEED(FACT_TOKEN_INFO);
                ask_token(d, &patients[i].token, patients[i].account->token, app);
            }
        ask_wait(d);
        for (size_t i = 0; i < count; i++)
            if (patients[i].account && !patients[i].app)
                read_token(&patients[i], app);
    }
    for (size_t i = 0; i < count; i++) {
        struct patient *p = &patients[i];
        if ((p->facts & NEED(FACT_TOKEN_INFO)) &&
            (!p->info.is_valid || !p->app || is_expired(p->info.expires_s)))
            p->facts &= ~NEED(FACT_TOKEN);
    }
}

/* --- rounds 2 and 3
 * ----------------------------------------------------------------------------------- */

static void ask_own_node(struct doctor *d, struct patient *p)
{
    const struct account *account = p->account;

    if (p->platform == PLATFORM_WHATSAPP)
        ask_node(d, &p->node, GRAPH_FACEBOOK, p->id, NULL,
                 "id,display_phone_number,verified_name,status,quality_rating", account->token);
    else if (p->platform == PLATFORM_MESSENGER)
        ask_node(d, &p->node, GRAPH_FACEBOOK, p->id, NULL, "id,name", account->token);
    else if (by_facebook(account))
        ask_node(d, &p->node, GRAPH_FACEBOOK, p->id, NULL, "id,username", account->token);
    else
        ask_node(d, &p->node, GRAPH_INSTAGRAM, "me", NULL, "id,user_id,username", account->token);
}

// Whether a number has `status` is told by another operation of Meta's OpenAPI file than this one;
// should the field be refused, the default fields do.
static void ask_number_again(struct doctor *d, struct patient *p)
{
    if (p->platform == PLATFORM_WHATSAPP && p->node.asked && !p->node.ok && p->node.code == 100 &&
        p->node.subcode == 0)
        ask_node(d, &p->node, GRAPH_FACEBOOK, p->id, NULL, NULL, p->account->token);
}

void accounts_examine(struct doctor *d, struct patient *patients, size_t count)
{
    for (size_t i = 0; i < count; i++)
        load(d, &patients[i]);
    if (!(d->facts & NEED(FACT_GRAPH)))
        return;
    ask_tokens(d, patients, count);
    for (size_t i = 0; i < count; i++)
        if (patients[i].facts & NEED(FACT_TOKEN)) {
            ask_own_node(d, &patients[i]);
            subscribers_ask(d, &patients[i]);
        }
    ask_wait(d);
    for (size_t i = 0; i < count; i++)
        ask_number_again(d, &patients[i]);
    ask_wait(d);
}

/* --- judging
 * ------------------------------------------------------------------------------------------ */

void check_status(struct doctor *d)
{
    const struct patient *p = d->patient;

    if (!p->account)
        report(d, DOCTOR_SKIPPED,
               "the account could not be loaded" MEND "See the check \"token\".");
    else if (strcmp(p->account->status, "error") == 0)
        report(d, DOCTOR_FAILED,
               "workers have stopped it: Meta refused its token or a permission (its errorLog in "
               "MongoDB says why)" MEND
               "Mend what the next lines say, then `hookmill account rotate-token --account %s "
               "--token-file -`; parked chats go on.",
               p->key);
    else if (p->account->flow_count == 0)
        report(d, DOCTOR_WARNING,
               "%s, but no flow answers" MEND "`hookmill account enable FLOW --account %s`",
               p->account->status, p->key);
    else
        report(d, DOCTOR_OK, "%s, %zu flow%s", p->account->status, p->account->flow_count,
               p->account->flow_count == 1 ? "" : "s");
}

static void iso_day(int64_t at_s, char out[32])
{
    clock_iso(at_s * 1000, out);
    out[10] = '\0';
}

#define NEW_TOKEN                                                                                  \
    "Get a new token (docs/meta-setup.md, tokens) and give it: `hookmill account rotate-token "    \
    "--account %s --token-file -`"

// What debug_token did not tell.
static void report_untold(struct doctor *d, const struct patient *p)
{
    if (!p->token.asked)
        report(d, DOCTOR_SKIPPED,
               "no app that is looked at has an id, so Meta cannot be asked about it" MEND
               "Set id in the section [app NAME].");
    else if (report_unanswered(d, &p->token))
        return;
    else if (!by_facebook(p->account) && p->node.ok)
        report(d, DOCTOR_WARNING,
               "it works, but Meta tells nothing of it: %s" MEND
               "Tokens of Instagram Login end after 60 days: refresh it between day 30 and day 50.",
               p->token.text);
    else
        report(d, DOCTOR_FAILED,
               "Meta tells nothing of it: %s" MEND NEW_TOKEN ". Where it says that the app is "
               "another one's, add that app to the configuration.",
               p->token.text, p->key);
}

static const char *wrong_type(const struct patient *p)
{
    const char *type = p->info.type;

    if (!type)
        return NULL;
    if (strcmp(type, "APP") == 0 ||
        (strcmp(type, "PAGE") != 0 && p->platform == PLATFORM_MESSENGER))
        return type;
    return NULL;
}

void check_token(struct doctor *d)
{
    const struct patient *p = d->patient;
    const struct graph_token *info = &p->info;
    char day[32];

    if (!p->account) {
        report(d, DOCTOR_FAILED, "%s" MEND NEW_TOKEN, p->err.text, p->key);
    } else if (!(p->facts & NEED(FACT_TOKEN_INFO))) {
        report_untold(d, p);
    } else if (is_expired(info->expires_s)) {
        iso_day(info->expires_s, day);
        report(d, DOCTOR_FAILED, "expired on %s" MEND NEW_TOKEN, day, p->key);
    } else if (!info->is_valid) {
        report(d, DOCTOR_FAILED, "not valid: %s" MEND NEW_TOKEN,
               info->error ? info->error : "Meta does not say why", p->key);
    } else if (!p->app) {
        report(
            d, DOCTOR_FAILED,
            "it belongs to app %s, which is not configured%s" MEND
            "Get a token of this app, or add a section [app NAME] with that app's id and secret.",
            info->app_id, d->options->app ? " or not looked at (--app)" : "");
    } else if (wrong_type(p)) {
        report(d, DOCTOR_WARNING,
               "valid, but of type %s; a Page's messages go out with the Page's own token" MEND
                   NEW_TOKEN,
               wrong_type(p), p->key);
    } else {
        report(d, DOCTOR_OK, "valid, of app %s%s%s", p->app->name, info->type ? ", type " : "",
               info->type ? info->type : "");
    }
}

/*
 * Messenger's are of the platform reference, 1.1; WhatsApp's of Meta's OpenAPI file; Instagram's of
 * Meta's pages on webhooks of either login.
 */
static const char *const *needed_scopes(const struct patient *p)
{
    static const char *const messenger[] = {"pages_messaging", "pages_manage_metadata", NULL};
    static const char *const whatsapp[] = {"whatsapp_business_messaging",
                                           "whatsapp_business_management", NULL};
    static const char *const instagram[] = {"instagram_business_basic",
                                            "instagram_business_manage_messages", NULL};
    static const char *const by_page[] = {"instagram_basic", "instagram_manage_messages",
                                          "pages_manage_metadata", NULL};

    if (p->platform == PLATFORM_MESSENGER)
        return messenger;
    if (p->platform == PLATFORM_WHATSAPP)
        return whatsapp;
    return by_facebook(p->account) ? by_page : instagram;
}

void check_scopes(struct doctor *d)
{
    const struct patient *p = d->patient;
    struct buf missing = {0};

    if (!p->info.scopes) {
        report(d, DOCTOR_SKIPPED,
               "Meta does not tell the token's scopes" MEND
               "Look up its permissions where it was issued.");
        return;
    }
    for (const char *const *scope = needed_scopes(p); *scope; scope++)
        if (!graph_token_has_scope(&p->info, *scope))
            buf_printf(&missing, " %s", *scope);
    if (missing.len)
        report(d, DOCTOR_FAILED,
               "missing:%s" MEND
               "Have the account's owner grant them to the app (log in or issue the token again "
               "with these permissions), then `hookmill account rotate-token --account %s "
               "--token-file -`",
               missing.data, p->key);
    else
        report(d, DOCTOR_OK, "all that are needed");
    buf_deinit(&missing);
}

void check_expiry(struct doctor *d)
{
    const struct patient *p = d->patient;
    int64_t now_s = clock_wall_ms() / 1000, at_s = p->info.expires_s;
    bool is_access = p->info.data_access_s > 0 && (at_s <= 0 || p->info.data_access_s < at_s);
    const char *what = is_access ? "access to the person's data" : "the token";
    char day[32];

    if (is_access)
        at_s = p->info.data_access_s;
    if (at_s <= 0) {
        report(d, DOCTOR_OK, at_s == 0 ? "never" : "Meta does not tell any");
        return;
    }
    iso_day(at_s, day);
    if (at_s <= now_s) // never the token itself: that one is told of by "token"
        report(d, DOCTOR_WARNING, "%s ended on %s" MEND NEW_TOKEN, what, day, p->key);
    else if (at_s - now_s < EXPIRY_WARNING_DAYS * DAY_S)
        report(d, DOCTOR_WARNING, "%s ends on %s, in %lld days" MEND NEW_TOKEN, what, day,
               (long long)((at_s - now_s) / DAY_S), p->key);
    else
        report(d, DOCTOR_OK, "%s ends on %s", what, day);
}

/* --- the account itself
 * ------------------------------------------------------------------------------- */

static bool is_one_of(const char *word, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(word, *list) == 0)
            return true;
    return false;
}

static void report_number(struct doctor *d, const cJSON *node)
{
    static const char *const well[] = {"CONNECTED", "LINKED", NULL};
    static const char *const gone[] = {"DISCONNECTED", "DELETED", "MIGRATED", "BANNED", NULL};
    const char *number = json_str(node, "display_phone_number");
    const char *status = json_str(node, "status"), *quality = json_str(node, "quality_rating");

    if (status && is_one_of(status, gone))
        report(d, DOCTOR_FAILED,
               "%s: status %s" MEND
               "WhatsApp Manager shows why; until it is mended there, the number neither sends nor "
               "receives.",
               number ? number : "the number", status);
    else if (status && !is_one_of(status, well))
        report(d, DOCTOR_WARNING,
               "%s: status %s" MEND "WhatsApp Manager says what the number is restricted in.",
               number ? number : "the number", status);
    else if (quality && strcmp(quality, "RED") == 0)
        report(d, DOCTOR_WARNING,
               "%s: quality RED, because people block or report it; Meta may restrict it" MEND
               "Write only to people who asked for it; WhatsApp Manager shows what they say.",
               number ? number : "the number");
    else
        report(d, DOCTOR_OK, "%s, status %s, quality %s", number ? number : "the number",
               status ? status : "not told", quality ? quality : "not told");
}

// The id by which Meta's webhooks name the account.
static const char *told_id(const struct patient *p, char scratch[32])
{
    bool is_me = p->platform == PLATFORM_INSTAGRAM && !by_facebook(p->account);
    return json_id(p->node.json, is_me ? "user_id" : "id", scratch);
}

void check_node(struct doctor *d)
{
    const struct patient *p = d->patient;
    char scratch[32];
    const char *id = told_id(p, scratch);
    const char *name = json_str(p->node.json, "name");

    if (!name)
        name = json_str(p->node.json, "username");
    if (report_unanswered(d, &p->node))
        return;
    if (!p->node.ok)
        report(d, DOCTOR_FAILED,
               "the token does not open it: %s" MEND
               "Look whether the id is right and whether the token's owner still manages the "
               "account; else " NEW_TOKEN,
               p->node.text, p->key);
    else if (id && strcmp(id, p->id) != 0)
        report(
            d, DOCTOR_FAILED,
            "the token is another account's (%s)" MEND
            "Webhooks name the account %s: give that one's token, `hookmill account rotate-token "
            "--account %s --token-file -`",
            id, p->id, p->key);
    else if (p->platform == PLATFORM_WHATSAPP)
        report_number(d, p->node.json);
    else
        report(d, DOCTOR_OK, "%s", name ? name : p->id);
}
