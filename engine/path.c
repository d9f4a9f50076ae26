// SPDX-License-Identifier: MIT
// Paths of variables: parsed once, walked often.
#include "engine/path.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

// A large flow has very many of them, and most are short.
struct path {
    size_t count;
    char *bytes;         // behind the parts
    const char *parts[]; // into bytes
};

static struct path *path_alloc(const char *text, size_t len, size_t parts)
{
    struct path *path = x_alloc(sizeof *path + parts * sizeof *path->parts + len + 1);
    path->bytes = (char *)&path->parts[parts];
    memcpy(path->bytes, text, len);
    return path;
}

static size_t parts_most(const char *text, size_t len)
{
    size_t parts = 1;
    for (size_t i = 0; i < len; i++)
        parts += text[i] == '.' || text[i] == '[';
    return parts < PATH_PARTS_MAX ? parts : PATH_PARTS_MAX;
}

static bool char_is_name(char c)
{
    return (unsigned char)c > ' ' && c != 0x7f && !strchr("{}[]()|\"'`,;.", c);
}

// Splits path->bytes in place at dots and brackets.
static bool path_split(struct path *path, struct err *err)
{
    char *at = path->bytes;
    for (;;) {
        if (path->count == PATH_PARTS_MAX)
            return err_set(err, ERR_INPUT, "more than %d parts in a path", PATH_PARTS_MAX);
        char *end = at;
        while (*end && char_is_name(*end))
            end++;
        if (end == at)
            return err_set(err, ERR_INPUT, "a name is missing or has a character it cannot have");
        path->parts[path->count++] = at;
        char stop = *end;
        *end = '\0';
        at = end + 1;
        if (stop == ']') { // only after "[": what follows is ".", "[" or the end
            stop = *at;
            at++;
        }
        if (stop == '\0')
            return true;
        if (stop != '.' && stop != '[')
            return err_set(err, ERR_INPUT, "unexpected '%c' in a path", stop);
        if (stop == '[' && at[strspn(at, "0123456789")] != ']')
            return err_set(err, ERR_INPUT, "an index in [ ] must be a number");
    }
}

// "]" must close what "[" opened; names themselves cannot hold either.
static bool brackets_match(const char *text)
{
    bool open = false;
    for (; *text; text++) {
        if ((*text == '[' && open) || (*text == ']' && !open))
            return false;
        open = *text == '[' || (open && *text != ']');
    }
    return !open;
}

struct path *path_parse(const char *text, size_t len, struct err *err)
{
    while (len && (*text == ' ' || *text == '\t' || *text == '\n' || *text == '\r')) {
        text++;
        len--;
    }
    while (len && strchr(" \t\r\n", text[len - 1]))
        len--;
    if (len == 0 || len > PATH_BYTES_MAX) {
        err_set(err, ERR_INPUT, len ? "a path is too long" : "a path is empty");
        return NULL;
    }
    struct path *path = path_alloc(text, len, parts_most(text, len));
    if (!brackets_match(path->bytes)) {
        err_set(err, ERR_INPUT, "brackets in a path do not match");
        free(path);
        return NULL;
    }
    if (!path_split(path, err)) {
        free(path);
        return NULL;
    }
    return path;
}

struct path *path_literal(const char *name)
{
    struct path *path = path_alloc(name, strnlen(name, PATH_BYTES_MAX), 1);
    path->parts[path->count++] = path->bytes;
    return path;
}

void path_free(struct path *path)
{
    free(path);
}

const char *path_root(const struct path *path)
{
    return path->parts[0];
}

size_t path_count(const struct path *path)
{
    return path->count;
}

const char *path_part(const struct path *path, size_t i)
{
    return path->parts[i];
}

static const cJSON *array_at(const cJSON *array, const char *part)
{
    size_t digits = strspn(part, "0123456789");
    if (digits == 0 || digits > 6 || part[digits])
        return NULL;
    return cJSON_GetArrayItem(array, (int)strtol(part, NULL, 10));
}

const cJSON *path_find(const struct path *path, const cJSON *root)
{
    return path_find_from(path, 0, root);
}

const cJSON *path_find_from(const struct path *path, size_t first, const cJSON *root)
{
    for (size_t i = first; i < path->count && root; i++) {
        if (cJSON_IsArray(root))
            root = array_at(root, path->parts[i]);
        else if (cJSON_IsObject(root))
            root = cJSON_GetObjectItemCaseSensitive(root, path->parts[i]);
        else
            return NULL;
    }
    return root;
}

static void member_put(cJSON *object, const char *name, cJSON *owned_value)
{
    if (cJSON_GetObjectItemCaseSensitive(object, name))
        cJSON_ReplaceItemInObjectCaseSensitive(object, name, owned_value);
    else
        cJSON_AddItemToObject(object, name, owned_value);
}

void path_put(const struct path *path, cJSON *root, cJSON *owned_value)
{
    for (size_t i = 0; i + 1 < path->count; i++) {
        cJSON *next = cJSON_GetObjectItemCaseSensitive(root, path->parts[i]);
        if (!cJSON_IsObject(next)) {
            next = cJSON_CreateObject();
            member_put(root, path->parts[i], next);
        }
        root = next;
    }
    member_put(root, path->parts[path->count - 1], owned_value);
}
