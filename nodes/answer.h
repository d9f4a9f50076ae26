// SPDX-License-Identifier: MIT
// What makes an answer valid, and the value that it becomes. Part of the input node.
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

struct pattern;

enum answer_type { ANSWER_TEXT, ANSWER_NUMBER, ANSWER_EMAIL, ANSWER_CHOICE };

struct rule {
    enum answer_type type;
    bool required;
    struct pattern *pattern; // or NULL
    bool has_min, has_max;
    double min, max; // of a number its value, else the length in characters
};

enum answer_outcome { ANSWER_VALID, ANSWER_INVALID, ANSWER_LIMIT };

enum { WHY_BYTES = 160 };

// `text` without blanks around it. Invalid: `why` gets a sentence for the person. LIMIT: the
// pattern cost too much.
enum answer_outcome answer_read(const struct rule *rule, const char *text, cJSON **ret_value,
                                char why[WHY_BYTES]);
