// SPDX-License-Identifier: MIT
// This machine: the configuration and the process's limits.

#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "doctor/internal.h"

void check_config_file(struct doctor *d)
{
    const char *path = d->options->config_path;
    struct stat st;

    if (!path || stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        report(d, DOCTOR_OK, "no file: everything is from the environment and the defaults");
    else if (st.st_mode & (S_IROTH | S_IWOTH))
        report(
            d, DOCTOR_WARNING,
            "%s can be %s by every user of this machine (mode %03o), and it may hold secrets" MEND
            "Run `chmod 600 %s`; the systemd units hand the services a copy of their own.",
            path, st.st_mode & S_IWOTH ? "changed" : "read", (unsigned)(st.st_mode & 0777), path);
    else
        report(d, DOCTOR_OK, "%s, mode %03o", path, (unsigned)(st.st_mode & 0777));
}

static bool is_set(const char *text)
{
    return text && *text;
}

void check_apps(struct doctor *d)
{
    struct buf without_token = {0}, without_id = {0};

    if (d->config->app_count == 0) {
        report(d, DOCTOR_FAILED,
               "no app is configured" MEND
               "Add a section [app NAME] with id, secret and verify_token; its webhooks arrive at "
               "/webhooks/NAME.");
        return;
    }
    for (size_t i = 0; i < d->app_count; i++) {
        const struct config_app *app = d->apps[i].config;
        if (!is_set(app->verify_token))
            buf_printf(&without_token, " %s", app->name);
        if (!is_set(app->id))
            buf_printf(&without_id, " %s", app->name);
    }
    if (without_token.len)
        report(d, DOCTOR_FAILED,
               "without verify_token:%s" MEND
               "Set verify_token in the section [app NAME] to a long word of your own, and enter "
               "the same one beside the callback URL in the app's dashboard.",
               without_token.data);
    else if (without_id.len)
        report(d, DOCTOR_WARNING,
               "without id:%s" MEND
               "Set id in the section [app NAME] to the app's id; without it Meta cannot be asked "
               "about subscriptions and tokens.",
               without_id.data);
    else
        report(d, DOCTOR_OK, "%zu, each with id, secret and verify_token", d->app_count);
    buf_deinit(&without_token);
    buf_deinit(&without_id);
}

void check_encryption(struct doctor *d)
{
    size_t count = d->config->keyring.count;

    if (count == 0)
        report(d, DOCTOR_FAILED,
               "encryption.key is not set, and tokens are stored encrypted" MEND
               "Make one with `echo k1:$(openssl rand -hex 32)`, set it as key in the section "
               "[encryption], and keep a copy: without it no stored token can be read.");
    else
        report(d, DOCTOR_OK, "%zu key%s; '%s' seals", count, count == 1 ? "" : "s",
               d->config->keyring.keys[0].id);
}

void check_descriptors(struct doctor *d)
{
    enum { BESIDES = 64 }; // Redis, MongoDB, files, the loop's own
    struct rlimit limit;
    unsigned long long wanted = (unsigned long long)d->config->listen_max_connections + BESIDES;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
        limit.rlim_cur >= wanted)
        report(d, DOCTOR_OK, "enough for listen.max_connections = %lld",
               (long long)d->config->listen_max_connections);
    else
        report(
            d, DOCTOR_WARNING,
            "a process started from here may open %llu files, and listen.max_connections = %lld "
            "needs %llu" MEND
            "Under systemd set LimitNOFILE=%llu in the listener's unit (the unit that comes with "
            "Hookmill has 65536), from a shell `ulimit -n %llu`; or lower "
            "listen.max_connections.",
            (unsigned long long)limit.rlim_cur, (long long)d->config->listen_max_connections,
            wanted, wanted, wanted);
}
