// SPDX-License-Identifier: MIT
// Text templates: parsed into a list of literal pieces and placeholders.
#include "engine/template.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "engine/expression_tree.h"
#include "engine/path.h"
#include "engine/scope.h"
#include "engine/template_piece.h"
#include "engine/value.h"

void template_free(struct template *template)
{
    if (!template)
        return;
    for (size_t i = 0; i < template->count; i++) {
        free(template->pieces[i].literal);
        path_free(template->pieces[i].path);
        cJSON_Delete(template->pieces[i].fallback);
        expression_free(template->pieces[i].expression);
        free(template->pieces[i].source);
    }
    free(template->pieces);
    free(template);
}

static struct template_piece *piece_add(struct template *template)
{
    size_t count = template->count;
    if ((count & (count - 1)) == 0) // full: 0, 1, 2, 4 …
        template->pieces =
            x_realloc(template->pieces, count ? 2 * count : 1, sizeof *template->pieces);
    struct template_piece *piece = &template->pieces[template->count++];
    *piece = (struct template_piece){0};
    return piece;
}

static void blanks_trim(const char **at, const char **end)
{
    while (*at < *end && strchr(" \t\r\n", **at))
        (*at)++;
    while (*end > *at && strchr(" \t\r\n", (*end)[-1]))
        (*end)--;
}

// The argument of `default:` — a quoted text (\" and \\ inside), a number, true or false.
static cJSON *fallback_parse(const char *at, const char *end)
{
    blanks_trim(&at, &end);
    size_t len = (size_t)(end - at);
    if (len >= 2 && (*at == '"' || *at == '\'') && end[-1] == *at) {
        char *text = x_alloc(len), *out = text;
        for (const char *c = at + 1; c < end - 1; c++) {
            if (*c == '\\' && c + 1 < end - 1)
                c++;
            *out++ = *c;
        }
        cJSON *string = cJSON_CreateString(text);
        free(text);
        return string;
    }
    char word[65];
    if (len == 0 || len >= sizeof word)
        return NULL;
    memcpy(word, at, len);
    word[len] = '\0';
    double number;
    if (text_is_number(word, &number))
        return cJSON_CreateNumber(number);
    if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0)
        return cJSON_CreateBool(*word == 't');
    return NULL;
}

// `path` or `path | default: value`; false when it is neither.
static bool plain_parse(struct template_piece *piece, const char *at, const char *end)
{
    const char *bar = memchr(at, '|', (size_t)(end - at));
    piece->path = path_parse(at, (size_t)((bar ? bar : end) - at), NULL);
    if (!piece->path || !bar)
        return piece->path;
    const char *filter = bar + 1;
    blanks_trim(&filter, &end);
    const char *colon = memchr(filter, ':', (size_t)(end - filter));
    const char *word_end = colon ? colon : end;
    blanks_trim(&filter, &word_end);
    if (colon && word_end - filter == 7 && memcmp(filter, "default", 7) == 0)
        piece->fallback = fallback_parse(colon + 1, end);
    if (piece->fallback)
        return true;
    path_free(piece->path);
    piece->path = NULL;
    return false;
}

/*
 * The bytes before the first filter, when they are a path that an expression would take apart at
 * its hyphens: {{ a-1.status | upper }}, as {{ a-1.status }}. Else 0.
 */
static size_t hyphened_path(const char *at, const char *end)
{
    const char *bar = memchr(at, '|', (size_t)(end - at));
    size_t len = bar && bar + 1 < end && bar[1] != '|' ? (size_t)(bar - at) : 0;
    double number;
    char *text = x_dupn(at, len);
    bool plain = len && strchr(text, '-') && !strpbrk(text, "+*/%<>=!&?:$~^#@\\");
    struct path *path = plain ? path_parse(text, len, NULL) : NULL;
    if (!path || text_is_number(path_root(path), &number))
        len = 0;
    path_free(path);
    free(text);
    return len;
}

// What stands between the braces.
static bool placeholder_parse(struct template *template, const char *at, const char *end,
                              struct err *err)
{
    struct template_piece *piece = piece_add(template);
    if (plain_parse(piece, at, end))
        return true;
    size_t len = (size_t)(end - at);
    piece->source = x_dupn(at, len);
    piece->expression = expression_parse_filters(at, len, hyphened_path(at, end), err);
    if (piece->expression)
        return true;
    return err_prefix(err, "{{%.*s}}", (int)utf8_cut_bytes(at, (size_t)(end - at), 60), at);
}

// The "}}" that closes; quoted texts may hold braces, and objects have their own. NULL when there
// is none.
static const char *placeholder_end(const char *at)
{
    char quote = '\0';
    unsigned open = 0;
    for (; *at; at++) {
        if (quote && *at == '\\' && at[1])
            at++;
        else if (quote && *at == quote)
            quote = '\0';
        else if (quote)
            continue;
        else if (*at == '"' || *at == '\'')
            quote = *at;
        else if (*at == '{')
            open++;
        else if (*at == '}' && open)
            open--;
        else if (at[0] == '}' && at[1] == '}')
            return at;
    }
    return NULL;
}

static bool pieces_parse(struct template *template, const char *text, struct err *err)
{
    while (*text) {
        const char *open = strstr(text, "{{");
        size_t len = open ? (size_t)(open - text) : strlen(text);
        if (len)
            piece_add(template)->literal = x_dupn(text, len);
        if (!open)
            return true;
        const char *close = placeholder_end(open + 2);
        if (!close)
            return err_set(err, ERR_INPUT, "'%.40s': {{ without }}", open);
        if (!placeholder_parse(template, open + 2, close, err))
            return false;
        text = close + 2;
    }
    return true;
}

struct template *template_parse(const char *text, struct err *err)
{
    struct template *template = x_alloc(sizeof *template);
    bool ok = utf8_valid(text, strlen(text)) || err_set(err, ERR_INPUT, "a text is not UTF-8");
    if (ok && pieces_parse(template, text, err))
        return template;
    template_free(template);
    return NULL;
}

bool template_piece_value(const struct template_piece *piece, struct scope *scope,
                          const cJSON **ret_value, cJSON **ret_made, struct err *err)
{
    *ret_made = NULL;
    if (piece->expression) {
        *ret_value = *ret_made = expression_eval(piece->expression, scope, err);
        return *ret_value || err_prefix(err, "{{%.60s}}", piece->source);
    }
    const cJSON *value = scope_find(scope, piece->path);
    bool empty = !value || cJSON_IsNull(value) || (cJSON_IsString(value) && !*value->valuestring);
    *ret_value = empty && piece->fallback ? piece->fallback : value;
    return true;
}

static void piece_escape(const cJSON *value, template_escape_fn escape, struct buf *out)
{
    struct buf text = {.max = out->max};
    value_text(value, &text);
    out->overflow |= text.overflow;
    escape(text.data ? text.data : "", out);
    buf_deinit(&text);
}

bool template_render(const struct template *template, struct scope *scope,
                     template_escape_fn escape, struct buf *out, struct err *err)
{
    for (size_t i = 0; i < template->count && !out->overflow; i++) {
        const struct template_piece *piece = &template->pieces[i];
        const cJSON *value;
        cJSON *made;
        if (piece->literal) {
            buf_add_str(out, piece->literal);
            continue;
        }
        if (!template_piece_value(piece, scope, &value, &made, err))
            return false;
        if (!escape || i == 0)
            value_text(value, out);
        else
            piece_escape(value, escape, out);
        cJSON_Delete(made);
    }
    return !out->overflow ||
           err_set(err, ERR_LIMIT, "a template's text has more than %zu bytes (limit output_bytes)",
                   out->max);
}

void template_each_path(const struct template *template, template_path_fn fn, void *arg)
{
    for (size_t i = 0; i < template->count; i++) {
        if (template->pieces[i].path)
            fn(arg, template->pieces[i].path);
        if (template->pieces[i].expression)
            expression_each_path(template->pieces[i].expression, fn, arg);
    }
}

const char *template_prefix(const struct template *template)
{
    return template->count && template->pieces[0].literal ? template->pieces[0].literal : "";
}
