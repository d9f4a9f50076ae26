// SPDX-License-Identifier: MIT
// Variables of a start by hand (see given.h).
#include "engine/given.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "engine/engine.h"
#include "engine/graph.h"
#include "engine/path.h"
#include "engine/value.h"

// The path of one; NULL with err when a flow may not set it.
static struct path *name_parse(const char *name, struct err *err)
{
    struct path *path = path_parse(name, strlen(name), err);
    if (!path) {
        err_prefix(err, "variable '%.60s'", name);
        return NULL;
    }
    if (!name_is_reserved(path_root(path)))
        return path;
    err_set(err, ERR_INPUT, "variable '%s' is filled by Hookmill; choose another name",
            path_root(path));
    path_free(path);
    return NULL;
}

bool given_check(const cJSON *vars, struct err *err)
{
    size_t bytes;
    if (!vars)
        return true;
    if (!cJSON_IsObject(vars))
        return err_set(err, ERR_INPUT, "variables are given as a JSON object");
    if (!value_measure(vars, &bytes, err))
        return false;
    if (bytes > GIVEN_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "the variables have more than %d bytes", GIVEN_BYTES_MAX);
    const cJSON *item;
    cJSON_ArrayForEach(item, vars) {
        struct path *path = name_parse(item->string, err);
        if (!path)
            return false;
        path_free(path);
    }
    return true;
}

static bool set_all(cJSON *vars, const cJSON *given, const struct engine_limits *limits,
                    struct err *err)
{
    if (!given_check(given, err))
        return false;
    const cJSON *item;
    cJSON_ArrayForEach(item, given) {
        struct path *path = name_parse(item->string, err);
        bool ok = path && vars_set(vars, path, cJSON_Duplicate(item, true), limits, err);
        path_free(path);
        if (!ok)
            return false;
    }
    return true;
}

bool given_set(cJSON *vars, const struct event *event, const struct engine_limits *limits,
               struct err *err)
{
    if (!event || event->kind != EVENT_START || !event->data)
        return true;
    cJSON *data = json_read(event->data, strlen(event->data), NULL);
    bool ok = set_all(vars, node_member(data, "vars"), limits, err);
    cJSON_Delete(data);
    return ok;
}
