// SPDX-License-Identifier: MIT
// docs/flows.md tells of every node type and every field.
#include "test/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/node.h"
#include "nodes/registry.h"

static char *file_read(const char *folder, const char *name)
{
    char *path = x_printf("%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("cannot open %s", path);
    char *text = x_alloc(256 * 1024);
    size_t len = fread(text, 1, 256 * 1024 - 1, file);
    text[len] = '\0';
    fclose(file);
    free(path);
    return text;
}

static void fields_are_documented(const char *docs, const struct node_field *fields)
{
    for (const struct node_field *field = fields; field && field->name; field++) {
        char *word = x_printf("`%s`", field->name);
        if (!strstr(docs, word))
            fail_msg("docs/flows.md does not mention %s", word);
        free(word);
        if (field->members != fields) // a table may hold itself
            fields_are_documented(docs, field->members);
    }
}

static void every_type_and_field_is_documented(void **state)
{
    char *docs = file_read(DOCS, "flows.md");
    for (const struct node_type *const *type = node_types; *type; type++) {
        char *title = x_printf("\n### %s\n", (*type)->name);
        if (!strstr(docs, title))
            fail_msg("docs/flows.md has no section on %s", (*type)->name);
        fields_are_documented(docs, (*type)->fields);
        free(title);
    }
    free(docs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_and_field_is_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
