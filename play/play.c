// SPDX-License-Identifier: MIT
// The player (see play.h): line after line of the script goes to the engine, whose effects are
// compared and answered.
#include "play/play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "engine/path.h"
#include "nodes/registry.h"
#include "play/player.h"

#define DEFAULT_CLOCK   "2026-01-05T09:00:00Z"
#define DEFAULT_CONTACT "Ana"
#define NO_FLOW_ID      "000000000000000000000000"

/* The engine */

static bool end_same(const char *written, const char *came)
{
    return strncmp(written, "error", 5) == 0 ? same_prefix(written, came)
                                             : same_text(written, came);
}

static bool end_came(struct player *player)
{
    const struct session *session = &player->session;
    char *text = session->error
                     ? x_printf("%s: %s", session_status_name(session->status), session->error)
                     : x_dup(session_status_name(session->status));
    bool ok = outcome_came(player, LINE_END, text, end_same);
    free(text);
    return ok;
}

static bool engine_call(struct player *player, const struct stimulus *stimulus,
                        struct effect *ret_effect, enum engine_outcome *ret_outcome,
                        struct err *err)
{
    const struct play_options *options = player->options;
    struct engine_env env = {.now_ms = player->now_ms,
                             .seed = player->seed,
                             .limits = options->limits,
                             .on_step = options->on_step,
                             .on_step_arg = options->on_step_arg};
    *ret_outcome = engine_run(player->flow, &player->session, stimulus, &env, ret_effect);
    return play_session_round_trip(&player->session, err) &&
           (*ret_outcome != ENGINE_EFFECT || play_effect_round_trip(ret_effect, err));
}

// What the outside says to the effect: the script's line, or what goes without saying.
static bool effect_answer(struct player *player, const struct effect_row *row,
                          const struct effect *effect, struct effect_answer *ret_answer,
                          struct err *err)
{
    const struct line *line = answer_find(player, row);
    const char *text = line ? line->text : "";
    if (!line && !row->answered) {
        *ret_answer = (struct effect_answer){.result = {.ok = true}};
        return true;
    }
    if (!line && !player->options->update)
        return err_set(err, ERR_INPUT, "below `%s` stands its answer, such as `-> %s`",
                       line_word(row->line), row->fill);
    if (!line)
        text = answer_fill(player, row);
    return row->answer(effect, text, ret_answer, err);
}

static bool effect_came(struct player *player, const struct effect *effect,
                        struct effect_answer *ret_answer, struct err *err)
{
    const struct effect_row *row = effect_row_find(effect->kind);
    if (!row)
        return err_set(err, ERR_INTERNAL, "a transcript has no line for the effect '%s'",
                       effect_kind_name(effect->kind));
    char *text = row->show(effect);
    bool ok = outcome_came(player, row->line, text, row->same);
    free(text);
    choices_remember(player, effect);
    return ok && effect_answer(player, row, effect, ret_answer, err);
}

// Calls the engine, and answers its effects until it waits or ends.
static bool stimulate(struct player *player, const struct stimulus *stimulus, struct err *err)
{
    enum engine_outcome outcome;
    struct effect effect = {0};
    bool ok = engine_call(player, stimulus, &effect, &outcome, err);
    while (ok && outcome == ENGINE_EFFECT) {
        struct effect_answer answer = {0};
        ok = effect_came(player, &effect, &answer, err);
        effect_deinit(&effect);
        struct stimulus result = {.kind = STIMULUS_RESULT, .result = &answer.result};
        ok = ok && engine_call(player, &result, &effect, &outcome, err);
        effect_answer_deinit(&answer);
    }
    effect_deinit(&effect);
    return ok && (player->session.status == SESSION_ACTIVE || end_came(player));
}

/* What happens */

static void session_begin(struct player *player)
{
    char id[37];
    const char *flow_id = json_str(player->options->flow, "_id");
    snprintf(id, sizeof id, "00000000-0000-4000-8000-%012u", ++player->sessions);
    session_deinit(&player->session);
    session_init(&player->session, id,
                 flow_id && strlen(flow_id) == strlen(NO_FLOW_ID) ? flow_id : NO_FLOW_ID, 1,
                 player->now_ms);
    player->running = true;
    choices_forget(player);
}

static bool is_active(const struct player *player)
{
    return player->running && player->session.status == SESSION_ACTIVE;
}

// The worker's rule: what can answer resumes the session, what can start begins one.
static bool event_take(struct player *player, const struct event *event, struct err *err)
{
    struct stimulus stimulus = {.kind = STIMULUS_EVENT, .event = event};
    bool active = is_active(player);
    if (active ? !event_resumes_flow(event)
               : !event_starts_flow(event) || !flow_starts_on(player->flow, event->kind)) {
        char *text = x_printf("%s %s", active ? "no answer is" : "nothing starts by",
                              event_kind_name(event->kind));
        bool ok = outcome_came(player, LINE_IGNORED, text, same_prefix);
        free(text);
        return ok;
    }
    if (!active) {
        session_begin(player);
        stimulus.kind = STIMULUS_START;
    }
    return stimulate(player, &stimulus, err);
}

static bool line_event(struct player *player, const struct line *line, struct err *err)
{
    struct event event;
    if (!input_read(player, line, &event, err))
        return false;
    bool ok = event_take(player, &event, err);
    event_deinit(&event);
    return ok;
}

static bool deadline_within(const struct player *player, int64_t target_ms)
{
    const struct session *session = &player->session;
    return is_active(player) && session->until_ms > 0 && session->until_ms <= target_ms;
}

static bool line_wait(struct player *player, const struct line *line, struct err *err)
{
    int64_t ms;
    if (!duration_parse(line->text, &ms, err))
        return false;
    int64_t target_ms = player->now_ms + ms;
    while (deadline_within(player, target_ms)) {
        uint32_t number = player->session.wait_number;
        if (player->session.until_ms > player->now_ms)
            player->now_ms = player->session.until_ms;
        struct stimulus timer = {.kind = STIMULUS_TIMER, .wait_number = number};
        if (!stimulate(player, &timer, err))
            return false;
        if (is_active(player) && player->session.wait_number == number)
            return err_set(err, ERR_INTERNAL, "the engine did not take the deadline of its wait");
    }
    player->now_ms = target_ms;
    return true;
}

// "path = JSON"; `missing` where there is no such variable.
static bool line_vars(struct player *player, const struct line *line, struct err *err)
{
    size_t len = strcspn(line->text, "=");
    const char *written = line->text + len + (line->text[len] == '=');
    while (len > 0 && line->text[len - 1] == ' ')
        len--;
    struct path *path = path_parse(line->text, len, err);
    if (!path)
        return false;
    const cJSON *value = path_find(path, player->session.vars);
    char *json = value ? json_print(value) : x_dup("missing");
    char *came = x_printf("%.*s = %s", (int)len, line->text, json);
    bool ok = question_came(player, line, came, same_json(written + strspn(written, " "), json));
    free(came);
    free(json);
    path_free(path);
    return ok;
}

/* The head */

static bool line_platform(struct player *player, const struct line *line, struct err *err)
{
    return platform_parse(line->text, &player->platform) ||
           err_set(err, ERR_INPUT, "'%.40s' is no platform: messenger, instagram, whatsapp",
                   line->text);
}

static bool line_clock(struct player *player, const struct line *line, struct err *err)
{
    return moment_parse(line->text, &player->now_ms, err);
}

static bool line_seed(struct player *player, const struct line *line, struct err *err)
{
    char *end;
    player->seed = strtoull(line->text, &end, 10);
    return (*line->text && !*end) || err_set(err, ERR_INPUT, "a seed is a whole number");
}

static bool line_contact(struct player *player, const struct line *line, struct err *err)
{
    player->contact = line->text;
    return true;
}

typedef bool (*line_fn)(struct player *player, const struct line *line, struct err *err);
static const line_fn line_fns[] = {
    [LINE_PLATFORM] = line_platform, [LINE_CLOCK] = line_clock, [LINE_SEED] = line_seed,
    [LINE_CONTACT] = line_contact,   [LINE_USER] = line_event,  [LINE_EVENT] = line_event,
    [LINE_WAIT] = line_wait,         [LINE_VARS] = line_vars,
};

/* The whole */

static bool play_line(struct player *player, struct err *err)
{
    const struct line *line = &player->script.lines[player->at];
    player->number = line->number;
    if (line->kind == LINE_VARS) // takes itself
        return line_vars(player, line, err);
    if ((line->role == ROLE_OUTCOME || line->role == ROLE_ANSWER) && !line->used)
        return err_set(err, ERR_INPUT, "before the flow does anything, the person does (`user:`)");
    if (line->role == ROLE_HEAD && player->messages > 0)
        return err_set(err, ERR_INPUT, "'%s' stands before all that happens",
                       line_word(line->kind));
    script_pass(player);
    if (line->role == ROLE_NOTE || line->used)
        return true;
    return line_fns[line->kind](player, line, err) &&
           (line->role == ROLE_HEAD || outcomes_over(player));
}

static bool play_lines(struct player *player, struct err *err)
{
    while (player->at < player->script.count) {
        if (!play_line(player, err))
            return player->differs || err_prefix(err, "line %zu", player->number);
    }
    return true;
}

static struct flow *flow_open(const cJSON *document, struct err *err)
{
    struct diags diags = {0};
    struct flow *flow = flow_compile(document, node_types, &diags);
    for (size_t i = 0; !flow && i < diags.count; i++) {
        const struct diag *diag = &diags.items[i];
        if (diag->severity != SEVERITY_ERROR)
            continue;
        err_set(err, ERR_INPUT, "the flow does not compile: %s%s%s%s", diag->node ? "node '" : "",
                diag->node ? diag->node : "", diag->node ? "': " : "", diag->text);
        break;
    }
    diags_deinit(&diags);
    return flow;
}

static void player_deinit(struct player *player)
{
    if (player->running)
        session_deinit(&player->session);
    choices_forget(player);
    flow_unref(player->flow);
    script_deinit(&player->script);
    buf_deinit(&player->out);
}

bool play_transcript(const struct play_options *options, struct play_report *ret_report,
                     struct err *err)
{
    struct play_report report = {0};
    struct player player = {
        .options = options, .report = &report, .seed = 1, .contact = DEFAULT_CONTACT};
    bool ok = moment_parse(DEFAULT_CLOCK, &player.now_ms, err) &&
              script_read(options->transcript, &player.script, err) &&
              (player.flow = flow_open(options->flow, err)) != NULL && play_lines(&player, err);
    if (ok) {
        report.same = !player.differs;
        report.text = buf_take(&player.out);
        *ret_report = report;
    }
    player_deinit(&player);
    return ok;
}

void play_report_deinit(struct play_report *report)
{
    free(report->difference);
    free(report->text);
    *report = (struct play_report){0};
}
