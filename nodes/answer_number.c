// SPDX-License-Identifier: MIT
/*
 * Numbers as people write them: "1.234,5", "1,234.5", "1 234,5", "12,34,567", "$5", with digits of
 * any script. What a single separator means is asked of the locale only where both readings are
 * possible ("1.234").
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unum.h>
#include <unicode/utf8.h>

#include "engine/value.h"
#include "nodes/answer_readers.h"

enum {
    NUMBER_BYTES = 128,
    DIGITS_MAX = 60,   // beyond that it is no number that anybody means
    EXACT_DIGITS = 15, // longer whole numbers stay text: a double would make others of them
};

struct number {
    char text[NUMBER_BYTES]; // "-1234.5"
    bool has_fraction;       // other than zeros
    size_t digits;           // of the whole part
};

/* What is written, with plain digits, '.', ',' and ' ' as separators */

static UChar32 separator_plain(UChar32 c)
{
    switch (c) {
    case 0x66b: // Arabic decimal separator
        return ',';
    case 0x66c: // Arabic thousands separator
    case '\'':
    case 0x2019:
        return ' ';
    default:
        return c;
    }
}

// Without a currency's sign in front or behind.
static bool number_plain(const char *text, char out[NUMBER_BYTES])
{
    char plain[NUMBER_BYTES];
    if (!answer_plain(text, plain, sizeof plain))
        return false;
    int32_t at = 0, used = 0, len = (int32_t)strlen(plain);
    while (at < len) {
        UChar32 c;
        U8_NEXT(plain, at, len, c);
        c = separator_plain(c);
        bool at_side = used == 0 || at == len || (used == 1 && (*out == '-' || *out == '+'));
        if (u_charType(c) == U_CURRENCY_SYMBOL && at_side)
            continue;
        if (c >= 0x80)
            return false;
        if (c != ' ' || (used > 0 && out[used - 1] != '-' && out[used - 1] != '+'))
            out[used++] = (char)c;
    }
    while (used > 0 && out[used - 1] == ' ')
        used--;
    out[used] = '\0';
    return used > 0;
}

/* Separators */

static char decimal_of(const struct rule *rule)
{
    char locale[ANSWER_LOCALE_BYTES];
    UErrorCode status = U_ZERO_ERROR;
    answer_locale(rule, locale);
    UNumberFormat *format = unum_open(UNUM_DECIMAL, NULL, 0, locale, NULL, &status);
    UChar symbol[8] = {0};
    if (U_SUCCESS(status))
        unum_getSymbol(format, UNUM_DECIMAL_SEPARATOR_SYMBOL, symbol, 8, &status);
    unum_close(format);
    return U_SUCCESS(status) && (symbol[0] == ',' || symbol[0] == 0x66b) ? ',' : '.';
}

// Groups of three behind the first, or (India) of two and a last one of three.
static bool groups_fit(const char *whole, size_t len, char separator)
{
    size_t group = 0, count = 0, size = 0;
    for (size_t i = len; i-- > 0;) {
        if (whole[i] != separator) {
            group++;
            continue;
        }
        if (count == 0 ? group != 3 : group != (size ? size : group) || group < 2 || group > 3)
            return false;
        size = count == 0 ? 0 : group;
        count++;
        group = 0;
    }
    return group >= 1 && group <= 3 && (size != 2 || group <= 2);
}

/*
 * The place of the decimal separator in "1.234,5", or its end. False when the separators make no
 * sense. *ret_group: what separates groups, or '\0'.
 */
static bool separators_read(const struct rule *rule, const char *text, size_t *ret_decimal,
                            char *ret_group)
{
    const char *dot = strrchr(text, '.'), *comma = strrchr(text, ','), *blank = strchr(text, ' ');
    const char *last = !comma || (dot && dot > comma) ? dot : comma;
    *ret_group = blank ? ' ' : '\0';
    *ret_decimal = last ? (size_t)(last - text) : strlen(text);
    if (!last)
        return true;
    if (dot && comma) {
        if (blank)
            return false;
        *ret_group = last == dot ? ',' : '.';
        return strchr(text, *last) == last;
    }
    bool once = strchr(text, *last) == last;
    size_t whole = (size_t)(last - text), behind = strlen(last + 1);
    bool may_group = !blank && behind == 3 && whole >= 1 && whole <= 3 && *text != '0';
    bool groups =
        !once || (may_group && (rule->type == ANSWER_INTEGER || *last != decimal_of(rule)));
    if (groups) {
        *ret_group = *last;
        *ret_decimal = strlen(text);
    }
    return !(groups && blank);
}

/* The number */

static size_t digits_add(struct number *number, size_t used, const char *digits, size_t len,
                         char group)
{
    for (size_t i = 0; i < len; i++)
        if (!group || digits[i] != group)
            number->text[used++] = digits[i];
    return used;
}

static bool mantissa_read(const struct rule *rule, const char *text, size_t sign,
                          struct number *number)
{
    const char *digits = text + sign;
    char group;
    size_t decimal, used = 0;
    if (!*digits || strspn(digits, "0123456789., ") != strlen(digits) ||
        !separators_read(rule, digits, &decimal, &group))
        return false;
    const char *fraction = digits[decimal] ? digits + decimal + 1 : digits + decimal;
    if (strspn(fraction, "0123456789") != strlen(fraction) ||
        (group && !groups_fit(digits, decimal, group)) || decimal + strlen(fraction) > DIGITS_MAX)
        return false;
    if (sign && *text == '-')
        number->text[used++] = '-';
    used = digits_add(number, used, digits, decimal, group);
    number->digits = used - (sign && *text == '-');
    if (*fraction) {
        if (number->digits == 0)
            number->text[used++] = '0'; // ".5"
        number->text[used++] = '.';
        used = digits_add(number, used, fraction, strlen(fraction), '\0');
    }
    number->text[used] = '\0';
    number->has_fraction = strspn(fraction, "0") != strlen(fraction);
    return number->digits > 0 || *fraction;
}

static bool number_parse(const struct rule *rule, const char *text, struct number *ret_number,
                         double *ret_double)
{
    char plain[NUMBER_BYTES] = "";
    if (!number_plain(text, plain))
        return false;
    if (strpbrk(plain, "eE")) { // "1.5e3": written by a program
        if (!text_is_number(plain, ret_double))
            return false;
        *ret_number = (struct number){.has_fraction = floor(*ret_double) < *ret_double};
        return true;
    }
    if (!mantissa_read(rule, plain, *plain == '-' || *plain == '+', ret_number))
        return false;
    return text_is_number(ret_number->text, ret_double);
}

bool answer_read_number(const struct rule *rule, const struct answer *answer, cJSON **ret_value,
                        double *ret_measure, char why[WHY_BYTES])
{
    struct number number;
    double value;
    bool whole = rule->type == ANSWER_INTEGER;
    if (!number_parse(rule, answer->text, &number, &value))
        return answer_refuse(why, "Please enter a %s.", whole ? "whole number" : "number");
    if (whole && number.has_fraction)
        return answer_refuse(why, "Please enter a whole number.");
    *ret_measure = value;
    bool stays_text = number.digits > EXACT_DIGITS && !number.has_fraction;
    if (stays_text)
        number.text[strcspn(number.text, ".")] = '\0';
    *ret_value = stays_text ? cJSON_CreateString(number.text) : cJSON_CreateNumber(value);
    return true;
}
