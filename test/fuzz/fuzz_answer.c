// SPDX-License-Identifier: MIT
/*
 * Fuzzes the reading of answers: the first four bytes choose type, locale, zone and bounds, the
 * rest is what the person wrote. Whatever it is, it is valid, or refused with a reason; and what a
 * valid answer became is UTF-8.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "nodes/answer.h"

enum { TEXT_MAX = 512 };

static const char *const locales[] = {NULL, "en", "de", "pt-BR", "hi", "ar", "ja", "fr_CA"};
static const char *const zones[] = {NULL, "Europe/Berlin", "Asia/Kolkata", "Pacific/Apia"};

static void outcome_check(enum answer_outcome outcome, cJSON *owned_value, const char *why)
{
    if (outcome == ANSWER_LIMIT || (outcome == ANSWER_VALID) != (owned_value != NULL) ||
        (outcome == ANSWER_INVALID && !*why))
        abort();
    if (cJSON_IsString(owned_value) &&
        !utf8_valid(owned_value->valuestring, strlen(owned_value->valuestring)))
        abort();
    cJSON_Delete(owned_value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 4 || len > TEXT_MAX)
        return 0;
    char *text = x_dupn(data + 4, len - 4), why[WHY_BYTES] = "";
    struct rule rule = {.type = (enum answer_type)(data[0] % ANSWER_CHOICE),
                        .required = data[3] & 1,
                        .has_min = data[3] & 2,
                        .has_max = data[3] & 4,
                        .max = 1e6,
                        .accept = MEDIA_DEFAULT,
                        .max_files = 1,
                        .locale = locales[data[1] % 8],
                        .zone = zones[data[2] % 4],
                        .now_ms = INT64_C(1795269600000)};
    memcpy(rule.country, data[3] & 8 ? "DE" : "US", 2);
    struct answer answer = {.text = text, .payload = data[3] & 16 ? text : NULL};
    cJSON *value = NULL;
    double measure;
    outcome_check(answer_read(&rule, &answer, &value, why), value, why);
    answer_bound(&rule, text, &measure);
    answer_is_skip(text);
    free(text);
    return 0;
}
