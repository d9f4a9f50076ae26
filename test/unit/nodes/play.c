// SPDX-License-Identifier: MIT
// The fake shell of the flow tests.
#include "play.h"

#include "test/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "nodes/registry.h"
#include "play/play.h"

struct shell {
    const struct play *play;
    struct flow *flow;
    struct session session;
    struct effect effect;
    int64_t now_ms;
    size_t next_result;
    bool round_trip;
    struct buf out;
};

static void quotes_add(struct buf *b, const char *text)
{
    for (; *text; text++)
        buf_add_char(b, *text == '\'' ? '"' : *text);
}

static void nodes_add(struct buf *b, char *lines)
{
    char *save, *line_save;
    const char *comma = "";
    for (char *line = strtok_r(lines, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        const char *id = strtok_r(line, " ", &line_save), *type = strtok_r(NULL, " ", &line_save);
        const char *data = strtok_r(NULL, "", &line_save);
        buf_printf(b, "%s{\"id\":\"%s\",\"type\":\"%s\",\"position\":{\"x\":0,\"y\":0},\"data\":",
                   comma, id, type);
        quotes_add(b, data ? data : "{}");
        buf_add_str(b, "}");
        comma = ",";
    }
}

static void edges_add(struct buf *b, char *words)
{
    char *save;
    int number = 0;
    for (char *word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        char *target = strchr(word, '>'), *label = strchr(word, '='), *handle = strchr(word, ':');
        *target++ = '\0';
        if (label)
            *label++ = '\0';
        if (handle)
            *handle++ = '\0';
        buf_printf(b, "%s{\"id\":\"e%d\",\"source\":\"%s\",\"target\":\"%s\"", number ? "," : "",
                   number + 1, word, target);
        number++;
        if (handle)
            buf_printf(b, ",\"sourceHandle\":\"%s\"", handle);
        for (char *c = label; c && *c; c++)
            *c = *c == '_' ? ' ' : *c;
        if (label)
            buf_printf(b, ",\"label\":\"%s\"", label);
        buf_add_str(b, "}");
    }
}

char *flow_text(const char *nodes, const char *edges, const char *more)
{
    struct buf b = {0};
    char *node_lines = x_dup(nodes), *edge_words = x_dup(edges);
    buf_add_str(&b, "{\"name\":\"Test\",\"nodes\":[");
    nodes_add(&b, node_lines);
    buf_add_str(&b, "],\"edges\":[");
    edges_add(&b, edge_words);
    buf_add_str(&b, "]");
    if (more)
        buf_add_str(&b, ",");
    quotes_add(&b, more ? more : "");
    buf_add_str(&b, "}");
    free(node_lines);
    free(edge_words);
    return buf_take(&b);
}

static cJSON *document_read(const char *text)
{
    struct err err;
    cJSON *document = json_read(text, strlen(text), &err);
    if (!document)
        fail_msg("the test's document: %s: %s", err.text, text);
    return document;
}

static struct flow *flow_open(const char *text)
{
    cJSON *document = document_read(text);
    struct diags diags = {0};
    struct flow *flow = flow_compile(document, node_types, &diags);
    for (size_t i = 0; !flow && i < diags.count; i++)
        print_error("%s %s: %s\n", diags.items[i].code, diags.items[i].node, diags.items[i].text);
    assert_non_null(flow);
    diags_deinit(&diags);
    cJSON_Delete(document);
    return flow;
}

/* The shell */

static void step_show(void *arg, const struct step *step)
{
    struct shell *shell = arg;
    if (shell->play->steps)
        buf_printf(&shell->out, "step %s %s%s%s\n", step->node, step->type,
                   step->decision ? ": " : "", step->decision ? step->decision : "");
}

// Each mark of a secret is shown as ~.
static char *marks_show(const struct effect *e, const char *text)
{
    struct buf out = {0};
    const char *at;
    while (e->secret_mark && (at = strstr(text, e->secret_mark))) {
        buf_add(&out, text, (size_t)(at - text));
        buf_add_str(&out, "~");
        text = at + strlen(e->secret_mark);
    }
    buf_add_str(&out, text);
    return buf_take(&out);
}

static void http_show(struct shell *shell, const struct effect *e)
{
    char *headers = json_print(e->headers);
    char *line = x_printf("http: %s %s %s %s %lld", e->method, e->url, headers,
                          e->body ? e->body : "-", (long long)e->timeout_ms);
    char *shown = marks_show(e, line);
    buf_add_str(&shell->out, shown);
    free(shown);
    free(line);
    free(headers);
}

// What a question has beside its texts, when it has it.
static void ai_show(struct shell *shell, const struct effect *e)
{
    const cJSON *tool;
    const char *before = " tools=";
    cJSON_ArrayForEach(tool, e->tools) {
        buf_printf(&shell->out, "%s%s", before, json_str(tool, "name"));
        before = ",";
    }
    buf_add_str(&shell->out, e->knowledge ? " knowledge" : "");
    buf_add_str(&shell->out, e->schema ? " schema" : "");
    int count = cJSON_GetArraySize(e->rounds);
    if (count == 0)
        return;
    const cJSON *last = cJSON_GetArrayItem(e->rounds, count - 1);
    buf_printf(&shell->out, " rounds=%d", count);
    if (json_str(last, "tool_call_id"))
        buf_printf(&shell->out, " %s", json_str(last, "content"));
}

static void effect_show(struct shell *shell)
{
    const struct effect *e = &shell->effect;
    if (e->message || e->kind == EFFECT_UPDATE) {
        char *line = play_effect_line(e);
        buf_printf(&shell->out, "%s\n", line);
        free(line);
        return;
    }
    if (e->kind == EFFECT_SEND)
        buf_printf(&shell->out, "bot: %s", e->text);
    for (size_t i = 0; i < e->choice_count; i++)
        buf_printf(&shell->out, "%s%s=%s", i ? " | " : " [", e->choices[i].id, e->choices[i].title);
    if (e->choice_count)
        buf_add_str(&shell->out, "]");
    if (e->kind == EFFECT_HTTP)
        http_show(shell, e);
    if (e->kind == EFFECT_AI) {
        char *models = json_print(e->models);
        buf_printf(&shell->out, "ai: %s / %s %s t=%g max=%d history=%d",
                   e->system ? e->system : "-", e->prompt ? e->prompt : "-", models, e->temperature,
                   e->max_tokens, e->history);
        free(models);
        ai_show(shell, e);
    }
    buf_add_str(&shell->out, "\n");
}

static enum engine_outcome run_once(struct shell *shell, const struct stimulus *stimulus)
{
    struct engine_env env = {
        .now_ms = shell->now_ms,
        .limits = shell->play->limits,
        .on_step = step_show,
        .on_step_arg = shell,
    };
    struct err err = {0};
    if (shell->round_trip && !play_session_round_trip(&shell->session, &err))
        fail_msg("%s", err.text);
    return engine_run(shell->flow, &shell->session, stimulus, &env, &shell->effect);
}

static enum engine_outcome effect_answer(struct shell *shell)
{
    const char *error = shell->play->send_error;
    struct effect_result result = {
        .ok = !error, .error = error, .window_closed = error && strcmp(error, "closed") == 0};
    cJSON *value = NULL;
    struct err err = {0};
    if (shell->round_trip && !play_effect_round_trip(&shell->effect, &err))
        fail_msg("%s", err.text);
    effect_show(shell);
    if (shell->effect.kind != EFFECT_SEND) {
        const struct play_result *given = &shell->play->results[shell->next_result++];
        struct buf json = {0};
        quotes_add(&json, given->json ? given->json : "null");
        value = document_read(json.data);
        result = (struct effect_result){
            .ok = given->ok,
            .error = given->error,
            .value = value,
            .status = given->status,
            .timed_out = given->error && strcmp(given->error, "timeout") == 0,
        };
        buf_deinit(&json);
    }
    effect_deinit(&shell->effect);
    shell->now_ms += shell->play->effect_ms;
    struct stimulus stimulus = {.kind = STIMULUS_RESULT, .result = &result};
    enum engine_outcome outcome = run_once(shell, &stimulus);
    cJSON_Delete(value);
    return outcome;
}

// Calls the engine and answers its effects until it waits or ends.
static void stimulate(struct shell *shell, const struct stimulus *stimulus)
{
    enum engine_outcome outcome = run_once(shell, stimulus);
    while (outcome == ENGINE_EFFECT)
        outcome = effect_answer(shell);
    const struct session *session = &shell->session;
    if (outcome == ENGINE_WAITING && session->until_ms)
        buf_printf(&shell->out, "(%s %lld ms)\n", session->wait == WAIT_DELAY ? "delay" : "input",
                   (long long)(session->until_ms - shell->now_ms));
    if (outcome == ENGINE_ENDED || outcome == ENGINE_FAILED)
        buf_printf(&shell->out, "(%s%s%s)\n", session_status_name(session->status),
                   session->error ? ": " : "", session->error ? session->error : "");
}

static void script_line(struct shell *shell, const char *line)
{
    struct event event = {.kind = EVENT_MESSAGE, .platform = PLATFORM_WHATSAPP};
    struct stimulus stimulus = {.kind = STIMULUS_EVENT, .event = &event};
    buf_printf(&shell->out, "> %s\n", line);
    if (strcmp(line, "timer") == 0 || strcmp(line, "old timer") == 0) {
        stimulus.kind = STIMULUS_TIMER;
        stimulus.wait_number = shell->session.wait_number - (line[0] == 'o');
        shell->now_ms = shell->session.until_ms ? shell->session.until_ms : shell->now_ms;
    } else if (strncmp(line, "tap ", 4) == 0) {
        event.payload = (char *)line + 4;
    } else if (strncmp(line, "say ", 4) == 0) {
        event.text = (char *)line + 4;
    } // anything else is a message without a text
    stimulate(shell, &stimulus);
}

static char *play_run(const struct play *play, bool round_trip)
{
    struct shell shell = {.play = play, .round_trip = round_trip, .now_ms = 1000000};
    shell.flow = flow_open(play->document);
    session_init(&shell.session, "5f0c0a52-5d2a-4ad8-9b3f-1b2f0e6c2c11", "665f1c0a9d3e4b2a1c000001",
                 3, shell.now_ms);
    struct event hello = {.kind = EVENT_MESSAGE,
                          .platform = PLATFORM_WHATSAPP,
                          .contact = (char *)"595981",
                          .contact_name = (char *)"Ana",
                          .text = (char *)"hi"};
    struct stimulus start = {.kind = STIMULUS_START, .event = &hello};
    stimulate(&shell, &start);
    for (const char *const *line = play->script; line && *line; line++)
        script_line(&shell, *line);
    session_deinit(&shell.session);
    flow_unref(shell.flow);
    return buf_take(&shell.out);
}

void play_expect(const struct play *play, const char *expected)
{
    char *plain = play_run(play, false), *round = play_run(play, true);
    assert_string_equal(plain, expected);
    assert_string_equal(round, plain);
    free(plain);
    free(round);
}

/* Findings */

static int text_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *codes_take(struct diags *diags)
{
    char **codes = x_calloc(diags->count + 1, sizeof *codes);
    for (size_t i = 0; i < diags->count; i++) {
        const struct diag *diag = &diags->items[i];
        assert_true(diag->text && *diag->text);
        const char *place = diag->node ? diag->node : diag->edge ? diag->edge : "";
        codes[i] = x_printf("%s:%s@%s", diag->severity == SEVERITY_ERROR ? "error" : "warning",
                            diag->code, place);
    }
    qsort(codes, diags->count, sizeof *codes, text_compare);
    struct buf out = {0};
    for (size_t i = 0; i < diags->count; i++) {
        buf_printf(&out, "%s%s", i ? " " : "", codes[i]);
        free(codes[i]);
    }
    free(codes);
    diags_deinit(diags);
    return buf_take(&out);
}

char *lint_codes(const char *text)
{
    cJSON *document = document_read(text);
    struct diags diags = {0};
    flow_lint(document, node_types, &diags);
    cJSON_Delete(document);
    return codes_take(&diags);
}

char *compile_codes(const char *text)
{
    cJSON *document = document_read(text);
    struct diags diags = {0};
    struct flow *flow = flow_compile(document, node_types, &diags);
    assert_true((flow == NULL) == (diags.errors > 0));
    flow_unref(flow);
    cJSON_Delete(document);
    return codes_take(&diags);
}
