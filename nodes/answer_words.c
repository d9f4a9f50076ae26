// SPDX-License-Identifier: MIT
// Words of answers: how they are compared; yes, no and "skip" in many languages.
#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include "engine/fold.h"
#include "nodes/answer_readers.h"

/* Comparing */

static bool is_skin_tone(UChar32 c)
{
    return c >= 0x1f3fb && c <= 0x1f3ff;
}

// What stands around words and between them without being said.
static bool is_gap(UChar32 c)
{
    return u_isUWhiteSpace(c) || u_iscntrl(c) || strchr(".,;:!?\"()", c < 0x80 ? (int)c : ' ') ||
           c == 0xbf || c == 0xa1 || c == 0x3002 || c == 0x964;
}

// The folded text's words, one space between them.
static bool words_copy(const char *text, char out[ANSWER_WORD_BYTES])
{
    int32_t at = 0, used = 0, len = (int32_t)strlen(text);
    bool gap = false;
    while (at < len) {
        UChar32 c;
        U8_NEXT(text, at, len, c);
        if (c < 0 || is_skin_tone(c))
            continue;
        if (is_gap(c)) {
            gap = used > 0;
            continue;
        }
        if (used + 6 > ANSWER_WORD_BYTES)
            return false;
        if (gap)
            out[used++] = ' ';
        gap = false;
        U8_APPEND_UNSAFE(out, used, c);
    }
    out[used] = '\0';
    return used > 0;
}

bool answer_fold(const char *text, char out[ANSWER_WORD_BYTES])
{
    if (strlen(text) >= ANSWER_WORD_BYTES)
        return false;
    char *folded = text_fold(text);
    bool good = words_copy(folded, out);
    free(folded);
    return good;
}

bool answer_folded_in(const char *folded, const char *list)
{
    size_t wanted = strlen(folded);
    for (;;) {
        size_t len = strcspn(list, "|");
        if (len == wanted && memcmp(list, folded, len) == 0)
            return true;
        if (!list[len])
            return false;
        list += len + 1;
    }
}

/* Plain digits and signs */

static bool is_dash(UChar32 c)
{
    return (c >= 0x2010 && c <= 0x2015) || c == 0x2212 || c == 0xfe63 || c == 0xff0d;
}

static UChar32 plain_sign(UChar32 c)
{
    int32_t digit = u_charDigitValue(c);
    if (digit >= 0 && u_charType(c) == U_DECIMAL_DIGIT_NUMBER)
        return '0' + digit;
    if (is_dash(c))
        return '-';
    if (c >= 0xff01 && c <= 0xff5e)
        return c - 0xff01 + '!'; // full-width ASCII
    return u_isUWhiteSpace(c) ? ' ' : c;
}

static bool is_unseen(UChar32 c)
{
    return u_charType(c) == U_FORMAT_CHAR || c == 0xfe0f;
}

bool answer_plain(const char *text, char *out, size_t size)
{
    int32_t at = 0, len = (int32_t)strlen(text);
    size_t used = 0;
    while (at < len) {
        UChar32 c;
        U8_NEXT(text, at, len, c);
        if (c < 0)
            return false;
        if (is_unseen(c))
            continue;
        c = plain_sign(c);
        if (used + 5 > size)
            return false;
        U8_APPEND_UNSAFE(out, used, c);
    }
    out[used] = '\0';
    return true;
}

/* Yes, no, and neither: folded, that is without case, accents and other marks */

static const char yes_words[] =
    "yes|y|yeah|yep|yup|yea|sure|ok|okay|true|of course|yes please|please do|correct|"
    "agree|i agree|si|s|claro|claro que si|por supuesto|vale|dale|si por favor|si claro|"
    "de acuerdo|sim|claro que sim|com certeza|sim por favor|isso|ja|j|jawohl|jep|klar|"
    "na klar|gerne|ja bitte|ja gerne|stimmt|oui|ouais|d'accord|d’accord|bien sur|"
    "oui merci|certo|certamente|va bene|ja graag|hee|evet|tabii|olur|tamam|ya|iya|oke|"
    "baik|tak tak|da|д|да|конечно|хорошо|так|tak|ano|igen|ναι|נכון|כן|نعم|ايوه|اجل|بلى|"
    "بله|ہاں|جی ہاں|جی|हा|जी|जी हा|ठीक ह|haan|han|ha|haa|ji haan|হযা|হা|ஆம|అవును|ใช|ครบ|"
    "คะ|ตกลง|vang|dung|是|是的|好|好的|对|對|可以|行|はい|うん|ええ|네|예|응|ndiyo|naam|oo|"
    "opo|👍|✅|✔|👌|🆗|☑|💯";

static const char no_words[] =
    "no|n|nope|nah|false|no thanks|no thank you|not really|incorrect|no gracias|"
    "para nada|claro que no|nao|nao obrigado|nao obrigada|nein|nee|ne|nein danke|"
    "auf keinen fall|non|non merci|no grazie|nee bedankt|nahaniri|hayir|hayır|yok|tidak|"
    "tdk|nggak|enggak|gak|bukan|nie|nem|net|niet|нет|не|н|ні|οχι|לא|لا|كلا|نه|نہیں|"
    "जी नही|नही|ना|मत|nahi|nahin|ji nahi|"
    "না|இலலை|కదు|ไม|ไมใช|khong|不|不是|不要|不行|没有|否|いいえ|"
    "いや|아니요|아니오|아니|hapana|hindi|👎|❌|✖|🚫|🙅";

static const char skip_words[] =
    "skip|skip it|skip this|later|pass|omitir|saltar|saltear|paso|pular|pula|ignorar|"
    "ueberspringen|uberspringen|weiter ohne|passer|ignorer|sauter|salta|saltare|"
    "overslaan|atla|gec|lewati|pomin|пропустить|пропустити|تخطي|تخطى|छोड|छोडो|छोड द|"
    "bo qua|跳过|跳過|スキッフ|건너뛰기|ขาม|⏭";

static bool yes_no_find(const char *text, bool *ret_yes)
{
    char folded[ANSWER_WORD_BYTES];
    if (!text || !answer_fold(text, folded))
        return false;
    *ret_yes = answer_folded_in(folded, yes_words);
    return *ret_yes || answer_folded_in(folded, no_words);
}

bool answer_read_yes_no(const struct rule *rule, const struct answer *answer, cJSON **ret_value,
                        double *ret_measure, char why[WHY_BYTES])
{
    bool yes = false;
    if (!yes_no_find(answer->text, &yes) && !yes_no_find(answer->payload, &yes))
        return answer_refuse(why, "Please answer yes or no.");
    *ret_measure = yes;
    *ret_value = cJSON_CreateBool(yes);
    return true;
}

bool answer_is_skip(const char *text)
{
    char folded[ANSWER_WORD_BYTES];
    return answer_fold(text, folded) && answer_folded_in(folded, skip_words);
}

bool answer_same_word(const char *a, const char *b)
{
    char first[ANSWER_WORD_BYTES], second[ANSWER_WORD_BYTES];
    return answer_fold(a, first) && answer_fold(b, second) && strcmp(first, second) == 0;
}
