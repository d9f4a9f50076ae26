// SPDX-License-Identifier: MIT
// The functions of expressions, sorted by name: the one table that parser, help and docs read.
#include "engine/functions.h"

#include <stdlib.h>
#include <string.h>

#include "base/config.h"

#define ROW(name_, arguments_, min_, max_, flags_, help_)                                          \
    {                                                                                              \
        .name = #name_, .arguments = arguments_, .help = help_, .min = min_, .max = max_,          \
        .flags = flags_, .call = function_##name_                                                  \
    }

const struct expression_function expression_functions[] = {
    ROW(abs, "number", 1, 1, 0, "the number without its sign"),
    ROW(all, "list, condition", 2, 2, FUNCTION_LAZY | FUNCTION_ITEM,
        "true when the condition holds for every item"),
    ROW(any, "list, condition", 2, 2, FUNCTION_LAZY | FUNCTION_ITEM,
        "true when the condition holds for an item"),
    ROW(base64, "text", 1, 1, 0, "the text in Base64"),
    ROW(base64_decode, "text", 1, 1, 0, "the text that was put in Base64"),
    ROW(capitalize, "text, [locale]", 1, 2, 0, "the first letter large, the rest as it is"),
    ROW(ceil, "number", 1, 1, 0, "the next whole number above"),
    ROW(contains, "text, part", 2, 2, 0,
        "true when the text has the part, the list the element, the object the member"),
    ROW(date, "value", 1, 1, 0, "a date from an ISO 8601 text, or from milliseconds since 1970"),
    ROW(date_add, "date, count, unit", 3, 3, 0,
        "the date so many units later (count below 0: earlier); a month has an end"),
    ROW(date_diff, "from, to, unit", 3, 3, 0, "how many whole units from one date to the other"),
    ROW(date_format, "date, [style], [locale], [zone]", 1, 4, 0,
        "the date as text: short, medium (unless given), long, full, the same with \" date\" or \" "
        "time\" behind it, iso, or an ICU pattern (\"dd.MM.yyyy HH:mm\")"),
    ROW(date_parse, "text, pattern, [locale], [zone]", 2, 4, 0,
        "the date that a text has by an ICU pattern"),
    ROW(day, "date, [zone]", 1, 2, 0, "the day of the month"),
    ROW(default, "value, other", 2, 2, FUNCTION_LAZY | FUNCTION_NULL | FUNCTION_CATCH,
        "the other when the value is null or \"\", or fails"),
    ROW(ends_with, "text, part", 2, 2, 0, "true when the text ends with the part"),
    ROW(error, "value", 1, 1, FUNCTION_NULL | FUNCTION_CATCH,
        "what is wrong with a value that fails; null for any other"),
    ROW(filter, "list, condition", 2, 2, FUNCTION_LAZY | FUNCTION_ITEM,
        "the items for which the condition holds"),
    ROW(first, "list, [count]", 1, 2, 0,
        "the first item, or a list of the first ones; of a text its first characters"),
    ROW(floor, "number", 1, 1, 0, "the next whole number below"),
    ROW(fold, "text", 1, 1, 0,
        "the text without differences of case, accents and width, for comparisons"),
    ROW(format_currency, "number, currency, [locale]", 2, 3, 0,
        "an amount as people write it: \"EUR\", \"BRL\" …"),
    ROW(format_number, "number, [decimals], [locale]", 1, 3, 0, "the number as people write it"),
    ROW(hour, "date, [zone]", 1, 2, 0, "the hour, 0 to 23"),
    ROW(if, "condition, value, [other]", 2, 3, FUNCTION_LAZY | FUNCTION_NULL,
        "the value when the condition is true, else the other (or null)"),
    ROW(index_of, "list, item", 2, 2, 0,
        "where the item is in the list, or the part in the text, from 0; -1 when it is not there"),
    ROW(join, "list, [separator]", 1, 2, 0,
        "one text of all items; \", \" between them unless given"),
    ROW(json, "value", 1, 1, FUNCTION_NULL, "the value as JSON"),
    ROW(keys, "object", 1, 1, 0, "the names of the members"),
    ROW(last, "list, [count]", 1, 2, 0,
        "the last item, or a list of the last ones; of a text its last characters"),
    ROW(length, "value", 1, 1, FUNCTION_NULL,
        "characters of a text, items of a list, members of an object; 0 for null"),
    ROW(lower, "text, [locale]", 1, 2, 0, "in small letters"),
    ROW(map, "list, expression", 2, 2, FUNCTION_LAZY | FUNCTION_ITEM,
        "the expression's value for each item"),
    ROW(matches, "text, pattern", 2, 2, FUNCTION_PATTERN,
        "true when the regular expression matches somewhere in the text"),
    ROW(max, "values", 1, 100, FUNCTION_NULL, "the greatest of several values, or of a list"),
    ROW(min, "values", 1, 100, FUNCTION_NULL, "the least of several values, or of a list"),
    ROW(minute, "date, [zone]", 1, 2, 0, "the minute, 0 to 59"),
    ROW(month, "date, [zone]", 1, 2, 0, "the month, 1 to 12"),
    ROW(now, "", 0, 0, FUNCTION_NULL, "this moment"),
    ROW(number, "value, [locale]", 1, 2, 0,
        "the number that a text is; with a locale as people write it there"),
    ROW(pad_left, "text, width, [fill]", 2, 3, 0, "filled up at the left to so many characters"),
    ROW(pad_right, "text, width, [fill]", 2, 3, 0, "filled up at the right to so many characters"),
    ROW(parse_json, "text", 1, 1, 0, "the value that a JSON text is"),
    ROW(percent, "number, [decimals], [locale]", 1, 3, 0, "0.25 as 25%, as people write it"),
    ROW(range, "count or from, [to], [step]", 1, 3, 0,
        "whole numbers: from 0, or from one up to (not with) the other"),
    ROW(replace, "text, part, by", 3, 3, 0, "every such part replaced by another text"),
    ROW(reverse, "list", 1, 1, 0, "the items, or the characters, from the last to the first"),
    ROW(round, "number, [decimals]", 1, 2, 0, "rounded, halves away from zero"),
    ROW(second, "date, [zone]", 1, 2, 0, "the second, 0 to 59"),
    ROW(slice, "list, from, [to]", 2, 3, 0,
        "the items, or the characters, from one position up to (not with) another; below 0 they "
        "count from the end"),
    ROW(sort, "list, [expression]", 1, 2, FUNCTION_LAZY | FUNCTION_ITEM,
        "the items in ascending order, or by the expression's value for each"),
    ROW(split, "text, separator", 2, 2, 0,
        "a list of the parts between the separators; \"\" gives the characters"),
    ROW(start_of, "date, unit, [zone]", 2, 3, 0,
        "the beginning of the date's minute, hour, day, week (Monday), month or year"),
    ROW(starts_with, "text, part", 2, 2, 0, "true when the text begins with the part"),
    ROW(strip_accents, "text", 1, 1, 0, "the letters without accents"),
    ROW(sum, "list", 1, 1, 0, "the sum of the numbers"),
    ROW(text, "value", 1, 1, 0, "the value as text, as a template inserts it"),
    ROW(title, "text, [locale]", 1, 2, 0, "Each Word With A Large Letter"),
    ROW(trim, "text", 1, 1, 0, "without blanks at the beginning and the end"),
    ROW(truncate, "text, most, [ending]", 2, 3, 0,
        "cut to so many characters, the ending (… unless given) among them"),
    ROW(type, "value", 1, 1, FUNCTION_NULL, "null, boolean, number, text, list, object or date"),
    ROW(unique, "list", 1, 1, 0, "the items, equal ones once"),
    ROW(upper, "text, [locale]", 1, 2, 0, "in large letters"),
    ROW(url_decode, "text", 1, 1, 0, "the text that was encoded for a URL"),
    ROW(url_encode, "text", 1, 1, 0, "the text as a part of a URL"),
    ROW(values, "object", 1, 1, 0, "the values of the members"),
    ROW(weekday, "date, [zone]", 1, 2, 0, "the day of the week, 1 (Monday) to 7 (Sunday)"),
    ROW(year, "date, [zone]", 1, 2, 0, "the year"),
    {0},
};

enum { COUNT = sizeof expression_functions / sizeof *expression_functions - 1 };

static int name_compare(const void *name, const void *function)
{
    return strcmp(name, ((const struct expression_function *)function)->name);
}

const struct expression_function *function_find(const char *name)
{
    return bsearch(name, expression_functions, COUNT, sizeof *expression_functions, name_compare);
}

const char *function_nearest(const char *name)
{
    const char *names[COUNT + 1];
    for (size_t i = 0; i <= COUNT; i++)
        names[i] = expression_functions[i].name;
    return nearest_word(name, names, 2);
}
