// SPDX-License-Identifier: MIT
/*
 * One request on its way into libcurl: the check of what the caller gave, the options of its easy
 * handle, and the callbacks through which its bytes come and go.
 */
#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "connectors/http_call.h"

enum {
    CONNECT_TIMEOUT_MS = 5000,
    DEFAULT_RESPONSE_MAX = 1 << 20, // bytes
    URL_MAX_LEN = 8192,             // bytes
};

void http_answer_clear(struct http_call *call)
{
    for (size_t i = 0; i < call->answer_count; i++)
        free((char *)call->answer[i].name);
    call->answer_count = 0;
}

// ---- One transfer's data

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct http_call *call = arg;

    buf_add(&call->response, data, size * count);
    return call->response.overflow ? 0 : size * count;
}

// One header line of the answer. A new status line (after 1xx or a redirect) starts over.
static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
    struct http_call *call = arg;
    size_t len = size * count;
    const char *colon = memchr(data, ':', len);

    if (len >= 5 && strncmp(data, "HTTP/", 5) == 0) {
        http_answer_clear(call);
        return len;
    }
    if (!colon || call->answer_count == HTTP_HEADERS_MAX)
        return len;
    char *line = x_dupn(data, len);
    char *value = line + (colon - data);
    *value++ = '\0';
    while (*value == ' ' || *value == '\t')
        value++;
    value[strcspn(value, "\r\n")] = '\0';
    call->answer[call->answer_count++] = (struct http_header){.name = line, .value = value};
    return len;
}

static size_t give_body(char *out, size_t size, size_t count, void *arg)
{
    struct http_call *call = arg;
    size_t len = call->body_len - call->body_read;

    if (len > size * count)
        len = size * count;
    memcpy(out, call->body + call->body_read, len);
    call->body_read += len;
    return len;
}

// See http.h: libcurl asks for this when it is about to send a body a second time.
static int refuse_seek(void *arg, curl_off_t offset, int origin)
{
    return CURL_SEEKFUNC_FAIL;
}

// ---- Starting

static bool is_token(const char *s)
{
    size_t len = 0;

    for (; s[len]; len++)
        if (!isupper((unsigned char)s[len]) || len == 16)
            return false;
    return len > 0;
}

bool http_request_check(const struct http_request *request, struct err *err)
{
    if (!request->method || !is_token(request->method))
        return err_set(err, ERR_INPUT, "HTTP method is not one to 16 capital letters");
    if (!request->url || (strncasecmp(request->url, "http://", 7) != 0 &&
                          strncasecmp(request->url, "https://", 8) != 0))
        return err_set(err, ERR_INPUT, "URL does not begin with http:// or https://");
    if (strlen(request->url) > URL_MAX_LEN)
        return err_set(err, ERR_INPUT, "URL is longer than %d bytes", URL_MAX_LEN);
    for (const unsigned char *c = (const unsigned char *)request->url; *c; c++)
        if (*c <= ' ' || *c == 0x7f)
            return err_set(err, ERR_INPUT, "URL holds a blank or a control character");
    for (size_t i = 0; request->headers && request->headers[i]; i++)
        if (strpbrk(request->headers[i], "\r\n") || !strchr(request->headers[i], ':'))
            return err_set(err, ERR_INPUT, "request header %zu is not one \"Name: value\"", i + 1);
    return true;
}

static void add_header(struct http_call *call, const char *line)
{
    struct curl_slist *list = curl_slist_append(call->headers, line);
    assert(list); // libcurl is out of memory
    call->headers = list;
}

static void set_headers(struct http_call *call, const struct http_request *request)
{
    bool typed = false;

    for (size_t i = 0; request->headers && request->headers[i]; i++) {
        add_header(call, request->headers[i]);
        typed = typed || strncasecmp(request->headers[i], "content-type:", 13) == 0;
    }
    add_header(call, "Expect:"); // no waiting for 100-continue
    if (!typed)
        add_header(call, "Content-Type:"); // or libcurl would claim a form
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
}

static void set_body(struct http_call *call, const struct http_request *request)
{
    CURL *easy = call->easy;
    bool is_head = strcmp(request->method, "HEAD") == 0;

    call->body_len = request->body ? request->body_len : 0;
    // Without a body there is nothing to rewind; but on a new connection nothing is tried twice.
    if (request->once && !call->body_len)
        curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    if (is_head)
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    if (!is_head && (call->body_len || strcmp(request->method, "POST") == 0)) {
        call->body = x_dupn(call->body_len ? request->body : "", call->body_len);
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_len);
        if (request->once && call->body_len) {
            curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_body);
            curl_easy_setopt(easy, CURLOPT_READDATA, call);
            curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, refuse_seek);
        } else {
            curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body);
        }
    }
    // Named only where libcurl would not say it by itself: a name survives redirects.
    bool is_plain_get = strcmp(request->method, "GET") == 0 && !call->body_len;
    if (!is_plain_get && !is_head && strcmp(request->method, "POST") != 0)
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static void set_options(struct http_call *call, const struct http_request *request)
{
    CURL *easy = call->easy;

    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->curl_text);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, call->http->user_agent);
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); // what we do is said by our configuration alone
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, (long)(request->max_redirects > 0));
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)request->max_redirects);
    if (call->http->ca_file)
        curl_easy_setopt(easy, CURLOPT_CAINFO, call->http->ca_file);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
}

void http_request_apply(struct http_call *call, const struct http_request *request)
{
    buf_init(&call->response, request->max_response ? request->max_response : DEFAULT_RESPONSE_MAX);
    call->easy = curl_easy_init();
    assert(call->easy); // libcurl is out of memory
    set_options(call, request);
    set_headers(call, request);
    set_body(call, request);
}
