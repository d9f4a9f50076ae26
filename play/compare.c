// SPDX-License-Identifier: MIT
// What the author wrote, beside what came (see player.h).
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "play/player.h"

bool same_text(const char *written, const char *came)
{
    return strcmp(written, came) == 0;
}

bool same_prefix(const char *written, const char *came)
{
    return strncmp(written, came, strlen(written)) == 0;
}

cJSON *json_of(const char *text)
{
    return json_read(text, strlen(text), NULL);
}

bool same_json(const char *written, const char *came)
{
    cJSON *a = json_of(written), *b = json_of(came);
    bool same = a && b ? cJSON_Compare(a, b, true) : strcmp(written, came) == 0;
    cJSON_Delete(a);
    cJSON_Delete(b);
    return same;
}
