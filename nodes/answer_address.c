// SPDX-License-Identifier: MIT
/*
 * E-mail and web addresses: what can be told without asking the net. Host names of any script are
 * taken by the rules of IDNA (UTS 46) and kept as software wants them, in ASCII and small letters.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/uidna.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "nodes/answer_readers.h"

enum { HOST_BYTES = 254, LABEL_BYTES = 63, LOCAL_BYTES = 64, URL_BYTES = 2048 };

static const char letters_digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";

/* Hosts */

static bool label_is_good(const char *label, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (label[i] != '-' && !strchr(letters_digits, label[i]))
            return false;
    return len > 0 && len <= LABEL_BYTES && label[0] != '-' && label[len - 1] != '-';
}

static bool is_ip4(const char *host)
{
    unsigned parts[4];
    int end = 0;
    if (strspn(host, "0123456789.") != strlen(host) ||
        sscanf(host, "%3u.%3u.%3u.%3u%n", &parts[0], &parts[1], &parts[2], &parts[3], &end) != 4)
        return false;
    for (int i = 0; i < 4; i++)
        if (parts[i] > 255)
            return false;
    return host[end] == '\0';
}

// Two labels at least, the last one no number.
static bool labels_are_good(const char *host)
{
    size_t labels = 0, len = 0;
    const char *label = host;
    for (;; label += len + 1) {
        len = strcspn(label, ".");
        if (!label_is_good(label, len))
            return false;
        labels++;
        if (!label[len])
            break;
    }
    return labels >= 2 && len >= 2 && strspn(label, "0123456789") != len;
}

// "Bücher.Example" → "xn--bcher-kva.example".
static bool host_read(const char *text, size_t len, char out[HOST_BYTES])
{
    if (len == 0 || len >= HOST_BYTES)
        return false;
    UErrorCode status = U_ZERO_ERROR;
    UIDNAInfo info = UIDNA_INFO_INITIALIZER;
    UIDNA *idna = uidna_openUTS46(
        UIDNA_NONTRANSITIONAL_TO_ASCII | UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ, &status);
    int32_t used = U_SUCCESS(status) ? uidna_nameToASCII_UTF8(idna, text, (int32_t)len, out,
                                                              HOST_BYTES - 1, &info, &status)
                                     : 0;
    uidna_close(idna);
    if (U_FAILURE(status) || info.errors || used <= 0 || used >= HOST_BYTES)
        return false;
    out[used] = '\0';
    return true;
}

/* E-mail */

// Dot-separated words of what RFC 5322 allows without quotes, and letters of other scripts.
static bool local_is_good(const char *text, size_t len)
{
    static const char signs[] = "!#$%&'*+-/=?^_`{|}~.";
    if (len == 0 || len > LOCAL_BYTES || text[0] == '.' || text[len - 1] == '.')
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        bool is_alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (c < 0x80 && !is_alnum && !(c && strchr(signs, c)))
            return false;
        if (c == '.' && text[i + 1] == '.')
            return false;
    }
    return true;
}

// The bytes between "mailto:" or '<' and '>'.
static const char *mail_unwrap(const char *text, size_t *ret_len)
{
    text += strncasecmp(text, "mailto:", 7) == 0 ? 7 : 0;
    size_t len = strlen(text);
    if (len > 2 && text[0] == '<' && text[len - 1] == '>') {
        *ret_len = len - 2;
        return text + 1;
    }
    *ret_len = len;
    return text;
}

bool answer_read_email(const struct rule *rule, const struct answer *answer, cJSON **ret_value,
                       double *ret_measure, char why[WHY_BYTES])
{
    size_t len;
    char host[HOST_BYTES];
    const char *text = mail_unwrap(answer->text, &len);
    const char *at = memchr(text, '@', len);
    size_t local = at ? (size_t)(at - text) : 0;
    if (!at || !local_is_good(text, local) || !host_read(at + 1, len - local - 1, host) ||
        !labels_are_good(host))
        return answer_refuse(why, "Please enter a valid e-mail address.");
    struct buf mail = {0};
    buf_add(&mail, text, local + 1);
    buf_add_str(&mail, host);
    *ret_measure = (double)utf8_length(mail.data);
    *ret_value = cJSON_CreateString(mail.data);
    buf_deinit(&mail);
    return true;
}

/* Web addresses */

// Blanks and control characters are none of an address; what only browsers take is encoded.
static bool path_add(struct buf *url, const char *path)
{
    for (; *path; path++) {
        unsigned char c = (unsigned char)*path;
        if (c <= ' ' || c == 0x7f || strchr("<>\"\\", c))
            return false;
        if (c >= 0x80 || strchr("^`{|}", c))
            buf_printf(url, "%%%02X", c);
        else
            buf_add_char(url, (char)c);
    }
    return true;
}

// ":8080", or nothing.
static bool port_is_good(const char *port, size_t len)
{
    if (len == 0)
        return true;
    if (port[0] != ':' || len < 2 || len > 6 || strspn(port + 1, "0123456789") < len - 1)
        return false;
    unsigned long number = strtoul(port + 1, NULL, 10);
    return number > 0 && number <= 65535;
}

static bool url_add(struct buf *url, const char *text)
{
    char host[HOST_BYTES];
    const char *scheme = "https";
    const char *mark = strstr(text, "://");
    size_t scheme_len = mark ? (size_t)(mark - text) : 0;
    if (mark && mark < text + strcspn(text, "/?#")) {
        if (scheme_len == 4 && strncasecmp(text, "http", 4) == 0)
            scheme = "http";
        else if (scheme_len != 5 || strncasecmp(text, "https", 5) != 0)
            return false;
        text = mark + 3;
    }
    size_t authority = strcspn(text, "/?#");
    const char *colon = memchr(text, ':', authority);
    size_t host_len = colon ? (size_t)(colon - text) : authority;
    if (memchr(text, '@', authority) || !host_read(text, host_len, host) ||
        !(labels_are_good(host) || is_ip4(host)) ||
        !port_is_good(text + host_len, authority - host_len))
        return false;
    buf_printf(url, "%s://%s%.*s", scheme, host, (int)(authority - host_len), text + host_len);
    return path_add(url, text + authority);
}

bool answer_read_url(const struct rule *rule, const struct answer *answer, cJSON **ret_value,
                     double *ret_measure, char why[WHY_BYTES])
{
    struct buf url;
    buf_init(&url, URL_BYTES);
    bool good = url_add(&url, answer->text) && !url.overflow;
    if (good) {
        *ret_measure = (double)utf8_length(url.data);
        *ret_value = cJSON_CreateString(url.data);
    }
    buf_deinit(&url);
    return good || answer_refuse(why, "Please enter a web address, such as https://example.com.");
}
