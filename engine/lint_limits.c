// SPDX-License-Identifier: MIT
/*
 * Lint: what the platforms do not take (Meta's limits: Messenger and Instagram "Send messages",
 * WhatsApp "Interactive messages"). Texts and choices that are longer go out cut, so the author
 * should know. Read from the document itself: a flow does not say on which platforms it will run.
 */

#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "engine/graph.h"

enum {
    TEXT_BYTES = 1000,     // Instagram; Messenger 2000 characters, WhatsApp 4096
    QUESTION_CHARS = 1024, // WhatsApp, above buttons
    CHOICES_WHATSAPP = 10, // Messenger and Instagram: 13
    TITLE_CHARS = 20,      // WhatsApp's lists: 24
};

static void text_lint(struct diags *diags, const char *id, const char *text)
{
    if (text && strlen(text) > TEXT_BYTES)
        diags_add(diags, SEVERITY_WARNING, "text-long", id, NULL,
                  "a text of %zu bytes: Instagram takes 1000 bytes, Messenger 2000 characters, "
                  "WhatsApp 4096; the rest "
                  "is cut",
                  strlen(text));
}

static const char *title_of(const cJSON *choice)
{
    const char *label = json_str(choice, "label");
    return cJSON_IsString(choice) ? choice->valuestring : label ? label : json_str(choice, "title");
}

static void choices_lint(struct diags *diags, const char *id, const cJSON *choices)
{
    const cJSON *choice;
    int count = cJSON_GetArraySize(choices);
    if (count > CHOICES_WHATSAPP)
        diags_add(diags, SEVERITY_WARNING, "choices-many", id, NULL,
                  "%d choices: WhatsApp shows 10, Messenger and Instagram 13", count);
    cJSON_ArrayForEach(choice, choices) {
        const char *title = title_of(choice);
        if (title && utf8_length(title) > TITLE_CHARS)
            diags_add(diags, SEVERITY_WARNING, "choice-title-long", id, NULL,
                      "'%.80s' is cut to 20 characters (24 in a list of WhatsApp)", title);
    }
}

static void document_node_lint(struct diags *diags, const cJSON *node)
{
    const char *id = json_str(node, "id");
    const cJSON *data = json_get(node, "data");
    const cJSON *choices = json_get(data, "choices");
    choices = choices ? choices : json_get(data, "options");
    text_lint(diags, id, json_str(data, "message"));
    text_lint(diags, id, json_str(data, "content"));
    const char *question = json_str(data, "message");
    if (choices && question && utf8_length(question) > QUESTION_CHARS)
        diags_add(diags, SEVERITY_WARNING, "question-long", id, NULL,
                  "a question with buttons: WhatsApp takes 1024 characters, the rest is cut");
    choices_lint(diags, id, choices);
}

void limits_lint(const cJSON *document, struct diags *diags)
{
    const cJSON *inner = json_get(json_get(document, "flowJson"), "nodes");
    const cJSON *nodes = inner ? inner : json_get(document, "nodes");
    const cJSON *node;
    cJSON_ArrayForEach(node, nodes)
        document_node_lint(diags, node);
}
