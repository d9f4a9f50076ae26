// SPDX-License-Identifier: MIT
/*
 * Whether an app is subscribed to the account itself: the Page, the Instagram account, the WhatsApp
 * Business Account. Without it the app's own subscription brings nothing (platform reference, 1.1);
 * and it is what Meta takes away after an hour of failed deliveries (1.4).
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "doctor/internal.h"

static void ask(struct doctor *d, struct patient *p, enum graph_host host, const char *id)
{
    p->subscribed_id[p->subscribed_count] = id;
    ask_node(d, &p->subscribed[p->subscribed_count++], host, id, "subscribed_apps", NULL,
             p->account->token);
}

// The WABA that the account names, else those that the token reaches.
static void ask_wabas(struct doctor *d, struct patient *p)
{
    static const char *const scopes[] = {"whatsapp_business_management",
                                         "whatsapp_business_messaging"};
    const char *id;

    if (p->account->waba_id)
        ask(d, p, GRAPH_FACEBOOK, p->account->waba_id);
    for (size_t s = 0; s < 2 && p->subscribed_count == 0 && (p->facts & NEED(FACT_TOKEN_INFO)); s++)
        while (p->subscribed_count < WABAS_MAX &&
               (id = graph_token_target(&p->info, scopes[s], p->subscribed_count)) != NULL)
            ask(d, p, GRAPH_FACEBOOK, id);
}

void subscribers_ask(struct doctor *d, struct patient *p)
{
    const struct account *account = p->account;

    if (p->platform == PLATFORM_WHATSAPP)
        ask_wabas(d, p);
    else if (p->platform == PLATFORM_MESSENGER)
        ask(d, p, GRAPH_FACEBOOK, p->id);
    else if (!account->login || strcmp(account->login, "facebook") != 0)
        ask(d, p, GRAPH_INSTAGRAM, p->id);
    else if (account->page_id)
        ask(d, p, GRAPH_FACEBOOK, account->page_id);
}

static void report_unknown(struct doctor *d, const struct patient *p)
{
    if (p->platform == PLATFORM_WHATSAPP)
        report(
            d, DOCTOR_WARNING,
            "its WhatsApp Business Account is not known: neither the account nor the token names "
            "one" MEND
            "Connect it with --waba ID (`hookmill account add`), or set credentials.wabaId in its "
            "document; WhatsApp Manager shows the id.");
    else
        report(
            d, DOCTOR_WARNING,
            "its linked Page is not known, and the subscription is the Page's" MEND
            "Connect it with --page ID (`hookmill account add`), or set credentials.pageId in its "
            "document.");
}

static void report_absent(struct doctor *d, const struct patient *p, const char *id)
{
    const char *host = p->platform == PLATFORM_INSTAGRAM && strcmp(id, p->id) == 0
                           ? d->config->graph_instagram_url
                           : d->config->graph_facebook_url;
    const char *fields =
        p->platform == PLATFORM_WHATSAPP ? "" : "?subscribed_fields=messages,messaging_postbacks";

    report(d, DOCTOR_FAILED,
           "%s %s has no subscription of the app: no event of it comes (Meta takes it away when "
           "deliveries fail for an hour)" MEND
           "Subscribe it: `curl -X POST -H \"Authorization: Bearer $TOKEN\" '%s/%s/%s/"
           "subscribed_apps%s'`, with all the fields that you want (docs/meta-setup.md).",
           p->platform == PLATFORM_WHATSAPP ? "WABA" : "account", id, host,
           d->config->graph_version, id, fields);
}

// A Page has a list of fields of its own. Instagram's: any field opens them all (Meta's pages on
// its webhooks); a WABA's: none.
static bool lacks_essential(const struct patient *p, const cJSON *entry)
{
    const cJSON *fields = json_get(entry, "subscribed_fields");

    return p->platform == PLATFORM_MESSENGER && cJSON_IsArray(fields) &&
           !(graph_has_field(fields, "messages") && graph_has_field(fields, "messaging_postbacks"));
}

// A WABA may send its events to another address than the app's.
static bool goes_elsewhere(struct doctor *d, const struct patient *p, const cJSON *entry)
{
    const char *url = json_str(entry, "override_callback_uri");
    char *path;

    if (!url || !*url || !p->app)
        return false;
    path = x_printf("/webhooks/%s", p->app->name);
    size_t len = strlen(url), tail = strlen(path);
    bool elsewhere = len < tail || strcmp(url + len - tail, path) != 0;
    free(path);
    if (elsewhere)
        report(d, DOCTOR_WARNING,
               "the WABA overrides the callback URL: its messages go to %s" MEND
               "Unless that is wanted, subscribe it again with an empty override_callback_uri.",
               url);
    return elsewhere;
}

void check_subscriber(struct doctor *d)
{
    const struct patient *p = d->patient;
    // What an entry of graph.instagram.com calls an app is unknown.
    bool by_id = p->app && !(p->platform == PLATFORM_INSTAGRAM && p->subscribed_count &&
                             strcmp(p->subscribed_id[0], p->id) == 0);

    if (p->subscribed_count == 0) {
        report_unknown(d, p);
        return;
    }
    for (size_t i = 0; i < p->subscribed_count; i++) {
        const struct question *q = &p->subscribed[i];
        const cJSON *entry = graph_subscriber(q->json, by_id ? p->app->id : NULL);
        if (report_unanswered(d, q))
            return;
        if (!q->ok) {
            report(d, DOCTOR_FAILED,
                   "%s: could not be read: %s" MEND
                   "The token needs the permissions of the check \"scopes\" for it.",
                   p->subscribed_id[i], q->text);
            return;
        }
        if (!entry) {
            report_absent(d, p, p->subscribed_id[i]);
            return;
        }
        if (lacks_essential(p, entry)) {
            report(
                d, DOCTOR_FAILED,
                "the Page's subscription lacks messages or messaging_postbacks" MEND
                "Subscribe it again with all its fields: `curl -X POST -H \"Authorization: Bearer "
                "$TOKEN\" '%s/%s/%s/subscribed_apps?subscribed_fields=messages,"
                "messaging_postbacks,message_echoes'`",
                d->config->graph_facebook_url, d->config->graph_version, p->id);
            return;
        }
        if (goes_elsewhere(d, p, entry))
            return;
    }
    report(d, DOCTOR_OK, "present%s", p->app ? "" : " (of which app cannot be told)");
}
