// SPDX-License-Identifier: MIT
// Folding, in the scripts that people write.
#include "test/unit/cmocka_all.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "engine/fold.h"

struct pair {
    const char *a, *b;
};

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

static size_t same_check(const struct pair *pairs, size_t count, bool same)
{
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        char *a = text_fold(pairs[i].a), *b = text_fold(pairs[i].b);
        bool good = (strcmp(a, b) == 0) == same;
        if (!good)
            print_error("\"%s\" → \"%s\", \"%s\" → \"%s\"\n", pairs[i].a, a, pairs[i].b, b);
        wrong += !good;
        free(a);
        free(b);
    }
    return wrong;
}

static void what_differs_in_case_accents_or_width_is_the_same(void **state)
{
    static const struct pair pairs[] = {
        {"MENÚ", "ｍｅｎｕ"},
        {"Größe", "GRÖSSE"},
        {"grosse", "Größe"},
        {"e\u0301te\u0301", "été"},
        {"São Paulo", "sao paulo"},
        {"Đặt hàng", "đat hang"},
        {"ĐỒNG Ý", "đông y"},
        {"İSTANBUL", "istanbul"},
        {"ﬁn", "FIN"},
        {"ǆ", "Ǆ"},
        {"ΣΗΜΕΡΑ", "σήμερα"},
        {"ὈΔΥΣΣΕΎΣ", "οδυσσευς"},
        {"ЁЖ", "еж"},
        {"мой", "МОИ"},
        {"ԱՅՈ", "այո"},
        {"שָׁלוֹם", "שלום"},
        {"נָכוֹן", "נכון"},
        {"مُحَمَّد", "محمد"},
        {"إلغاء", "الغاء"},
        {"القائمــة", "القائمة"},
        {"الآن", "الان"},
        {"غداً", "غدا"},
        {"ﻧﻌﻢ", "نعم"},
        {"ガイド", "ｶﾞｲﾄﾞ"},
        {"か\u3099", "が"},
        {"क\u093c", "\u0958"}, // nukta apart and composed
        {"\u1112\u1161\u11ab", "한"},
        {"１２３", "123"},
        {"a\u20dd", "a"},
        {"co\u00adop\u200b", "coop"},
        {"❤️", "❤"},
    };
    assert_int_equal(same_check(pairs, COUNT(pairs), true), 0);
}

static void what_is_another_word_stays_another_word(void **state)
{
    static const struct pair pairs[] = {
        {"कुल", "कल"},               // total, tomorrow
        {"दिन", "दीन"},             // day, poor
        {"कम", "क्म"},               // virama
        {"पढ़ना", "पढना"},           // nukta
        {"हंस", "हस"},               // anusvara
        {"কলা", "কল"},              // Bengali: banana, tap
        {"দিন", "দান"},             // day, gift
        {"ਸੁਣ", "ਸਣ"},               // Gurmukhi
        {"દિન", "દન"},              // Gujarati
        {"கல்", "கல"},               // Tamil: stone
        {"కాదు", "కాద"},              // Telugu
        {"ಹೌದು", "ಹದ"},              // Kannada
        {"മഴു", "മഴ"},               // Malayalam: axe, rain
        {"කුල", "කල"},               // Sinhala
        {"ใกล้", "ใกล"},             // Thai tone
        {"ดี", "ดู"},                 // good, see
        {"ไม่", "ไม้"},               // not, wood
        {"ດີ", "ດູ"},                 // Lao
        {"ကို", "ကိ"},                 // Myanmar
        {"កិ", "កុ"},                 // Khmer
        {"བོད", "བད"},               // Tibetan
        {"ދިވެހި", "ދވހ"},             // Thaana
        {"が", "か"},               // kana
        {"パン", "バン"},           // bread, van
        {"ﾊﾟ", "ﾊ"},                // half-width
        {"سؤال", "سوال"},           // hamza that is no alef's
        {"1️⃣", "1"},           // a key is no number
        {"≠", "="},                 // nor an accent what stands on a sign
        {"𝄞\u0301", "𝄞"},           // a musical sign
        {"কা\u0301", "কা"},         // marks on letters of other scripts
        {"\u0915\u0951", "\u0915"}, // Vedic tone
    };
    assert_int_equal(same_check(pairs, COUNT(pairs), false), 0);
}

static void folded_texts_are_composed(void **state)
{
    static const struct pair cases[] = {
        {"한국어", "한국어"},
        {"ｶﾞ", "ガ"},
        {"हिन्दी", "हिन्दी"},
        {"ภาษาไทย", "ภาษาไทย"},
        {"வணக்கம்", "வணக்கம்"},
        {"ÇÄﬁ ＡＢ", "cafi ab"},
        {"Tiếng Việt", "tieng viet"},
        {"أهلاً", "اهلا"},
        {"\u0648\u0640\u0654", "\u0624"}, // what the tatweel held apart
        {"a\u0488\u0301", "a\u0488"},
        {"\xff"
         "A\xe2\x82",
         "\ufffd"
         "a\ufffd"},
        {"", ""},
        {" A B ", " a b "},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *folded = text_fold(cases[i].a);
        assert_string_equal(folded, cases[i].b);
        free(folded);
    }
}

static size_t encode(unsigned c, char out[5])
{
    size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = len; i-- > 1; c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    out[0] = (char)(first[len] | c);
    out[len] = '\0';
    return len;
}

static void twice_check(const char *text)
{
    char *once = text_fold(text), *twice = text_fold(once);
    if (strcmp(once, twice) != 0 || !utf8_valid(once, strlen(once)))
        fail_msg("\"%s\" → \"%s\" → \"%s\"", text, once, twice);
    free(once);
    free(twice);
}

static void what_is_folded_stays_the_same(void **state)
{
    for (unsigned c = 1; c < 0x1f000; c++) {
        char text[16];
        if ((c >= 0x3400 && c < 0xa000) || (c >= 0xac80 && c < 0xe000) || c >= 0x12000)
            c += 36; // letters that are all alike
        if (c >= 0xd800 && c < 0xe000)
            continue;
        size_t len = encode(c, text);
        twice_check(text);
        memcpy(text + len, "\u0301", 3); // an accent on it
        twice_check(text);
    }
}

static void accents_alone_are_taken_off(void **state)
{
    static const struct pair cases[] = {
        {"Çäñ Ø Łódź", "Can O Lodz"},
        {"Được", "Duoc"},
        {"Ёж", "Еж"},
        {"Ώρα", "Ωρα"},
        {"שָׁלוֹם", "שלום"},
        {"مُحَمَّد ـ", "محمد ـ"},
        {"हिन्दी が ｶﾞ 한국 ไม่", "हिन्दी が ｶﾞ 한국 ไม่"},
        {"ﬁ Ａ́", "ﬁ Ａ"},
        {"plain", "plain"},
        {"", ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *plain = text_strip_accents(cases[i].a);
        assert_string_equal(plain, cases[i].b);
        free(plain);
    }
}

static void *fold_often(void *arg)
{
    for (int i = 0; i < 200; i++) {
        char *folded = text_fold("Größe が");
        if (strcmp(folded, "grosse が") != 0)
            *(bool *)arg = true;
        free(folded);
    }
    return NULL;
}

static void threads_fold_at_the_same_time(void **state)
{
    pthread_t threads[4];
    bool wrong[COUNT(threads)] = {false};
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, fold_often, &wrong[i]), 0);
    for (size_t i = 0; i < COUNT(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_false(wrong[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_differs_in_case_accents_or_width_is_the_same),
        cmocka_unit_test(what_is_another_word_stays_another_word),
        cmocka_unit_test(folded_texts_are_composed),
        cmocka_unit_test(what_is_folded_stays_the_same),
        cmocka_unit_test(accents_alone_are_taken_off),
        cmocka_unit_test(threads_fold_at_the_same_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
