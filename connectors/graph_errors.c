// SPDX-License-Identifier: MIT
/*
 * Meta's error codes, one row each (platform reference, sections 5.2 and 5.3). The decision is
 * made on code and subcode, never on words; the more specific row wins. Letters are the
 * reference's.
 */
#include "connectors/graph_errors.h"

enum {
    ANY = 0, // whatever the subcode
    HOUR_MS = 3600 * 1000,
};

#define R GRAPH_RETRY_LATER
#define T GRAPH_SLOW_DOWN
#define K GRAPH_TOKEN_BAD
#define W GRAPH_WINDOW_CLOSED
#define X GRAPH_UNREACHABLE
#define P GRAPH_REQUEST_WRONG
#define A GRAPH_BLOCKED

struct row {
    int first, last; // codes, inclusive
    int subcode;
    struct graph_meaning meaning;
};

#define ONE(code, subcode, outcome)                                                                \
    {                                                                                              \
        code, code, subcode,                                                                       \
        {                                                                                          \
            outcome, 0                                                                             \
        }                                                                                          \
    }
#define RANGE(first, last, outcome)                                                                \
    {                                                                                              \
        first, last, ANY,                                                                          \
        {                                                                                          \
            outcome, 0                                                                             \
        }                                                                                          \
    }
#define ONE_WAIT(code, outcome, wait_ms)                                                           \
    {                                                                                              \
        code, code, ANY,                                                                           \
        {                                                                                          \
            outcome, wait_ms                                                                       \
        }                                                                                          \
    }

static const struct row messenger_rows[] = {
    // Unknown error: may come after the message was really sent, so an echo has to decide.
    ONE(1, ANY, GRAPH_AMBIGUOUS),
    ONE(2, ANY, R), // also 2018344, 1545133
    ONE(3, ANY, K),
    ONE(4, ANY, T), // app limit; 2018022, 2018354
    ONE(9, ANY, T), // 2018352
    ONE(10, ANY, K),
    ONE(10, 2018278, W),
    ONE(10, 2018065, W),
    ONE(10, 2534022, W), // Instagram
    ONE(10, 2018108, X),
    ONE(10, 2018300, P), // another app holds the thread
    ONE(17, ANY, T),
    ONE(32, ANY, T),
    ONE(100, ANY, P), // also: removed message tag
    ONE(100, 33, K),  // the account's object is gone or not ours
    ONE(100, 2018001, X),
    ONE(100, 2018008, R), // Meta could not fetch or use the attachment
    ONE(100, 2018047, R),
    ONE(100, 2018074, R),
    ONE(100, 2018294, R),
    ONE(100, 2018034, P), // empty message
    ONE(100, 2018109, P), // attachment too large
    ONE(100, 2534014, X), // Instagram: user not found
    ONE(100, 2534001, P), // archived thread
    ONE(100, 2534013, T), // private-reply limit
    ONE(100, 2534025, P), // private reply used already
    ONE(100, 2534029, X), // business blocked
    ONE(102, ANY, K),
    ONE(190, ANY, K),   // whatever the subcode: 458, 459, 460, 463, 464, 467, 490, 492, 2069032
    RANGE(200, 229, K), // also 200 (2534041): message access removed by setting
    ONE(230, ANY, P),   // consent missing (profile call)
    RANGE(231, 299, K),
    ONE(341, ANY, T),
    ONE_WAIT(368, A, HOUR_MS),
    ONE(506, ANY, P), // duplicate post
    ONE(551, ANY, X),
    ONE(551, 1545041, W),
    ONE(613, ANY, T),
    ONE(1200, ANY, R),
    ONE(9010, ANY, X),
    ONE(10303, ANY, X),
    ONE(80001, ANY, T), // business use case limits: Pages, Instagram, Messenger
    ONE(80002, ANY, T),
    ONE(80006, ANY, T),
    ONE(1545133, ANY, R),
};

static const struct row whatsapp_rows[] = {
    ONE(0, ANY, K),
    ONE(1, ANY, R),
    ONE(2, ANY, R),
    ONE(3, ANY, K),
    ONE(4, ANY, T),
    ONE(10, ANY, K),
    ONE(33, ANY, P), // number deleted
    ONE(100, ANY, P),
    ONE(190, ANY, K),
    RANGE(200, 299, K),
    ONE_WAIT(368, A, HOUR_MS),
    ONE(80007, ANY, T),
    ONE(130429, ANY, T), // throughput of the number
    ONE(130472, ANY, P), // person in an experiment group
    ONE(130497, ANY, P), // country restricted
    ONE(131000, ANY, R),
    ONE(131005, ANY, K),
    ONE(131008, ANY, P), // parameter missing
    ONE(131009, ANY, P), // parameter invalid
    ONE(131016, ANY, R),
    ONE(131020, ANY, P), // groups
    ONE(131021, ANY, P), // to oneself
    ONE(131026, ANY, X),
    ONE(131030, ANY, P), // not in the test number's list
    ONE(131031, ANY, A),
    ONE(131037, ANY, A), // display name
    ONE(131041, ANY, P), // groups
    ONE(131042, ANY, A), // payment
    ONE(131044, ANY, A), // payment for calls
    ONE(131045, ANY, A), // certificate of the number
    ONE(131047, ANY, W),
    ONE_WAIT(131048, T, HOUR_MS), // spam limit: hours
    ONE(131049, ANY, P),          // marketing cap of the person
    ONE(131050, ANY, P),          // opted out of marketing
    ONE(131051, ANY, P),
    ONE(131052, ANY, P), // media download
    ONE(131053, ANY, R), // media upload
    ONE(131055, ANY, P),
    ONE(131056, ANY, T), // this number to this person; the back-off is the worker's
    ONE(131057, ANY, R), // maintenance
    ONE(131059, ANY, P), // groups
    ONE(131060, ANY, P),
    ONE(131062, ANY, P), // BSUID not allowed here
    ONE(131063, ANY, P), // marketing elsewhere
    ONE_WAIT(131064, T, HOUR_MS),
    RANGE(131201, 131215, P), // groups
    ONE(132000, ANY, P),      // templates
    ONE(132001, ANY, P),
    ONE(132005, ANY, P),
    ONE(132007, ANY, P),
    ONE(132008, ANY, P),
    ONE(132012, ANY, P),
    ONE(132015, ANY, P),
    ONE(132016, ANY, P),
    ONE(132068, ANY, P), // WhatsApp Flow blocked, throttled
    ONE(132069, ANY, T),
    ONE(133004, ANY, R), // registration
    ONE(133005, ANY, K),
    ONE(133006, ANY, K),
    ONE(133008, ANY, T),
    ONE(133009, ANY, T),
    ONE(133010, ANY, K), // number not registered
    ONE(133015, ANY, T),
    ONE_WAIT(133016, T, HOUR_MS),
    ONE(135000, ANY, R),
    ONE(137000, ANY, P), // identity key changed
    ONE(138000, ANY, P), // calls
    ONE(138001, ANY, X),
    ONE(138002, ANY, T),
    ONE(138003, ANY, P),
    ONE(138004, ANY, R),
    ONE(138005, ANY, T),
    ONE(138006, ANY, P),
    ONE(138007, ANY, R),
    ONE(138009, ANY, T),
    ONE(138012, ANY, T),
    ONE(138013, ANY, T),
    ONE(138018, ANY, P),
    RANGE(139000, 139004, P), // Flows administration, blocking people
    RANGE(139100, 139101, P),
    RANGE(139102, 139103, R),
    RANGE(147001, 147005, P),   // usernames
    RANGE(2388000, 2388999, P), // template creation
    ONE(2593109, ANY, P),       // history declined: information only
};

static const struct graph_meaning *find(const struct row *rows, size_t count, int code, int subcode)
{
    const struct graph_meaning *general = NULL;

    for (size_t i = 0; i < count; i++) {
        const struct row *row = &rows[i];
        if (code < row->first || code > row->last)
            continue;
        if (row->subcode == ANY)
            general = &row->meaning;
        else if (row->subcode == subcode)
            return &row->meaning;
    }
    return general;
}

const struct graph_meaning *graph_errors_find(enum platform platform, int code, int subcode)
{
    if (platform == PLATFORM_WHATSAPP) // no subcodes since v16
        return find(whatsapp_rows, sizeof whatsapp_rows / sizeof *whatsapp_rows, code, ANY);
    return find(messenger_rows, sizeof messenger_rows / sizeof *messenger_rows, code, subcode);
}
