// SPDX-License-Identifier: MIT
// One body in, its events out, a JSON line each: what `hookmill parse` does (see parse.h).

#include "webhook/parse.h"

#include <stdlib.h>

#include "webhook/normalise.h"

enum { PARSE_MAX = 4 << 20 };

static bool read_all(FILE *in, char **ret_body, size_t *ret_len, struct err *err)
{
    size_t cap = 65536, len = 0;
    char *body = x_alloc(cap);
    while (!feof(in) && !ferror(in) && len <= PARSE_MAX) {
        if (len == cap) {
            cap *= 2;
            body = x_realloc(body, cap, 1);
        }
        len += fread(body + len, 1, cap - len, in);
    }
    bool failed = ferror(in);
    if (failed || len > PARSE_MAX) {
        free(body);
        return failed ? err_set(err, ERR_INPUT, "body: cannot be read")
                      : err_set(err, ERR_LIMIT, "body: more than %d bytes", PARSE_MAX);
    }
    *ret_body = body;
    *ret_len = len;
    return true;
}

bool parse_print(FILE *in, FILE *out, struct err *err)
{
    char *body;
    size_t len;
    if (!read_all(in, &body, &len, err))
        return false;
    struct event_list list;
    bool good = normalise(body, len, &list, err);
    free(body);
    if (!good)
        return false;
    for (size_t i = 0; i < list.count; i++) {
        char *json = event_to_json(&list.events[i]);
        fprintf(out, "%s\n", json);
        free(json);
    }
    event_list_deinit(&list);
    if (fflush(out) != 0 || ferror(out))
        return err_set(err, ERR_UNAVAILABLE, "output: cannot be written");
    return true;
}
