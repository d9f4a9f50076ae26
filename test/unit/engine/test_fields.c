// SPDX-License-Identifier: MIT
// Templates, expressions and secrets as nodes use them: compiled, evaluated, refused.
#include "test/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/expression.h"
#include "engine/node.h"
#include "engine/path.h"
#include "engine/template.h"

/* probe: sets `kept` to the value of `when`, then calls `url` with `body`. */

struct probe {
    struct expression *when;
    struct template *text, *url;
    struct value_template *body;
    struct path *kept;
};

static void probe_free(void *config)
{
    struct probe *probe = config;
    expression_free(probe->when);
    template_free(probe->text);
    template_free(probe->url);
    value_template_free(probe->body);
    path_free(probe->kept);
    free(probe);
}

static void *probe_parse(struct node_parse *p)
{
    struct probe *probe = x_alloc(sizeof *probe);
    probe->when = node_expression(p, p->data, "when");
    probe->text = node_template(p, p->data, "text");
    probe->url = node_secret_template(p, p->data, "url");
    probe->body = node_secret_value(p, node_member(p->data, "body"), "body");
    probe->kept = node_sets(p, p->data, "variable", NULL);
    return probe;
}

static enum node_verdict probe_enter(struct node_run *run)
{
    const struct probe *probe = run->config;
    struct effect *effect = run->effect;
    cJSON *value;
    if (probe->when && (!node_eval(run, probe->when, &value) || !node_set(run, probe->kept, value)))
        return NODE_FAILED;
    effect->secret_mark = node_secret_mark(run);
    if (probe->text && !node_render(run, probe->text, &effect->text))
        return NODE_FAILED;
    if (probe->url && !node_render(run, probe->url, &effect->url))
        return NODE_FAILED;
    if (probe->body && !node_render_value(run, probe->body, &effect->headers))
        return NODE_FAILED;
    effect->kind = EFFECT_HTTP;
    return NODE_EFFECT;
}

static enum node_verdict probe_resume(struct node_run *run, const struct node_signal *signal)
{
    return NODE_COMPLETED;
}

static const struct node_field probe_fields[] = {
    {.name = "when", .kind = FIELD_EXPRESSION, .help = "an expression"},
    {.name = "text", .kind = FIELD_TEMPLATE, .help = "a text"},
    {.name = "url", .kind = FIELD_SECRETS, .help = "an address"},
    {.name = "body", .kind = FIELD_ANY, .help = "any JSON"},
    {.name = "variable", .kind = FIELD_VARIABLE, .help = "gets the value"},
    {0},
};
static const struct node_type probe = {.name = "probe",
                                       .role = NODE_START,
                                       .fields = probe_fields,
                                       .parse = probe_parse,
                                       .enter = probe_enter,
                                       .resume = probe_resume,
                                       .free = probe_free};
static enum node_verdict stop_enter(struct node_run *run)
{
    return NODE_COMPLETED;
}
static const struct node_type stop = {.name = "stop", .role = NODE_END, .enter = stop_enter};
static const struct node_type *const types[] = {&probe, &stop, NULL};

static struct flow *compile(const char *data, struct diags *diags)
{
    struct err err;
    char *text = x_printf("{\"name\":\"F\",\"variables\":[{\"name\":\"n\",\"type\":\"number\","
                          "\"defaultValue\":3}],\"nodes\":[{\"id\":\"p\",\"type\":\"probe\","
                          "\"data\":%s},{\"id\":\"s\",\"type\":\"stop\"}],\"edges\":[{\"source\":"
                          "\"p\",\"target\":\"s\"}]}",
                          data);
    cJSON *document = json_read(text, strlen(text), &err);
    assert_non_null(document);
    struct flow *flow = flow_compile(document, types, diags);
    cJSON_Delete(document);
    free(text);
    return flow;
}

// Starts the session of the flow that has this data; the effect is the caller's.
static enum engine_outcome start(const char *data, struct session *session, struct effect *effect)
{
    struct diags diags = {0};
    struct flow *flow = compile(data, &diags);
    assert_non_null(flow);
    diags_deinit(&diags);
    static const char shop[] =
        "{\"name\":\"Shop\",\"timezone\":\"America/Sao_Paulo\",\"locale\":\"pt-BR\"}";
    static const char person[] = "{\"language\":\"de\"}";
    struct err err;
    cJSON *account = json_read(shop, strlen(shop), &err);
    cJSON *contact = json_read(person, strlen(person), &err);
    struct engine_env env = {
        .now_ms = INT64_C(1795251600000), .seed = 7, .account = account, .contact = contact};
    struct stimulus stimulus = {.kind = STIMULUS_START};
    session_init(session, "id-1", "f", 1, env.now_ms);
    enum engine_outcome outcome = engine_run(flow, session, &stimulus, &env, effect);
    cJSON_Delete(account);
    cJSON_Delete(contact);
    flow_unref(flow);
    return outcome;
}

static void expressions_and_templates_see_account_session_and_flow(void **state)
{
    struct session session;
    struct effect effect = {0};
    assert_int_equal(start("{\"when\":\"n * 2 + flow.defaults.n\",\"variable\":\"kept\",\"text\":"
                           "\"{{ kept }} {{ account.name }} {{ session.steps }} {{ flow.name }} {{ "
                           "now }} {{ 1.5 | format_number }}\"}",
                           &session, &effect),
                     ENGINE_EFFECT);
    assert_string_equal(effect.text, "9 Shop 1 F 2026-11-21T06:00:00-03:00 1,5");
    effect_deinit(&effect);
    session_deinit(&session);
}

static void secrets_leave_as_marks_that_nobody_can_guess(void **state)
{
    struct session session;
    struct effect effect = {0};
    assert_int_equal(start("{\"url\":\"https://x/{{ secrets.KEY-1 }}\",\"body\":{\"a\":\"{{ "
                           "secrets.KEY-1 }}\",\"b\":[\"x {{ secrets.B }}\"]}}",
                           &session, &effect),
                     ENGINE_EFFECT);
    const char *mark = effect.secret_mark;
    assert_int_equal(strlen(mark), 34);
    assert_int_equal(strspn(mark + 2, "0123456789abcdef"), 32);
    char *url = x_printf("https://x/%sKEY-1%s", mark, mark);
    char *body = x_printf("{\"a\":\"%sKEY-1%s\",\"b\":[\"x %sB%s\"]}", mark, mark, mark, mark);
    char *printed = json_print(effect.headers);
    assert_string_equal(effect.url, url);
    assert_string_equal(printed, body);
    free(url);
    free(body);
    free(printed);
    effect_deinit(&effect);
    session_deinit(&session);
}

static void a_failing_expression_ends_the_session_naming_node_and_place(void **state)
{
    static const struct {
        const char *data, *error;
    } cases[] = {
        {"{\"text\":\"You pay {{ 'x' * n }}\"}",
         "node 'p': {{ 'x' * n }}: at ''x' * n': cannot calculate with text and number"},
        {"{\"when\":\"n / 0\",\"variable\":\"kept\"}", "node 'p': at 'n / 0': division by zero"},
        {"{\"body\":{\"a\":[\"{{ range(100000) }}\"]}}",
         "node 'p': {{ range(100000) }}: an expression costs more than 10000 (limit "
         "expression_cost)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct session session;
        struct effect effect = {0};
        assert_int_equal(start(cases[i].data, &session, &effect), ENGINE_FAILED);
        assert_string_equal(session.error, cases[i].error);
        session_deinit(&session);
    }
}

// The first error's code, or NULL.
static const char *error_code(const struct diags *diags)
{
    for (size_t i = 0; i < diags->count; i++)
        if (diags->items[i].severity == SEVERITY_ERROR)
            return diags->items[i].code;
    return NULL;
}

static void what_cannot_be_is_found_when_the_flow_is_compiled(void **state)
{
    static const struct {
        const char *data, *code; // NULL: nothing is wrong
    } cases[] = {
        {"{\"text\":\"{{ secrets.KEY }}\"}", "secret-misplaced"},
        {"{\"text\":\"{{ secrets.KEY | upper }}\"}", "template-bad"},
        {"{\"text\":\"{{ secrets.KEY }}\",\"variable\":\"secrets\"}", NULL}, // its own
        {"{\"url\":\"{{ secrets.KEY }}\"}", NULL},
        {"{\"url\":\"{{ secrets }}\"}", "secret-bad"},
        {"{\"url\":\"{{ secrets.a.b }}\"}", "secret-bad"},
        {"{\"url\":\"{{ secrets.a&b }}\"}", "secret-bad"},
        {"{\"url\":\"{{ 'Bearer ' + secrets.KEY }}\"}", "template-bad"},
        {"{\"body\":{\"x\":[\"{{ secrets.KEY }}\"]}}", NULL},
        {"{\"when\":\"secrets.KEY\"}", "expression-bad"},
        {"{\"when\":\"n >\"}", "expression-bad"},
        {"{\"when\":\"{{ n > 2 }}\"}", NULL},
        {"{\"when\":5}", "field-type"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct diags diags = {0};
        struct flow *flow = compile(cases[i].data, &diags);
        const char *code = error_code(&diags);
        if (!code != !cases[i].code || (code && strcmp(code, cases[i].code) != 0))
            fail_msg("%s gives %s", cases[i].data, code ? code : "no error");
        diags_deinit(&diags);
        flow_unref(flow);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_and_templates_see_account_session_and_flow),
        cmocka_unit_test(secrets_leave_as_marks_that_nobody_can_guess),
        cmocka_unit_test(a_failing_expression_ends_the_session_naming_node_and_place),
        cmocka_unit_test(what_cannot_be_is_found_when_the_flow_is_compiled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
