// SPDX-License-Identifier: MIT
/*
 * The script beside what comes (see player.h). While comparing, each thing that comes must be the
 * script's next line. While updating, what comes is written, in the place of the outcome that
 * stands there; comments stay, and answers are looked for among those of the same input.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "play/player.h"

enum { LINES_BEFORE = 8 }; // shown above a difference

static void text_add(struct player *player, const char *line)
{
    buf_add_str(&player->out, line);
    buf_add_char(&player->out, '\n');
}

void script_pass(struct player *player)
{
    struct line *line = &player->script.lines[player->at++];
    player->number = line->number;
    if (!line->used)
        text_add(player, line->raw);
}

static bool is_reply(const struct line *line)
{
    return line->role == ROLE_OUTCOME || line->role == ROLE_ANSWER;
}

// The first line from `i` on that is no comment and was not used.
static size_t skip_notes(const struct player *player, size_t i)
{
    const struct script *script = &player->script;
    while (i < script->count && (script->lines[i].role == ROLE_NOTE || script->lines[i].used))
        i++;
    return i;
}

// What comes next of the script: an outcome or an answer before the next input, or NULL. Comments
// before it are passed over.
static struct line *script_expected(struct player *player)
{
    size_t next = skip_notes(player, player->at);
    if (next == player->script.count || !is_reply(&player->script.lines[next]))
        return NULL;
    while (player->at < next)
        script_pass(player);
    return &player->script.lines[next];
}

/* A difference */

// `text` with a title before its first line, and blanks before the others.
static void titled_add(struct buf *out, const char *title, const char *text)
{
    buf_printf(out, "%12s  ", title);
    for (; *text; text++) {
        buf_add_char(out, *text);
        if (*text == '\n')
            buf_printf(out, "%14s", "");
    }
    buf_add_char(out, '\n');
}

static void lines_before_add(const struct player *player, struct buf *out)
{
    size_t first = player->at > LINES_BEFORE ? player->at - LINES_BEFORE : 0;
    for (size_t i = first; i < player->at; i++) {
        const struct line *line = &player->script.lines[i];
        char number[INT_TEXT];
        int_text((int64_t)line->number, number);
        titled_add(out, number, line->raw);
    }
}

static bool report_difference(struct player *player, const struct line *line, const char *expected,
                              const char *came)
{
    struct play_report *report = player->report;
    struct buf out = {0};
    report->line = line ? line->number : player->number + 1;
    buf_printf(&out, "line %zu came otherwise:\n", report->line);
    lines_before_add(player, &out);
    titled_add(&out, "expected", expected);
    titled_add(&out, "came", came);
    report->difference = buf_take(&out);
    player->differs = true;
    return false;
}

/* What comes */

static bool outcome_differs(struct player *player, const struct line *line, const char *came)
{
    char *expected = line ? line_print(line->kind, line->text) : x_dup("nothing more here");
    report_difference(player, line, expected, came);
    free(expected);
    return false;
}

bool outcome_came(struct player *player, enum line_kind kind, const char *came,
                  bool (*same)(const char *written, const char *came))
{
    char *text = x_dup(came);
    line_tidy(text);
    struct line *line = script_expected(player);
    bool ok = line && line->kind == kind && same(line->text, text);
    if (ok) {
        script_pass(player);
    } else {
        char *print = line_print(kind, text);
        if (player->options->update) {
            player->at += line && line->role == ROLE_OUTCOME;
            text_add(player, print);
            ok = true;
        } else {
            outcome_differs(player, line, print);
        }
        free(print);
    }
    free(text);
    return ok;
}

static char *silence_text(const struct player *player)
{
    const struct session *session = &player->session;
    char until[32];
    if (!player->running)
        return x_dup("nothing: no session was started");
    if (session->status != SESSION_ACTIVE)
        return x_dup("nothing: the session is over");
    if (!session->until_ms)
        return x_dup("nothing: the flow waits for the person");
    clock_iso(session->until_ms, until);
    return x_printf("nothing: the flow waits %s %s",
                    session->wait == WAIT_DELAY ? "until" : "for the person, until", until);
}

// An answer that nothing asked for is kept as a comment: somebody has written it.
static void answer_keep(struct player *player, const struct line *line)
{
    buf_add_str(&player->out, "# not asked for: ");
    for (const char *c = line->raw + strspn(line->raw, " \t"); *c; c++) {
        buf_add_char(&player->out, *c);
        if (*c == '\n')
            buf_add_str(&player->out, "# ");
    }
    buf_add_char(&player->out, '\n');
}

bool outcomes_over(struct player *player)
{
    struct line *line;
    while ((line = script_expected(player))) {
        if (!player->options->update) {
            char *came = silence_text(player);
            outcome_differs(player, line, came);
            free(came);
            return false;
        }
        if (line->role == ROLE_ANSWER)
            answer_keep(player, line);
        player->at++;
    }
    return true;
}

/* Answers */

static bool answers(const struct line *line, const struct effect_row *row)
{
    return line->role == ROLE_ANSWER && !line->used &&
           (line->owner == row->line || (line->owner == LINE_NOTE && row->answered));
}

struct line *answer_find(struct player *player, const struct effect_row *row)
{
    struct script *script = &player->script;
    size_t i = skip_notes(player, player->at);
    if (player->options->update)
        while (i < script->count && is_reply(&script->lines[i]) && !answers(&script->lines[i], row))
            i = skip_notes(player, i + 1);
    if (i == script->count || !answers(&script->lines[i], row))
        return NULL;
    struct line *line = &script->lines[i];
    if (!player->options->update)
        while (player->at <= i)
            script_pass(player);
    else
        text_add(player, line->raw);
    line->used = true;
    player->number = line->number;
    return line;
}

const char *answer_fill(struct player *player, const struct effect_row *row)
{
    char *line = line_print(LINE_ANSWER, row->fill);
    text_add(player, line);
    free(line);
    return row->fill;
}

bool question_came(struct player *player, const struct line *line, const char *came, bool same)
{
    char *print = line_print(line->kind, came);
    if (same || !player->options->update) {
        if (!same)
            outcome_differs(player, line, print);
        else
            script_pass(player);
    } else {
        player->at++;
        text_add(player, print);
    }
    free(print);
    return !player->differs;
}
