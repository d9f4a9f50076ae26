// SPDX-License-Identifier: MIT
/*
 * random: takes a branch by chance, in proportion to the weights. Sticky (unless `sticky` is
 * false): the same person always gets the same branch of the same experiment, without anything
 * being stored: the choice is a hash of person and experiment.
 */
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/node.h"
#include "nodes/branches.h"
#include "nodes/types.h"

enum { WEIGHT_UNITS = 1000 }; // a weight's finest part

struct chance {
    struct branches branches;
    uint64_t *weights, total;
    char *experiment;
    bool sticky;
};

static void random_free(void *config)
{
    struct chance *chance = config;
    branches_deinit(&chance->branches);
    free(chance->weights);
    free(chance->experiment);
    free(chance);
}

static void *random_parse(struct node_parse *p)
{
    struct chance *chance = x_alloc(sizeof *chance);
    const cJSON *list = node_member(p->data, "branches"), *item;
    const char *experiment = json_str(p->data, "experiment");
    branches_parse(&chance->branches, p, list, "branches");
    chance->weights = x_calloc(chance->branches.count + 1, sizeof *chance->weights);
    size_t i = 0;
    cJSON_ArrayForEach(item, list) {
        chance->weights[i] = (uint64_t)(node_number(item, "weight", 1) * WEIGHT_UNITS);
        chance->total += chance->weights[i++];
    }
    if (chance->total == 0)
        node_error(p, "field-value", "branches: at least one needs a weight above 0");
    chance->experiment = x_dup(experiment && *experiment ? experiment : p->id);
    chance->sticky = json_bool(p->data, "sticky", true);
    return chance;
}

static uint64_t draw(struct node_run *run, const struct chance *chance)
{
    const cJSON *contact = cJSON_GetObjectItemCaseSensitive(run->session->vars, "contact");
    const char *person = json_str(contact, "id");
    if (!chance->sticky || !person)
        return node_chance(run, chance->experiment, chance->total);
    char *name = x_printf("%s\n%s", chance->experiment, person);
    uint8_t digest[32];
    uint64_t number = 0;
    crypto_sha256(name, strlen(name), digest);
    for (size_t i = 0; i < 8; i++)
        number = number << 8 | digest[i];
    free(name);
    return number % chance->total;
}

static enum node_verdict random_enter(struct node_run *run)
{
    const struct chance *chance = run->config;
    uint64_t at = draw(run, chance);
    size_t i = 0;
    while (i + 1 < chance->branches.count && at >= chance->weights[i])
        at -= chance->weights[i++];
    return branches_take(run, &chance->branches, (int)i, NULL);
}

static const char *const aliases[] = {"randomNode", "randomizer", "abTest", "split", NULL};

static const struct node_field branch_fields[] = {
    {.name = "id", .kind = FIELD_STRING, .help = "names the branch: the sourceHandle of its edge"},
    {.name = "weight",
     .kind = FIELD_NUMBER,
     .min = 0,
     .max = 1000000,
     .help = "in proportion to the others'; 1 unless given"},
    {.name = "label", .kind = FIELD_STRING, .help = "for people"},
    {.name = "targetNodeId", .kind = FIELD_NODE, .help = "where to go, unless by an edge"},
    {0},
};

static const struct node_field fields[] = {
    {.name = "branches",
     .kind = FIELD_LIST,
     .required = true,
     .members = branch_fields,
     .help = "one of them is taken"},
    {.name = "sticky",
     .kind = FIELD_BOOL,
     .help = "false: drawn anew each time; else a person always gets the same branch"},
    {.name = "experiment",
     .kind = FIELD_STRING,
     .help = "nodes with the same name and weights draw alike for a person; else the node's id"},
    {0},
};

const struct node_type node_random = {
    .name = "random",
    .aliases = aliases,
    .summary = "Takes a branch by chance, by weight; the same person gets the same one.",
    .fields = fields,
    .parse = random_parse,
    .enter = random_enter,
    .free = random_free,
};
