// SPDX-License-Identifier: MIT
/*
 * The request of an api node: compiled from apiConfig, rendered into an effect. Secrets that its
 * templates name are marks in the effect; the shell puts the values in their place when it leaves.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "engine/node.h"

enum api_body { API_BODY_JSON, API_BODY_FORM, API_BODY_TEXT };

struct api_header {
    char *name;
    struct template *value;
};

// One header that says who asks.
struct api_auth {
    enum { AUTH_NONE, AUTH_BEARER, AUTH_BASIC, AUTH_HEADER } type;
    char *name; // of AUTH_HEADER
    struct template *first, *second;
};

struct api_request {
    struct template *url;
    struct value_template *query; // an object, or NULL
    const char *method;           // of api_methods
    struct api_header *headers;
    size_t header_count;
    struct api_auth auth;
    enum api_body body_type;
    struct template *text_body;  // a body that is a text, or
    struct value_template *body; // any other JSON, or neither
    int64_t timeout_ms;
};

extern const char *const api_methods[];                   // NULL-ended
extern const char *const api_body_types[];                // by enum api_body
extern const struct node_field api_request_auth_fields[]; // of `auth`

// `config` is the node's apiConfig; problems are reported.
void api_request_parse(struct node_parse *p, const cJSON *config, struct api_request *request);
void api_request_deinit(struct api_request *request);

/*
 * Fills run->effect, all but Idempotency-Key. False: run->err says why. Where the URL is then not
 * of http or https, *ret_bad_url is set and nothing else was rendered.
 */
MUST_USE bool api_request_render(struct node_run *run, const struct api_request *request,
                                 bool *ret_bad_url);
