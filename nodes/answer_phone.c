// SPDX-License-Identifier: MIT
/*
 * Phone numbers, kept as E.164 ("+4917012345678"). Judged by calling code and length alone: whether
 * somebody answers there is not told by a number. (libphonenumber, which knows more, is C++.)
 */
#include "nodes/answer_phone.h"

#include <stdio.h>
#include <string.h>

#include "nodes/answer_readers.h"

enum { PHONE_BYTES = 64, E164_DIGITS = 15, CODE_DIGITS = 3 };

static const struct phone_plan *plan_of_country(const char *country)
{
    for (const struct phone_plan *plan = phone_plans; *plan->country; plan++)
        if (strcmp(plan->country, country) == 0)
            return plan;
    return NULL;
}

// Calling codes are such that none begins another.
static const struct phone_plan *plan_of_digits(const char *digits, size_t *ret_code_len)
{
    int code = 0;
    for (size_t len = 1; len <= CODE_DIGITS && digits[len - 1] && *digits != '0'; len++) {
        code = code * 10 + (digits[len - 1] - '0');
        for (const struct phone_plan *plan = phone_plans; *plan->country; plan++)
            if (plan->calling_code == code) {
                *ret_code_len = len;
                return plan;
            }
    }
    return NULL;
}

bool answer_country_is_known(const char *country)
{
    return *country && plan_of_country(country) != NULL;
}

void answer_chat_country(const char *id, char ret_country[COUNTRY_BYTES])
{
    size_t len = strlen(id), code_len;
    char scoped[COUNTRY_BYTES] = "";
    const struct phone_plan *plan = NULL;
    if (len > CODE_DIGITS && id[2] == '.') {
        memcpy(scoped, id, 2);
        plan = plan_of_country(scoped);
    } else if (len > CODE_DIGITS && len <= E164_DIGITS && strspn(id, "0123456789") == len) {
        plan = plan_of_digits(id, &code_len);
    }
    snprintf(ret_country, COUNTRY_BYTES, "%s", plan ? plan->country : "");
}

/* Reading */

// The digits, and whether a plus stands in front. "(0)" is what is left out from abroad.
static bool digits_read(const char *text, char out[PHONE_BYTES], bool *ret_plus)
{
    char plain[PHONE_BYTES];
    if (!answer_plain(text, plain, sizeof plain))
        return false;
    const char *at = plain + strspn(plain, " ");
    at += strncasecmp(at, "tel:", 4) == 0 ? 4 : 0;
    at += strspn(at, " (");
    *ret_plus = *at == '+';
    at += *ret_plus;
    const char *left_out = *ret_plus ? strstr(at, "(0)") : NULL;
    size_t used = 0;
    for (; *at; at++) {
        if (left_out && at == left_out) {
            at += 2;
            continue;
        }
        if (*at >= '0' && *at <= '9')
            out[used++] = *at;
        else if (!strchr(" -./()", *at))
            return false;
    }
    out[used] = '\0';
    return used > 0;
}

static bool nanp_is_good(const char *national)
{
    return national[0] >= '2' && national[3] >= '2';
}

// The national number behind the calling code, with or without a trunk prefix that does not belong.
static bool national_fits(const struct phone_plan *plan, const char **national)
{
    size_t trunk = strlen(plan->trunk), len = strlen(*national);
    if (trunk && plan->calling_code != 1 && len > (size_t)plan->min &&
        strncmp(*national, plan->trunk, trunk) == 0 && plan->trunk[0] == '0') {
        *national += trunk;
        len -= trunk;
    }
    return len >= (size_t)plan->min && len <= (size_t)plan->max &&
           (plan->calling_code != 1 || nanp_is_good(*national));
}

static bool e164_print(int code, const char *national, char out[PHONE_BYTES])
{
    int len = snprintf(out, PHONE_BYTES, "+%d%s", code, national);
    return len - 1 <= E164_DIGITS;
}

// Digits that begin with a calling code. Countries may share one, and differ in lengths.
static bool international_read(const char *digits, char out[PHONE_BYTES])
{
    size_t code_len;
    const struct phone_plan *first = plan_of_digits(digits, &code_len);
    if (!first)
        return false;
    for (const struct phone_plan *plan = first; plan->calling_code == first->calling_code; plan++) {
        const char *national = digits + code_len;
        // Mexico's mobile numbers had a 1 in front until 2019; WhatsApp's still have.
        if (plan->calling_code == 52 && strlen(national) == 11 && *national == '1')
            national++;
        if (national_fits(plan, &national))
            return e164_print(plan->calling_code, national, out);
    }
    return false;
}

static const char *abroad_prefix(const struct phone_plan *plan)
{
    return plan->calling_code == 1            ? "011"
           : strcmp(plan->country, "AU") == 0 ? "0011"
           : strcmp(plan->country, "JP") == 0 ? "010"
                                              : "00";
}

// "491701234567": where people dial a 0 in front, a number without it that begins with the calling
// code is none of an area that happens to begin so.
static bool plus_was_left_out(const struct phone_plan *plan, const char *digits)
{
    char code[16];
    size_t len = (size_t)snprintf(code, sizeof code, "%d", plan->calling_code);
    return strcmp(plan->trunk, "0") == 0 && strncmp(digits, code, len) == 0 &&
           strlen(digits) >= len + (size_t)plan->min;
}

static bool national_read(const struct phone_plan *plan, const char *digits, char out[PHONE_BYTES])
{
    const char *abroad = abroad_prefix(plan), *national = digits;
    if (strncmp(digits, abroad, strlen(abroad)) == 0 &&
        international_read(digits + strlen(abroad), out))
        return true;
    if (plus_was_left_out(plan, digits) && international_read(digits, out))
        return true;
    size_t trunk = strlen(plan->trunk);
    if (trunk && strncmp(digits, plan->trunk, trunk) == 0 && strlen(digits) > (size_t)plan->min &&
        strlen(digits) - trunk >= (size_t)plan->min &&
        (plan->trunk[0] == '0' || strlen(digits) > (size_t)plan->max))
        national += trunk;
    if (national_fits(plan, &national))
        return e164_print(plan->calling_code, national, out);
    return international_read(digits, out); // "595981…": the plus was left out
}

static bool phone_read(const struct rule *rule, const char *text, char out[PHONE_BYTES])
{
    char digits[PHONE_BYTES];
    bool plus;
    if (!digits_read(text, digits, &plus))
        return false;
    if (plus)
        return international_read(digits, out);
    const struct phone_plan *plan = plan_of_country(rule->country);
    if (plan && *rule->country)
        return national_read(plan, digits, out);
    return strncmp(digits, "00", 2) == 0 && international_read(digits + 2, out);
}

bool answer_read_phone(const struct rule *rule, const struct answer *answer, cJSON **ret_value,
                       double *ret_measure, char why[WHY_BYTES])
{
    char number[PHONE_BYTES];
    bool good = phone_read(rule, answer->text, number) ||
                (answer->payload && phone_read(rule, answer->payload, number));
    if (!good && *rule->country)
        return answer_refuse(why, "Please enter a valid phone number.");
    if (!good)
        return answer_refuse(why, "Please enter a phone number with its country code, such as "
                                  "+49 170 1234567.");
    *ret_measure = (double)strlen(number) - 1;
    *ret_value = cJSON_CreateString(number);
    return true;
}
