// SPDX-License-Identifier: MIT
// Functions of expressions: texts as other texts: URLs, Base64.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/utf8.h"
#include "engine/functions.h"

// RFC 3986: all but the unreserved characters.
FUNCTION(url_encode)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *text;
    if (!call_text(call, 0, &text))
        return false;
    struct buf out = {0};
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        char hex[3] = {'%', digits[c >> 4], digits[c & 15]};
        if (c < 0x80 && (isalnum(c) || strchr("-._~", c)))
            buf_add_char(&out, (char)c);
        else
            buf_add(&out, hex, sizeof hex);
    }
    return datum_text(call->eval, buf_take(&out), ret);
}

// Takes the bytes, which may be any.
static bool give_bytes(struct call *call, char *owned_bytes, size_t len, struct datum *ret)
{
    if (utf8_valid(owned_bytes, len) && !memchr(owned_bytes, '\0', len))
        return datum_text(call->eval, owned_bytes, ret);
    free(owned_bytes);
    return call_fail(call, "what was encoded is not a text in UTF-8");
}

FUNCTION(url_decode)
{
    const char *text;
    if (!call_text(call, 0, &text))
        return false;
    struct buf out = {0};
    for (; *text; text++) {
        uint8_t byte;
        if (*text != '%' || strnlen(text, 3) < 3 || !hex_decode(text + 1, 2, &byte, 1)) {
            buf_add_char(&out, *text);
            continue;
        }
        buf_add_char(&out, (char)byte);
        text += 2;
    }
    size_t len = out.len;
    return give_bytes(call, buf_take(&out), len, ret);
}

FUNCTION(base64)
{
    const char *text;
    return call_text(call, 0, &text) &&
           datum_text(call->eval, base64_encode(text, strlen(text)), ret);
}

FUNCTION(base64_decode)
{
    const char *text;
    if (!call_text(call, 0, &text))
        return false;
    size_t len;
    uint8_t *bytes = base64_decode(text, &len);
    if (!bytes)
        return call_fail(call, "the text is not Base64");
    char *decoded = x_dupn(bytes, len);
    free(bytes);
    return give_bytes(call, decoded, len, ret);
}
