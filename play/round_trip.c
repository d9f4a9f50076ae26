// SPDX-License-Identifier: MIT
// Sessions and effects through their JSON form (see play.h).
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "play/play.h"

static bool forms_equal(const char *what, char *owned_first, char *owned_second, struct err *err)
{
    bool same = strcmp(owned_first, owned_second) == 0;
    if (!same)
        err_set(err, ERR_INTERNAL, "the %s's JSON form changes when it is read: %.80s … %.80s",
                what, owned_first, owned_second);
    free(owned_first);
    free(owned_second);
    return same;
}

bool play_session_round_trip(struct session *session, struct err *err)
{
    struct session copy;
    char *text = session_to_json(session);
    if (!session_from_json(text, strlen(text), &copy, err)) {
        free(text);
        return false;
    }
    if (!forms_equal("session", text, session_to_json(&copy), err)) {
        session_deinit(&copy);
        return false;
    }
    session_deinit(session);
    *session = copy;
    return true;
}

bool play_effect_round_trip(struct effect *effect, struct err *err)
{
    struct effect copy;
    char *text = effect_to_json(effect);
    cJSON *json = json_read(text, strlen(text), err);
    bool ok = json && effect_from_json(json, &copy, err);
    cJSON_Delete(json);
    if (!ok) {
        free(text);
        return false;
    }
    if (!forms_equal("effect", text, effect_to_json(&copy), err)) {
        effect_deinit(&copy);
        return false;
    }
    effect_deinit(effect);
    *effect = copy;
    return true;
}
