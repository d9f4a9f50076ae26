// SPDX-License-Identifier: MIT
/*
 * Any bytes as a signature header (up to the first line break) and a body (what follows): the
 * answer is "good" for the right header of one of the app's secrets and for nothing else, whatever
 * the shape.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "webhook/signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void expect(bool held)
{
    if (!held)
        abort();
}

// Exactly 71 characters: "sha256=" and 64 lower-case hex digits.
static bool is_well_formed(const char *header)
{
    return strlen(header) == SIGNATURE_TEXT - 1 && strncmp(header, "sha256=", 7) == 0 &&
           strspn(header + 7, "0123456789abcdef") == 64;
}

static void check_header(const struct config_app *app, const char *header, const void *body,
                         size_t len)
{
    char right[2][SIGNATURE_TEXT];
    signature_make(app->secret, body, len, right[0]);
    signature_make(app->previous_secret, body, len, right[1]);
    bool good = strcmp(header, right[0]) == 0 || strcmp(header, right[1]) == 0;
    enum signature want = good                     ? SIGNATURE_GOOD
                          : is_well_formed(header) ? SIGNATURE_WRONG
                                                   : SIGNATURE_MALFORMED;
    expect(signature_check(app, header, body, len) == want);
    expect(signature_reason(want)[0] != '\0');
}

// The right header, and it with one character changed, cut short, or of another secret.
static void check_right(const struct config_app *app, const char *secret, const void *body,
                        size_t len)
{
    char header[SIGNATURE_TEXT];
    signature_make(secret, body, len, header);
    expect(signature_check(app, header, body, len) == SIGNATURE_GOOD);
    size_t place = len % (SIGNATURE_TEXT - 1);
    char was = header[place];
    header[place] = was == '0' ? '1' : '0';
    expect(signature_check(app, header, body, len) != SIGNATURE_GOOD);
    header[place] = '\0';
    expect(signature_check(app, header, body, len) == SIGNATURE_MALFORMED);
    const struct config_app nobody = {.secret = (char *)"", .previous_secret = NULL};
    signature_make("", body, len, header);
    expect(signature_check(&nobody, header, body, len) == SIGNATURE_WRONG);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct config_app app = {.secret = (char *)"vector-app-secret-01",
                                   .previous_secret = (char *)"c0ffee00c0ffee00c0ffee00c0ffee00"};
    const uint8_t *end = len > 0 ? memchr(data, '\n', len) : NULL;
    size_t header_len = end ? (size_t)(end - data) : len;
    const uint8_t *body = end ? end + 1 : data + len;
    size_t body_len = end ? len - header_len - 1 : 0;
    char *header = x_dupn(data, header_len); // as in HTTP, it ends at the first NUL
    check_header(&app, header, body, body_len);
    free(header);
    expect(signature_check(&app, NULL, body, body_len) == SIGNATURE_MISSING);
    check_right(&app, app.secret, body, body_len);
    check_right(&app, app.previous_secret, body, body_len);
    return 0;
}
