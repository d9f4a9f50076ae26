// SPDX-License-Identifier: MIT
// The list of findings about a flow.
#include <stdarg.h>
#include <stdlib.h>

#include "base/mem.h"
#include "engine/flow.h"
#include "engine/value.h"

enum { DIAGS_MAX = 200 };

void diags_add(struct diags *diags, enum severity severity, const char *code, const char *node,
               const char *edge, const char *fmt, ...)
{
    if (severity == SEVERITY_ERROR)
        diags->errors++;
    if (diags->count == DIAGS_MAX)
        return;
    diags->items = x_realloc(diags->items, diags->count + 1, sizeof *diags->items);
    va_list ap;
    va_start(ap, fmt);
    diags->items[diags->count++] = (struct diag){
        .code = code,
        .severity = severity,
        .node = x_dup(node),
        .edge = x_dup(edge),
        .text = x_vprintf(fmt, ap),
    };
    va_end(ap);
    text_tidy(diags->items[diags->count - 1].text);
}

void diags_deinit(struct diags *diags)
{
    for (size_t i = 0; i < diags->count; i++) {
        free(diags->items[i].node);
        free(diags->items[i].edge);
        free(diags->items[i].text);
    }
    free(diags->items);
    *diags = (struct diags){0};
}
