// SPDX-License-Identifier: MIT
// `mapping`: values out of an answer into variables, by path. Part of the api and ai nodes.
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

struct node_parse;
struct node_run;
struct path;

struct mapping {
    struct mapped {
        struct path *variable;
        struct path *from; // NULL: the whole answer
        char *source;      // as written
        bool required;
    } * items;
    size_t count;
};

/*
 * `object`: {variable: "path.in.answer"} or NULL; a path may begin with "$.", "$" is the whole
 * answer. `required`: a list of its variables, or NULL. `own` (may be NULL): a variable that the
 * node keeps for itself. Problems are reported.
 */
void mapping_parse(struct node_parse *p, const cJSON *object, const cJSON *required,
                   const char *own, struct mapping *mapping);
void mapping_deinit(struct mapping *mapping);

// The first required path that the answer lacks (or has as null), or NULL. Borrowed.
const char *mapping_lacks(const struct mapping *mapping, const cJSON *answer);
// Sets the variables; what the answer lacks is null. False: run->err says why.
MUST_USE bool mapping_store(struct node_run *run, const struct mapping *mapping,
                            const cJSON *answer);
