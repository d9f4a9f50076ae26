// SPDX-License-Identifier: MIT
// The settings as a table, for config.c alone.
#pragma once

#include "base/config.h"

enum kind { KIND_TEXT, KIND_SECRET, KIND_INT, KIND_BOOL };

struct option {
    const char *section, *key;
    enum kind kind;
    size_t offset; // in struct config
    const char *fallback;
    int64_t min, max; // of KIND_INT
    const char *help;
};

enum { CONFIG_OPTION_COUNT = 55 };
extern const struct option config_options[CONFIG_OPTION_COUNT];

// Sets `key` of `section` ("redis", "app shop"); `key_file` of a secret names a file that holds it.
MUST_USE bool config_set(struct config *config, const char *section, const char *key,
                         const char *value, struct err *err);
