// SPDX-License-Identifier: MIT
// The half of the node authors' API that enter() and resume() use.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "engine/expression.h"
#include "engine/node.h"
#include "engine/scope.h"
#include "engine/template.h"
#include "engine/value.h"

enum node_verdict node_go(struct node_run *run, int target, const char *decision)
{
    run->target = target;
    if (decision)
        run->decision = decision;
    return NODE_GO;
}

enum node_verdict node_call(struct node_run *run, struct node_call owned_call)
{
    run->call = owned_call;
    return NODE_CALL;
}

// splitmix64: a good mix of what is put in.
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

uint64_t node_chance(const struct node_run *run, const char *salt, uint64_t bound)
{
    uint64_t x = mix(run->env->seed) ^ run->session->steps;
    for (; *salt; salt++)
        x = mix(x ^ (unsigned char)*salt);
    return bound ? mix(x) % bound : 0;
}

char *node_secret_mark(const struct node_run *run)
{
    uint64_t half[2];
    for (size_t i = 0; i < 2; i++) {
        half[i] = mix(run->env->seed ^ mix(i + 1)) ^ run->session->effect_seq;
        for (const char *c = run->session->id; *c; c++)
            half[i] = mix(half[i] ^ (unsigned char)*c);
    }
    return x_printf("hm%016llx%016llx", (unsigned long long)half[0], (unsigned long long)half[1]);
}

enum node_verdict node_wait_input(struct node_run *run, int64_t timeout_ms)
{
    run->wait_ms = timeout_ms;
    return NODE_WAIT_INPUT;
}

enum node_verdict node_wait_delay(struct node_run *run, int64_t delay_ms)
{
    run->wait_ms = delay_ms;
    return NODE_WAIT_DELAY;
}

enum node_verdict node_wait_callback(struct node_run *run, int64_t timeout_ms)
{
    run->wait_ms = timeout_ms;
    return NODE_WAIT_CALLBACK;
}

enum node_verdict node_complete(struct node_run *run, const char *outcome)
{
    free(run->session->outcome);
    run->session->outcome = x_dup(outcome);
    return NODE_COMPLETED;
}

PRINTF_LIKE(2, 0)
static void fail_set(struct node_run *run, const char *fmt, va_list ap)
{
    run->err.code = ERR_INPUT;
    vsnprintf(run->err.text, sizeof run->err.text, fmt, ap);
}

enum node_verdict node_fail(struct node_run *run, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fail_set(run, fmt, ap);
    va_end(ap);
    return NODE_FAILED;
}

enum node_verdict node_fail_to(struct node_run *run, int target, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fail_set(run, fmt, ap);
    va_end(ap);
    if (target == NOWHERE)
        return NODE_FAILED;
    return node_go(run, target, node_decide(run, "error: %s", run->err.text));
}

const char *node_decide(struct node_run *run, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(run->scratch, sizeof run->scratch, fmt, ap);
    va_end(ap);
    text_tidy(run->scratch);
    run->decision = run->scratch;
    return run->decision;
}

bool node_charge(struct node_run *run, uint64_t units)
{
    if (!run->cost_left)
        return true;
    bool ok = units <= *run->cost_left;
    *run->cost_left = ok ? *run->cost_left - (uint32_t)units : 0;
    return ok || err_set(&run->err, ERR_LIMIT,
                         "expressions and patterns cost more than %u in one run (limit run_cost)",
                         (unsigned)run->limits->run_cost);
}

static void run_scope(const struct node_run *run, struct scope *scope)
{
    scope_init(scope, run->session, run->flow, run->env, run->limits);
    scope->secret_mark = run->effect->secret_mark;
    scope->cost_left = run->cost_left;
}

bool node_render_escaped(struct node_run *run, const struct template *template,
                         template_escape_fn escape, char **ret_text)
{
    struct scope scope;
    struct buf out;
    run_scope(run, &scope);
    buf_init(&out, run->limits->output_bytes);
    bool ok = template_render(template, &scope, escape, &out, &run->err);
    scope_deinit(&scope);
    if (ok)
        *ret_text = buf_take(&out);
    else
        buf_deinit(&out);
    return ok;
}

bool node_render(struct node_run *run, const struct template *template, char **ret_text)
{
    return node_render_escaped(run, template, NULL, ret_text);
}

bool node_render_value(struct node_run *run, const struct value_template *template,
                       cJSON **ret_value)
{
    struct scope scope;
    run_scope(run, &scope);
    cJSON *value = value_template_render(template, &scope, run->limits->output_bytes, &run->err);
    scope_deinit(&scope);
    if (value)
        *ret_value = value;
    return value;
}

bool node_eval(struct node_run *run, const struct expression *expression, cJSON **ret_value)
{
    struct scope scope;
    run_scope(run, &scope);
    scope.secret_mark = NULL; // what it gives may be kept
    cJSON *value = expression_eval(expression, &scope, &run->err);
    scope_deinit(&scope);
    if (value)
        *ret_value = value;
    return value;
}

bool node_set(struct node_run *run, const struct path *path, cJSON *owned_value)
{
    return vars_set(run->session->vars, path, owned_value, run->limits, &run->err);
}

enum node_verdict node_send(struct node_run *run, char *owned_text)
{
    run->effect->kind = EFFECT_SEND;
    run->effect->text = owned_text;
    return NODE_EFFECT;
}

bool text_is_blank(const char *text)
{
    return !text || text[strspn(text, " \t\r\n")] == '\0';
}

const cJSON *node_state_value(const struct node_run *run, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(run->session->node_state, name);
}

void node_state_put(struct node_run *run, const char *name, cJSON *owned_value)
{
    struct session *session = run->session;
    if (!session->node_state)
        session->node_state = cJSON_CreateObject();
    cJSON_DeleteItemFromObjectCaseSensitive(session->node_state, name);
    cJSON_AddItemToObject(session->node_state, name, owned_value);
}

int node_state_get(const struct node_run *run, const char *name)
{
    const cJSON *item = node_state_value(run, name);
    return cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble < 1e9
               ? (int)item->valuedouble
               : 0;
}

void node_state_set(struct node_run *run, const char *name, int value)
{
    node_state_put(run, name, cJSON_CreateNumber(value));
}
