// SPDX-License-Identifier: MIT
// The player (see play.h): line after line of the script goes to the engine, whose effects are
// compared and answered.
#include "play/play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "engine/path.h"
#include "engine/trigger.h"
#include "play/player.h"

#define NO_FLOW_ID "000000000000000000000000"

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

static bool round_trip(struct player *player, enum engine_outcome outcome, struct effect *effect,
                       struct err *err)
{
    return play_session_round_trip(&player->session, err) &&
           (outcome != ENGINE_EFFECT || play_effect_round_trip(effect, err));
}

// One call of the engine, and those that bring it the flows that it asks for.
static bool engine_call(struct player *player, const struct stimulus *stimulus,
                        struct effect *ret_effect, enum engine_outcome *ret_outcome,
                        struct err *err)
{
    struct engine_env env = player_env(player);
    struct stimulus next = *stimulus;
    struct err why; // of a flow that cannot be had: the engine reads it in the next call
    for (;;) {
        enum engine_outcome outcome =
            engine_run(player->current, &player->session, &next, &env, ret_effect);
        *ret_outcome = outcome;
        if (!round_trip(player, outcome, ret_effect, err))
            return false;
        if (outcome != ENGINE_FLOW)
            return true;
        const char *id;
        int version;
        session_flow(&player->session, &id, &version);
        struct flow *flow = flow_called(player, id, &why);
        next = (struct stimulus){.kind = STIMULUS_FLOW, .flow_version = 1};
        next.error = flow ? NULL : why.text;
        player->current = flow ? flow : player->current;
    }
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
    ok = ok && effect_answer(player, row, effect, ret_answer, err);
    choices_remember(player, effect);
    if (ok && ret_answer->result.ok)
        contact_change(player, effect->change);
    return ok;
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
    player->current = player->flow;
    choices_forget(player);
}

static bool is_active(const struct player *player)
{
    return player->running && player->session.status == SESSION_ACTIVE;
}

// What can answer resumes the session.
static bool event_answers(const struct player *player, const struct event *event)
{
    if (event->standby || event->group || !event->contact)
        return false;
    return is_active(player) && (event_resumes_flow(event) || event->kind == EVENT_CALLBACK);
}

// The flow's triggers, as the worker asks them: in a chat of its own, while nothing but an
// interruption beats a session that waits.
static bool event_starts(struct player *player, const struct event *event)
{
    const struct session *session = &player->session;
    struct trigger_context context = {.first_contact = !player->met,
                                      .flow_id = event->target, // of a start: this flow
                                      .is_waiting = is_active(player)};
    struct trigger_match match;
    player->met = true;
    if (event->kind == EVENT_START && !event->target) // a flow without an _id
        return !is_active(player);
    if (is_active(player) && session->wait != WAIT_INPUT && session->wait != WAIT_DELAY &&
        session->wait != WAIT_CALLBACK)
        return false;
    return trigger_match(player->flow, event, &context, &match);
}

static bool session_interrupt(struct player *player)
{
    session_abandon(&player->session, "interrupted", player->now_ms);
    return end_came(player);
}

static bool event_ignored(struct player *player, const struct event *event)
{
    char *text = x_printf("%s %s", is_active(player) ? "no answer is" : "nothing starts by",
                          event_kind_name(event->kind));
    bool ok = outcome_came(player, LINE_IGNORED, text, same_prefix);
    free(text);
    return ok;
}

static bool event_take(struct player *player, const struct event *event, struct err *err)
{
    struct stimulus stimulus = {.kind = STIMULUS_EVENT, .event = event};
    if (event_resumes_flow(event))
        player->inbound_ms = event->timestamp_ms;
    bool starts = event_starts(player, event);
    if (!starts && !event_answers(player, event))
        return event_ignored(player, event);
    if (starts && is_active(player) && !session_interrupt(player))
        return false;
    if (starts) {
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

// An operator gives the chat back to the flow.
static bool line_resume(struct player *player, const struct line *line, struct err *err)
{
    struct stimulus stimulus = {.kind = STIMULUS_RESUMED};
    return is_active(player)
               ? stimulate(player, &stimulus, err)
               : outcome_came(player, LINE_IGNORED, "no session is there", same_prefix);
}

static line_fn input_line(enum line_kind kind)
{
    static const line_fn fns[] = {
        [LINE_USER] = line_event,     [LINE_EVENT] = line_event,   [LINE_START] = line_event,
        [LINE_CALLBACK] = line_event, [LINE_RESUME] = line_resume, [LINE_WAIT] = line_wait};
    return fns[kind];
}

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
    if (line->role == ROLE_HEAD)
        return head_line(line->kind)(player, line, err);
    return input_line(line->kind)(player, line, err) && outcomes_over(player);
}

static bool play_lines(struct player *player, struct err *err)
{
    while (player->at < player->script.count) {
        if (!play_line(player, err))
            return player->differs || err_prefix(err, "line %zu", player->number);
    }
    return true;
}

static void player_deinit(struct player *player)
{
    if (player->running)
        session_deinit(&player->session);
    choices_forget(player);
    flows_close(player);
    cJSON_Delete(player->contact);
    cJSON_Delete(player->account);
    script_deinit(&player->script);
    buf_deinit(&player->out);
}

bool play_transcript(const struct play_options *options, struct play_report *ret_report,
                     struct err *err)
{
    struct play_report report = {0};
    struct player player = {.options = options, .report = &report};
    head_init(&player);
    bool ok = script_read(options->transcript, &player.script, err) &&
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
