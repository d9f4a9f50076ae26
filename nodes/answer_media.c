// SPDX-License-Identifier: MIT
// Places and files. Their trees come from the platforms as they are: nothing in them is trusted.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "engine/value.h"
#include "nodes/answer_readers.h"

/* Places */

enum { PLACE_BYTES = 256 };

static bool coordinates_fit(double latitude, double longitude)
{
    return latitude >= -90 && latitude <= 90 && longitude >= -180 && longitude <= 180;
}

static void place_text_add(cJSON *place, const char *name, const char *text)
{
    if (text && *text && strlen(text) <= PLACE_BYTES)
        json_add_str(place, name, text);
}

static cJSON *place_make(double latitude, double longitude, const char *name, const char *address)
{
    if (!coordinates_fit(latitude, longitude))
        return NULL;
    cJSON *place = cJSON_CreateObject();
    cJSON_AddNumberToObject(place, "latitude", latitude);
    cJSON_AddNumberToObject(place, "longitude", longitude);
    place_text_add(place, "name", name);
    place_text_add(place, "address", address);
    return place;
}

// WhatsApp's: {latitude, longitude, name?, address?}.
static cJSON *place_of_data(const cJSON *data)
{
    double latitude, longitude;
    if (!value_is_number(json_get(data, "latitude"), &latitude) ||
        !value_is_number(json_get(data, "longitude"), &longitude))
        return NULL;
    return place_make(latitude, longitude, json_str(data, "name"), json_str(data, "address"));
}

// Messenger's: {type: location, coordinates: {lat, long}, title?}.
static cJSON *place_of_attachment(const cJSON *attachment)
{
    const char *type = json_str(attachment, "type");
    const cJSON *coordinates = json_get(attachment, "coordinates");
    double latitude, longitude;
    if (!type || strcmp(type, "location") != 0)
        return NULL;
    if (!coordinates)
        return place_of_data(attachment);
    if (!value_is_number(json_get(coordinates, "lat"), &latitude) ||
        !value_is_number(json_get(coordinates, "long"), &longitude))
        return NULL;
    return place_make(latitude, longitude, json_str(attachment, "title"),
                      json_str(attachment, "address"));
}

// "-25.28, -57.64" at the beginning of the text; the end of it may be anything when `part`.
static cJSON *place_of_pair(const char *text, bool part)
{
    double latitude, longitude;
    int end = 0;
    const char *comma = strchr(text, ',');
    if (!comma || strspn(text, "+-0123456789. ") != (size_t)(comma - text) ||
        sscanf(text, "%15lf , %16lf%n", &latitude, &longitude, &end) != 2)
        return NULL;
    if (!part && text[end + (int)strspn(text + end, " ")])
        return NULL;
    return place_make(latitude, longitude, NULL, NULL);
}

// Coordinates in words, a geo: address, or a map's link: Instagram has no other way to send a
// place.
static cJSON *place_of_text(const char *text)
{
    static const char *const marks[] = {"/@", "?q=", "&q=", "?ll=", "&ll=", "query=", "!3d", NULL};
    char plain[PLACE_BYTES * 2];
    if (!answer_plain(text, plain, sizeof plain))
        return NULL;
    if (strncasecmp(plain, "geo:", 4) == 0)
        return place_of_pair(plain + 4, true);
    bool is_link = strncasecmp(plain, "http://", 7) == 0 || strncasecmp(plain, "https://", 8) == 0;
    if (!is_link)
        return place_of_pair(plain, false);
    for (const char *const *mark = marks; *mark; mark++) {
        const char *at = strstr(plain, *mark);
        cJSON *place = at ? place_of_pair(at + strlen(*mark), true) : NULL;
        if (place)
            return place;
    }
    return NULL;
}

bool answer_read_location(const struct rule *rule, const struct answer *answer, cJSON **ret_value,
                          double *ret_measure, char why[WHY_BYTES])
{
    cJSON *place = place_of_data(answer->data);
    const cJSON *attachment;
    cJSON_ArrayForEach(attachment, answer->attachments) {
        if (!place)
            place = place_of_attachment(attachment);
    }
    if (!place)
        place = place_of_text(answer->text);
    if (!place)
        return answer_refuse(why, "Please send your location.");
    *ret_measure = 0;
    *ret_value = place;
    return true;
}

/* Files */

static const struct media_kind {
    const char *type; // the platform's word
    unsigned kind;
    const char *name; // ours
} media_kinds[] = {
    {"image", MEDIA_IMAGE, "image"},       {"video", MEDIA_VIDEO, "video"},
    {"audio", MEDIA_AUDIO, "audio"},       {"voice", MEDIA_AUDIO, "audio"},
    {"file", MEDIA_DOCUMENT, "document"},  {"document", MEDIA_DOCUMENT, "document"},
    {"sticker", MEDIA_STICKER, "sticker"},
};

static const struct media_kind *media_kind_find(const cJSON *attachment)
{
    const char *type = json_str(attachment, "type");
    if (json_get(attachment, "sticker_id"))
        type = "sticker";
    for (size_t i = 0; type && i < sizeof media_kinds / sizeof *media_kinds; i++)
        if (strcmp(media_kinds[i].type, type) == 0)
            return &media_kinds[i];
    return NULL;
}

// A picture that was sent as a document is a picture, too.
static bool media_is_accepted(const struct rule *rule, const struct media_kind *kind,
                              const char *mime)
{
    static const struct {
        const char *prefix;
        unsigned kind;
    } mimes[] = {{"image/", MEDIA_IMAGE}, {"video/", MEDIA_VIDEO}, {"audio/", MEDIA_AUDIO}};
    if (rule->accept & kind->kind)
        return true;
    for (size_t i = 0; kind->kind == MEDIA_DOCUMENT && mime && i < 3; i++)
        if ((rule->accept & mimes[i].kind) && strncmp(mime, mimes[i].prefix, 6) == 0)
            return true;
    return false;
}

static cJSON *file_make(const cJSON *attachment, const struct media_kind *kind)
{
    const char *name = json_str(attachment, "filename");
    char scratch[32];
    cJSON *file = cJSON_CreateObject();
    json_add_str(file, "type", kind->name);
    json_add_str(file, "url", json_str(attachment, "url"));
    json_add_str(file, "id", json_id(attachment, "id", scratch));
    json_add_str(file, "mime", json_str(attachment, "mime_type"));
    json_add_str(file, "name", name ? name : json_str(attachment, "title"));
    json_add_str(file, "sha256", json_str(attachment, "sha256"));
    if (json_get(file, "url") || json_get(file, "id"))
        return file;
    cJSON_Delete(file); // a picture to be seen once, say
    return NULL;
}

// "a picture, a video or a document": what is accepted, in words.
static void accept_print(unsigned accept, char *out, size_t size)
{
    static const char *const names[] = {"a picture", "a video", "a voice message", "a document",
                                        "a sticker"};
    size_t used = 0;
    *out = '\0';
    for (unsigned bit = 0; bit < 5; bit++) {
        if (!(accept >> bit & 1u))
            continue;
        bool is_last = accept >> (bit + 1) == 0;
        used += (size_t)snprintf(out + used, size - used, "%s%s",
                                 !used     ? ""
                                 : is_last ? " or "
                                           : ", ",
                                 names[bit]);
    }
}

static bool media_refuse(const struct rule *rule, char why[WHY_BYTES])
{
    char wanted[96];
    accept_print(rule->accept, wanted, sizeof wanted);
    return answer_refuse(why, "Please send %s.", wanted);
}

bool answer_read_media(const struct rule *rule, const struct answer *answer, cJSON **ret_value,
                       double *ret_measure, char why[WHY_BYTES])
{
    cJSON *files = cJSON_CreateArray();
    bool all_good = true;
    const cJSON *attachment;
    cJSON_ArrayForEach(attachment, answer->attachments) {
        const struct media_kind *kind = media_kind_find(attachment);
        bool accepted = kind && media_is_accepted(rule, kind, json_str(attachment, "mime_type"));
        cJSON *file = accepted ? file_make(attachment, kind) : NULL;
        all_good = all_good && file;
        cJSON_AddItemToArray(files, file);
    }
    int count = cJSON_GetArraySize(files);
    if (count == 0 || !all_good || count > rule->max_files) {
        cJSON_Delete(files);
        if (all_good && count > 0)
            return answer_refuse(why, "Please send %d file%s at most.", rule->max_files,
                                 rule->max_files == 1 ? "" : "s");
        return media_refuse(rule, why);
    }
    *ret_measure = count;
    *ret_value = rule->max_files == 1 ? cJSON_DetachItemFromArray(files, 0) : files;
    if (rule->max_files == 1)
        cJSON_Delete(files);
    return true;
}
