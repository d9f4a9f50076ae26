// SPDX-License-Identifier: MIT
/*
 * What the nodes that ask a language model share: which models, what they are told and shown, the
 * budget, and the reading of a JSON answer with one repair. Part of ai, aiClassify, aiExtract.
 *
 *   ai_ask_begin() ──effect──▶ result ──▶ ai_ask_taken() ──▶ ai_ask_json() ──▶ …
 *                                              not as asked: ai_ask_repair() ──effect──▶ …
 */
#pragma once

#include "engine/node.h"
#include "nodes/ai_schema.h"

struct ai_ask {
    struct template *system, *prompt; // either may be NULL
    struct template *knowledge;       // a text of the node's own, or NULL
    bool owners_knowledge;            // the owner's knowledge base
    cJSON *models;                    // array of strings, may be empty
    double temperature;               // < 0: the provider's
    int max_tokens, history;
    double session_tokens; // that the session may use in all; 0: no limit
};

// `prompt`: the member with the question ("prompt", "text"); history: unless given.
void ai_ask_parse(struct node_parse *p, struct ai_ask *ask, const char *prompt, int history);
void ai_ask_deinit(struct ai_ask *ask);

// The members that ai_ask_parse() reads, for a type's table of fields.
#define AI_ASK_FIELDS                                                                              \
    {.name = "systemPrompt", .kind = FIELD_TEMPLATE, .help = "who the model is to be"},            \
        {.name = "system", .kind = FIELD_TEMPLATE, .help = "the same, shorter"},                   \
        {.name = "knowledge",                                                                      \
         .kind = FIELD_ANY,                                                                        \
         .help = "true: the owner's knowledge base; or a template: what the model may rely on"},   \
        {.name = "model", .kind = FIELD_STRING, .help = "first choice; else the configured ones"}, \
        {.name = "models", .kind = FIELD_LIST, .help = "models to try, in order, after `model`"},  \
        {.name = "fallbackModels", .kind = FIELD_LIST, .help = "models to try after those"},       \
        {.name = "temperature", .kind = FIELD_NUMBER, .min = 0, .max = 2, .help = "0 to 2"},       \
        {.name = "maxTokens",                                                                      \
         .kind = FIELD_NUMBER,                                                                     \
         .min = 1,                                                                                 \
         .max = 131072,                                                                            \
         .help = "of the answer"},                                                                 \
        {.name = "maxTokensPerSession",                                                            \
         .kind = FIELD_NUMBER,                                                                     \
         .min = 1,                                                                                 \
         .max = 100000000,                                                                         \
         .help = "no more is asked once the session has used so many"},                            \
        {.name = "history",                                                                        \
         .kind = FIELD_NUMBER,                                                                     \
         .min = 0,                                                                                 \
         .max = 100,                                                                               \
         .help = "how many of the chat's recent messages the model sees"},                         \
    {                                                                                              \
        .name = "memory", .kind = FIELD_ANY, .help = "false: none of them; or their number"        \
    }

enum ai_ready { AI_READY, AI_SPENT, AI_FAILED }; // AI_SPENT: the budget of the session is used up

/*
 * Fills the effect. `instructions` (may be NULL) are put behind the system prompt. AI_FAILED:
 * run->err says why.
 */
MUST_USE enum ai_ready ai_ask_begin(struct node_run *run, const struct ai_ask *ask,
                                    const char *instructions);

// An answer came: its tokens count.
void ai_ask_taken(struct node_run *run, const struct effect_result *result);

const char *ai_ask_text(const struct effect_result *result); // of the answer, or NULL
/*
 * The answer's JSON object when it fits the schema; the caller's. NULL: `why` says what is wrong.
 */
MUST_USE cJSON *ai_ask_json(const struct effect_result *result, const cJSON *schema,
                            char why[AI_WHY_BYTES]);

// Has the answer been asked for again already?
bool ai_ask_repaired(const struct node_run *run);
// Puts the answer and what is wrong with it into `rounds` (the node's state, for the next effect).
void ai_ask_repair(struct node_run *run, const struct effect_result *result, const char *why);

// The turn's messages so far, kept over the node's waits.
const cJSON *ai_rounds(const struct node_run *run);
void ai_rounds_add(struct node_run *run, cJSON *owned_message);
