// SPDX-License-Identifier: MIT
// The nodes that ask outside: api's requests, secrets, mapping and retries; ai's tools, JSON,
// knowledge and budget; aiClassify and aiExtract.
#include "test/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "nodes/ai_schema.h"
#include "nodes/ai_value.h"
#include "play.h"

static void check_with(struct play play, const char *nodes, const char *edges, const char *more,
                       const char *expected)
{
    char *document = flow_text(nodes, edges, more);
    play.document = document;
    play_expect(&play, expected);
    free(document);
}

// One api node `a`, whose answer is 200 null, and what its request was.
static void check_request(const char *config, const char *request)
{
    static const struct play_result results[] = {{true, 200, NULL, NULL}};
    char nodes[1200], expected[1200];
    snprintf(nodes, sizeof nodes, "s start\na api {'apiConfig':{%s}}\ne end", config);
    snprintf(expected, sizeof expected, "http: %s 10000\n(completed)\n", request);
    check_with((struct play){.results = results}, nodes, "s>a a>e",
               "'variables':[{'name':'q','defaultValue':'a&b=c'},{'name':'n','defaultValue':2},"
               "{'name':'l','defaultValue':['x','y z']},{'name':'o','defaultValue':{'k':[1]}}]",
               expected);
}

/* api: the request */

static void query_goes_behind_the_url_encoded(void **state)
{
    check_request("'url':'https://x.example/p','query':{'q':'{{ q }}','n':'{{ n }}'}",
                  "GET https://x.example/p?q=a%26b%3Dc&n=2 {} -");
    check_request("'url':'https://x.example/p?a=1#top','query':{'b':2}",
                  "GET https://x.example/p?a=1&b=2#top {} -");
    check_request(
        "'url':'https://x.example/p?','query':{'l':'{{ l }}','none':null,'gone':'{{ g }}',"
        "'o':'{{ o }}','e':''}",
        "GET https://x.example/p?l=x&l=y%20z&o=%7B%22k%22%3A%5B1%5D%7D&e= {} -");
    check_request("'url':'https://x.example/p','query':{}", "GET https://x.example/p {} -");
}

static void a_value_does_not_climb_the_path(void **state)
{
    static const char *const values[] = {"..", ".", "%2e%2E"};
    for (size_t i = 0; i < 3; i++) {
        char variable[80];
        snprintf(variable, sizeof variable, "'variables':[{'name':'v','defaultValue':'%s'}]",
                 values[i]);
        bool escaped = values[i][0] == '%'; // is escaped once more: a name
        check_with((struct play){.results = (struct play_result[]){{true, 200, NULL, NULL}}},
                   "s start\na api {'apiConfig':{'url':'https://x.example/u/{{ v }}/x?q=/../'}}\n"
                   "e end\nf end {'message':'refused'}",
                   "s>a a>e a:error>f", variable,
                   escaped ? "http: GET https://x.example/u/%252e%252E/x?q=/../ {} - 10000\n"
                             "(completed)\n"
                           : "bot: refused\n(completed)\n");
    }
    check_request("'url':'https://x.example/..{{ n }}/...'", "GET https://x.example/..2/... {} -");
}

static void form_is_encoded_and_says_so(void **state)
{
    check_request("'url':'https://x.example','method':'POST','bodyType':'form',"
                  "'body':{'a b':'{{ q }}','l':'{{ l }}','none':null}",
                  "POST https://x.example "
                  "{\"Content-Type\":\"application/x-www-form-urlencoded\"} "
                  "a%20b=a%26b%3Dc&l=x&l=y%20z");
}

static void text_body_is_sent_as_it_is(void **state)
{
    check_request("'url':'https://x.example','method':'PATCH','bodyType':'text',"
                  "'body':'{\\\"n\\\": {{ n }}}'",
                  "PATCH https://x.example {\"Content-Type\":\"text/plain; charset=utf-8\"} "
                  "{\"n\": 2}");
}

static void auth_is_a_header(void **state)
{
    check_request("'url':'https://x.example','auth':{'type':'bearer','token':'t{{ n }}'}",
                  "GET https://x.example {\"Authorization\":\"Bearer t2\"} -");
    check_request("'url':'https://x.example','headers':{'authorization':'mine'},"
                  "'auth':{'type':'basic','username':'u','password':'p:{{ n }}'}",
                  "GET https://x.example {\"Authorization\":\"Basic u:p:2\"} -");
    check_request("'url':'https://x.example','auth':{'type':'header','name':'X-Key','value':'k'}",
                  "GET https://x.example {\"X-Key\":\"k\"} -");
    check_request("'url':'https://x.example','auth':{'type':'none'}", "GET https://x.example {} -");
}

// The fake shell shows a mark as ~.
static void secrets_are_marks_wherever_a_request_has_templates(void **state)
{
    check_request(
        "'url':'https://x.example/{{ secrets.path }}?k={{ secrets.key }}','method':'POST',"
        "'query':{'z':'{{ secrets.z }}'},'headers':{'X-A':'a {{ secrets.a }}'},"
        "'auth':{'type':'basic','username':'me','password':'{{ secrets.pass }}'},"
        "'body':{'token':'{{ secrets.t }}','more':['x{{ secrets.t }}']}",
        "POST https://x.example/~path~?k=~key~&z=~z~ "
        "{\"Content-Type\":\"application/json\",\"X-A\":\"a ~a~\","
        "\"Authorization\":\"Basic me:~pass~\"} "
        "{\"token\":\"~t~\",\"more\":[\"x~t~\"]}");
    check_request("'url':'{{ secrets.base }}/x'", "GET ~base~/x {} -");
}

static void secrets_are_refused_elsewhere(void **state)
{
    static const char *const misplaced[] = {
        "message {'message':'{{ secrets.key }}'}",
        "ai {'prompt':'{{ secrets.key }}'}",
        "ai {'knowledge':'{{ secrets.key }}'}",
        "aiClassify {'text':'{{ secrets.key }}','choices':[{'id':'x'}]}",
        "aiExtract {'text':'{{ secrets.key }}','fields':{'x':'text'}}",
    };
    for (size_t i = 0; i < sizeof misplaced / sizeof *misplaced; i++) {
        char nodes[200];
        snprintf(nodes, sizeof nodes, "s start\na %s\ne end", misplaced[i]);
        char *document = flow_text(nodes, "s>a a>e", NULL), *codes = compile_codes(document);
        if (strcmp(codes, "error:secret-misplaced@a") != 0)
            fail_msg("%s: %s", misplaced[i], codes);
        free(codes);
        free(document);
    }
}

static void what_is_wrong_with_a_request_is_told(void **state)
{
    static const struct {
        const char *config, *codes;
    } cases[] = {
        {"'bodyType':'form','method':'POST','body':'a=1'", "error:field-type@a"},
        {"'bodyType':'text','method':'POST','body':{}", "error:field-type@a"},
        {"'bodyType':'xml'", "error:field-value@a"},
        {"'auth':{'type':'bearer'}", "error:field-missing@a"},
        {"'auth':{'type':'header','name':'a b','value':'x'}", "error:field-value@a"},
        {"'auth':{'token':'x'}", "error:field-missing@a"},
        {"'mapping':{'a.x':'b'}", "error:variable-bad@a"},
        {"'mapping':{'contact':'b'}", "error:variable-reserved@a"},
        {"'mapping':{'v':1}", "error:field-type@a"},
        {"'mapping':{'v':'a..b'}", "error:variable-bad@a"},
        {"'mapping':{'v':'b'},'required':['w']", "error:field-value@a"},
        {"'retry':{'times':6}", "error:field-value@a"},
        {"'retry':{'on':['404']}", "error:field-value@a"},
        {"'retry':{'backoff':1}", "error:field-value@a"},
        {"'headers':{'X':'{{ secrets.a.b }}'}", "error:secret-bad@a"},
        {"'query':{'x':'{{ 1 + }}'}", "error:template-bad@a"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char nodes[400];
        snprintf(nodes, sizeof nodes,
                 "s start\na api {'apiConfig':{'url':'https://x.example',%s}}\ne end",
                 cases[i].config);
        char *document = flow_text(nodes, "s>a a>e", NULL), *codes = compile_codes(document);
        if (strcmp(codes, cases[i].codes) != 0)
            fail_msg("%s: %s", cases[i].config, codes);
        free(codes);
        free(document);
    }
}

/* api: the answer */

static void parts_of_the_answer_go_into_variables(void **state)
{
    static const struct {
        const char *path, *value;
    } cases[] = {
        {"name", "Lamp"},
        {"$.name", "Lamp"},
        {"list[1].n", "2"},
        {"list.0.n", "1"},
        {"list", "[{\"n\":1},{\"n\":2}]"},
        {"none", ""},
        {"list[7].n", ""},
        {"name.more", ""},
        {"$", "{\"name\":\"Lamp\",\"list\":[{\"n\":1},{\"n\":2}],\"none\":null}"},
    };
    static const struct play_result results[] = {
        {true, 200, "{'name':'Lamp','list':[{'n':1},{'n':2}],'none':null}", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char nodes[400], expected[300];
        snprintf(nodes, sizeof nodes,
                 "s start\na api {'apiConfig':{'url':'https://x.example','responseVariable':'r',"
                 "'mapping':{'v.w':'%s'}}}\nm message {'message':'<{{ v.w }}>'}\ne end",
                 cases[i].path);
        snprintf(expected, sizeof expected,
                 "http: GET https://x.example {} - 10000\nbot: <%s>\n(completed)\n",
                 cases[i].value);
        check_with((struct play){.results = results}, nodes, "s>a a>m m>e", NULL, expected);
    }
}

static void what_is_required_and_missing_is_an_error(void **state)
{
    static const struct play_result results[] = {{true, 200, "{'a':1,'b':null}", NULL}};
    const char *nodes = "s start\na api {'apiConfig':{'url':'https://x.example','mapping':"
                        "{'x':'a','y':'b'},'required':['x','y']}}\n"
                        "m message {'message':'<{{ x }}> {{ a.ok }} {{ a.body.a }}'}\ne end";
    check_with((struct play){.results = results, .steps = true}, nodes, "s>a a>e a:error>m m>e",
               NULL,
               "step s start\nhttp: GET https://x.example {} - 10000\n"
               "step a api: error: the answer has no 'b'\nbot: <> true 1\nstep m message\n"
               "step e end\n(completed)\n");
}

static void time_out_has_an_edge_of_its_own(void **state)
{
    static const struct play_result late[] = {{false, 0, NULL, "timeout"}};
    const char *nodes = "s start\na api {'apiConfig':{'url':'https://x.example'}}\n"
                        "m message {'message':'late'}\nn message {'message':'wrong'}\ne end";
    const char *asked = "http: GET https://x.example {} - 10000\n";
    char expected[200];
    snprintf(expected, sizeof expected, "%sbot: late\n(completed)\n", asked);
    check_with((struct play){.results = late}, nodes, "s>a a>e a:error>n a:timeout>m m>e n>e", NULL,
               expected);
    snprintf(expected, sizeof expected, "%sbot: wrong\n(completed)\n", asked);
    check_with((struct play){.results = late}, nodes, "s>a a>e a:error>n m>e n>e", NULL, expected);
}

/* api: retries */

// The failure is tried again, or not, by the words of `on`.
static void retries_are_for_the_failures_that_the_flow_names(void **state)
{
    static const struct {
        struct play_result failure;
        const char *on;
        bool again;
    } cases[] = {
        {{true, 503, NULL, NULL}, "'5xx'", true},
        {{false, 500, NULL, "HTTP status 500"}, "'5xx'", true},
        {{true, 503, NULL, NULL}, "'429','timeout','network'", false},
        {{true, 429, NULL, NULL}, "'429'", true},
        {{true, 404, NULL, NULL}, "'429','timeout','network','5xx'", false},
        {{false, 0, NULL, "timeout"}, "'timeout'", true},
        {{false, 0, NULL, "timeout"}, "'network'", false},
        {{false, 0, NULL, "refused"}, "'network'", true},
        {{false, 0, NULL, "refused"}, "'timeout','5xx'", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct play_result results[] = {cases[i].failure, {true, 200, NULL, NULL}};
        char nodes[300];
        snprintf(nodes, sizeof nodes,
                 "s start\na api {'apiConfig':{'url':'https://x.example','headers':"
                 "{'Idempotency-Key':'mine'},'retry':{'times':1,'on':[%s]}}}\n"
                 "m message {'message':'failed'}\ne end",
                 cases[i].on);
        const char *asked = "http: GET https://x.example {\"Idempotency-Key\":\"mine\"} - 10000\n";
        char expected[400];
        if (cases[i].again)
            snprintf(expected, sizeof expected, "%s(delay 1000 ms)\n> timer\n%s(completed)\n",
                     asked, asked);
        else
            snprintf(expected, sizeof expected,
                     "%sbot: failed\n(completed)\n> timer\n(completed)\n", asked);
        check_with((struct play){.results = results, .script = (const char *[]){"timer", NULL}},
                   nodes, "s>a a:success>e a:error>m m>e", NULL, expected);
    }
}

static void retries_wait_longer_each_time_and_keep_their_key(void **state)
{
    static const struct play_result results[] = {
        {true, 502, NULL, NULL}, {true, 503, NULL, NULL}, {true, 504, "'still'", NULL}};
    const char *again = "{\"Idempotency-Key\":\"hm:5f0c0a52-5d2a-4ad8-9b3f-1b2f0e6c2c11:2\"}";
    char expected[900];
    snprintf(expected, sizeof expected,
             "step s start\nbot: hi\nstep m message\nhttp: GET https://x.example {} - 10000\n"
             "step a api: HTTP 502: again in 200 ms\n(delay 200 ms)\n> say meanwhile\n"
             "(delay 200 ms)\n> timer\n"
             "http: GET https://x.example %s - 10000\n"
             "step a api: HTTP 503: again in 600 ms\n(delay 600 ms)\n> timer\n"
             "http: GET https://x.example %s - 10000\n"
             "step a api: error: the API answered HTTP 504\n"
             "bot: 504 still\nstep n message\nstep e end\n(completed)\n",
             again, again);
    check_with((struct play){.results = results,
                             .steps = true,
                             .script = (const char *[]){"say meanwhile", "timer", "timer", NULL}},
               "s start\nm message {'message':'hi'}\n"
               "a api {'apiConfig':{'url':'https://x.example','retry':{'times':2,'backoff':200,"
               "'factor':3}}}\nn message {'message':'{{ a.status }} {{ a.body }}'}\ne end",
               "s>m m>a a>e a:error>n n>e", NULL, expected);
}

/* ai */

static void knowledge_and_memory_go_to_the_model(void **state)
{
    static const struct play_result results[] = {{true, 0, "{'text':'1'}", NULL},
                                                 {true, 0, "{'text':'2'}", NULL},
                                                 {true, 0, "{'text':'3'}", NULL}};
    check_with((struct play){.results = results},
               "s start\na ai {'system':'Be kind.','knowledge':'Open {{ h }}.','memory':false}\n"
               "b ai {'knowledge':true,'memory':3,'history':7}\n"
               "c ai {'knowledge':false,'memory':true,'history':7}\ne end",
               "s>a a>b b>c c>e", "'variables':[{'name':'h','defaultValue':'9-18'}]",
               "ai: Be kind.\n\nWhat you know:\nOpen 9-18. / hi [] t=-1 max=0 history=0\nbot: 1\n"
               "ai: - / - [] t=-1 max=0 history=3 knowledge\nbot: 2\n"
               "ai: - / - [] t=-1 max=0 history=7\nbot: 3\n(completed)\n");
}

static void fallback_is_for_the_model_and_error_for_the_message(void **state)
{
    static const struct play_result failed[] = {{false, 0, NULL, "no model"}};
    static const struct play_result good[] = {{true, 0, "{'text':'x'}", NULL}};
    const char *nodes = "s start\na ai {}\ne end\nf end\ng end";
    const char *edges = "s>a a:success>e a:fallback>f a:error>g";
    const char *asked = "step s start\nai: - / - [] t=-1 max=0 history=10\n";
    char expected[400];
    snprintf(expected, sizeof expected,
             "%sstep a ai: error: the model did not answer: no model\nstep f end\n(completed)\n",
             asked);
    check_with((struct play){.results = failed, .steps = true}, nodes, edges, NULL, expected);
    snprintf(expected, sizeof expected,
             "%sbot: x\nstep a ai: error: the message was not sent: closed\nstep g end\n"
             "(completed)\n",
             asked);
    check_with((struct play){.results = good, .steps = true, .send_error = "closed"}, nodes, edges,
               NULL, expected);
}

static void tokens_are_counted_over_the_whole_session(void **state)
{
    static const struct play_result results[] = {{true, 0, "{'text':'1','tokens':60}", NULL},
                                                 {true, 0, "{'json':{'n':1},'tokens':40}", NULL}};
    const char *asked = "ai: - / - [] t=-1 max=0 history=10";
    char expected[300];
    snprintf(expected, sizeof expected, "%s\nbot: 1\n%s schema\nbot: spent\n(completed)\n", asked,
             asked);
    check_with((struct play){.results = results},
               "s start\na ai {'maxTokensPerSession':100}\n"
               "b ai {'maxTokensPerSession':61,'output':{'n':'integer'}}\n"
               "c ai {'maxTokensPerSession':100}\nm message {'message':'spent'}\ne end",
               "s>a a>b b>c c>e c:fallback>m m>e", NULL, expected);
}

static void json_is_checked_mapped_and_asked_for_again_once(void **state)
{
    static const struct {
        const char *first, *why;
    } cases[] = {
        {"{'text':'no json'}", "it is not a JSON object"},
        {"{'text':'{\\\"n\\\":\\\"x\\\",\\\"w\\\":\\\"a\\\"}'}", "n: must be of type integer"},
        {"{'text':'','json':{'w':'a'}}", "has no 'n'"},
        {"{'text':'','json':{'n':1,'w':'c'}}", "w: is none of the values that it may have"},
        {"{'text':'','json':{'n':1,'w':'a','x':1}}", "x: is not asked for"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct play_result results[] = {
            {true, 0, cases[i].first, NULL},
            {true, 0, "{'text':'```json\\n{\\\"n\\\":3,\\\"w\\\":\\\"b\\\"}\\n```'}", NULL}};
        char expected[500];
        snprintf(expected, sizeof expected,
                 "step s start\nai: - / - [] t=-1 max=0 history=10 schema\n"
                 "step a ai: asked again: %s\n"
                 "ai: - / - [] t=-1 max=0 history=10 schema rounds=2\n"
                 "step a ai\nbot: 3 b\nstep m message\nstep e end\n(completed)\n",
                 cases[i].why);
        check_with((struct play){.results = results, .steps = true},
                   "s start\na ai {'output':{'n':'integer','w':['a','b']},'mapping':{'v.n':'n'}}\n"
                   "m message {'message':'{{ v.n }} {{ a.w }}'}\ne end",
                   "s>a a>m m>e", NULL, expected);
    }
}

#define CALL(id, name, args)                                                                       \
    "{'id':'" id "','type':'function','function':{'name':'" name "','arguments':'" args "'}}"

// `args` is the call's alone; the node's variables are the session's.
static void tools_run_one_after_the_other(void **state)
{
    static const struct play_result results[] = {
        {true, 0,
         "{'text':null,'tool_calls':[" CALL("c1", "look", "{\\\"n\\\":1}") "," CALL(
             "c2", "look", "{\\\"n\\\":2}") "]}",
         NULL},
        {true, 200, "{'is':'one'}", NULL},
        {true, 404, "'gone'", NULL},
        {true, 0, "{'text':'done'}", NULL}};
    check_with((struct play){.results = results, .steps = true},
               "s start\na ai {'tools':[{'name':'look','parameters':{'n':'integer'},'node':'t',"
               "'result':'t.body'}]}\n"
               "t api {'apiConfig':{'url':'https://x.example/{{ args.n }}/{{ who }}'}}\n"
               "m message {'message':'{{ args }}'}\ne end",
               "s>a a>m m>e",
               "'variables':[{'name':'args','defaultValue':'mine'},"
               "{'name':'who','defaultValue':'w'}]",
               "step s start\nai: - / - [] t=-1 max=0 history=10 tools=look\n"
               "step a ai: tool look\nhttp: GET https://x.example/1/w {} - 10000\n"
               "step t api: HTTP 200\n"
               "step a ai: tool look\nhttp: GET https://x.example/2/w {} - 10000\n"
               "step t api: failed: the API answered HTTP 404\n"
               "ai: - / - [] t=-1 max=0 history=10 tools=look rounds=3 "
               "{\"error\":\"node 't': the API answered HTTP 404\"}\n"
               "bot: done\nstep a ai\nbot: mine\nstep m message\nstep e end\n(completed)\n");
}

static void tools_are_bounded(void **state)
{
    static const struct play_result results[] = {
        {true, 0, "{'tool_calls':[" CALL("c1", "look", "[1]") "," CALL("c2", "other", "{}") "]}",
         NULL},
        {true, 0, "{'tool_calls':[" CALL("c3", "look", "{\\\"n\\\":1.5}") "]}", NULL}};
    check_with((struct play){.results = results, .steps = true},
               "s start\na ai {'maxRounds':1,'tools':[{'name':'look','parameters':{'n':'integer'},"
               "'node':'t'}]}\nt api {'apiConfig':{'url':'https://x.example'}}\ne end",
               "s>a a:success>e a:fallback>e", NULL,
               "step s start\nai: - / - [] t=-1 max=0 history=10 tools=look\n"
               "ai: - / - [] t=-1 max=0 history=10 tools=look rounds=3 "
               "{\"error\":\"there is no such tool\"}\n"
               "step a ai: error: the model asks for tools more than 1 times (maxRounds)\n"
               "step e end\n(completed)\n");
}

// Sixteen calls of 8 KiB each: the later ones are left out, and the answer still comes.
static void results_of_tools_are_bounded(void **state)
{
    enum { CALLS = 16 };
    struct play_result results[CALLS + 2] = {{true, 0, NULL, NULL}};
    struct buf asked = {0}, long_text = {0}, expected = {0};
    buf_add_str(&asked, "{'tool_calls':[");
    for (int i = 0; i < CALLS; i++)
        buf_printf(&asked, "%s" CALL("c%d", "look", "{}"), i ? "," : "", i);
    buf_add_str(&asked, "]}");
    buf_add_str(&long_text, "'");
    for (int i = 0; i < 20000; i++)
        buf_add_str(&long_text, "x");
    buf_add_str(&long_text, "'");
    results[0].json = asked.data;
    buf_add_str(&expected, "ai: - / - [] t=-1 max=0 history=10 tools=look\n");
    for (int i = 1; i <= CALLS; i++) {
        results[i] = (struct play_result){true, 200, long_text.data, NULL};
        buf_add_str(&expected, "http: GET https://x.example {} - 10000\n");
    }
    results[CALLS + 1] = (struct play_result){true, 0, "{'text':'done'}", NULL};
    buf_printf(&expected, "ai: - / - [] t=-1 max=0 history=10 tools=look rounds=%d ", CALLS + 1);
    buf_add_str(&expected, "{\"error\":\"the results of this turn are too long: this one is left "
                           "out\"}\nbot: done\n(completed)\n");
    check_with((struct play){.results = results},
               "s start\na ai {'tools':[{'name':'look','node':'t','result':'t.body'}]}\n"
               "t api {'apiConfig':{'url':'https://x.example'}}\ne end",
               "s>a a>e", NULL, expected.data);
    buf_deinit(&asked);
    buf_deinit(&long_text);
    buf_deinit(&expected);
}

static void what_is_wrong_with_ai_nodes_is_told(void **state)
{
    static const struct {
        const char *node, *codes;
    } cases[] = {
        {"ai {'memory':'much'}", "error:field-value@a"},
        {"ai {'knowledge':3}", "error:field-type@a"},
        {"ai {'output':{'n':'whole'}}", "error:field-value@a"},
        {"ai {'output':{'n':'integer'},'send':true}", "warning:ai-field-unused@a"},
        {"ai {'mapping':{'v':'n'}}", "warning:ai-field-unused@a"},
        {"ai {'tools':[{'name':'a b','node':'e'}]}", "error:tool-bad@a"},
        {"ai {'tools':[{'name':'t'}]}", "error:tool-bad@a"},
        {"ai {'tools':[{'name':'t','node':'e','flowId':'f'}]}", "error:tool-bad@a"},
        {"ai {'tools':[{'name':'t','node':'a'}]}", "error:tool-bad@a"},
        {"ai {'tools':[{'name':'t','node':'z'}]}", "error:target-missing@a"},
        {"ai {'tools':[{'name':'t','node':'e'},{'name':'t','node':'e'}]}", "error:tool-bad@a"},
        {"ai {'maxRounds':9}", "error:field-value@a"},
        {"aiClassify {'choices':[]}", "error:choice-bad@a"},
        {"aiClassify {'choices':[{'id':'other'}]}", "error:choice-bad@a"},
        {"aiClassify {'choices':[{'id':'x'},{'id':'x'}]}", "error:choice-bad@a"},
        {"aiClassify {'choices':[{'id':'x','examples':[1]}]}", "error:field-type@a"},
        {"aiExtract {'fields':{}}", "error:field-value@a"},
        {"aiExtract {'fields':{'x':'thing'}}", "error:field-value@a"},
        {"aiExtract {'fields':{'x':{'type':'enum'}}}", "error:field-value@a"},
        {"aiExtract {'fields':{'x':{'type':'enum','values':[1]}}}", "error:field-value@a"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char nodes[400];
        snprintf(nodes, sizeof nodes, "s start\na %s\ne end", cases[i].node);
        char *document = flow_text(nodes, "s>a a>e", NULL), *codes = compile_codes(document);
        if (strcmp(codes, cases[i].codes) != 0)
            fail_msg("%s: %s", cases[i].node, codes);
        free(codes);
        free(document);
    }
}

/* aiClassify, aiExtract */

static void intents_have_edges(void **state)
{
    static const struct {
        const char *answer, *text;
    } cases[] = {
        {"{'intent':'buy','confidence':0.9}", "buy {\"intent\":\"buy\",\"confidence\":0.9}"},
        {"{'intent':'buy','confidence':0.5}", "buy {\"intent\":\"buy\",\"confidence\":0.5}"},
        {"{'intent':'buy','confidence':0.49}",
         "other {\"intent\":\"other\",\"confidence\":0.49,\"guess\":\"buy\"}"},
        {"{'intent':'buy','confidence':70}", "buy {\"intent\":\"buy\",\"confidence\":1}"},
        {"{'intent':'other','confidence':1}", "other {\"intent\":\"other\",\"confidence\":1}"},
        {"{'intent':'sell','confidence':1}", "other {\"intent\":\"sell\",\"confidence\":1}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char value[120], expected[600];
        snprintf(value, sizeof value, "{'text':'','json':%s}", cases[i].answer);
        const struct play_result results[] = {{true, 0, value, NULL}};
        snprintf(expected, sizeof expected,
                 "ai: Say what the person's last message is about. It is one of these:\n"
                 "- buy: wants it; for example: \"I take it\", \"how much\"\n- sell\n"
                 "- other: none of them\nAnswer with a JSON object: {\"intent\": one of these "
                 "words, \"confidence\": how sure you are, from 0 to 1}. / - [] t=-1 max=0 "
                 "history=6 schema\nbot: %s\n(completed)\n",
                 cases[i].text);
        check_with((struct play){.results = results},
                   "s start\na intent {'confidence':0.5,'choices':[{'id':'buy','description':"
                   "'wants it','examples':['I take it','how much']},{'id':'sell'}]}\n"
                   "m message {'message':'buy {{ a }}'}\nn message {'message':'other {{ a }}'}\n"
                   "e end",
                   "s>a a:buy>m a:other>n m>e n>e", NULL, expected);
    }
}

static void extracted_values_have_their_types(void **state)
{
    static const struct {
        enum ai_value_type type;
        const char *value, *read; // NULL: it is none
    } cases[] = {
        {AI_TEXT, "'a b'", "\"a b\""},
        {AI_TEXT, "7", "\"7\""},
        {AI_TEXT, "' '", NULL},
        {AI_TEXT, "{}", NULL},
        {AI_NUMBER, "2.5", "2.5"},
        {AI_NUMBER, "'2.5'", "2.5"},
        {AI_NUMBER, "'two'", NULL},
        {AI_INTEGER, "2", "2"},
        {AI_INTEGER, "2.5", NULL},
        {AI_BOOLEAN, "true", "true"},
        {AI_BOOLEAN, "'False'", "false"},
        {AI_BOOLEAN, "1", NULL},
        {AI_DATE, "'2026-02-28'", "\"2026-02-28\""},
        {AI_DATE, "'2026-02-28T10:00:00Z'", "\"2026-02-28\""},
        {AI_DATE, "'2026-02-30'", NULL},
        {AI_DATE, "'tomorrow'", NULL},
        {AI_EMAIL, "'a@b.example'", "\"a@b.example\""},
        {AI_EMAIL, "'a@b'", NULL},
        {AI_EMAIL, "'a b@c.example'", NULL},
        {AI_PHONE, "'+49 (30) 12-34.56'", "\"+4930123456\""},
        {AI_PHONE, "491234567", "\"491234567\""},
        {AI_PHONE, "'1234'", NULL},
        {AI_PHONE, "'12345678901234567'", NULL},
        {AI_PHONE, "'call me'", NULL},
        {AI_ENUM, "'RED'", "\"red\""},
        {AI_ENUM, "'blue'", NULL},
        {AI_ENUM, "3", NULL},
        {AI_TEXT, "null", NULL},
    };
    cJSON *words = cJSON_Parse("[\"red\",\"green\"]");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char json[60];
        snprintf(json, sizeof json, "%s", cases[i].value);
        for (char *c = json; *c; c++)
            *c = *c == '\'' ? '"' : *c;
        cJSON *value = cJSON_Parse(json), *read = ai_value_read(cases[i].type, words, value);
        char *text = read ? json_print(read) : NULL;
        if ((text != NULL) != (cases[i].read != NULL) || (text && strcmp(text, cases[i].read) != 0))
            fail_msg("%s as %s: %s", json, ai_value_types[cases[i].type], text ? text : "none");
        free(text);
        cJSON_Delete(value);
        cJSON_Delete(read);
    }
    cJSON_Delete(words);
}

static void values_are_checked_against_schemas(void **state)
{
    static const struct {
        const char *schema, *value, *why; // NULL: it fits
    } cases[] = {
        {"{'type':'object'}", "{'a':1}", NULL},
        {"{'type':['string','null']}", "null", NULL},
        {"{'type':['string','null']}", "1", "must be of type string"},
        {"{'type':'integer','minimum':1,'maximum':3}", "4", "maximum is 3"},
        {"{'type':'integer','minimum':1}", "0", "minimum is 1"},
        {"{'type':'string','maxLength':2}", "'äöü'", "maxLength is 2"},
        {"{'type':'array','minItems':1}", "[]", "minItems is 1"},
        {"{'type':'array','items':{'type':'number'}}", "[1,'x']", "[1]: must be of type number"},
        {"{'properties':{'a':{'properties':{'b':{'enum':[1,2]}}}}}", "{'a':{'b':3}}",
         "a.b: is none of the values that it may have"},
        {"{'required':['a']}", "{'b':1}", "has no 'a'"},
        {"{'properties':{},'additionalProperties':false}", "{'b':1}", "b: is not asked for"},
        {"{'type':'no such type','format':'x'}", "1", NULL},
        {"{}", "[[[1]]]", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char json[2][120], why[AI_WHY_BYTES] = "";
        for (size_t k = 0; k < 2; k++) {
            snprintf(json[k], sizeof json[k], "%s", k ? cases[i].value : cases[i].schema);
            for (char *c = json[k]; *c; c++)
                *c = *c == '\'' ? '"' : *c;
        }
        cJSON *schema = cJSON_Parse(json[0]), *value = cJSON_Parse(json[1]);
        bool fits = ai_schema_check(schema, value, why);
        if (fits != !cases[i].why || (!fits && strcmp(why, cases[i].why) != 0))
            fail_msg("%s against %s: %s", json[1], json[0], fits ? "fits" : why);
        cJSON_Delete(schema);
        cJSON_Delete(value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(query_goes_behind_the_url_encoded),
        cmocka_unit_test(a_value_does_not_climb_the_path),
        cmocka_unit_test(form_is_encoded_and_says_so),
        cmocka_unit_test(text_body_is_sent_as_it_is),
        cmocka_unit_test(auth_is_a_header),
        cmocka_unit_test(secrets_are_marks_wherever_a_request_has_templates),
        cmocka_unit_test(secrets_are_refused_elsewhere),
        cmocka_unit_test(what_is_wrong_with_a_request_is_told),
        cmocka_unit_test(parts_of_the_answer_go_into_variables),
        cmocka_unit_test(what_is_required_and_missing_is_an_error),
        cmocka_unit_test(time_out_has_an_edge_of_its_own),
        cmocka_unit_test(retries_are_for_the_failures_that_the_flow_names),
        cmocka_unit_test(retries_wait_longer_each_time_and_keep_their_key),
        cmocka_unit_test(knowledge_and_memory_go_to_the_model),
        cmocka_unit_test(fallback_is_for_the_model_and_error_for_the_message),
        cmocka_unit_test(tokens_are_counted_over_the_whole_session),
        cmocka_unit_test(json_is_checked_mapped_and_asked_for_again_once),
        cmocka_unit_test(tools_run_one_after_the_other),
        cmocka_unit_test(tools_are_bounded),
        cmocka_unit_test(results_of_tools_are_bounded),
        cmocka_unit_test(what_is_wrong_with_ai_nodes_is_told),
        cmocka_unit_test(intents_have_edges),
        cmocka_unit_test(extracted_values_have_their_types),
        cmocka_unit_test(values_are_checked_against_schemas),
    };
    return cmocka_run_group_tests_name("outside", tests, NULL, NULL);
}
