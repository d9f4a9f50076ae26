// SPDX-License-Identifier: MIT
// Times of day as people write them: "9:30", "9h30", "930", "9.30 p.m.", "a las 9 de la noche".
#include <stdio.h>
#include <string.h>

#include "nodes/answer_readers.h"

struct clock {
    const struct token *numbers[3];
    size_t count;
    enum half half;
    int named; // minutes of "noon"; -1: none
};

// "a" and "am" (German) stand before the hour for nothing, behind it for the morning.
static enum half word_half(const char *word, const struct clock *clock)
{
    if (strcmp(word, "a") == 0 || strcmp(word, "am") == 0)
        return clock->count > 0 ? HALF_AM : HALF_NONE;
    int half = HALF_NONE;
    answer_listed(LIST_HALF, word, &half);
    return (enum half)half;
}

static bool word_take(const char *word, struct clock *clock)
{
    enum half half = word_half(word, clock);
    if (half && clock->half)
        return half == clock->half; // "in the morning at 9 am"
    if (half)
        clock->half = half;
    if (half || (!clock->half && clock->count == 0 && clock->named < 0 &&
                 answer_listed(LIST_CLOCK, word, &clock->named)))
        return true;
    return answer_listed(LIST_TIME_FILLER, word, NULL);
}

// "9-11", "9 / 10", "-9"
static bool is_span(const char *text)
{
    char plain[ANSWER_WORD_BYTES];
    if (!answer_plain(text, plain, sizeof plain))
        return true;
    for (const char *at = strpbrk(plain, "-/+"); at; at = strpbrk(at + 1, "-/+")) {
        const char *next = at + 1 + strspn(at + 1, " ");
        if (*next >= '0' && *next <= '9')
            return true;
    }
    return false;
}

static bool clock_read(const char *text, struct token tokens[TOKENS_MAX], struct clock *clock)
{
    size_t count = is_span(text) ? 0 : answer_tokens(text, tokens);
    *clock = (struct clock){.named = -1};
    for (size_t i = 0; i < count; i++) {
        if (tokens[i].is_number && clock->count == 3)
            return false;
        if (tokens[i].is_number)
            clock->numbers[clock->count++] = &tokens[i];
        else if (!word_take(tokens[i].word, clock))
            return false;
    }
    return count > 0;
}

// The hour of 24; -1: there is none.
static int hour_in_half(int hour, enum half half)
{
    if (half == HALF_NONE)
        return hour <= 23 ? hour : -1;
    if (hour > 12)
        return hour <= 23 && half != HALF_AM ? hour : -1; // "20 Uhr abends"
    if (hour == 0)
        return half == HALF_PM ? -1 : 0;
    if (half == HALF_NIGHT)
        return hour == 12 ? 0 : hour < 6 ? hour : hour + 12;
    return hour % 12 + (half == HALF_PM ? 12 : 0);
}

static bool clock_minutes(const struct clock *clock, int *ret_minutes)
{
    const struct token *first = clock->numbers[0];
    int hour = first->number, minute = clock->count > 1 ? clock->numbers[1]->number : 0;
    if (first->digits > 2 && (clock->count > 1 || first->digits > 4))
        return false;
    if (first->digits > 2) { // "930"
        minute = hour % 100;
        hour /= 100;
    }
    for (size_t i = 1; i < clock->count; i++)
        if (clock->numbers[i]->digits != 2 || clock->numbers[i]->number > 59)
            return false;
    hour = hour_in_half(hour, clock->half);
    if (hour < 0 || minute > 59)
        return false;
    *ret_minutes = hour * 60 + minute;
    return true;
}

bool answer_find_time(const char *text, int *ret_minutes)
{
    struct token tokens[TOKENS_MAX];
    struct clock clock;
    char folded[ANSWER_WORD_BYTES];
    if (answer_fold_words(text, folded) && answer_listed(LIST_CLOCK, folded, ret_minutes))
        return true;
    if (!clock_read(text, tokens, &clock))
        return false;
    if (clock.named >= 0 && clock.count == 0) {
        *ret_minutes = clock.named;
        return true;
    }
    return clock.named < 0 && clock.count > 0 && clock_minutes(&clock, ret_minutes);
}

bool answer_read_time(const struct rule *rule, const struct answer *answer, cJSON **ret_value,
                      double *ret_measure, char why[WHY_BYTES])
{
    int minutes;
    char text[16];
    if (!answer_find_time(answer->text, &minutes))
        return answer_refuse(why, "Please enter a time, such as 14:30.");
    snprintf(text, sizeof text, "%02d:%02d", minutes / 60 % 24, minutes % 60);
    *ret_measure = minutes;
    *ret_value = cJSON_CreateString(text);
    return true;
}
