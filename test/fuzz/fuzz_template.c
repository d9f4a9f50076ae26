// SPDX-License-Identifier: MIT
/*
 * Fuzzes templates: parse, render with and without escaping, and check the bound of what comes out.
 * Without libFuzzer (-DFUZZ_FILES) it runs over the files that it is given.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "engine/scope.h"
#include "engine/template.h"

enum { FILE_BYTES_MAX = 1 << 16, OUTPUT_MAX = 2000 };

static const char vars[] =
    "{\"a\":\"Ana\",\"n\":3,\"t\":true,\"z\":null,\"e\":\"\",\"x-1\":{\"s\":200},"
    "\"o\":{\"l\":[{\"p\":10,\"q\":\"Tea\"},{\"p\":2.5,\"q\":\"\\u00e9\\ud83d\\udc4d\"}]}}";

static void brackets(const char *value, struct buf *out)
{
    buf_add_char(out, '<');
    buf_add_str(out, value);
    buf_add_char(out, '>');
}

static void render(const struct template *template, struct scope *scope, template_escape_fn escape)
{
    struct buf out;
    struct err err = {0};
    buf_init(&out, OUTPUT_MAX);
    bool ok = template_render(template, scope, escape, &out, &err);
    if (out.len > OUTPUT_MAX || (ok && out.len && !utf8_valid(out.data, out.len)))
        abort(); // a text, and bounded
    if (!ok && !err.text[0])
        abort(); // it must say why
    buf_deinit(&out);
    scope_deinit(scope);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static cJSON *tree;
    struct err err;
    if (!tree)
        tree = json_read(vars, strlen(vars), &err);
    char *text = x_dupn(data, len);
    struct template *template = template_parse(text, &err);
    free(text);
    if (!template)
        return 0;
    struct scope scope = {
        .vars = tree, .now_ms = 1, .secret_mark = "hm0", .cost = 1000, .bytes = 4096};
    render(template, &scope, NULL);
    render(template, &scope, brackets);
    template_free(template);
    return 0;
}

#ifdef FUZZ_FILES
#include "test/fuzz/fuzz_files.h"
#endif
