// SPDX-License-Identifier: MIT
// Lines for people, or one JSON object for programs; cleaned of secrets and control characters.

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/utf8.h"
#include "doctor/internal.h"

enum { SECRET_MIN = 4 }; // shorter ones would hide ordinary words

static const char *const status_names[] = {"ok", "warning", "failed", "skipped"};

static const struct {
    const char *why, *mend;
} facts[FACT_COUNT] = {
    [FACT_ONLINE] = {"--offline was given", "Run it again without --offline."},
    [FACT_REDIS] = {"Redis does not answer", "Mend the check \"redis\" first."},
    [FACT_MONGODB] = {"MongoDB does not answer", "Mend the check \"mongodb\" first."},
    [FACT_GRAPH] = {"the Graph API does not answer", "Mend the check \"graph api\" first."},
    [FACT_URL] = {"the public address is not known", "Give it: --url https://your.host"},
    [FACT_URL_UP] = {"the public address does not answer", "Mend the check \"public url\" first."},
    [FACT_VERIFY_TOKEN] = {"the app has no verify_token", "Mend the check \"apps\" first."},
    [FACT_APP_ID] = {"the app's id is not configured",
                     "Set id in its section [app NAME]: Meta is asked about the app by it."},
    [FACT_SUBSCRIPTIONS] = {"Meta did not tell the app's subscriptions",
                            "Mend the check \"subscriptions\" first."},
    [FACT_TOKEN] = {"its token cannot be used", "Mend the check \"token\" first."},
    [FACT_TOKEN_INFO] = {"Meta told nothing of the token", "See the check \"token\"."},
};

void report_hide(struct doctor *d, const char *secret)
{
    if (!secret || strlen(secret) < SECRET_MIN)
        return;
    d->secrets = x_realloc(d->secrets, d->secret_count + 1, sizeof *d->secrets);
    d->secrets[d->secret_count++] = x_dup(secret);
}

static void hide(char *text, const char *secret)
{
    size_t len = strlen(secret);
    for (char *at = text; (at = strstr(at, secret)) != NULL; at += 3) {
        memmove(at + 3, at + len, strlen(at + len) + 1);
        memcpy(at, "***", 3);
    }
}

static void clean(const struct doctor *d, char *text)
{
    bool valid = utf8_valid(text, strlen(text));
    for (size_t i = 0; i < d->secret_count; i++)
        hide(text, d->secrets[i]);
    for (unsigned char *c = (unsigned char *)text; *c; c++)
        if (*c < ' ' || *c == 0x7f || (*c > 0x7f && !valid))
            *c = valid ? ' ' : '?';
}

static void print_line(struct doctor *d, enum doctor_status status, const char *found,
                       const char *mend)
{
    FILE *out = d->options->out;
    fprintf(out, "%-8s %s%s%s%s%s: %s\n", status_names[status], d->subject ? d->subject : "",
            d->subject ? ", " : "", d->check->name, d->part ? " " : "", d->part ? d->part : "",
            found);
    if (mend)
        fprintf(out, "         > %s\n", mend);
    fflush(out);
}

static void add_member(struct buf *json, const char *name, const char *value)
{
    buf_printf(json, ",\"%s\":", name);
    buf_add_json_str(json, value);
}

static void add_json(struct doctor *d, enum doctor_status status, const char *found,
                     const char *mend)
{
    buf_printf(&d->json, "%s{\"status\":\"%s\"", d->json.len ? ",\n" : "", status_names[status]);
    add_member(&d->json, "check", d->check->name);
    add_member(&d->json, "subject", d->subject);
    add_member(&d->json, "part", d->part);
    add_member(&d->json, "found", found);
    add_member(&d->json, "mend", mend);
    buf_add_char(&d->json, '}');
}

void report(struct doctor *d, enum doctor_status status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *found = x_vprintf(fmt, ap);
    va_end(ap);
    char *mend = strchr(found, *MEND);
    if (mend)
        *mend++ = '\0';
    clean(d, found);
    if (mend)
        clean(d, mend);
    d->counts[status]++;
    if (d->options->json)
        add_json(d, status, found, mend);
    else
        print_line(d, status, found, mend);
    secret_free(found);
}

void report_skipped(struct doctor *d, enum fact missing)
{
    report(d, DOCTOR_SKIPPED, "%s" MEND "%s", facts[missing].why, facts[missing].mend);
}

void report_end(struct doctor *d)
{
    if (d->options->json)
        fprintf(d->options->out,
                "{\"ok\":%u,\"warning\":%u,\"failed\":%u,\"skipped\":%u,\"checks\":[\n%s\n]}\n",
                d->counts[DOCTOR_OK], d->counts[DOCTOR_WARNING], d->counts[DOCTOR_FAILED],
                d->counts[DOCTOR_SKIPPED], d->json.data ? d->json.data : "");
    else
        fprintf(d->options->out, "%u ok, %u warnings, %u failed, %u skipped\n",
                d->counts[DOCTOR_OK], d->counts[DOCTOR_WARNING], d->counts[DOCTOR_FAILED],
                d->counts[DOCTOR_SKIPPED]);
    fflush(d->options->out);
}

void report_skew(struct doctor *d, int64_t skew_ms, const char *whose)
{
    enum { WARNING_MS = 30 * 1000, FAILED_MS = 5 * 60 * 1000 };
    int64_t off_ms = skew_ms < 0 ? -skew_ms : skew_ms;
    enum doctor_status status = off_ms > FAILED_MS    ? DOCTOR_FAILED
                                : off_ms > WARNING_MS ? DOCTOR_WARNING
                                                      : DOCTOR_OK;
    if (status == DOCTOR_OK)
        report(d, status, "this machine's clock agrees with %s, within %lld s", whose,
               (long long)off_ms / 1000 + 1);
    else
        report(d, status,
               "this machine's clock is %lld s %s %s" MEND
               "Have both synchronised: `timedatectl set-ntp true` on this machine (and on that of "
               "Redis); `timedatectl status` shows whether it works.",
               (long long)off_ms / 1000, skew_ms > 0 ? "ahead of" : "behind", whose);
}
