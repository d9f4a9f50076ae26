// SPDX-License-Identifier: MIT
#include "test/bench/bench_flows.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/node.h"
#include "nodes/registry.h"

enum { FILE_MAX = 1 << 20, TEXT_MAX = 600 };

void bench_fail(const char *why)
{
    fprintf(stderr, "bench_engine: %s\n", why);
    exit(1);
}

struct flow *bench_flow_compile(cJSON *owned_document)
{
    struct diags diags = {0};
    struct flow *flow = flow_compile(owned_document, node_types, &diags);
    if (!flow)
        bench_fail(diags.items[0].text);
    diags_deinit(&diags);
    cJSON_Delete(owned_document);
    return flow;
}

struct flow *bench_flow_open(const char *directory, const char *file)
{
    char *path = x_printf("%s/%s", directory, file), *text = x_alloc(FILE_MAX);
    FILE *in = fopen(path, "re");
    struct diags diags = {0};
    cJSON *document = in ? flow_read(text, fread(text, 1, FILE_MAX, in), &diags) : NULL;
    if (!document)
        bench_fail(path);
    fclose(in);
    free(path);
    free(text);
    return bench_flow_compile(document);
}

// `text` has single quotes where JSON has double ones.
static void add(cJSON *list, const char *text)
{
    char json[TEXT_MAX];
    size_t len = 0;
    for (; text[len] && len + 1 < sizeof json; len++)
        json[len] = text[len] == '\'' ? '"' : text[len];
    struct err err;
    cJSON *item = json_read(json, len, &err);
    if (!item)
        bench_fail(err.text);
    cJSON_AddItemToArray(list, item);
}

PRINTF_LIKE(2, 3)
static void add_text(cJSON *list, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = x_vprintf(fmt, ap);
    va_end(ap);
    add(list, text);
    free(text);
}

static cJSON *document_new(cJSON **ret_nodes, cJSON **ret_edges)
{
    cJSON *document = cJSON_CreateObject();
    cJSON *variables = cJSON_AddArrayToObject(document, "variables");
    add(variables, "{'name':'n','type':'number','defaultValue':3}");
    add(variables, "{'name':'name','type':'string','defaultValue':'Ana'}");
    *ret_nodes = cJSON_AddArrayToObject(document, "nodes");
    *ret_edges = cJSON_AddArrayToObject(document, "edges");
    add(*ret_nodes, "{'id':'start','type':'start','data':{'label':'Start'}}");
    add(*ret_nodes, "{'id':'end','type':'end','data':{'label':'End'}}");
    add(*ret_edges, "{'id':'e','source':'start','target':'n0'}");
    return document;
}

static void edge_add(cJSON *edges, int from, int to, const char *handle)
{
    add_text(edges, "{'id':'e%d-%d','source':'n%d','target':'n%d','sourceHandle':'%s'}", from, to,
             from, to, handle);
}

cJSON *bench_ring(int count)
{
    cJSON *nodes, *edges, *document = document_new(&nodes, &edges);
    for (int i = 0; i < count; i++) {
        int next = (i + 1) % count;
        if (i % 3 == 0)
            add_text(nodes,
                     "{'id':'n%d','type':'condition','data':{'conditions':[{'id':'a','variable':"
                     "'n','operator':'<','value':0},{'id':'b','variable':'name','operator':'==',"
                     "'value':'Ana'}]}}",
                     i);
        else if (i % 3 == 1)
            add_text(nodes, "{'id':'n%d','type':'counter','data':{'variable':'n'}}", i);
        else
            add_text(nodes, "{'id':'n%d','type':'jump','data':{'targetNodeId':'n%d'}}", i, next);
        if (i % 3 == 0)
            add_text(edges, "{'source':'n%d','target':'end','sourceHandle':'a'}", i);
        edge_add(edges, i, next, i % 3 == 0 ? "b" : "default");
        if (i % 3 == 0)
            edge_add(edges, i, next, "default");
    }
    return document;
}

static void mixed_node_add(cJSON *nodes, int i)
{
    switch (i % 5) {
    case 0:
        add_text(nodes,
                 "{'id':'n%d','type':'message','position':{'x':%d,'y':7},'data':{'label':'Message',"
                 "'message':'Hello {{ name | default: \\'friend\\' }}, this is {{ n }} of %d'}}",
                 i, i, i);
        break;
    case 1:
        add_text(nodes,
                 "{'id':'n%d','type':'condition','data':{'label':'Condition','conditions':["
                 "{'id':'a','variable':'n','operator':'>','value':%d},"
                 "{'id':'b','variable':'name','operator':'==','value':'Ana'}]}}",
                 i, i);
        break;
    case 2:
        add_text(nodes,
                 "{'id':'n%d','type':'set','data':{'variable':'n','expression':'n + %d * 2'}}", i,
                 i);
        break;
    case 3:
        add_text(nodes,
                 "{'id':'n%d','type':'input','data':{'inputType':'text','message':'And then?',"
                 "'variable':'answer','validation':{'required':true,'min':2,'max':200}}}",
                 i);
        break;
    default:
        add_text(nodes, "{'id':'n%d','type':'delay','data':{'delay':%d}}", i, 1000 + i);
    }
}

cJSON *bench_mixture(int count)
{
    cJSON *nodes, *edges, *document = document_new(&nodes, &edges);
    count -= 2; // the start and the end
    for (int i = 0; i < count; i++) {
        mixed_node_add(nodes, i);
        int next = (i + 1) % count;
        if (i % 5 == 1) {
            edge_add(edges, i, next, "a");
            edge_add(edges, i, (i * 7) % count, "b");
        }
        edge_add(edges, i, next, "default");
    }
    return document;
}
