// SPDX-License-Identifier: MIT
// Reads redis://[user:password@]host[:port][/db] and unix:///path. TLS is not spoken: rediss:// is
// an error.

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "queue/internal.h"

// Decodes %XX in place of a copy; NULL when it is malformed or hides a NUL.
static char *percent_decode(const char *text, size_t len)
{
    struct buf out = {0};
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = (uint8_t)text[i];
        if (text[i] == '%') {
            if (len - i < 3 || !hex_decode(text + i + 1, 2, &byte, 1) || byte == 0) {
                buf_deinit(&out);
                return NULL;
            }
            i += 2;
        }
        buf_add_char(&out, (char)byte);
    }
    return buf_take(&out);
}

// A whole decimal number of 1 to 5 digits, 0..max.
static bool number_parse(const char *text, size_t len, int max, int *ret)
{
    if (len == 0 || len > 5 || strspn(text, "0123456789") < len)
        return false;
    int n = 0;
    for (size_t i = 0; i < len; i++)
        n = n * 10 + (text[i] - '0');
    if (n > max)
        return false;
    *ret = n;
    return true;
}

static bool parse_login(const char *text, size_t len, struct redis_url *url, struct err *err)
{
    const char *colon = memchr(text, ':', len);
    size_t user_len = colon ? (size_t)(colon - text) : len;
    if (user_len > 0)
        url->user = percent_decode(text, user_len);
    if (colon)
        url->password = percent_decode(colon + 1, len - user_len - 1);
    if ((user_len > 0 && !url->user) || !url->password)
        return err_set(err, ERR_CONFIG,
                       "Redis URL: user:password before '@' is malformed (use %%XX for special "
                       "characters)");
    return true;
}

static bool parse_host(const char *text, size_t len, struct redis_url *url, struct err *err)
{
    const char *end = text + len;
    const char *host = text, *host_end = memchr(text, ':', len);
    if (len > 0 && *text == '[') { // [IPv6]
        host++;
        host_end = memchr(text, ']', len);
        if (!host_end)
            return err_set(err, ERR_CONFIG, "Redis URL: '[' without ']'");
    }
    const char *rest = host_end ? host_end : end;
    size_t host_len = (size_t)((host_end ? host_end : end) - host);
    if (host_end && *host_end == ']')
        rest = host_end + 1;
    if (host_len == 0 || host_len > 255)
        return err_set(err, ERR_CONFIG, "Redis URL: the host is missing or too long");
    url->port = 6379;
    if (rest < end &&
        (*rest != ':' || !number_parse(rest + 1, (size_t)(end - rest - 1), 65535, &url->port)))
        return err_set(err, ERR_CONFIG, "Redis URL: the port is no number up to 65535");
    url->host = x_dupn(host, host_len);
    return true;
}

static bool parse_tcp(const char *text, struct redis_url *url, struct err *err)
{
    size_t len = strcspn(text, "/?#");
    const char *path = text + len;
    const char *at = NULL; // the last one: a sloppy password may hold others
    for (size_t i = 0; i < len; i++)
        if (text[i] == '@')
            at = text + i;
    if (at) {
        if (!parse_login(text, (size_t)(at - text), url, err))
            return false;
        len -= (size_t)(at + 1 - text);
        text = at + 1;
    }
    if (!parse_host(text, len, url, err))
        return false;
    if (*path == '\0' || strcmp(path, "/") == 0)
        return true;
    if (*path != '/' || !number_parse(path + 1, strlen(path + 1), 65535, &url->db))
        return err_set(err, ERR_CONFIG, "Redis URL: what follows the host is no database number");
    return true;
}

bool redis_url_parse(const char *text, struct redis_url *ret_url, struct err *err)
{
    struct redis_url url = {0};
    bool ok = false;
    if (strncmp(text, "redis://", 8) == 0)
        ok = parse_tcp(text + 8, &url, err);
    else if (strncmp(text, "unix:///", 8) == 0 && strlen(text) < 8 + 100)
        ok = (url.path = x_dup(text + 7)) != NULL;
    else if (strncmp(text, "rediss://", 9) == 0)
        err_set(err, ERR_CONFIG, "Redis URL: TLS (rediss://) is not supported; use a local proxy");
    else
        err_set(err, ERR_CONFIG,
                "Redis URL: expected redis://[user:password@]host[:port][/db] or unix:///path");
    if (!ok) {
        redis_url_deinit(&url);
        return false;
    }
    *ret_url = url;
    return true;
}

void redis_url_deinit(struct redis_url *url)
{
    free(url->host);
    free(url->path);
    free(url->user);
    secret_free(url->password);
    *url = (struct redis_url){0};
}
