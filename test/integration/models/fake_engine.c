// SPDX-License-Identifier: MIT
// The one function of the engine that models/ calls, for building these tests without the engine.
#include <string.h>

#include "base/json.h"
#include "engine/flow.h"

char *flow_snapshot(const cJSON *document)
{
    static const char *const parts[] = {"nodes", "edges", "variables", "settings"};
    cJSON *graph = cJSON_CreateObject();
    const cJSON *inner = json_get(document, "flowJson");
    for (size_t i = 0; i < 4; i++) {
        const cJSON *part = json_get(inner != NULL && i < 2 ? inner : document, parts[i]);
        if (part != NULL)
            cJSON_AddItemToObject(graph, parts[i], cJSON_Duplicate(part, true));
    }
    char *text = json_print(graph);
    cJSON_Delete(graph);
    return text;
}
