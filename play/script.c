// SPDX-License-Identifier: MIT
// Reads a transcript's lines (see script.h).
#include "play/script.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/config.h"
#include "base/utf8.h"
#include "play/play.h"

#define BLANKS   " \t\r"
#define CONTINUE "    | "

static const struct {
    const char *word;
    enum line_role role;
} words[] = {
    [LINE_NOTE] = {"#", ROLE_NOTE},
    [LINE_PLATFORM] = {"platform", ROLE_HEAD},
    [LINE_CLOCK] = {"clock", ROLE_HEAD},
    [LINE_SEED] = {"seed", ROLE_HEAD},
    [LINE_CONTACT] = {"contact", ROLE_HEAD},
    [LINE_ACCOUNT] = {"account", ROLE_HEAD},
    [LINE_TIMEZONE] = {"timezone", ROLE_HEAD},
    [LINE_USER] = {"user:", ROLE_INPUT},
    [LINE_EVENT] = {"event:", ROLE_INPUT},
    [LINE_START] = {"start:", ROLE_INPUT},
    [LINE_CALLBACK] = {"callback:", ROLE_INPUT},
    [LINE_RESUME] = {"resume", ROLE_INPUT},
    [LINE_WAIT] = {"wait", ROLE_INPUT},
    [LINE_VARS] = {"vars:", ROLE_INPUT},
    [LINE_BOT] = {"bot:", ROLE_OUTCOME},
    [LINE_API] = {"api:", ROLE_OUTCOME},
    [LINE_AI] = {"ai:", ROLE_OUTCOME},
    [LINE_UPDATE] = {"update:", ROLE_OUTCOME},
    [LINE_END] = {"end:", ROLE_OUTCOME},
    [LINE_IGNORED] = {"ignored:", ROLE_OUTCOME},
    [LINE_ANSWER] = {"->", ROLE_ANSWER},
};
enum { WORDS = sizeof words / sizeof *words };

const char *line_word(enum line_kind kind)
{
    return words[kind].word;
}

char *line_print(enum line_kind kind, const char *text)
{
    struct buf out = {0};
    buf_printf(&out, "%s%s%s", kind == LINE_ANSWER ? "  " : "", words[kind].word,
               *text && *text != '\n' ? " " : "");
    for (; *text; text++) {
        buf_add_char(&out, *text);
        if (*text == '\n')
            buf_add_str(&out, text[1] == '\n' || !text[1] ? "    |" : CONTINUE);
    }
    return buf_take(&out);
}

void line_tidy(char *text)
{
    char *out = text;
    for (text += strspn(text, BLANKS); *text;) {
        size_t len = strcspn(text, "\n"), kept = len;
        while (kept > 0 && strchr(BLANKS, text[kept - 1]))
            kept--;
        memmove(out, text, kept);
        out += kept;
        text += len;
        if (*text == '\n')
            *out++ = *text++;
    }
    *out = '\0';
}

/* Reading */

static bool kind_find(const char *line, size_t len, enum line_kind *ret_kind, struct err *err)
{
    const char *names[WORDS + 1] = {NULL};
    size_t count = 0;
    for (size_t i = LINE_NOTE + 1; i < WORDS; i++) {
        if (strlen(words[i].word) == len && strncmp(line, words[i].word, len) == 0) {
            *ret_kind = (enum line_kind)i;
            return true;
        }
        names[count++] = words[i].word;
    }
    char *word = x_dupn(line, len < 40 ? len : 40);
    const char *near = nearest_word(word, names, 2);
    err_set(err, ERR_INPUT, "'%s' begins no line of a transcript%s%s%s", word,
            near ? "; is it '" : "", near ? near : "", near ? "'?" : "");
    free(word);
    return false;
}

// How long the word is that begins the line: to a colon, or to a blank.
static size_t word_length(const char *line)
{
    size_t len = strcspn(line, ": \t");
    return line[len] == ':' ? len + 1 : len;
}

static bool is_continuation(const char *text)
{
    size_t blanks = strspn(text, BLANKS);
    return blanks > 0 && text[blanks] == '|';
}

static void line_continue(struct line *line, const char *text)
{
    char *old = line->text, *old_raw = line->raw;
    const char *more = strchr(text, '|') + 1;
    line->text = x_printf("%s\n%s", old, *more == ' ' ? more + 1 : more);
    line->raw = x_printf("%s\n%s", old_raw, text);
    free(old);
    free(old_raw);
}

static bool line_add(struct script *script, const char *text, size_t number, struct err *err)
{
    struct line *last = script->count > 0 ? &script->lines[script->count - 1] : NULL;
    if (is_continuation(text)) {
        if (!last || last->kind == LINE_NOTE)
            return err_set(err, ERR_INPUT, "a line with '|' goes on with the one before it");
        line_continue(last, text);
        return true;
    }
    const char *start = text + strspn(text, BLANKS);
    size_t len = strncmp(start, "->", 2) == 0 ? 2 : word_length(start);
    struct line line = {.number = number};
    if (*start && *start != '#' && !kind_find(start, len, &line.kind, err))
        return false;
    line.role = words[line.kind].role;
    line.text = x_dup(line.kind == LINE_NOTE ? start : start + len);
    line.raw = x_dup(text);
    script->lines[script->count++] = line;
    return true;
}

// Each answer belongs to the outcome that it stands under.
static void owners_find(struct script *script)
{
    enum line_kind owner = LINE_NOTE;
    for (size_t i = 0; i < script->count; i++) {
        struct line *line = &script->lines[i];
        line_tidy(line->text);
        if (line->role == ROLE_ANSWER)
            line->owner = owner;
        if (line->role != ROLE_NOTE)
            owner = line->role == ROLE_OUTCOME ? line->kind : LINE_NOTE;
    }
}

static size_t lines_count(const char *text)
{
    size_t count = 1;
    for (; *text; text++)
        count += *text == '\n';
    return count;
}

static bool lines_add(struct script *script, const char *text, struct err *err)
{
    for (size_t number = 1; *text; number++) {
        size_t len = strcspn(text, "\n");
        char *line = x_dupn(text, len);
        for (size_t end = len; end > 0 && strchr(BLANKS, line[end - 1]); end--)
            line[end - 1] = '\0';
        bool ok = line_add(script, line, number, err);
        free(line);
        if (!ok)
            return err_prefix(err, "line %zu", number);
        text += len + (text[len] == '\n');
    }
    return true;
}

bool script_read(const char *text, struct script *ret_script, struct err *err)
{
    if (strlen(text) > PLAY_TEXT_MAX || lines_count(text) > PLAY_LINES_MAX)
        return err_set(err, ERR_LIMIT, "a transcript has at most %d bytes and %d lines",
                       PLAY_TEXT_MAX, PLAY_LINES_MAX);
    if (!utf8_valid(text, strlen(text)))
        return err_set(err, ERR_INPUT, "the transcript is not UTF-8");
    struct script script = {.lines = x_calloc(lines_count(text), sizeof *script.lines)};
    if (!lines_add(&script, text, err)) {
        script_deinit(&script);
        return false;
    }
    owners_find(&script);
    *ret_script = script;
    return true;
}

void script_deinit(struct script *script)
{
    for (size_t i = 0; i < script->count; i++) {
        free(script->lines[i].text);
        free(script->lines[i].raw);
    }
    free(script->lines);
    *script = (struct script){0};
}
