// SPDX-License-Identifier: MIT
// Evaluating one expression of a table.
#include "test/unit/engine/evaluate.h"

#include "test/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "engine/expression.h"

struct scope evaluate_scope(void)
{
    static const char vars[] =
        "{\"name\":\"Ana\",\"n\":3,\"t\":true,\"e\":\"\",\"z\":null,\"a-1\":{\"status\":200},"
        "\"order\":{\"total\":\"19.90\",\"items\":[{\"price\":10,\"n\":2,\"name\":\"Tea\"},"
        "{\"price\":2.5,\"n\":1,\"name\":\"apple\"}]},\"event\":{\"text\":\"hello\"}}";
    static const char account[] = "{\"name\":\"Shop\"}";
    return (struct scope){
        .vars = json_read(vars, strlen(vars), NULL),
        .account = json_read(account, strlen(account), NULL),
        .now_ms = INT64_C(1795251600000),
        .locale = "en",
        .zone = "Europe/Berlin",
        .cost = 10000,
        .bytes = 64 * 1024,
    };
}

void evaluate_scope_free(struct scope *scope)
{
    scope_deinit(scope);
    cJSON_Delete((cJSON *)scope->vars);
    cJSON_Delete((cJSON *)scope->account);
}

void evaluate_check(struct scope *scope, const char *text, const char *value)
{
    struct err err = {0};
    struct expression *expression = expression_parse(text, strlen(text), &err);
    if (!expression) {
        if (*value != '?' || !strstr(err.text, value + 1))
            fail_msg("%s: refused: %s", text, err.text);
        return;
    }
    cJSON *result = expression_eval(expression, scope, &err);
    char *json = result ? json_print(result) : NULL;
    if (!json && (*value != '!' || !strstr(err.text, value + 1)))
        fail_msg("%s: failed: %s", text, err.text);
    if (json && strcmp(json, value) != 0)
        fail_msg("%s is %s, not %s", text, json, value);
    free(json);
    cJSON_Delete(result);
    expression_free(expression);
    scope_deinit(scope);
}
