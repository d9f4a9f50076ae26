// SPDX-License-Identifier: MIT
/*
 * schedule: whether it is opening time: by the node's own hours, else by the account's
 * (integrations.settings.businessHours: {enabled, timezone, schedule}).
 */
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/node.h"
#include "engine/path.h"
#include "engine/zone.h"
#include "nodes/types.h"
#include "nodes/week.h"

struct schedule {
    struct week *week; // NULL: the account's
    struct week extra; // exceptions, where the hours are the account's
    char *zone;        // NULL: the account's
    struct path *variable;
    int open, closed;
};

static void schedule_free(void *config)
{
    struct schedule *schedule = config;
    free(schedule->week);
    free(schedule->zone);
    path_free(schedule->variable);
    free(schedule);
}

static void *schedule_parse(struct node_parse *p)
{
    struct schedule *schedule = x_alloc(sizeof *schedule);
    const cJSON *hours = node_member(p->data, "hours");
    const char *zone = json_str(p->data, "timezone");
    struct err err;
    if (hours) {
        schedule->week = x_alloc(sizeof *schedule->week);
        if (!week_parse(hours, schedule->week, &err))
            node_error(p, "field-value", "hours: %s", err.text);
    }
    struct week *week = schedule->week ? schedule->week : &schedule->extra;
    if (!week_parse_exceptions(node_member(p->data, "exceptions"), week, &err) ||
        !week_parse_exceptions(node_member(p->data, "holidays"), week, &err))
        node_error(p, "field-value", "exceptions, holidays: %s", err.text);
    if (zone && !zone_is_known(zone))
        node_error(p, "field-value", "timezone: '%.60s' is unknown; such as \"Europe/Berlin\"",
                   zone);
    schedule->zone = x_dup(zone);
    schedule->variable = node_sets(p, p->data, "variable", NULL);
    node_edge(p, "error"); // the engine takes it when the account's hours cannot be read
    schedule->closed = node_edge(p, "closed");
    schedule->open = node_edge(p, "open");
    int other = node_default_edge(p);
    if (schedule->open == NOWHERE)
        schedule->open = other;
    else if (schedule->closed == NOWHERE)
        schedule->closed = other;
    return schedule;
}

// The account's hours, with the node's exceptions. False: it has none, and is always open.
static bool account_week(struct node_run *run, const struct schedule *schedule, struct week *week,
                         const char **ret_zone, struct err *err)
{
    const cJSON *hours = json_get(run->env->account, "businessHours");
    const cJSON *plan = json_get(hours, "schedule");
    const char *zone = json_str(hours, "timezone");
    *week = schedule->extra;
    *ret_zone = schedule->zone ? schedule->zone : zone;
    if (!json_bool(hours, "enabled", false) || !plan)
        return false;
    struct week own;
    if (!week_parse(plan, &own, err))
        return false;
    for (int i = 0; i < 7; i++)
        week->days[i] = own.days[i];
    return true;
}

static bool result_store(struct node_run *run, const struct schedule *schedule, bool open,
                         int64_t opens_ms, const char *zone)
{
    char at[ISO_TEXT_MAX];
    if (!schedule->variable)
        return true;
    cJSON *result = cJSON_CreateObject();
    cJSON_AddBoolToObject(result, "open", open);
    if (opens_ms) {
        zone_print_iso(opens_ms, zone, at);
        json_add_str(result, "opensAt", at);
    }
    return node_set(run, schedule->variable, result);
}

static enum node_verdict schedule_enter(struct node_run *run)
{
    const struct schedule *schedule = run->config;
    struct err err = {0};
    struct week account;
    const struct week *week = schedule->week;
    const char *zone = schedule->zone;
    bool always = false;
    if (!week) {
        always = !account_week(run, schedule, &account, &zone, &err);
        week = &account;
    } else if (!zone) {
        zone = json_str(json_get(run->env->account, "businessHours"), "timezone");
    }
    if (!zone)
        zone = json_str(run->env->account, "timezone");
    if (err.code)
        return node_fail(run, "the account's businessHours.schedule: %.180s", err.text);
    int64_t now = run->env->now_ms;
    bool open = always || week_is_open(week, now, zone);
    if (!result_store(run, schedule, open, open ? now : week_opens_at(week, now, zone), zone))
        return NODE_FAILED;
    return node_go(run, open ? schedule->open : schedule->closed, open ? "open" : "closed");
}

static const char *const aliases[] = {"scheduleNode", "businessHours", NULL};
static const char *const handles[] = {"open", "closed", "error", NULL};

static const struct node_field fields[] = {
    {.name = "hours",
     .kind = FIELD_OBJECT,
     .help = "by weekday: \"09:00-17:00\", or a list of such; days without are closed; else the "
             "account's settings.businessHours"},
    {.name = "timezone",
     .kind = FIELD_STRING,
     .help = "such as \"Europe/Berlin\"; else the "
             "account's, else UTC"},
    {.name = "holidays", .kind = FIELD_LIST, .help = "dates (\"2026-12-25\") that are closed"},
    {.name = "exceptions", .kind = FIELD_OBJECT, .help = "by date: other hours than the weekday's"},
    {.name = "variable", .kind = FIELD_VARIABLE, .help = "gets {open, opensAt}"},
    {0},
};

const struct node_type node_schedule = {
    .name = "schedule",
    .aliases = aliases,
    .summary = "Tells whether it is opening time.",
    .fields = fields,
    .handles = handles,
    .parse = schedule_parse,
    .enter = schedule_enter,
    .free = schedule_free,
};
