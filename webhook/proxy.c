// SPDX-License-Identifier: MIT
// Trusted proxies (see proxy.h).

#include "webhook/proxy.h"

#include <arpa/inet.h>
#include <sys/queue.h> // before libevent has its own

#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// All addresses are IPv6 here; IPv4 is mapped (::ffff:a.b.c.d).
struct network {
    unsigned char bytes[16];
    unsigned bits;
};

struct proxies {
    struct network *networks;
    size_t count;
};

static bool read_address(const char *text, unsigned char bytes[16])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (inet_pton(AF_INET6, text, bytes) == 1)
        return true;
    memcpy(bytes, mapped, sizeof mapped);
    return inet_pton(AF_INET, text, bytes + sizeof mapped) == 1;
}

/* --- the list ------------------------------------------------------------------------------------
 */

static bool read_network(char *text, struct network *network)
{
    char *slash = strchr(text, '/');
    if (slash)
        *slash = '\0';
    bool v4 = !strchr(text, ':');
    unsigned most = v4 ? 32 : 128;
    if (!read_address(text, network->bytes))
        return false;
    char *end = NULL;
    unsigned long bits = slash ? strtoul(slash + 1, &end, 10) : most;
    if (slash && (end == slash + 1 || *end || slash[1] == '-' || slash[1] == '+' || bits > most))
        return false;
    network->bits = (unsigned)bits + (v4 ? 96 : 0);
    return true;
}

bool proxies_parse(const char *list, struct proxies **ret_proxies, struct err *err)
{
    struct proxies *proxies = x_alloc(sizeof *proxies);
    char *copy = x_dup(list ? list : ""), *rest = NULL;
    bool ok = true;
    for (char *word = strtok_r(copy, ", \t", &rest); word && ok;
         word = strtok_r(NULL, ", \t", &rest)) {
        proxies->networks =
            x_realloc(proxies->networks, proxies->count + 1, sizeof *proxies->networks);
        char *name = x_dup(word); // read_network cuts it
        ok = read_network(word, &proxies->networks[proxies->count++]);
        if (!ok)
            err_set(err, ERR_CONFIG,
                    "listen.trusted_proxies: '%s' is not an address or a network like 10.0.0.0/8",
                    name);
        free(name);
    }
    free(copy);
    if (!ok || proxies->count == 0) {
        proxies_free(proxies);
        proxies = NULL;
    }
    if (ok)
        *ret_proxies = proxies;
    return ok;
}

void proxies_free(struct proxies *proxies)
{
    if (!proxies)
        return;
    free(proxies->networks);
    free(proxies);
}

/* --- the client ----------------------------------------------------------------------------------
 */

static bool is_in(const struct network *network, const unsigned char bytes[16])
{
    unsigned whole = network->bits / 8, rest = network->bits % 8;
    return memcmp(network->bytes, bytes, whole) == 0 &&
           (rest == 0 || (network->bytes[whole] ^ bytes[whole]) >> (8 - rest) == 0);
}

static bool is_trusted(const struct proxies *proxies, const char *address)
{
    unsigned char bytes[16];
    if (!proxies || !read_address(address, bytes))
        return false;
    for (size_t i = 0; i < proxies->count; i++)
        if (is_in(&proxies->networks[i], bytes))
            return true;
    return false;
}

/*
 * One hop of the header: an address, perhaps with a port ("192.0.2.1:80", "[2001:db8::1]:80").
 * False when it is neither.
 */
static bool read_hop(const char *text, size_t len, char hop[PROXY_ADDRESS_MAX])
{
    while (len > 0 && (*text == ' ' || *text == '\t'))
        text++, len--;
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
        len--;
    if (len == 0 || len >= PROXY_ADDRESS_MAX)
        return false;
    bool bracket = *text == '[';
    memcpy(hop, text + bracket, len - bracket);
    hop[len - bracket] = '\0';
    char *colon = strchr(hop, ':');
    if (bracket)
        hop[strcspn(hop, "]")] = '\0';
    else if (colon && !strchr(colon + 1, ':'))
        *colon = '\0';
    unsigned char bytes[16];
    return read_address(hop, bytes);
}

/*
 * Walks one header from its end while the hop so far is trusted. False: the walk is over; the
 * client is known as well as it will be.
 */
static bool walk(const struct proxies *proxies, const char *value, char client[PROXY_ADDRESS_MAX])
{
    size_t end = strlen(value);
    for (;;) {
        size_t begin = end;
        while (begin > 0 && value[begin - 1] != ',')
            begin--;
        char hop[PROXY_ADDRESS_MAX];
        if (!is_trusted(proxies, client) || !read_hop(value + begin, end - begin, hop))
            return false;
        memcpy(client, hop, sizeof hop);
        if (begin == 0)
            return true;
        end = begin - 1;
    }
}

void proxies_client(const struct proxies *proxies, const char *peer,
                    const struct evkeyvalq *headers, char ret_client[PROXY_ADDRESS_MAX])
{
    snprintf(ret_client, PROXY_ADDRESS_MAX, "%s", peer ? peer : "");
    if (!is_trusted(proxies, ret_client))
        return;
    const struct evkeyval *header;
    TAILQ_FOREACH_REVERSE(header, headers, evkeyvalq, next)
    {
        if (strcasecmp(header->key, "X-Forwarded-For") == 0 &&
            !walk(proxies, header->value, ret_client))
            return;
    }
}
