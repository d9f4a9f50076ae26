// SPDX-License-Identifier: MIT
// The flows of a play: the one that is played, and those that it calls (see player.h).
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "nodes/registry.h"
#include "play/player.h"

struct flow *flow_open(const cJSON *document, struct err *err)
{
    struct diags diags = {0};
    struct flow *flow = flow_compile(document, node_types, &diags);
    for (size_t i = 0; !flow && i < diags.count; i++) {
        const struct diag *diag = &diags.items[i];
        if (diag->severity != SEVERITY_ERROR)
            continue;
        err_set(err, ERR_INPUT, "the flow does not compile: %s%s%s%s", diag->node ? "node '" : "",
                diag->node ? diag->node : "", diag->node ? "': " : "", diag->text);
        break;
    }
    diags_deinit(&diags);
    return flow;
}

static bool is_named(const cJSON *document, const char *id)
{
    const char *own = json_str(document, "_id");
    return own && strcmp(own, id) == 0;
}

struct flow *flow_called(struct player *player, const char *id, struct err *err)
{
    const struct play_options *options = player->options;
    if (strcmp(id, player->session.flow_id) == 0 || is_named(options->flow, id))
        return player->flow;
    if (!player->other_flows)
        player->other_flows = x_calloc(options->other_count, sizeof *player->other_flows);
    for (size_t i = 0; i < options->other_count; i++) {
        const struct play_flow *other = &options->others[i];
        if (strcmp(other->id, id) != 0 && !is_named(other->document, id))
            continue;
        if (!player->other_flows[i])
            player->other_flows[i] = flow_open(other->document, err);
        if (!player->other_flows[i])
            err_prefix(err, "flow '%.60s'", id);
        return player->other_flows[i];
    }
    err_set(err, ERR_NOT_FOUND, "there is no flow '%.60s'", id);
    return NULL;
}

void flows_close(struct player *player)
{
    flow_unref(player->flow);
    for (size_t i = 0; player->other_flows && i < player->options->other_count; i++)
        flow_unref(player->other_flows[i]);
    free(player->other_flows);
}
