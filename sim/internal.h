// SPDX-License-Identifier: MIT
/*
 * Inside the simulator: the object, one request on its way through it, and what the parts give
 * each other. A request goes: sim.c reads it → an endpoint describes it (who, to whom, what) → a
 * behaviour may spoil it → the endpoint checks and answers it → it is remembered → the answer
 * leaves. One thread: the loop's.
 */
#pragma once

#include <cjson/cJSON.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "connectors/http.h"
#include "sim/sim.h"

struct sim_memory;
struct sim_behaviours;
struct sim_pending;

struct sim {
    struct event_base *base;
    struct evhttp *server;
    int port;
    struct sim_memory *memory;
    struct sim_behaviours *behaviours;
    struct sim_pending *pending; // answers that wait for their delay
    struct buf answer;           // scratch of the request in hand
    char seed[9];                // makes the ids of this simulator its own
    uint64_t next_id;
    // Deliveries of statuses and echoes; webhook_url NULL = off.
    struct http *http;
    char *webhook_url, *webhook_secret;
    cJSON *meta; // what POST /_sim/meta said, or NULL
    uint64_t webhooks_sent, webhooks_failed;
};

// A request in hand. Strings are borrowed from the HTTP request and `json`.
struct sim_request {
    struct evhttp_request *http;
    const char *method, *path, *query; // query: "" when there is none
    const char *body;
    size_t body_len;
    cJSON *json; // the body, or NULL when it is not JSON
    // Set by the endpoint's describe().
    const char *platform; // "messenger", "instagram", "whatsapp", "groq", "http"
    const char *kind;
    const char *to, *text, *attempt; // or NULL
    char account[64];
    char message_id[128]; // made for an accepted message; else ""
    bool is_accepted;     // a message was taken: webhooks may tell of it
    int status;
    struct buf *answer; // JSON
};

struct sim_endpoint {
    bool (*accepts)(const char *path);
    void (*describe)(struct sim_request *request);
    void (*answer)(struct sim *sim, struct sim_request *request); // sets status and answer
    void (*refuse)(struct sim_request *request,
                   int status); // an error of this status, in its shape
};
extern const struct sim_endpoint sim_graph, sim_admin, sim_groq, sim_echo;

// sim_groq_message.c: appends the answer's message and what ends it; the bytes of its text.
size_t sim_groq_message(const struct sim_request *request, struct buf *out);

// The string after "Authorization: Bearer ", or NULL.
const char *sim_bearer(const struct sim_request *request);
// A header of the request, or NULL.
const char *sim_header(const struct sim_request *request, const char *name);

// The same id, with or without a phone number's "+"; false when `to` is NULL.
bool sim_is_same_person(const char *want, const char *to);

// ---- What Meta would reject: false with why

struct sim_refusal {
    int status, code, subcode;
    char message[160], details[160]; // details: WhatsApp only, or ""
};
// Fills it and returns false, with HTTP 400.
bool sim_refuse(struct sim_refusal *ret_refusal, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
// The same with the words in `details` and Meta's own in `message`, as WhatsApp does.
bool sim_refuse_whatsapp(struct sim_refusal *ret_refusal, int code, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
// The error as the answer, in Meta's shape.
void sim_graph_error(struct sim_request *request, const struct sim_refusal *refusal);
// An error of this status, likewise.
void sim_graph_refuse(struct sim_request *request, int status);
// Whether the request brings a token that is neither "wrong…" nor "expired…".
MUST_USE bool sim_graph_token(const struct sim_request *request, struct sim_refusal *ret_refusal);
MUST_USE bool sim_messenger_check(const struct sim_request *request,
                                  struct sim_refusal *ret_refusal); // and Instagram
MUST_USE bool sim_whatsapp_check(const struct sim_request *request,
                                 struct sim_refusal *ret_refusal);
// Their parts: an attachment of Messenger's or Instagram's, the message types of WhatsApp's that
// are neither text nor interactive, and what the interactive ones do not share.
MUST_USE bool sim_attachment_check(const cJSON *attachment, struct sim_refusal *ret_refusal);
MUST_USE bool sim_whatsapp_kind_check(const cJSON *json, const char *type,
                                      struct sim_refusal *ret_refusal);
MUST_USE bool sim_whatsapp_action_check(const cJSON *action, const char *type,
                                        struct sim_refusal *ret_refusal);
// A string member of 1-max characters; `where` is for the words.
MUST_USE bool sim_whatsapp_string(const cJSON *object, const char *name, size_t max,
                                  const char *where, struct sim_refusal *ret_refusal);
// A member that is an address that Meta can fetch.
MUST_USE bool sim_is_address(const cJSON *object, const char *name);

// ---- Memory

struct sim_memory *sim_memory_new(size_t max_requests, size_t max_bytes);
void sim_memory_free(struct sim_memory *memory);
void sim_memory_add(struct sim_memory *memory, const struct sim_request *request);
void sim_memory_clear(struct sim_memory *memory);
size_t sim_memory_count(const struct sim_memory *memory);
uint64_t sim_memory_dropped(const struct sim_memory *memory); // not remembered: full

struct sim_filter {
    const char *platform, *to, *account; // NULL = any
    uint64_t since;                      // only numbers above it
};
// Appends what is remembered as a JSON array, in order of arrival.
void sim_memory_print(const struct sim_memory *memory, const struct sim_filter *filter,
                      struct buf *out);

// ---- Behaviours: faults that were asked for

enum sim_drop { SIM_DROP_NOT, SIM_DROP_BEFORE, SIM_DROP_AFTER };
struct sim_fault {
    int status; // 0 = the endpoint's own
    enum sim_drop drop;
    int64_t delay_ms;
    const char *body;     // NULL = the endpoint's own; borrowed until the next request
    const cJSON *headers; // object of strings; borrowed alike
    int64_t retry_after;  // seconds; < 0 = none
};
struct sim_behaviours *sim_behaviours_new(void);
void sim_behaviours_free(struct sim_behaviours *behaviours);
// Adds one from the control API's JSON.
MUST_USE bool sim_behaviours_add(struct sim_behaviours *behaviours, const cJSON *json,
                                 struct err *err);
void sim_behaviours_clear(struct sim_behaviours *behaviours);
// The fault of this request, counted down; all zero (retry_after -1) when there is none.
struct sim_fault sim_behaviours_take(struct sim_behaviours *behaviours,
                                     const struct sim_request *request);

// ---- Control API (/_sim/…) and webhooks

bool sim_control_accepts(const char *path);
void sim_control_answer(struct sim *sim, struct sim_request *request);

// After an accepted message: sends its statuses or its echo, when webhooks are on.
void sim_report(struct sim *sim, const struct sim_request *request);
