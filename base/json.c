// SPDX-License-Identifier: MIT
// Look-ups in a cJSON tree, and writing one (see json.h; reading is in json_parse.c, printing in
// json_write.c).

#include "base/json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const cJSON *json_get(const cJSON *object, const char *name)
{
    return object ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;
}

const cJSON *json_path(const cJSON *object, const char *path)
{
    while (object && *path) {
        size_t len = strcspn(path, ".");
        const cJSON *child = cJSON_IsObject(object) ? object->child : NULL;
        while (child && (strncmp(child->string, path, len) != 0 || child->string[len]))
            child = child->next;
        object = child;
        path += len + (path[len] == '.');
    }
    return object;
}

const char *json_str(const cJSON *object, const char *name)
{
    const cJSON *item = json_get(object, name);
    return cJSON_IsString(item) ? item->valuestring : NULL;
}

const char *json_id(const cJSON *object, const char *name, char scratch[32])
{
    const cJSON *item = json_get(object, name);
    if (cJSON_IsString(item))
        return item->valuestring;
    if (!cJSON_IsNumber(item) || item->valuedouble != floor(item->valuedouble) ||
        fabs(item->valuedouble) >= 1e15)
        return NULL;
    snprintf(scratch, 32, "%.0f", item->valuedouble);
    return scratch;
}

static int64_t from_double(double value)
{
    if (value >= 9.2e18)
        return INT64_MAX;
    if (value <= -9.2e18)
        return INT64_MIN;
    return (int64_t)value;
}

int64_t json_int(const cJSON *object, const char *name, int64_t fallback)
{
    const cJSON *item = json_get(object, name);
    if (cJSON_IsNumber(item))
        return isnan(item->valuedouble) ? fallback : from_double(item->valuedouble);
    if (!cJSON_IsString(item) || !*item->valuestring)
        return fallback;
    char *end = NULL;
    errno = 0;
    long long value = strtoll(item->valuestring, &end, 10); // saturates
    return *end ? fallback : value;
}

bool json_bool(const cJSON *object, const char *name, bool fallback)
{
    const cJSON *item = json_get(object, name);
    return cJSON_IsBool(item) ? cJSON_IsTrue(item) : fallback;
}

void json_add_str(cJSON *object, const char *name, const char *value)
{
    if (value)
        cJSON_AddStringToObject(object, name, value);
}

void json_add_int(cJSON *object, const char *name, int64_t value)
{
    cJSON_AddNumberToObject(object, name, (double)value);
}
