// SPDX-License-Identifier: MIT
// The list of findings about a flow.
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/flow.h"
#include "engine/value.h"

enum { DIAGS_MAX = 200 };

bool diags_keeps(const struct diags *diags, enum severity severity)
{
    return diags->count < DIAGS_MAX ||
           (severity == SEVERITY_ERROR && diags->kept_errors < DIAGS_MAX);
}

static void diag_deinit(struct diag *diag)
{
    free(diag->node);
    free(diag->edge);
    free(diag->text);
}

// Drops the newest warning; there is one.
static void warning_drop(struct diags *diags)
{
    size_t i = diags->count - 1;
    while (diags->items[i].severity != SEVERITY_WARNING)
        i--;
    diag_deinit(&diags->items[i]);
    memmove(&diags->items[i], &diags->items[i + 1], (diags->count - i - 1) * sizeof *diags->items);
    diags->count--;
}

void diags_vadd(struct diags *diags, enum severity severity, const char *code, const char *node,
                const char *edge, const char *fmt, va_list ap)
{
    bool keeps = diags_keeps(diags, severity);
    if (severity == SEVERITY_ERROR)
        diags->errors++;
    else
        diags->warnings++;
    if (!keeps)
        return;
    if (!diags->items)
        diags->items = x_calloc(DIAGS_MAX, sizeof *diags->items);
    if (diags->count == DIAGS_MAX)
        warning_drop(diags);
    diags->kept_errors += severity == SEVERITY_ERROR;
    diags->items[diags->count++] = (struct diag){
        .code = code,
        .severity = severity,
        .node = x_dup(node),
        .edge = x_dup(edge),
        .text = x_vprintf(fmt, ap),
    };
    text_tidy(diags->items[diags->count - 1].text);
}

void diags_add(struct diags *diags, enum severity severity, const char *code, const char *node,
               const char *edge, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    diags_vadd(diags, severity, code, node, edge, fmt, ap);
    va_end(ap);
}

void diags_deinit(struct diags *diags)
{
    for (size_t i = 0; i < diags->count; i++)
        diag_deinit(&diags->items[i]);
    free(diags->items);
    *diags = (struct diags){0};
}
