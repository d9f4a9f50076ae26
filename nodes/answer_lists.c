// SPDX-License-Identifier: MIT
/*
 * The words that answers are made of, in many languages, spelled as people who know them would.
 * They are folded when they are first looked for, so that accents and case need no second entry
 * here; what people leave out otherwise (the dot of ı, the stroke of đ, the nukta) does.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/icu.h"
#include "nodes/answer_readers.h"

static const struct list_row {
    enum answer_list list;
    int value;
    const char *words; // one list has each word once
} rows[] = {
    {LIST_YES_NO, true,
     "yes|y|yeah|yep|yup|yea|sure|ok|okay|true|of course|yes please|please do|correct|agree|"
     "i agree|sí|s|claro|claro que sí|por supuesto|vale|dale|sí por favor|sí claro|de acuerdo|"
     "sim|claro que sim|com certeza|sim por favor|isso|ja|j|jawohl|jep|klar|na klar|gerne|"
     "ja bitte|ja gerne|stimmt|oui|ouais|d'accord|d’accord|bien sûr|oui merci|certo|"
     "certamente|va bene|ja graag|evet|tabii|olur|tamam|ya|iya|oke|baik|tak tak|da|д|да|"
     "конечно|хорошо|так|tak|ano|igen|ναι|נכון|כן|نعم|أيوه|أيوة|أجل|بلى|بله|ہاں|جی ہاں|جی|"
     "हाँ|हां|हा|जी|जी हाँ|जी हां|ठीक है|ठीक|haan|han|ha|haa|ji haan|হ্যাঁ|হাঁ|হা|জি|জ্বি|ঠিক আছে|"
     "ஆம்|ஆமாம்|ஆமா|సరి|సరే|అవును|ಹೌದು|അതെ|હા|ਹਾਂ|होय|हो|ใช่|ใช่ค่ะ|ใช่ครับ|ครับ|ค่ะ|ได้|ได้ค่ะ|"
     "ได้ครับ|ตกลง|vâng|đúng|dung|是|是的|好|好的|对|對|可以|行|はい|うん|ええ|네|예|응|"
     "ndiyo|naam|oo|opo|👍|✅|✔|👌|🆗|☑|💯"},
    {LIST_YES_NO, false,
     "no|n|nope|nah|false|no thanks|no thank you|not really|incorrect|no gracias|para nada|"
     "claro que no|não|não obrigado|não obrigada|nein|nee|ne|nein danke|auf keinen fall|non|"
     "non merci|no grazie|nee bedankt|nahaniri|hayır|hayir|yok|tidak|tdk|nggak|enggak|gak|"
     "bukan|nie|nem|net|niet|нет|не|н|ні|όχι|לא|لا|كلا|نه|نخیر|نہیں|नहीं|जी नहीं|नही|नहि|ना|न|"
     "मत|नाही|nahi|nahin|ji nahi|না|জি না|இல்லை|కాదు|లేదు|వద్దు|ಇಲ್ಲ|അല്ല|ഇല്ല|ના|ਨਹੀਂ|ไม่|"
     "ไม่ใช่|ไม่ค่ะ|ไม่ครับ|ไม่เอา|không|不|不是|不要|不行|没有|沒有|否|いいえ|いや|아니요|"
     "아니오|아니|hapana|hindi|👎|❌|✖|🚫|🙅"},
    {LIST_SKIP, true,
     "skip|skip it|skip this|later|pass|omitir|saltar|saltear|paso|pular|pula|ignorar|"
     "überspringen|ueberspringen|weiter ohne|passer|ignorer|sauter|salta|saltare|overslaan|"
     "atla|geç|lewati|pomiń|пропустить|пропустити|تخطي|تخطى|छोड़|छोड|छोड़ो|छोडो|छोड़ें|छोडें|छोड़ दो|"
     "छोड दो|छोड़ दें|छोड दें|বাদ দিন|bỏ qua|跳过|跳過|スキップ|건너뛰기|스킵|ข้าม|⏭"},

    {LIST_DAY, -1,
     "yesterday|ayer|ontem|gestern|hier|ieri|gisteren|igår|i går|вчера|вчора|dün|wczoraj|"
     "kemarin|أمس|گزشتہ کل|গতকাল|אתמול|χθες|เมื่อวาน|เมื่อวานนี้|昨天|昨日|어제|hôm qua|jana|ahir"},
    {LIST_DAY, 0,
     "today|hoy|hoje|heute|aujourd'hui|aujourd’hui|oggi|vandaag|आज|aaj|اليوم|сегодня|сьогодні|"
     "bugün|hari ini|dziś|dzisiaj|今天|今日|오늘|hôm nay|আজ|آج|امروز|היום|วันนี้|σήμερα|idag|"
     "i dag|leo|ngayon|avui|இன்று|ఈరోజు"},
    {LIST_DAY, 1,
     "tomorrow|tmrw|mañana|amanhã|morgen|demain|domani|कल|kal|غدا|بكرة|завтра|yarın|yarin|besok|"
     "jutro|明天|明日|내일|ngày mai|আগামীকাল|کل|فردا|מחר|พรุ่งนี้|αύριο|imorgon|i morgen|kesho|"
     "bukas|demà|நாளை|రేపు"},
    {LIST_DAY, 2,
     "day after tomorrow|the day after tomorrow|pasado mañana|depois de amanhã|übermorgen|"
     "uebermorgen|après-demain|dopodomani|overmorgen|परसों|परसो|parson|بعد غد|послезавтра|"
     "післязавтра|öbür gün|lusa|pojutrze|后天|後天|明後日|あさって|모레|ngày kia|پرسوں|מחרתיים|"
     "มะรืนนี้|มะรืน|μεθαύριο"},

    {LIST_SPAN_DAYS, 1,
     "day|days|día|días|tag|tage|tagen|jour|jours|giorno|giorni|dag|dagen|दिन|दिनों|din|দিন|день|"
     "дня|дней|gün|hari|dni|วัน|天|日|일|ngày"},
    {LIST_SPAN_DAYS, 7,
     "week|weeks|semana|semanas|woche|wochen|semaine|semaines|settimana|settimane|weken|"
     "हफ़्ता|हफ़्ते|हफ़्तों|हफ्ता|हफ्ते|हफ्तों|सप्ताह|hafte|সপ্তাহ|неделю|недели|недель|hafta|minggu|"
     "สัปดาห์|周|週間|주|tuần"},
    {LIST_SPAN_MONTHS, 1,
     "month|months|mes|meses|monat|monate|monaten|mois|mese|mesi|maand|maanden|महीना|महीने|"
     "महीनों|mahine|মাস|месяц|месяца|месяцев|ay|bulan|เดือน|个月|個月|か月|ヶ月|カ月|개월"},
    {LIST_SPAN_MONTHS, 12,
     "year|years|año|años|jahr|jahre|jahren|an|ans|anno|anni|jaar|साल|वर्ष|saal|বছর|год|года|"
     "лет|yıl|yil|tahun|ปี"},
    {LIST_DATE_FILLER, true,
     "on|the|of|in|next|this|coming|st|nd|rd|th|o|a|de|del|el|en|dentro|próximo|próxima|este|"
     "esta|que|viene|do|da|día|em|no|na|daqui|feira|den|dem|der|am|nächsten|nächster|"
     "kommenden|diesen|le|la|du|dans|er|ce|prochain|prochaine|il|di|fra|tra|prossimo|op|over|"
     "volgende|को|में|बाद|अगले|अगला|अगली|ko|mein|через|в|на|г|года|tarihinde|sonra|lagi|"
     "pada|ใน|อีก|วันที่|后|後|뒤|후"},
    // Of ICU's names there is one spelling each.
    {LIST_MONTH, 2, "फरवरी"},
    {LIST_MONTH, 9, "सितम्बर"},
    {LIST_MONTH, 10, "अक्टूबर|अक्तूबर|अक्टुबर"},
    {LIST_MONTH, 11, "नवम्बर"},
    {LIST_MONTH, 12, "दिसम्बर"},

    {LIST_HALF, HALF_AM,
     "am|morning|mañana|manhã|matin|morgens|früh|vormittags|mattina|ochtends|सुबह|सवेरे|subah|"
     "সকাল|утра|pagi|上午|午前|오전|صباحا|ص|madrugada"},
    {LIST_HALF, HALF_PM,
     "pm|p|afternoon|evening|tarde|nachmittags|abends|soir|après|l'après|l’après|pomeriggio|"
     "sera|middags|avonds|दोपहर|शाम|shaam|dopahar|বিকাল|дня|вечера|sore|siang|下午|晚上|午後|"
     "오후|مساء|م"},
    {LIST_HALF, HALF_NIGHT, "night|noche|noite|nachts|nuit|notte|रात|raat|রাত|ночи|malam"},
    {LIST_CLOCK, 12 * 60,
     "noon|midday|mediodía|meio-dia|mittag|mittags|midi|mezzogiorno|正午|เที่ยง|เที่ยงวัน"},
    {LIST_CLOCK, 0, "midnight|medianoche|meia-noite|mitternacht|minuit|mezzanotte|आधी रात|เที่ยงคืน"},
    {LIST_TIME_FILLER, true,
     "at|o'clock|o’clock|oclock|h|hs|hr|hrs|hour|hours|hora|horas|a|las|la|as|al|o|de|da|do|"
     "del|du|l|the|in|por|per|um|uhr|gegen|am|heure|heures|midi|ore|alle|om|uur|s|e|y|und|et|"
     "min|minutes|m|बजे|baje|को|টা|টায়|в|часов|час|часа|saat|jam|pukul|น|นาฬิกา|点|點|"
     "時|时|分|시|분|الساعة"},
};

/* One for each thread, sorted */

struct entry {
    enum answer_list list;
    int value;
    char *folded;
};

struct lists {
    struct entry *entries;
    size_t count;
};

static int entry_compare(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;
    int lists = (int)left->list - (int)right->list;
    return lists ? lists : strcmp(left->folded, right->folded);
}

static size_t words_count(void)
{
    size_t count = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        count++;
        for (const char *at = rows[i].words; *at; at++)
            count += *at == '|';
    }
    return count;
}

static void row_read(const struct list_row *row, struct lists *lists)
{
    for (const char *at = row->words; at; at = strchr(at, '|')) {
        at += *at == '|';
        char folded[ANSWER_WORD_BYTES], *spelled = x_dupn(at, strcspn(at, "|"));
        bool good = answer_fold_words(spelled, folded);
        assert(good);
        if (good)
            lists->entries[lists->count++] = (struct entry){row->list, row->value, x_dup(folded)};
        free(spelled);
    }
}

static void *lists_open(const void *arg)
{
    struct lists *lists = x_alloc(sizeof *lists);
    lists->entries = x_calloc(words_count(), sizeof *lists->entries);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        row_read(&rows[i], lists);
    qsort(lists->entries, lists->count, sizeof *lists->entries, entry_compare);
    for (size_t i = 1; i < lists->count; i++)
        assert(entry_compare(&lists->entries[i - 1], &lists->entries[i]) != 0);
    return lists;
}

static void lists_close(void *object)
{
    struct lists *lists = object;
    for (size_t i = 0; i < lists->count; i++)
        free(lists->entries[i].folded);
    free(lists->entries);
    free(lists);
}

bool answer_listed(enum answer_list list, const char *folded, int *ret_value)
{
    const struct lists *lists = icu_get("answer lists", lists_open, NULL, lists_close);
    struct entry wanted = {.list = list, .folded = (char *)folded};
    const struct entry *found =
        bsearch(&wanted, lists->entries, lists->count, sizeof wanted, entry_compare);
    if (found && ret_value)
        *ret_value = found->value;
    return found != NULL;
}
