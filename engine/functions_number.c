// SPDX-License-Identifier: MIT
// Functions of expressions: numbers.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/unum.h>

#include "engine/functions.h"
#include "engine/icu.h"
#include "engine/value.h"

FUNCTION(abs)
{
    double number;
    return call_number(call, 0, &number) && call_give_number(call, fabs(number), ret);
}

FUNCTION(floor)
{
    double number;
    return call_number(call, 0, &number) && call_give_number(call, floor(number), ret);
}

FUNCTION(ceil)
{
    double number;
    return call_number(call, 0, &number) && call_give_number(call, ceil(number), ret);
}

// Halves away from zero, as people do it with the decimal number that they see: 1.005 is 1.01.
static double round_decimal(double number, int decimals)
{
    char text[40];
    double scale = pow(10, decimals), scaled = number * scale;
    if (!isfinite(scaled) || fabs(scaled) > 1e15)
        return number;
    snprintf(text, sizeof text, "%.15g", scaled);
    return round(strtod(text, NULL)) / scale;
}

FUNCTION(round)
{
    double number;
    int64_t decimals = 0;
    if (!call_number(call, 0, &number) ||
        (call_has(call, 1) && !call_integer(call, 1, -15, 15, &decimals)))
        return false;
    return call_give_number(call, round_decimal(number, (int)decimals), ret);
}

/* Numbers as texts of a locale */

enum { FORMAT_COST = 10 }; // it may have to be opened

struct format {
    UNumberFormatStyle style;
    const char *locale;
};

static void *format_open(const void *arg)
{
    const struct format *format = arg;
    UErrorCode code = U_ZERO_ERROR;
    UNumberFormat *opened = unum_open(format->style, NULL, 0, format->locale, NULL, &code);
    if (U_FAILURE(code))
        return NULL;
    unum_setAttribute(opened, UNUM_ROUNDING_MODE, UNUM_ROUND_HALFUP);
    return opened;
}

static void format_close(void *object)
{
    unum_close(object);
}

static UNumberFormat *format_get(UNumberFormatStyle style, const char *locale)
{
    char key[ICU_KEY_MAX];
    struct format format = {style, locale};
    snprintf(key, sizeof key, "number %d %s", (int)style, locale);
    UNumberFormat *opened = icu_get(key, format_open, &format, format_close);
    if (!opened)
        abort(); // ICU falls back to its root locale, which is in its library
    return opened;
}

static bool format_give(struct call *call, const UNumberFormat *format, double number,
                        struct datum *ret)
{
    UChar text[512];
    UErrorCode code = U_ZERO_ERROR;
    int32_t len = unum_formatDouble(format, number, text, 512, NULL, &code);
    char *narrow = U_SUCCESS(code) && len < 512 ? utf16_to(text, len) : NULL;
    return narrow ? datum_text(call->eval, narrow, ret)
                  : call_fail(call, "the number cannot be written");
}

// The digits behind the point: as argument i says, else between `least` and `most`.
static bool decimals_set(struct call *call, size_t i, UNumberFormat *format, int32_t least,
                         int32_t most)
{
    int64_t decimals;
    if (call_has(call, i)) {
        if (!call_integer(call, i, 0, 15, &decimals))
            return false;
        least = most = (int32_t)decimals;
    }
    unum_setAttribute(format, UNUM_MIN_FRACTION_DIGITS, least);
    unum_setAttribute(format, UNUM_MAX_FRACTION_DIGITS, most);
    return true;
}

FUNCTION(format_number)
{
    double number;
    char locale[LOCALE_MAX];
    if (!eval_charge(call->eval, FORMAT_COST, 0) || !call_number(call, 0, &number) ||
        !call_locale(call, 2, locale))
        return false;
    UNumberFormat *format = format_get(UNUM_DECIMAL, locale);
    return decimals_set(call, 1, format, 0, 3) && format_give(call, format, number, ret);
}

FUNCTION(percent)
{
    double number;
    char locale[LOCALE_MAX];
    if (!eval_charge(call->eval, FORMAT_COST, 0) || !call_number(call, 0, &number) ||
        !call_locale(call, 2, locale))
        return false;
    UNumberFormat *format = format_get(UNUM_PERCENT, locale);
    return decimals_set(call, 1, format, 0, 0) && format_give(call, format, number, ret);
}

FUNCTION(format_currency)
{
    double number;
    const char *currency;
    char locale[LOCALE_MAX];
    UChar code[4] = {0};
    UErrorCode error = U_ZERO_ERROR;
    if (!eval_charge(call->eval, FORMAT_COST, 0) || !call_number(call, 0, &number) ||
        !call_text(call, 1, &currency) || !call_locale(call, 2, locale))
        return false;
    if (strlen(currency) != 3 || strspn(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3)
        return call_fail(call, "a currency is three letters, as EUR or BRL");
    for (int i = 0; i < 3; i++)
        code[i] = (UChar)currency[i];
    UNumberFormat *format = format_get(UNUM_CURRENCY, locale);
    unum_setTextAttribute(format, UNUM_CURRENCY_CODE, code, 3, &error);
    return U_SUCCESS(error) ? format_give(call, format, number, ret)
                            : call_fail(call, "there is no currency '%s'", currency);
}

/* Texts as numbers */

static bool number_read(const char *text, const char *locale, double *ret_number)
{
    int32_t len, at = 0;
    UErrorCode code = U_ZERO_ERROR;
    UChar *wide = utf16_from(text, &len);
    if (!wide)
        return false;
    UNumberFormat *format = format_get(UNUM_DECIMAL, locale);
    double number = unum_parseDouble(format, wide, len, &at, &code);
    free(wide);
    *ret_number = number;
    return U_SUCCESS(code) && at == len && len > 0 && isfinite(number);
}

FUNCTION(number)
{
    double number;
    const char *text;
    char locale[LOCALE_MAX], trimmed[65];
    if (datum_is_number(&call->args[0], &number) && call->count < 2)
        return call_give_number(call, number, ret);
    bool local = call->count > 1;
    if ((local && !eval_charge(call->eval, FORMAT_COST, 0)) || !call_text(call, 0, &text))
        return false;
    text += strspn(text, " \t\r\n");
    size_t len = strlen(text);
    while (len && strchr(" \t\r\n", text[len - 1]))
        len--;
    snprintf(trimmed, sizeof trimmed, "%.*s", (int)(len < 64 ? len : 64), text);
    bool ok = len > 0 && len <= 64;
    if (ok && !local)
        ok = text_is_number(trimmed, &number);
    else if (ok)
        ok = call_locale(call, 1, locale) && number_read(trimmed, locale, &number);
    return ok ? call_give_number(call, number, ret)
              : call_fail(call, "'%.30s' is not a number", trimmed);
}
