// SPDX-License-Identifier: MIT
/*
 * `hookmill doctor`: looks at a set-up from all sides (configuration, Redis, MongoDB, disk, clock,
 * the public URL, what Meta says of each app and account) and tells of each thing whether it is
 * well, what was found, and how to mend it. Changes nothing but one small document of its own in
 * MongoDB, by which it learns that writing works. Blocking; one thread.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/config.h"
#include "base/err.h"

struct doctor_options {
    const struct config *config;
    const char *config_path; // the file that it was read from; NULL = none
    const char *url;         // public address, with or without /webhooks/NAME; NULL = not known
    const char *account;     // key of the only account to look at; NULL = all
    const char *app;         // name of the only app to look at; NULL = all
    const char *ca_file; // trusted for `url` and the listener's certificate; NULL = the system's
    bool offline;        // asks nobody outside: neither the public URL nor Meta
    bool json;
    FILE *out;
};

/*
 * Prints one line per check, or one JSON object. False when the options make no sense; what is ill
 * is counted in ret_failed. Secrets and tokens never appear in what it prints.
 */
MUST_USE bool doctor_run(const struct doctor_options *options, unsigned *ret_failed,
                         struct err *err);

// The checks, one "  name  what it looks at" per line.
void doctor_print_checks(FILE *out);
