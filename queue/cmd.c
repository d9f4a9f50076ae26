// SPDX-License-Identifier: MIT
// A Redis command, built argument by argument in the protocol's own form ("$3\r\nGET\r\n"), so that
// nothing is copied twice.

#include <string.h>

#include "queue/internal.h"

void cmd_add(struct cmd *cmd, const void *data, size_t len)
{
    char count[INT_TEXT];
    size_t count_len = int_text((int64_t)len, count);
    buf_reserve(&cmd->body, len + count_len + 5);
    buf_add_char(&cmd->body, '$');
    buf_add(&cmd->body, count, count_len);
    buf_add(&cmd->body, "\r\n", 2);
    buf_add(&cmd->body, data, len);
    buf_add(&cmd->body, "\r\n", 2);
    cmd->count++;
}

void cmd_add_str(struct cmd *cmd, const char *s)
{
    cmd_add(cmd, s ? s : "", s ? strlen(s) : 0);
}

void cmd_add_int(struct cmd *cmd, int64_t n)
{
    char text[INT_TEXT];
    cmd_add(cmd, text, int_text(n, text));
}

void cmd_append(struct cmd *cmd, struct cmd *tail)
{
    if (tail->body.len > 0)
        buf_add(&cmd->body, tail->body.data, tail->body.len);
    cmd->count += tail->count;
    cmd_deinit(tail);
}

char *cmd_take(struct cmd *cmd, size_t *ret_len)
{
    struct buf whole = {0};
    buf_reserve(&whole, cmd->body.len + INT_TEXT + 3);
    buf_add_char(&whole, '*');
    buf_add_int(&whole, cmd->count);
    buf_add(&whole, "\r\n", 2);
    buf_add(&whole, cmd->body.data, cmd->body.len);
    cmd_deinit(cmd);
    *ret_len = whole.len;
    return buf_take(&whole);
}

void cmd_deinit(struct cmd *cmd)
{
    buf_deinit(&cmd->body);
    *cmd = (struct cmd){0};
}
