// SPDX-License-Identifier: MIT
// The Graph API itself, and the public address of an app as Meta would call it.

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "doctor/internal.h"

/* --- the Graph API
 * ------------------------------------------------------------------------------------ */

// Without a token every answer is a refusal; any of them says that the API is there.
void check_graph(struct doctor *d)
{
    ask_node(d, &d->greeting, GRAPH_FACEBOOK, "me", NULL, NULL, NULL);
    ask_wait(d);
    if (d->greeting.http_status == 0 || d->greeting.http_status >= 500 || !d->greeting.json) {
        report(d, DOCTOR_FAILED,
               "%s: %s" MEND
               "Look whether this machine may reach it (firewall, DNS, graph.facebook_url, "
               "graph.version): `curl -i %s/%s/me`",
               d->config->graph_facebook_url, d->greeting.text, d->config->graph_facebook_url,
               d->config->graph_version);
        return;
    }
    d->facts |= NEED(FACT_GRAPH);
    report(d, DOCTOR_OK, "%s, %s", d->config->graph_facebook_url, d->config->graph_version);
}

void check_graph_clock(struct doctor *d)
{
    if (d->greeting.date_ms == 0)
        report(d, DOCTOR_SKIPPED,
               "the Graph API's answer has no date" MEND
               "Compare `date -u` with another machine's.");
    else // its seconds are cut: half of one is the mean
        report_skew(d, d->greeting.arrived_ms - d->greeting.date_ms - 500, "the Graph API");
}

/* --- the public address
 * ------------------------------------------------------------------------------- */

static void add_encoded(struct buf *url, const char *part)
{
    for (const unsigned char *c = (const unsigned char *)part; *c; c++) {
        if (isalnum(*c))
            buf_add_char(url, (char)*c);
        else
            buf_printf(url, "%%%02X", *c);
    }
}

// The verification as Meta makes it, with this token.
static void verify(struct doctor *d, struct visit *v, const char *token, char challenge[17])
{
    struct buf url = {0};
    uint8_t random[8];

    crypto_random(random, sizeof random);
    hex_encode(random, sizeof random, challenge);
    buf_printf(&url, "%s?hub.mode=subscribe&hub.challenge=%s&hub.verify_token=", d->app->callback,
               challenge);
    add_encoded(&url, token);
    visit(d, v, "GET", url.data, NULL);
    secret_free(buf_take(&url));
}

static bool is_about_tls(const char *text)
{
    return strstr(text, "SSL") || strstr(text, "certificate") || strstr(text, "TLS");
}

static void report_unreachable(struct doctor *d, const char *why)
{
    if (is_about_tls(why))
        report(
            d, DOCTOR_FAILED,
            "%s: %s" MEND
            "Meta takes only a certificate of a public CA, in time, for this host name, with its "
            "whole chain: install the \"fullchain\" file in the proxy (or in "
            "listen.tls_certificate).",
            d->app->callback, why);
    else
        report(
            d, DOCTOR_FAILED,
            "%s: %s" MEND
            "Look at DNS, firewall and proxy: port 443 must reach `hookmill listen`. If only this "
            "machine cannot reach its own public address, run `hookmill doctor` elsewhere.",
            d->app->callback, why);
}

void check_url(struct doctor *d)
{
    struct visit *v = &d->app->verified;
    const char *token = d->app->config->verify_token;
    char challenge[17];

    if (strncmp(d->app->callback, "https://", 8) != 0) {
        report(d, DOCTOR_FAILED,
               "%s is not HTTPS, and Meta calls nothing else" MEND
               "Put a TLS proxy in front of the listener, or set listen.tls_certificate and "
               "listen.tls_key; then give --url https://…",
               d->app->callback);
        return;
    }
    verify(d, v, token && *token ? token : "none", challenge);
    if (v->status == 0) {
        report_unreachable(d, v->text);
    } else if (v->status >= 500) {
        report(d, DOCTOR_FAILED,
               "%s answers with status %d" MEND
               "The proxy is there, the listener behind it is not: `systemctl status "
               "hookmill-listen`, and whether the proxy names its address and port.",
               d->app->callback, v->status);
    } else {
        d->app->facts |= NEED(FACT_URL_UP);
        report(d, DOCTOR_OK, "%s answers, with a certificate that is trusted", d->app->callback);
    }
    // The next check asks whether the challenge came back: keep what it was.
    snprintf(v->text, sizeof v->text, "%s", challenge);
}

void check_verification(struct doctor *d)
{
    const struct visit *v = &d->app->verified;

    if (v->status == 200 && strcmp(v->body, v->text) == 0)
        report(d, DOCTOR_OK, "the challenge comes back");
    else if (v->status == 200)
        report(
            d, DOCTOR_FAILED,
            "status 200, but not the challenge alone" MEND
            "Something in front of the listener answers in its place or changes its answers: let "
            "the proxy pass /webhooks/ on as it is.");
    else if (v->status == 403)
        report(
            d, DOCTOR_FAILED,
            "the verify token of this configuration is refused (403)" MEND
            "The listener runs with another configuration: restart it, and look whether it reads "
            "the same file and environment as this command.");
    else if (v->status == 404)
        report(d, DOCTOR_FAILED,
               "status 404: nobody there knows /webhooks/%s" MEND
               "Let the proxy pass /webhooks/ on unchanged, and restart the listener if the app is "
               "new in its configuration.",
               d->app->config->name);
    else
        report(
            d, DOCTOR_FAILED,
            "status %d instead of the challenge" MEND
            "Let the proxy pass /webhooks/ on with path and query as they are, without a redirect "
            "or a log-in.",
            v->status);
}

void check_wrong_token(struct doctor *d)
{
    struct visit v;
    char challenge[17], wrong[17];
    uint8_t random[8];

    crypto_random(random, sizeof random);
    hex_encode(random, sizeof random, wrong);
    verify(d, &v, wrong, challenge);
    if (v.status == 0)
        report_unreachable(d, v.text);
    else if (v.status / 100 == 2)
        report(d, DOCTOR_FAILED,
               "a wrong verify token is taken (status %d)" MEND
               "Something in front of the listener answers in its place: let the proxy pass "
               "/webhooks/ on as it is.",
               v.status);
    else
        report(d, DOCTOR_OK, "refused (status %d)", v.status);
}

// An unsigned POST must not get past the signature, whatever stands in front of the listener.
void check_signature(struct doctor *d)
{
    struct visit v;

    visit(d, &v, "POST", d->app->callback, "{\"object\":\"page\",\"entry\":[]}");
    if (v.status == 0)
        report_unreachable(d, v.text);
    else if (v.status == 401)
        report(d, DOCTOR_OK, "an unsigned POST is refused (status 401)");
    else if (v.status / 100 == 2)
        report(d, DOCTOR_FAILED,
               "an unsigned POST is taken (status %d)" MEND
               "Something in front of the listener answers in its place, so Meta's deliveries get "
               "lost too: let the proxy pass /webhooks/ on as it is.",
               v.status);
    else
        report(
            d, DOCTOR_FAILED,
            "an unsigned POST gets status %d, not the listener's 401" MEND
            "Let the proxy pass POST on to the listener, with bodies up to 4 MB and no redirect.",
            v.status);
}
