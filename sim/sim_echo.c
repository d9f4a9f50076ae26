// SPDX-License-Identifier: MIT
// A plain JSON API under /echo/, for `api` nodes in tests and the demo: says back what it was
// asked.
#include <stdlib.h>
#include <string.h>

#include "sim/internal.h"

static bool echo_accepts(const char *path)
{
    return strncmp(path, "/echo/", 6) == 0 || strcmp(path, "/echo") == 0;
}

static void echo_describe(struct sim_request *request)
{
    request->platform = "http";
    request->kind = "http";
    request->attempt = sim_header(request, "Idempotency-Key");
}

static void echo_refuse(struct sim_request *request, int status)
{
    request->status = status;
    buf_printf(request->answer, "{\"error\":\"HTTP %d was asked for\"}", status);
}

static void echo_answer(struct sim *sim, struct sim_request *request)
{
    struct buf *out = request->answer;

    request->status = 200;
    buf_add_str(out, "{\"method\":");
    buf_add_json_str(out, request->method);
    buf_add_str(out, ",\"path\":");
    buf_add_json_str(out, request->path);
    buf_add_str(out, ",\"query\":");
    buf_add_json_str(out, request->query);
    buf_add_str(out, ",\"body\":");
    if (request->json) {
        buf_add(out, request->body, request->body_len);
    } else {
        char *text = x_dupn(request->body, request->body_len);
        buf_add_json_str(out, text);
        free(text);
    }
    buf_add_str(out, ",\"status\":\"shipped\"}");
}

const struct sim_endpoint sim_echo = {
    .accepts = echo_accepts,
    .describe = echo_describe,
    .answer = echo_answer,
    .refuse = echo_refuse,
};
