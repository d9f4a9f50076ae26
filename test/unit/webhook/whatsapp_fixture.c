// SPDX-License-Identifier: MIT
// Small deliveries and what becomes of them (see whatsapp_fixture.h).

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "whatsapp_fixture.h"

char *quoted(const char *text)
{
    char *json = x_dup(text);
    for (char *c = json; *c; c++) {
        if (*c == '\'')
            *c = '"';
    }
    return json;
}

struct event_list read_changes(const char *changes)
{
    char *text = x_printf("{'object':'whatsapp_business_account','entry':[{'id':'77',"
                          "'time':1795000000,'changes':[%s]}]}",
                          changes);
    char *body = quoted(text);
    struct event_list list = {0};
    struct err err = {0};
    if (!normalise(body, strlen(body), &list, &err))
        fail_msg("%s: %s", err.text, body);
    free(text);
    free(body);
    return list;
}

struct event_list read_value(const char *field, const char *value)
{
    char *change = x_printf("{'field':'%s','value':{'messaging_product':'whatsapp','metadata':{"
                            "'display_phone_number':'100','phone_number_id':'9'}%s%s}}",
                            field, *value ? "," : "", value);
    struct event_list list = read_changes(change);
    free(change);
    return list;
}

struct event only(struct event_list list)
{
    assert_int_equal(list.count, 1);
    struct event event = list.events[0];
    list.events[0] = (struct event){0};
    event_list_deinit(&list);
    return event;
}

struct event read_message(const char *rest)
{
    char *value = x_printf("'messages':[{'from':'5551','id':'wamid.1',%s}]", rest);
    struct event event = only(read_value("messages", value));
    free(value);
    return event;
}

static bool has(const struct event *event, const char *part)
{
    char *json = event_to_json(event), *wanted = quoted(part);
    bool found = strstr(json, wanted) != NULL;
    free(json);
    free(wanted);
    return found;
}

void check_parts(struct event *event, const char *const *parts, bool wanted)
{
    for (; *parts; parts++) {
        if (has(event, *parts) != wanted) {
            char *json = event_to_json(event);
            fail_msg("%s %s: %s", wanted ? "without" : "with", *parts, json);
        }
    }
}

void message_gives(const char *rest, const char *part)
{
    struct event event = read_message(rest);
    expect(&event, part);
    event_deinit(&event);
}
