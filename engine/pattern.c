// SPDX-License-Identifier: MIT
// Patterns on PCRE2, with bounds on compiling and matching.
#include "engine/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/*
 * PCRE2 counts its own limit anew for each place of the text where a match may begin, so a long
 * text could cost it thousands of times. Steps are therefore counted here, over the whole search:
 * before each item of the pattern, more of them the longer the way since the match's beginning.
 * Enough for any sane validation; a pathological pattern gives up within milliseconds.
 */
enum {
    STEPS_PER_BYTE = 8,   // of the text, beside PATTERN_STEPS
    BYTES_PER_STEP = 512, // of that way
    MATCH_LIMIT = 100000, // PCRE2's own, of one beginning
    DEPTH_LIMIT = 1000,
    HEAP_LIMIT_KIB = 1024,
};

struct pattern {
    pcre2_code *code;
    pcre2_match_context *context;
};

static struct pattern *pattern_compile(const char *text, uint32_t options, struct err *err)
{
    int code;
    PCRE2_SIZE offset;
    pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)text, strlen(text),
                                         options | PCRE2_AUTO_CALLOUT, &code, &offset, NULL);
    if (!compiled) {
        char words[160] = "";
        pcre2_get_error_message(code, (PCRE2_UCHAR *)words, sizeof words);
        err_set(err, ERR_INPUT, "%s at character %zu", words, (size_t)offset);
        return NULL;
    }
    struct pattern *pattern = x_alloc(sizeof *pattern);
    pattern->code = compiled;
    pattern->context = pcre2_match_context_create(NULL);
    if (!pattern->context)
        abort(); // out of memory
    pcre2_set_match_limit(pattern->context, MATCH_LIMIT);
    pcre2_set_depth_limit(pattern->context, DEPTH_LIMIT);
    pcre2_set_heap_limit(pattern->context, HEAP_LIMIT_KIB);
    return pattern;
}

struct pattern *pattern_new(const char *text, struct err *err)
{
    if (strlen(text) > PATTERN_BYTES_MAX) {
        err_set(err, ERR_LIMIT, "a pattern has more than %d bytes", PATTERN_BYTES_MAX);
        return NULL;
    }
    return pattern_compile(text,
                           PCRE2_UTF | PCRE2_ALT_BSUX | PCRE2_DOLLAR_ENDONLY |
                               PCRE2_MATCH_UNSET_BACKREF | PCRE2_NEVER_BACKSLASH_C,
                           err);
}

void pattern_free(struct pattern *pattern)
{
    if (!pattern)
        return;
    pcre2_match_context_free(pattern->context);
    pcre2_code_free(pattern->code);
    free(pattern);
}

struct count {
    uint64_t steps, most;
};

static int step_count(pcre2_callout_block *at, void *arg)
{
    struct count *count = arg;
    count->steps += 1 + (at->current_position - at->start_match) / BYTES_PER_STEP;
    return count->steps > count->most ? PCRE2_ERROR_CALLOUT : 0;
}

enum pattern_match pattern_match_counted(const struct pattern *pattern, const char *text,
                                         uint64_t *steps)
{
    size_t len = strlen(text);
    struct count count = {*steps, *steps + PATTERN_STEPS + (uint64_t)len * STEPS_PER_BYTE};
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    pcre2_match_context *context = pcre2_match_context_copy(pattern->context);
    if (!data || !context)
        abort(); // out of memory
    pcre2_set_callout(context, step_count, &count);
    int found = pcre2_match(pattern->code, (PCRE2_SPTR)text, len, 0, 0, data, context);
    pcre2_match_context_free(context);
    pcre2_match_data_free(data);
    *steps = count.steps;
    if (found >= 0)
        return PATTERN_YES;
    if (found == PCRE2_ERROR_CALLOUT || found == PCRE2_ERROR_MATCHLIMIT ||
        found == PCRE2_ERROR_DEPTHLIMIT || found == PCRE2_ERROR_HEAPLIMIT)
        return PATTERN_LIMIT;
    return PATTERN_NO; // also for a text that is not UTF-8
}

enum pattern_match pattern_match(const struct pattern *pattern, const char *text)
{
    uint64_t steps = 0;
    return pattern_match_counted(pattern, text, &steps);
}
