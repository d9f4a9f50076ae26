// SPDX-License-Identifier: MIT
// What a flow's document declares beside its graph: variables with their defaults, and settings.
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/graph.h"
#include "engine/path.h"
#include "engine/value.h"

// The default as the declared type: builders' forms store numbers and booleans as texts. NULL when
// it is neither.
static cJSON *variable_value(const cJSON *value, const char *type)
{
    double number;
    if (!strcmp(type, "number"))
        return value_is_number(value, &number) ? cJSON_CreateNumber(number) : NULL;
    if (!strcmp(type, "boolean") && cJSON_IsString(value)) {
        bool is_true = !strcmp(value->valuestring, "true");
        return is_true || !strcmp(value->valuestring, "false") ? cJSON_CreateBool(is_true) : NULL;
    }
    bool fits = (!strcmp(type, "boolean") && cJSON_IsBool(value)) ||
                (!strcmp(type, "string") && cJSON_IsString(value)) ||
                (!strcmp(type, "array") && cJSON_IsArray(value)) ||
                (!strcmp(type, "object") && cJSON_IsObject(value));
    return fits ? cJSON_Duplicate(value, true) : NULL;
}

static bool variable_parse(struct compile *c, const cJSON *item, struct flow_variable *variable,
                           struct err *err)
{
    static const char *const types[] = {"string", "number", "boolean", "array", "object", NULL};
    const char *name = cJSON_IsString(item) ? item->valuestring : json_str(item, "name");
    if (!name)
        return err_set(err, ERR_INPUT, "a variable needs a name");
    variable->path = path_parse(name, strlen(name), err);
    if (!variable->path)
        return err_prefix(err, "variable '%.60s'", name);
    const char *root = path_root(variable->path);
    if (name_is_reserved(root))
        return err_set(err, ERR_INPUT, "variable '%s' is filled by Hookmill; choose another name",
                       root);
    names_add(&c->sets, root, NULL);
    const cJSON *value = node_member(item, "defaultValue");
    const char *type = json_str(item, "type");
    size_t bytes;
    if (!value)
        return true;
    if (!value_measure(value, &bytes, err))
        return err_prefix(err, "variable '%.60s'", name);
    if (bytes > engine_default_limits.value_bytes)
        return err_set(err, ERR_LIMIT, "variable '%.60s': the default is too large", name);
    bool known = !type;
    for (size_t i = 0; types[i] && !known; i++)
        known = !strcmp(types[i], type);
    if (!known)
        return err_set(err, ERR_INPUT, "variable '%.60s': unknown type '%.40s'", name, type);
    variable->value = type ? variable_value(value, type) : cJSON_Duplicate(value, true);
    return variable->value ||
           err_set(err, ERR_INPUT, "variable '%.60s': the default is no %s", name, type);
}

void variables_compile(struct compile *c, const cJSON *variables)
{
    if (!variables)
        return;
    int count = cJSON_GetArraySize(variables);
    if (!cJSON_IsArray(variables) || count > FLOW_VARIABLES_MAX) {
        diags_add(c->diags, SEVERITY_ERROR, "variable-bad", NULL, NULL,
                  "`variables` must be a list of at most %d variables", FLOW_VARIABLES_MAX);
        return;
    }
    c->flow->variables = x_calloc((size_t)count + 1, sizeof *c->flow->variables);
    const cJSON *item;
    cJSON_ArrayForEach(item, variables) {
        struct err err;
        if (!variable_parse(c, item, &c->flow->variables[c->flow->variable_count++], &err))
            diags_add(c->diags, SEVERITY_ERROR, "variable-bad", NULL, NULL, "%s", err.text);
    }
}

void settings_compile(struct compile *c, const cJSON *settings)
{
    const cJSON *max = node_member(settings, "maxExecutionTime");
    if (!max)
        return;
    if (!cJSON_IsNumber(max) || !(max->valuedouble >= 0) || max->valuedouble > 1e12)
        diags_add(c->diags, SEVERITY_ERROR, "settings-bad", NULL, NULL,
                  "settings.maxExecutionTime must be a number of milliseconds");
    else
        c->flow->max_active_ms = (int64_t)max->valuedouble;
}
