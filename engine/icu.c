// SPDX-License-Identifier: MIT
// The ICU objects that a thread keeps, and UTF-16.
#include "engine/icu.h"

#include <ctype.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/ustring.h>

struct kept {
    char key[ICU_KEY_MAX];
    void *object; // NULL: free
    icu_close_fn close;
    uint64_t used;
};

struct store {
    struct kept kept[ICU_KEPT];
    uint64_t uses;
};

static _Thread_local struct store *store;
static pthread_key_t store_key; // only for its destructor
static pthread_once_t store_once = PTHREAD_ONCE_INIT;

static void store_close(void *arg)
{
    struct store *s = arg;
    for (size_t i = 0; i < ICU_KEPT; i++)
        if (s->kept[i].object)
            s->kept[i].close(s->kept[i].object);
    free(s);
}

static void store_key_make(void)
{
    if (pthread_key_create(&store_key, store_close) != 0)
        abort(); // a process has hundreds of them
}

static struct store *store_open(void)
{
    if (store)
        return store;
    pthread_once(&store_once, store_key_make);
    store = x_alloc(sizeof *store);
    if (pthread_setspecific(store_key, store) != 0)
        abort(); // out of memory
    return store;
}

void *icu_get(const char *key, icu_open_fn open, const void *arg, icu_close_fn close)
{
    struct store *s = store_open();
    struct kept *oldest = &s->kept[0];
    s->uses++;
    for (size_t i = 0; i < ICU_KEPT; i++) {
        struct kept *kept = &s->kept[i];
        if (kept->object && strcmp(kept->key, key) == 0) {
            kept->used = s->uses;
            return kept->object;
        }
        if (kept->used < oldest->used)
            oldest = kept;
    }
    void *object = strlen(key) < ICU_KEY_MAX ? open(arg) : NULL;
    if (!object)
        return NULL;
    if (oldest->object)
        oldest->close(oldest->object);
    snprintf(oldest->key, sizeof oldest->key, "%s", key);
    oldest->object = object;
    oldest->close = close;
    oldest->used = s->uses;
    return object;
}

UChar *utf16_from(const char *text, int32_t *ret_len)
{
    size_t bytes = strlen(text);
    if (bytes > INT32_MAX / 4)
        return NULL;
    UErrorCode code = U_ZERO_ERROR;
    UChar *wide = x_calloc(bytes + 1, sizeof *wide); // never more units than bytes
    u_strFromUTF8(wide, (int32_t)bytes + 1, ret_len, text, (int32_t)bytes, &code);
    if (U_SUCCESS(code))
        return wide;
    free(wide);
    return NULL;
}

char *utf16_to(const UChar *text, int32_t len)
{
    UErrorCode code = U_ZERO_ERROR;
    size_t cap = (size_t)len * 3 + 1; // a unit is three bytes at most
    char *narrow = x_alloc(cap);
    u_strToUTF8(narrow, (int32_t)cap, NULL, text, len, &code);
    if (U_SUCCESS(code))
        return narrow;
    free(narrow);
    return NULL;
}

// One subtag: its letters, or digits, in the case that it has in ICU's names.
static size_t subtag(const char *at, bool digits, int (*first)(int), int (*rest)(int), char *out)
{
    size_t len = 0;
    while (digits ? isdigit((unsigned char)at[len]) : isalpha((unsigned char)at[len])) {
        if (len == 4)
            return 0;
        out[len] = (char)(len ? rest : first)((unsigned char)at[len]);
        len++;
    }
    out[len] = '\0';
    return at[len] == '\0' || at[len] == '-' || at[len] == '_' ? len : 0;
}

// Language, script and region; what may follow (variants, keywords) is left out. Made here, as ICU
// itself is not safe against any text as a locale.
void locale_canonical(const char *locale, char out[LOCALE_MAX])
{
    char language[5], script[5] = "", region[5] = "";
    size_t len = locale ? subtag(locale, false, tolower, tolower, language) : 0;
    if (len != 2 && len != 3) {
        snprintf(out, LOCALE_MAX, "en");
        return;
    }
    const char *at = locale + len;
    len = *at ? subtag(at + 1, false, toupper, tolower, script) : 0;
    if (len == 4)
        at += len + 1;
    else
        *script = '\0';
    bool digits = *at && isdigit((unsigned char)at[1]);
    len = *at ? subtag(at + 1, digits, toupper, toupper, region) : 0;
    if (len != (digits ? 3 : 2))
        *region = '\0';
    snprintf(out, LOCALE_MAX, "%s%s%s%s%s", language, *script ? "_" : "", script,
             *region ? "_" : "", region);
}
