// SPDX-License-Identifier: MIT
// Who a request is from: X-Forwarded-For is believed only as far as trusted proxies wrote it.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/queue.h>

#include <cmocka.h>

#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include "webhook/proxy.h"

static void the_client_is_the_first_hop_that_is_not_trusted(void **state)
{
    static const struct {
        const char *trusted, *peer, *headers[2], *client;
    } cases[] = {
        {"", "192.0.2.1", {"198.51.100.7"}, "192.0.2.1"}, // nobody is believed
        {"10.0.0.0/8", "192.0.2.1", {"198.51.100.7"}, "192.0.2.1"},
        {"10.0.0.0/8", "10.1.2.3", {NULL}, "10.1.2.3"},
        {"10.0.0.0/8", "10.1.2.3", {"198.51.100.7"}, "198.51.100.7"},
        // What the client itself wrote stands on the left.
        {"10.0.0.0/8", "10.1.2.3", {"1.1.1.1, 198.51.100.7"}, "198.51.100.7"},
        {"10.0.0.0/8", "10.1.2.3", {"198.51.100.7 ,10.9.9.9"}, "198.51.100.7"},
        {"10.0.0.0/8", "10.1.2.3", {"10.4.4.4, 10.9.9.9"}, "10.4.4.4"},
        {"10.0.0.0/8", "10.1.2.3", {"1.1.1.1", "198.51.100.7"}, "198.51.100.7"},
        {"10.0.0.0/8", "10.1.2.3", {"198.51.100.7", "10.9.9.9"}, "198.51.100.7"},
        {"10.0.0.0/8", "10.1.2.3", {"1.1.1.1, evil\"line"}, "10.1.2.3"},
        {"10.0.0.0/8", "10.1.2.3", {""}, "10.1.2.3"},
        {"10.0.0.0/8", "10.1.2.3", {"198.51.100.7:4711"}, "198.51.100.7"},
        {"10.0.0.0/8", "10.1.2.3", {"[2001:db8::7]:4711"}, "2001:db8::7"},
        {"::1, fd00::/8", "fd12::1", {"2001:db8::7, ::1"}, "2001:db8::7"},
        {"10.1.2.3", "::ffff:10.1.2.3", {"198.51.100.7"}, "198.51.100.7"},
        {"10.1.2.2/31", "10.1.2.4", {"198.51.100.7"}, "10.1.2.4"},
        {"0.0.0.0/0", "10.1.2.4", {"198.51.100.7"}, "198.51.100.7"},
        {"0.0.0.0/0", "2001:db8::1", {"198.51.100.7"}, "2001:db8::1"}, // IPv4 alone
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct proxies *proxies = NULL;
        struct err err = {0};
        assert_true(proxies_parse(cases[i].trusted, &proxies, &err));
        struct evkeyvalq headers;
        TAILQ_INIT(&headers);
        for (size_t k = 0; k < 2 && cases[i].headers[k]; k++)
            evhttp_add_header(&headers, "X-Forwarded-For", cases[i].headers[k]);
        char client[PROXY_ADDRESS_MAX];
        proxies_client(proxies, cases[i].peer, &headers, client);
        if (strcmp(client, cases[i].client) != 0)
            fail_msg("case %zu: %s instead of %s", i, client, cases[i].client);
        evhttp_clear_headers(&headers);
        proxies_free(proxies);
    }
}

static void lists_are_checked(void **state)
{
    static const char *const bad[] = {"10.0.0.0/33", "10.0.0/8",   "::1/129", "proxy.example.com",
                                      "10.0.0.0/",   "10.0.0.0/x", "::1/-1",  "10.0.0.0/8/8"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct proxies *proxies = NULL;
        struct err err = {0};
        assert_false(proxies_parse(bad[i], &proxies, &err));
        assert_int_equal(err.code, ERR_CONFIG);
        assert_non_null(strstr(err.text, bad[i]));
    }
}

int main(void)
{
    mem_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_client_is_the_first_hop_that_is_not_trusted),
        cmocka_unit_test(lists_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
