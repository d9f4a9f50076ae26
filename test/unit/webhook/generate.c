// SPDX-License-Identifier: MIT
// Random deliveries (see generate.h): tables of element texts with places to fill in.

#include "test/unit/webhook/generate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * In the texts: $P a person's id, $A the account's, $I an id of its own, $T a time, $U a number of
 * its own, $X perhaps unknown members, $N perhaps members that are null.
 */
enum form { FORM_IN, FORM_OUT, FORM_BARE, FORM_WHOLE };

struct template
{
    enum event_kind kind;
    enum form form; // what stands around `text`: sender and recipient, swapped, no sender, nothing
    const char *text;
};

static const struct template messaging[] = {
    {EVENT_MESSAGE, FORM_IN, "\"message\":{$X$N\"mid\":$I,\"text\":\"a $U\"}"},
    {EVENT_MESSAGE, FORM_IN,
     "\"message\":{$N\"mid\":$I,\"text\":\"b\",$X\"quick_reply\":{$X\"payload\":\"P$U\"}}"},
    {EVENT_MESSAGE, FORM_IN,
     "\"message\":{$N\"mid\":$I,\"attachments\":[{$X\"type\":\"image\",\"payload\":{$X\"url\":"
     "\"u\"}},"
     "{\"type\":\"new_$U\",\"payload\":$U}]}"},
    {EVENT_MESSAGE, FORM_IN,
     "\"message\":{$N\"mid\":$I,\"attachments\":[{\"type\":\"location\",\"title\":null,\"payload\":"
     "{"
     "\"title\":\"t\",\"coordinates\":{\"lat\":-25.2867,\"long\":1e-3}}}]}"},
    {EVENT_MESSAGE, FORM_IN,
     "\"message\":{\"mid\":$I,\"text\":\"c\",\"reply_to\":{$X\"story\":{\"id\":$I,\"url\":\"u\"}}"
     "}"},
    {EVENT_MESSAGE, FORM_IN, "\"message\":{\"mid\":$I,\"text\":\"d\",\"reply_to\":{\"mid\":$I}}"},
    {EVENT_MESSAGE, FORM_IN,
     "\"message\":{\"mid\":$I,\"text\":\"e\",\"referral\":{$X\"ref\":\"$U\"}}"},
    {EVENT_MESSAGE, FORM_IN, "\"message\":{$X\"mid\":$I,\"is_unsupported\":true}"},
    {EVENT_MESSAGE, FORM_IN, "\"message\":{\"mid\":$I,\"commands\":[{$X\"name\":\"n\"}]}"},
    {EVENT_MESSAGE, FORM_IN, "\"order\":{\"products\":[{$X\"id\":$I}],\"note\":\"n$U\"}"},
    {EVENT_UNSEND, FORM_IN, "\"message\":{$N\"mid\":$I,\"is_deleted\":true}"},
    {EVENT_ECHO, FORM_OUT,
     "\"message\":{$X\"mid\":$I,\"is_echo\":true,\"app_id\":$I,\"metadata\":\"k\",\"text\":\"f\"}"},
    {EVENT_ECHO, FORM_OUT, "\"message\":{$N\"mid\":$I,\"text\":\"from the phone\"}"},
    {EVENT_POSTBACK, FORM_IN, "\"postback\":{$X\"mid\":$I,\"title\":\"t\",\"payload\":\"p$U\"}"},
    {EVENT_POSTBACK, FORM_IN, "\"postback\":{\"payload\":\"p$U\",\"referral\":{\"ref\":\"r\"}}"},
    {EVENT_EDIT, FORM_IN, "\"message_edit\":{\"mid\":$I,\"text\":\"g\",\"num_edit\":\"3\"}"},
    {EVENT_REACTION, FORM_IN,
     "\"reaction\":{$X\"mid\":$I,\"action\":\"react\",\"reaction\":\"love\"}"},
    {EVENT_REACTION, FORM_IN, "\"reaction\":{\"mid\":$I,\"action\":\"unreact\",\"emoji\":null}"},
    {EVENT_READ, FORM_IN, "\"read\":{$X\"watermark\":$T}"},
    {EVENT_READ, FORM_IN, "\"read\":{\"mid\":$I}"},
    {EVENT_DELIVERY, FORM_IN, "\"delivery\":{\"mids\":[$I],$X\"watermark\":$T}"},
    {EVENT_REFERRAL, FORM_IN,
     "\"referral\":{$X\"ref\":\"$U\",\"source\":\"ADS\",\"ad_id\":$I,\"type\":\"OPEN_THREAD\"}"},
    {EVENT_REFERRAL, FORM_IN, "\"lead\":{$X\"lead_id\":$I}"},
    {EVENT_OPTIN, FORM_BARE, "\"sender\":{\"user_ref\":\"u$U\"},\"optin\":{$X\"ref\":\"$U\"}"},
    {EVENT_OPTIN, FORM_IN, "\"optin\":{\"type\":\"notification_messages\",\"payload\":\"$U\"}"},
    {EVENT_PREFERENCE, FORM_IN,
     "\"optin\":{$X\"notification_messages_status\":\"STOP NOTIFICATIONS\",\"payload\":\"$U\"}"},
    {EVENT_LINKING, FORM_IN, "\"account_linking\":{$X\"status\":\"unlinked\"}"},
    {EVENT_ROUTING, FORM_IN, "\"pass_thread_control\":{$X\"new_owner_app_id\":$I}"},
    {EVENT_ROUTING, FORM_IN, "\"take_thread_control\":{\"previous_owner_app_id\":null}"},
    {EVENT_ROUTING, FORM_IN, "\"request_thread_control\":{\"requested_owner_app_id\":$U}"},
    {EVENT_ROUTING, FORM_BARE, "\"app_roles\":{\"$U\":[\"primary_receiver\"]}"},
    {EVENT_ACCOUNT, FORM_BARE, "\"policy_enforcement\":{$X\"action\":\"block\"}"},
    {EVENT_FEEDBACK, FORM_IN, "\"response_feedback\":{\"mid\":$I,\"feedback\":\"Good\"}"},
    {EVENT_OTHER, FORM_IN, "\"news_$U\":{$X\"a\":1}"},
    {EVENT_OTHER, FORM_IN, "\"message\":{\"mid\":$I,\"text\":{}}"},
    {EVENT_OTHER, FORM_IN, "\"message\":\"$U\""},
    {EVENT_OTHER, FORM_IN, "\"message\":{\"mid\":$I,\"attachments\":[[$U]]}"},
    {EVENT_OTHER, FORM_OUT, "\"postback\":{\"title\":\"$U\"}"},
    {EVENT_OTHER, FORM_BARE, "\"message\":{\"mid\":$I,\"text\":\"of nobody\"}"},
    {EVENT_OTHER, FORM_WHOLE, "$U"},
    {EVENT_OTHER, FORM_WHOLE, "\"odd $U\""},
    {EVENT_OTHER, FORM_WHOLE, "[{\"sender\":$U}]"},
    {EVENT_OTHER, FORM_WHOLE, "null"},
};

// Here a form of FORM_IN means that field and value of the text stand in a change.
static const struct template page_changes[] = {
    {EVENT_COMMENT, FORM_IN,
     "\"field\":\"feed\",\"value\":{$X\"item\":\"comment\",\"verb\":\"add\",\"comment_id\":$I,"
     "\"post_id\":$I,\"from\":{$X\"id\":$P,\"name\":\"n\"},\"message\":\"m\",\"created_time\":$T}"},
    {EVENT_COMMENT, FORM_IN,
     "\"field\":\"feed\",\"value\":{\"item\":\"comment\",\"verb\":\"edited\",\"comment_id\":$I,"
     "\"parent_id\":$I,\"from\":{\"id\":$A},\"message\":\"m\"}"},
    {EVENT_FEED, FORM_IN,
     "\"field\":\"feed\",\"value\":{$X\"item\":\"post\",\"verb\":\"add\",\"post_id\":$I}"},
    {EVENT_MENTION, FORM_IN, "\"field\":\"mention\",\"value\":{$X\"post_id\":$I}"},
    {EVENT_ACCOUNT, FORM_IN, "\"field\":\"leadgen\",\"value\":{$X\"leadgen_id\":$I}"},
    {EVENT_OTHER, FORM_IN, "\"field\":\"feed\",\"value\":{\"item\":\"comment\",\"n\":$U}"},
    {EVENT_OTHER, FORM_IN, "\"field\":\"feed\",\"value\":$U"},
    {EVENT_OTHER, FORM_IN, "\"field\":\"ratings\",\"value\":{$X\"rating\":$U}"},
    {EVENT_OTHER, FORM_WHOLE, "{\"value\":$U}"},
    {EVENT_OTHER, FORM_WHOLE, "$U"},
};

static const struct template instagram_changes[] = {
    {EVENT_COMMENT, FORM_IN,
     "\"field\":\"comments\",\"value\":{$X\"id\":$I,\"from\":{$X\"id\":$P,\"username\":\"u\"},"
     "\"text\":\"t\",\"media\":{\"id\":$I}}"},
    {EVENT_COMMENT, FORM_IN,
     "\"field\":\"live_comments\",\"value\":{\"comment_id\":$I,\"text\":\"$U\",\"media\":null}"},
    {EVENT_MENTION, FORM_IN, "\"field\":\"mentions\",\"value\":{$X\"media_id\":$I}"},
    {EVENT_MENTION, FORM_IN,
     "\"field\":\"mentions\",\"value\":{\"media_id\":$I,\"comment_id\":$I}"},
    {EVENT_ACCOUNT, FORM_IN, "\"field\":\"story_insights\",\"value\":{\"media_id\":$I,\"n\":1}"},
    {EVENT_MESSAGE, FORM_IN,
     "\"field\":\"messages\",\"value\":{\"sender\":{\"id\":$P},\"recipient\":{\"id\":$A},"
     "\"timestamp\":$T,\"message\":{\"mid\":$I,\"text\":\"h\"}}"},
    {EVENT_OTHER, FORM_IN, "\"field\":\"comments\",\"value\":{\"text\":\"nameless $U\"}"},
    {EVENT_OTHER, FORM_IN, "\"field\":\"news\",\"value\":[$U]"},
    {EVENT_OTHER, FORM_WHOLE, "\"odd $U\""},
};

// Elements of a value's lists, in the order of whatsapp_lists.
static const char *const whatsapp_lists[] = {"messages", "statuses", "calls", "message_echoes",
                                             "user_preferences"};
static const char *const whatsapp_items[][4] = {
    {"{$X\"from\":$P,\"id\":$I,\"timestamp\":$T,\"type\":\"text\",\"text\":{$X\"body\":\"a\"}}",
     "{\"from_user_id\":\"PY.$U\",\"id\":$I,\"timestamp\":$T,\"type\":\"image\",\"image\":{\"id\":$"
     "I}}",
     "{\"from\":$P,\"id\":$I,\"timestamp\":$T,\"type\":\"news\",\"news\":$U}", "\"odd $U\""},
    {"{$X\"id\":$I,\"status\":\"sent\",\"timestamp\":$T,\"recipient_id\":$P}",
     "{\"id\":$I,\"status\":\"failed\",\"timestamp\":$T,\"recipient_id\":$P,\"errors\":[{\"code\":"
     "1}]}",
     "{\"id\":$I,\"status\":null}", "$U"},
    {"{$X\"id\":$I,\"event\":\"connect\",\"from\":$P,\"timestamp\":$T}",
     "{\"id\":$I,\"event\":\"terminate\",\"status\":\"COMPLETED\",\"from\":$P,\"timestamp\":$T}",
     "{\"id\":$I}", "[$U]"},
    {"{$X\"to\":$P,\"id\":$I,\"timestamp\":$T,\"type\":\"text\",\"text\":{\"body\":\"a\"}}",
     "{\"to\":$P,\"id\":$I,\"type\":\"news\"}", "{\"n\":$U}", "null"},
    {"{$X\"wa_id\":$P,\"category\":\"marketing_messages\",\"value\":\"stop\",\"timestamp\":$T}",
     "{\"wa_id\":$P,\"n\":$U}", "\"odd $U\"", "$U"},
};
static const char *const whatsapp_fields[] = {
    "\"field\":\"message_template_status_update\",\"value\":{$X\"message_template_id\":$I,"
    "\"event\":\"APPROVED\"}",
    "\"field\":\"phone_number_quality_update\",\"value\":{$X\"display_phone_number\":\"1\",\"n\":$"
    "U}",
    "\"field\":\"news\",\"value\":{$X\"a\":$U}",
    "\"field\":\"news\",\"value\":$U",
};

/* --- drawing -------------------------------------------------------------------------------------
 */

struct maker {
    uint64_t state;
    struct delivery_made *made;
    char account[24];
    bool known;           // the entry tells its account
    unsigned long serial; // a number that no other place of the delivery has
};

static uint32_t pick(struct maker *maker, uint32_t below)
{
    maker->state = maker->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(maker->state >> 33) % below;
}

// As a string or as a number.
static void add_digits(struct maker *maker, struct buf *out, const char *digits)
{
    buf_printf(out, pick(maker, 3) == 0 ? "%s" : "\"%s\"", digits);
}

static void add_time(struct maker *maker, struct buf *out)
{
    char digits[32]; // seconds apart, so that seconds differ as well as milliseconds
    unsigned long seconds = 1790000000ul + maker->serial++;
    snprintf(digits, sizeof digits, pick(maker, 3) == 0 ? "%lu" : "%lu000", seconds);
    add_digits(maker, out, digits);
}

static void add_unknown(struct maker *maker, struct buf *out)
{
    static const char *const values[] = {
        "null",  "[]",  "{\"a\":{\"b\":[1,2.50]}}", "\"\\ud83d\\ude00\"", "12345678901234567890",
        "1e400", "true"};
    for (uint32_t i = pick(maker, 4); i == 3; i = pick(maker, 4))
        buf_printf(out, "\"x_%lu\":%s,", maker->serial++, values[pick(maker, 7)]);
}

// Members that the text does not have itself: the first of two of a name is the one that is read.
static void add_nulls(struct maker *maker, struct buf *out, const char *text)
{
    static const char *const names[] = {"\"attachments\"", "\"quick_reply\"", "\"reply_to\"",
                                        "\"referral\"",    "\"commands\"",    "\"is_deleted\""};
    const char *name = names[pick(maker, 6)];
    if (pick(maker, 3) == 0 && !strstr(text, name))
        buf_printf(out, "%s:null,", name);
}

static void add_text(struct maker *maker, struct buf *out, const char *text)
{
    char digits[32];
    for (const char *c = text; *c; c++) {
        if (*c != '$') {
            buf_add_char(out, *c);
            continue;
        }
        snprintf(digits, sizeof digits, "70%u", pick(maker, 5));
        switch (*++c) {
        case 'P':
            add_digits(maker, out, digits);
            break;
        case 'A':
            add_digits(maker, out, maker->account);
            break;
        case 'I':
            snprintf(digits, sizeof digits, "1784%013lu", maker->serial++);
            add_digits(maker, out, digits);
            break;
        case 'T':
            add_time(maker, out);
            break;
        case 'U':
            buf_printf(out, "%lu", maker->serial++);
            break;
        case 'X':
            add_unknown(maker, out);
            break;
        default:
            add_nulls(maker, out, text);
        }
    }
}

/* --- building ------------------------------------------------------------------------------------
 */

char *generate_label(enum platform platform, const char *account, enum event_kind kind,
                     bool standby)
{
    if (platform == PLATFORM_WHATSAPP)
        return x_dup(account);
    return x_printf("%s %s%s", account, event_kind_name(kind), standby ? " standby" : "");
}

// An item was put in. Of an entry whose account is not known nothing is understood.
static void expect(struct maker *maker, const char *account, enum event_kind kind, bool standby)
{
    struct delivery_made *made = maker->made;
    if (made->label_count == GENERATE_LABELS_MAX)
        abort();
    made->labels[made->label_count++] =
        generate_label(made->platform, account, maker->known ? kind : EVENT_OTHER, standby);
}

static const char *entry_account(const struct maker *maker)
{
    return maker->known ? maker->account : "unknown";
}

static void add_element(struct maker *maker, struct buf *out, const struct template *t)
{
    static const char *const around[] = {
        "{$X\"sender\":{$X\"id\":$P},\"recipient\":{\"id\":$A},\"timestamp\":$T,",
        "{\"sender\":{\"id\":$A},$X\"recipient\":{$X\"id\":$P},\"timestamp\":$T,",
        "{$X\"recipient\":{\"id\":$A},\"timestamp\":$T,"};
    if (t->form != FORM_WHOLE)
        add_text(maker, out, around[t->form]);
    add_text(maker, out, t->text);
    if (t->form != FORM_WHOLE)
        buf_add_char(out, '}');
}

// One of the lists of an entry: an array, now and then null or no list at all.
static void add_messaging(struct maker *maker, struct buf *out, const char *name)
{
    buf_printf(out, ",\"%s\":", name);
    uint32_t shape = pick(maker, 12), count = shape < 2 ? 0 : pick(maker, 5);
    if (shape == 0) {
        buf_add_str(out, "null");
        return;
    }
    if (shape == 1) {
        buf_printf(out, "{\"n\":%lu}", maker->serial++);
        expect(maker, entry_account(maker), EVENT_OTHER, false);
        return;
    }
    buf_add_char(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        const struct template *t = &messaging[pick(maker, sizeof messaging / sizeof *messaging)];
        if (i > 0)
            buf_add_char(out, ',');
        add_element(maker, out, t);
        expect(maker, entry_account(maker), t->kind, strcmp(name, "standby") == 0);
    }
    buf_add_char(out, ']');
}

static const struct template *pick_change(struct maker *maker)
{
    if (maker->made->platform == PLATFORM_MESSENGER)
        return &page_changes[pick(maker, sizeof page_changes / sizeof *page_changes)];
    return &instagram_changes[pick(maker, sizeof instagram_changes / sizeof *instagram_changes)];
}

static void add_changes(struct maker *maker, struct buf *out)
{
    buf_add_str(out, ",\"changes\":[");
    uint32_t count = pick(maker, 4);
    for (uint32_t i = 0; i < count; i++) {
        const struct template *t = pick_change(maker);
        buf_add_str(out, i > 0 ? "," : "");
        buf_add_str(out, t->form == FORM_WHOLE ? "" : "{");
        add_text(maker, out, t->text);
        buf_add_str(out, t->form == FORM_WHOLE ? "" : "}");
        expect(maker, entry_account(maker), t->kind, false);
    }
    buf_add_char(out, ']');
}

static void add_page_lists(struct maker *maker, struct buf *out)
{
    if (pick(maker, 3) > 0)
        add_messaging(maker, out, "messaging");
    if (pick(maker, 3) == 0)
        add_messaging(maker, out, "standby");
    if (pick(maker, 3) == 0)
        add_changes(maker, out);
    const struct template *t = pick_change(maker);
    if (pick(maker, 5) > 0 || t->form == FORM_WHOLE)
        return;
    buf_add_char(out, ',');
    add_text(maker, out, t->text);
    expect(maker, entry_account(maker), t->kind, false);
}

// The lists of a WhatsApp value: one item for each element.
static void add_value(struct maker *maker, struct buf *out)
{
    char number[24];
    snprintf(number, sizeof number, "55%u", pick(maker, 4));
    buf_add_str(out, "\"field\":\"messages\",\"value\":{\"metadata\":{\"phone_number_id\":");
    add_digits(maker, out, number);
    buf_add_char(out, '}');
    uint32_t first = pick(maker, 5), lists = 1 + pick(maker, 2);
    for (uint32_t list = first; list < first + lists && list < 5; list++) {
        buf_printf(out, ",\"%s\":[", whatsapp_lists[list]);
        uint32_t count = pick(maker, 4);
        for (uint32_t i = 0; i < count; i++) {
            buf_add_str(out, i > 0 ? "," : "");
            add_text(maker, out, whatsapp_items[list][pick(maker, 4)]);
            expect(maker, number, EVENT_OTHER, false);
        }
        buf_add_char(out, ']');
    }
    buf_add_char(out, '}');
}

static void add_whatsapp_changes(struct maker *maker, struct buf *out)
{
    buf_add_str(out, ",\"changes\":[");
    uint32_t count = pick(maker, 4);
    for (uint32_t i = 0; i < count; i++) {
        buf_add_str(out, i > 0 ? ",{" : "{");
        if (pick(maker, 4) > 0) {
            add_value(maker, out);
        } else {
            add_text(maker, out, whatsapp_fields[pick(maker, 4)]);
            expect(maker, entry_account(maker), EVENT_OTHER, false);
        }
        buf_add_char(out, '}');
    }
    buf_add_char(out, ']');
}

// An entry that gives no item is none, unless there is something in it that nobody knows.
static char *make_entry(struct maker *maker)
{
    struct buf out = {0};
    size_t before = maker->made->label_count;
    snprintf(maker->account, sizeof maker->account, "10%u", pick(maker, 4));
    maker->known = pick(maker, 12) > 0;
    add_text(maker, &out, maker->known ? "{\"id\":$A,\"time\":$T" : "{\"id\":\"a b\",\"time\":$T");
    bool unknown = pick(maker, 4) == 0;
    if (unknown)
        add_text(maker, &out, ",\"news_$U\":1");
    if (maker->made->platform == PLATFORM_WHATSAPP)
        add_whatsapp_changes(maker, &out);
    else
        add_page_lists(maker, &out);
    buf_add_char(&out, '}');
    if (unknown && maker->made->label_count == before)
        expect(maker, entry_account(maker), EVENT_OTHER, false);
    return buf_take(&out);
}

void generate(uint64_t seed, struct delivery_made *ret_made)
{
    *ret_made = (struct delivery_made){0};
    struct maker maker = {
        .state = seed * 2862933555777941757u + 1, .serial = 1000, .made = ret_made};
    ret_made->platform = (enum platform)pick(&maker, PLATFORM_COUNT);
    ret_made->entry_count = pick(&maker, GENERATE_ENTRIES_MAX + 1);
    for (size_t i = 0; i < ret_made->entry_count; i++)
        ret_made->entries[i] = make_entry(&maker);
}

void delivery_made_deinit(struct delivery_made *made)
{
    for (size_t i = 0; i < made->entry_count; i++)
        free(made->entries[i]);
    for (size_t i = 0; i < made->label_count; i++)
        free(made->labels[i]);
    *made = (struct delivery_made){0};
}

struct buf delivery_made_body(const struct delivery_made *made)
{
    static const char *const objects[] = {"page", "instagram", "whatsapp_business_account"};
    struct buf body = {0};
    buf_printf(&body, "{\"object\":\"%s\",\"entry\":[", objects[made->platform]);
    for (size_t i = 0; i < made->entry_count; i++) {
        buf_add_str(&body, i > 0 ? "," : "");
        buf_add_str(&body, made->entries[i]);
    }
    buf_add_str(&body, "]}");
    return body;
}
