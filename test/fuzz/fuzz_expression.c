// SPDX-License-Identifier: MIT
/*
 * Fuzzes expressions: parse, evaluate with a small cost limit, and check that evaluating again
 * gives the same, that the value is within its bounds, and that its JSON reads back. Without
 * libFuzzer
 * (-DFUZZ_FILES) it runs over the files that it is given.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/expression.h"
#include "engine/scope.h"
#include "engine/value.h"

enum { FILE_BYTES_MAX = 1 << 16 };

static const char vars[] =
    "{\"a\":\"Ana\",\"n\":3,\"t\":true,\"z\":null,\"d\":\"2026-11-21T10:00\",\"x-1\":{\"s\":200},"
    "\"o\":{\"l\":[{\"p\":10,\"q\":\"Tea\"},{\"p\":2.5,\"q\":\"\\u00e9\\ud83d\\udc4d\"}]},"
    "\"event\":{\"text\":\"hello\"}}";

static char *value_json(const struct expression *expression, struct scope *scope)
{
    struct err err;
    size_t bytes;
    cJSON *value = expression_eval(expression, scope, &err);
    scope_deinit(scope);
    if (!value)
        return x_dup(err.text);
    if (!value_measure(value, &bytes, &err) || bytes > scope->bytes)
        abort(); // every value is bounded
    char *json = json_print(value);
    cJSON_Delete(value);
    return json;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static cJSON *tree;
    struct err err;
    if (!tree)
        tree = json_read(vars, strlen(vars), &err);
    struct expression *expression = expression_parse((const char *)data, len, &err);
    if (!expression)
        return 0;
    struct scope scope = {.vars = tree,
                          .now_ms = INT64_C(1795251600000),
                          .locale = "pt-BR",
                          .zone = "America/Sao_Paulo",
                          .cost = 2000,
                          .bytes = 4096};
    char *first = value_json(expression, &scope), *second = value_json(expression, &scope);
    if (strcmp(first, second) != 0)
        abort(); // the same from the same
    free(first);
    free(second);
    expression_free(expression);
    return 0;
}

#ifdef FUZZ_FILES
#include "test/fuzz/fuzz_files.h"
#endif
