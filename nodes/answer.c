// SPDX-License-Identifier: MIT
// Validation of answers.
#include "nodes/answer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "engine/pattern.h"
#include "engine/value.h"

// Something@host.tld without blanks: what can be told without sending a mail.
static bool is_email(const char *text)
{
    const char *at = strchr(text, '@');
    if (!at || at == text || strchr(at + 1, '@') || strpbrk(text, " \t\r\n"))
        return false;
    const char *dot = strrchr(at, '.');
    return dot && dot > at + 1 && dot[1];
}

static void range_explain(const struct rule *rule, const char *what, const char *unit,
                          char why[WHY_BYTES])
{
    if (rule->has_min && rule->has_max)
        snprintf(why, WHY_BYTES, "Please enter %s between %.15g and %.15g%s.", what, rule->min,
                 rule->max, unit);
    else if (rule->has_min)
        snprintf(why, WHY_BYTES, "Please enter %s of at least %.15g%s.", what, rule->min, unit);
    else
        snprintf(why, WHY_BYTES, "Please enter %s of at most %.15g%s.", what, rule->max, unit);
}

static bool in_range(const struct rule *rule, double number)
{
    return !(rule->has_min && number < rule->min) && !(rule->has_max && number > rule->max);
}

// Integers of more than 15 digits stay text: a double would make another number of them.
static cJSON *number_value(const char *text, double number)
{
    return strlen(text) > 15 && strspn(text, "+-0123456789") == strlen(text)
               ? cJSON_CreateString(text)
               : cJSON_CreateNumber(number);
}

static enum answer_outcome number_read(const struct rule *rule, const char *text, cJSON **ret_value,
                                       char why[WHY_BYTES])
{
    double number;
    if (!text_is_number(text, &number)) {
        snprintf(why, WHY_BYTES, "Please enter a number.");
        return ANSWER_INVALID;
    }
    if (!in_range(rule, number)) {
        range_explain(rule, "a number", "", why);
        return ANSWER_INVALID;
    }
    *ret_value = number_value(text, number);
    return ANSWER_VALID;
}

static enum answer_outcome text_read(const struct rule *rule, const char *text, cJSON **ret_value,
                                     char why[WHY_BYTES])
{
    if (rule->type == ANSWER_EMAIL && !is_email(text)) {
        snprintf(why, WHY_BYTES, "Please enter a valid e-mail address.");
        return ANSWER_INVALID;
    }
    if (!in_range(rule, (double)utf8_length(text))) {
        range_explain(rule, "a text", " characters", why);
        return ANSWER_INVALID;
    }
    *ret_value = cJSON_CreateString(text);
    return ANSWER_VALID;
}

enum answer_outcome answer_read(const struct rule *rule, const char *text, cJSON **ret_value,
                                char why[WHY_BYTES])
{
    if (!*text && rule->required) {
        snprintf(why, WHY_BYTES, "Please write an answer.");
        return ANSWER_INVALID;
    }
    if (!*text) {
        *ret_value = rule->type == ANSWER_NUMBER ? cJSON_CreateNull() : cJSON_CreateString("");
        return ANSWER_VALID;
    }
    enum pattern_match match = rule->pattern ? pattern_match(rule->pattern, text) : PATTERN_YES;
    if (match == PATTERN_LIMIT)
        return ANSWER_LIMIT;
    if (match == PATTERN_NO) {
        snprintf(why, WHY_BYTES, "Sorry, that is not in the form we need. Please try again.");
        return ANSWER_INVALID;
    }
    return rule->type == ANSWER_NUMBER ? number_read(rule, text, ret_value, why)
                                       : text_read(rule, text, ret_value, why);
}
