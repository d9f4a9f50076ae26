// SPDX-License-Identifier: MIT
// Secrets of an account, in requests and in answers (see secret_fill.h).

#include "worker/secret_fill.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypto.h"

enum { HIDE_BYTES_MIN = 6 }; // what is shorter is found by chance

void secrets_sent_deinit(struct secrets_sent *sent)
{
    for (size_t i = 0; i < sent->count; i++)
        secret_free(sent->forms[i]);
    free(sent->forms);
    *sent = (struct secrets_sent){0};
}

void secrets_sent_add(struct secrets_sent *sent, const char *form)
{
    if (strlen(form) < HIDE_BYTES_MIN)
        return;
    for (size_t i = 0; i < sent->count; i++)
        if (strcmp(sent->forms[i], form) == 0)
            return;
    sent->forms = x_realloc(sent->forms, sent->count + 1, sizeof *sent->forms);
    sent->forms[sent->count++] = x_dup(form);
}

/* --- into a request
 * -------------------------------------------------------------------------------- */

static void add_percent(struct buf *out, const char *value, const char *kept)
{
    for (; *value; value++) {
        unsigned char c = (unsigned char)*value;
        if (isalnum(c) || strchr(kept, c))
            buf_add_char(out, (char)c);
        else
            buf_printf(out, "%%%02X", c);
    }
}

// `out` holds the text so far.
static void add_value(struct buf *out, const char *value, enum secret_form form)
{
    struct buf json = {0};
    bool in_query = out->len && memchr(out->data, '?', out->len);
    switch (form) {
    case SECRET_URL:
        if (!out->len)
            buf_add_str(out, value);
        else
            add_percent(out, value, in_query ? "-._~" : "-._~/");
        return;
    case SECRET_FORM:
        add_percent(out, value, "-._~");
        return;
    case SECRET_JSON:
        buf_add_json_str(&json, value);
        buf_add(out, json.data + 1, json.len - 2); // without the quotes
        explicit_bzero(json.data, json.len);
        buf_deinit(&json);
        return;
    default:
        buf_add_str(out, value);
    }
}

// Replaces the secret that begins at `name`, behind its mark. The rest of the text, or NULL with
// err.
static const char *fill_one(const struct account *account, const char *name, const char *end,
                            enum secret_form form, struct buf *out, struct secrets_sent *sent,
                            struct err *err)
{
    char *wanted = x_dupn(name, (size_t)(end - name));
    const char *value = account_find_secret(account, wanted);
    if (!value) {
        err_set(
            err, ERR_NOT_FOUND,
            "the account has no secret '%.64s', or no key to open it: `hookmill account secret`",
            wanted);
    } else {
        size_t before = out->len;
        add_value(out, value, form);
        secrets_sent_add(sent, value);
        secrets_sent_add(sent, out->data + before);
    }
    free(wanted);
    return value ? end : NULL;
}

char *secret_fill(const struct account *account, const char *text, const char *mark,
                  enum secret_form form, struct secrets_sent *sent, struct err *err)
{
    struct buf out = {0};
    size_t len = mark ? strlen(mark) : 0;
    const char *at, *end;
    buf_reserve(&out, strlen(text) + 1); // what grows leaves its bytes behind
    while (len && (at = strstr(text, mark)) && (end = strstr(at + len, mark))) {
        buf_add(&out, text, (size_t)(at - text));
        if (!fill_one(account, at + len, end, form, &out, sent, err)) {
            secret_free(buf_take(&out));
            return NULL;
        }
        text = end + len;
    }
    buf_add_str(&out, text);
    return buf_take(&out);
}

/* --- out of an answer
 * ------------------------------------------------------------------------------ */

static char *hide(const char *form, char *owned_text)
{
    const char *at, *text = owned_text;
    if (!strstr(text, form))
        return owned_text;
    struct buf out = {0};
    while ((at = strstr(text, form))) {
        buf_add(&out, text, (size_t)(at - text));
        buf_add_str(&out, "***");
        text = at + strlen(form);
    }
    buf_add_str(&out, text);
    secret_free(owned_text);
    return buf_take(&out);
}

char *secrets_hide_text(const struct secrets_sent *sent, const char *text)
{
    char *hidden = x_dup(text);
    for (size_t i = 0; i < sent->count; i++)
        hidden = hide(sent->forms[i], hidden);
    return hidden;
}

// The tree was read by json_read(): its depth is bounded.
void secrets_hide(const struct secrets_sent *sent, cJSON *tree)
{
    cJSON *child;
    if (!sent->count || !tree)
        return;
    for (size_t i = 0; i < sent->count; i++) {
        if (cJSON_IsString(tree))
            tree->valuestring = hide(sent->forms[i], tree->valuestring);
        if (tree->string)
            tree->string = hide(sent->forms[i], tree->string);
    }
    cJSON_ArrayForEach(child, tree) {
        secrets_hide(sent, child);
    }
}
