// SPDX-License-Identifier: MIT
// `hookmill version`

#include <cjson/cJSON.h>
#include <curl/curlver.h>
#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <mongoc/mongoc.h>
#include <stdio.h>

#include "cli/cli.h"

static int run(struct cli *cli)
{
    printf("hookmill %s\n", HOOKMILL_VERSION);
    printf("libevent %s, hiredis %d.%d.%d, libcurl %s, libmongoc %s, cJSON %d.%d.%d\n",
           event_get_version(), HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH, LIBCURL_VERSION,
           mongoc_get_version(), CJSON_VERSION_MAJOR, CJSON_VERSION_MINOR, CJSON_VERSION_PATCH);
    return 0;
}

const struct command command_version = {
    .name = "version",
    .summary = "Print the version, and those of the libraries.",
    .no_config = true,
    .run = run,
};
