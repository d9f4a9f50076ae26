// SPDX-License-Identifier: MIT
// The options of a choice input: where they come from, and which one an answer means. Part of the
// input node.
#pragma once

#include <cjson/cJSON.h>
#include <stddef.h>

#include "engine/engine.h"

struct node_parse;

struct option {
    char *id;       // payload of the answer, sourceHandle of the edge
    char *title;    // what the person sees
    cJSON *value;   // what the variable gets
    char *words[3]; // title, id, value as texts, folded (engine/fold.h); the last may be NULL
    int target;     // NOWHERE: the default edge
};

struct options {
    struct option *items;
    size_t count;
};

/*
 * From `list` (texts, or objects with id, label or title, value), or, when it is NULL, from the
 * labels of the node's edges. Problems are reported.
 */
void options_parse(struct options *options, struct node_parse *p, const cJSON *list);
void options_deinit(struct options *options);

// By payload = id; else by text = title, id, value (without regard to case, accents and width) or
// position from 1.
// NULL: none.
const struct option *options_find(const struct options *options, const char *text,
                                  const char *payload);
// The effect's copy; *ret_count is their number. Caller owns.
struct choice *options_choices(const struct options *options, size_t *ret_count);
