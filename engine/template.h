// SPDX-License-Identifier: MIT
/*
 * Templates, precompiled: text with {{ path }}, {{ path | default: "friend" }} and {{ expression }}
 * (see expression.h). The default (a quoted text, a number, true or false) stands in for what is
 * missing, null or "". What path_parse() takes is a path, else it is an expression: {{ a-1.b }} is
 * a path, {{ a - 1 }} is not. Immutable.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

struct path;
struct scope;
struct template;
struct value_template;

MUST_USE struct template *template_parse(const char *text, struct err *err);
void template_free(struct template *template);

/*
 * Appends the text. `escape` (may be NULL) writes each inserted value that does not open the text.
 * False with err: an expression failed (err names it), or the text would pass out->max.
 */
typedef void (*template_escape_fn)(const char *value, struct buf *out);
MUST_USE bool template_render(const struct template *template, struct scope *scope,
                              template_escape_fn escape, struct buf *out, struct err *err);
// The paths it reads, those in expressions among them.
typedef void (*template_path_fn)(void *arg, const struct path *path);
void template_each_path(const struct template *template, template_path_fn fn, void *arg);
// The text before the first placeholder.
const char *template_prefix(const struct template *template);

/*
 * A JSON value whose strings are templates; a string that is one placeholder and nothing else keeps
 * the type of its value.
 */
MUST_USE struct value_template *value_template_parse(const cJSON *value, struct err *err);
void value_template_free(struct value_template *template);
// NULL with err, as template_render(); max_bytes is of each string. Caller deletes.
MUST_USE cJSON *value_template_render(const struct value_template *template, struct scope *scope,
                                      size_t max_bytes, struct err *err);
void value_template_each_path(const struct value_template *template, template_path_fn fn,
                              void *arg);
// The value itself when nothing in it is templated, else NULL; borrowed.
const cJSON *value_template_constant(const struct value_template *template);
