// SPDX-License-Identifier: MIT
// A Redis command, built argument by argument in the protocol's own form ("$3\r\nGET\r\n"), so that
// nothing is copied twice.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/internal.h"

void cmd_add(struct cmd *cmd, const void *data, size_t len)
{
    char head[24]; // "$123\r\n", written from its end
    char *p = head + sizeof(head);
    *--p = '\n';
    *--p = '\r';
    size_t left = len;
    do {
        *--p = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    *--p = '$';
    buf_add(&cmd->body, p, (size_t)(head + sizeof(head) - p));
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
    char text[24];
    int len = snprintf(text, sizeof(text), "%" PRId64, n);
    cmd_add(cmd, text, (size_t)len);
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
    buf_printf(&whole, "*%u\r\n", cmd->count);
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
