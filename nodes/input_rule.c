// SPDX-License-Identifier: MIT
// The rules of input nodes.
#include "nodes/input_rule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/uloc.h>

#include "base/json.h"
#include "engine/node.h"
#include "engine/pattern.h"
#include "engine/scope.h"
#include "engine/session.h"
#include "engine/template.h"

enum { SKIP_WORDS_MAX = 50, MEDIA_FILES_MAX = 30 };

/* Types, and the words that builders have for them */

static const struct type_word {
    const char *word;
    enum answer_type type;
    unsigned accept; // of media
} type_words[] = {
    {"text", ANSWER_TEXT, 0},
    {"number", ANSWER_NUMBER, 0},
    {"integer", ANSWER_INTEGER, 0},
    {"email", ANSWER_EMAIL, 0},
    {"phone", ANSWER_PHONE, 0},
    {"url", ANSWER_URL, 0},
    {"date", ANSWER_DATE, 0},
    {"time", ANSWER_TIME, 0},
    {"datetime", ANSWER_DATETIME, 0},
    {"choice", ANSWER_CHOICE, 0},
    {"yesNo", ANSWER_YES_NO, 0},
    {"location", ANSWER_LOCATION, 0},
    {"file", ANSWER_MEDIA, MEDIA_DEFAULT},
    {"media", ANSWER_MEDIA, MEDIA_DEFAULT},
    {"image", ANSWER_MEDIA, MEDIA_IMAGE},
    {"video", ANSWER_MEDIA, MEDIA_VIDEO},
    {"audio", ANSWER_MEDIA, MEDIA_AUDIO},
    {"document", ANSWER_MEDIA, MEDIA_DOCUMENT},
    {"string", ANSWER_TEXT, 0},
    {"int", ANSWER_INTEGER, 0},
    {"phoneNumber", ANSWER_PHONE, 0},
    {"tel", ANSWER_PHONE, 0},
    {"website", ANSWER_URL, 0},
    {"select", ANSWER_CHOICE, 0},
    {"boolean", ANSWER_YES_NO, 0},
    {"confirm", ANSWER_YES_NO, 0},
    {"yes/no", ANSWER_YES_NO, 0},
    {"photo", ANSWER_MEDIA, MEDIA_IMAGE},
    {"attachment", ANSWER_MEDIA, MEDIA_DEFAULT},
};

// In the order of the table above, for the table of fields.
const char *const input_type_words[] = {
    "text",     "number",   "integer", "email",    "phone",       "url",   "date",    "time",
    "datetime", "choice",   "yesNo",   "location", "file",        "media", "image",   "video",
    "audio",    "document", "string",  "int",      "phoneNumber", "tel",   "website", "select",
    "boolean",  "confirm",  "yes/no",  "photo",    "attachment",  NULL,
};
_Static_assert(sizeof type_words / sizeof *type_words + 1 ==
                   sizeof input_type_words / sizeof *input_type_words,
               "each word of a type is in both tables");

const char *const input_accept_words[] = {"image",    "video",   "audio",
                                          "document", "sticker", NULL}; // in the order of MEDIA_…

static void type_parse(struct node_parse *p, struct rule *rule)
{
    const char *word = json_str(p->data, "inputType");
    for (size_t i = 0; word && i < sizeof type_words / sizeof *type_words; i++)
        if (strcmp(type_words[i].word, word) == 0) {
            rule->type = type_words[i].type;
            rule->accept = type_words[i].accept;
        }
}

static void media_parse(struct node_parse *p, struct rule *rule)
{
    const cJSON *item, *list = node_member(p->data, "accept");
    unsigned accept = 0;
    cJSON_ArrayForEach(item, list) {
        for (unsigned bit = 0; input_accept_words[bit]; bit++)
            if (strcmp(input_accept_words[bit], item->valuestring) == 0)
                accept |= 1u << bit;
    }
    rule->accept = accept ? accept : rule->accept;
    rule->max_files = (int)node_number(p->data, "maxFiles", 1);
    if ((list || node_member(p->data, "maxFiles")) && rule->type != ANSWER_MEDIA)
        node_warn(p, "field-unused", "accept and maxFiles matter only to files");
}

static void country_parse(struct node_parse *p, struct rule *rule)
{
    const char *country = json_str(p->data, "country");
    if (!country || !*country)
        return;
    if (!answer_country_is_known(country))
        node_error(p, "field-value",
                   "country: '%.20s' is none; two capital letters are wanted, such as DE", country);
    else
        snprintf(rule->country, sizeof rule->country, "%s", country);
}

/* Bounds */

static bool is_of_time(enum answer_type type)
{
    return type == ANSWER_DATE || type == ANSWER_TIME || type == ANSWER_DATETIME;
}

static void bound_check_text(struct node_parse *p, const struct rule *rule, const char *name,
                             const char *text)
{
    double measure;
    if (!strstr(text, "{{") && !answer_bound(rule, text, &measure))
        node_error(p, "field-value", "validation.%s: '%.40s' is no %s", name, text,
                   rule->type == ANSWER_TIME ? "time, such as 17:30"
                   : is_of_time(rule->type)  ? "date, such as 2026-12-24, today or +30d"
                                             : "number");
}

static void bound_parse(struct node_parse *p, const struct rule *rule, const char *name,
                        struct input_bound *bound)
{
    bound->name = name;
    const cJSON *validation = node_member(p->data, "validation");
    const cJSON *item = node_member(validation, name);
    bound->is_given = item != NULL;
    if (item && cJSON_IsNumber(item) && !is_of_time(rule->type)) {
        bound->number = item->valuedouble;
    } else if (item && cJSON_IsString(item)) {
        bound_check_text(p, rule, name, item->valuestring);
        bound->text = node_template(p, validation, name);
    } else if (item) {
        node_error(p, "field-type", "validation.%s: must be a %s", name,
                   is_of_time(rule->type) ? "text, such as \"+30d\" or \"17:30\"" : "number");
    }
}

static void bounds_parse(struct node_parse *p, struct input_rule *input)
{
    bound_parse(p, &input->rule, "min", &input->min);
    bound_parse(p, &input->rule, "max", &input->max);
    if (input->min.is_given && input->max.is_given && !input->min.text && !input->max.text &&
        input->min.number > input->max.number)
        node_error(p, "field-value", "validation.min: is greater than validation.max");
}

// A template that gives nothing is no bound.
static bool bound_now(struct node_run *run, const struct rule *rule,
                      const struct input_bound *bound, bool *ret_has, double *ret_measure)
{
    *ret_has = bound->is_given;
    *ret_measure = bound->number;
    if (!bound->text)
        return true;
    char *text;
    if (!node_render(run, bound->text, &text))
        return false;
    *ret_has = !text_is_blank(text);
    bool good = !*ret_has || answer_bound(rule, text, ret_measure);
    if (!good)
        err_set(&run->err, ERR_INPUT, "validation.%s: '%.60s' is no bound of this input",
                bound->name, text);
    free(text);
    return good;
}

/* Words that skip */

static void skip_word_add(struct node_parse *p, struct input_rule *input, const cJSON *item)
{
    if (!cJSON_IsString(item) || text_is_blank(item->valuestring) ||
        input->skip_count == SKIP_WORDS_MAX) {
        node_error(p, "field-type", "skip: must be true, a text, or a list of at most %d texts",
                   SKIP_WORDS_MAX);
        return;
    }
    input->skip_words =
        x_realloc(input->skip_words, input->skip_count + 1, sizeof *input->skip_words);
    input->skip_words[input->skip_count++] = x_dup(item->valuestring);
}

static void skip_parse(struct node_parse *p, struct input_rule *input)
{
    const cJSON *item, *skip = node_member(p->data, "skip");
    if (cJSON_IsBool(skip) || !skip) {
        input->may_skip = cJSON_IsTrue(skip);
        return;
    }
    input->may_skip = true;
    if (!cJSON_IsArray(skip)) {
        skip_word_add(p, input, skip);
        return;
    }
    size_t errors = 0;
    cJSON_ArrayForEach(item, skip) {
        if (errors++ <= SKIP_WORDS_MAX)
            skip_word_add(p, input, item);
    }
}

static bool word_skips(const struct input_rule *input, const char *text)
{
    if (!text || !*text)
        return false;
    if (!input->skip_words)
        return answer_is_skip(text);
    for (size_t i = 0; i < input->skip_count; i++)
        if (answer_same_word(input->skip_words[i], text))
            return true;
    return false;
}

bool input_rule_skips(const struct input_rule *input, const char *text, const char *payload)
{
    return input->may_skip && (word_skips(input, text) || word_skips(input, payload));
}

/* The whole */

void input_rule_parse(struct node_parse *p, struct input_rule *input)
{
    struct rule *rule = &input->rule;
    const cJSON *validation = node_member(p->data, "validation");
    type_parse(p, rule);
    rule->required = json_bool(validation, "required", true);
    rule->pattern = node_pattern(p, validation, "pattern");
    bounds_parse(p, input);
    media_parse(p, rule);
    country_parse(p, rule);
    skip_parse(p, input);
}

void input_rule_deinit(struct input_rule *input)
{
    pattern_free(input->rule.pattern);
    template_free(input->min.text);
    template_free(input->max.text);
    for (size_t i = 0; i < input->skip_count; i++)
        free(input->skip_words[i]);
    free(input->skip_words);
}

// The first of: the recorded country, that of a WhatsApp number, those of the locales.
static void country_find(struct node_run *run, const struct scope *scope, char out[COUNTRY_BYTES])
{
    const cJSON *contact = json_get(run->session->vars, "contact");
    const char *recorded = json_str(contact, "country");
    const char *platform = json_str(run->session->vars, "platform");
    const char *locales[] = {scope->locale, json_str(run->env->account, "locale")};
    *out = '\0';
    if (!recorded)
        recorded = json_str(run->env->contact, "country");
    if (recorded && strlen(recorded) == 2 && answer_country_is_known(recorded))
        snprintf(out, COUNTRY_BYTES, "%s", recorded);
    else if (platform && strcmp(platform, "whatsapp") == 0 && json_str(contact, "id"))
        answer_chat_country(json_str(contact, "id"), out);
    for (size_t i = 0; i < 2 && !*out; i++) {
        UErrorCode status = U_ZERO_ERROR;
        char region[ULOC_COUNTRY_CAPACITY];
        if (locales[i] && strlen(locales[i]) < 32 &&
            uloc_getCountry(locales[i], region, sizeof region, &status) == 2 && U_SUCCESS(status) &&
            answer_country_is_known(region))
            memcpy(out, region, COUNTRY_BYTES); // two letters
    }
}

bool input_rule_now(struct node_run *run, const struct input_rule *input, const struct scope *scope,
                    struct rule *ret_rule)
{
    struct rule rule = input->rule;
    rule.locale = scope->locale;
    rule.zone = scope->zone;
    rule.now_ms = run->env->now_ms;
    if (rule.type == ANSWER_PHONE && !*rule.country)
        country_find(run, scope, rule.country);
    if (!bound_now(run, &rule, &input->min, &rule.has_min, &rule.min) ||
        !bound_now(run, &rule, &input->max, &rule.has_max, &rule.max))
        return false;
    *ret_rule = rule;
    return true;
}
