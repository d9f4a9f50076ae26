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
    ROW(ceil, "number", 1, 1, 0, "the next whole number above"),
    ROW(contains, "text, part", 2, 2, 0,
        "true when the text has the part, the list the element, the object the member"),
    ROW(default, "value, other", 2, 2, FUNCTION_LAZY | FUNCTION_NULL,
        "the other when the value is null or \"\""),
    ROW(ends_with, "text, part", 2, 2, 0, "true when the text ends with the part"),
    ROW(floor, "number", 1, 1, 0, "the next whole number below"),
    ROW(format_currency, "number, currency, [locale]", 2, 3, 0,
        "an amount as people write it: \"EUR\", \"BRL\" …"),
    ROW(format_number, "number, [decimals], [locale]", 1, 3, 0, "the number as people write it"),
    ROW(if, "condition, value, [other]", 2, 3, FUNCTION_LAZY | FUNCTION_NULL,
        "the value when the condition is true, else the other (or null)"),
    ROW(json, "value", 1, 1, FUNCTION_NULL, "the value as JSON"),
    ROW(length, "value", 1, 1, FUNCTION_NULL,
        "characters of a text, items of a list, members of an object; 0 for null"),
    ROW(matches, "text, pattern", 2, 2, FUNCTION_PATTERN,
        "true when the regular expression matches somewhere in the text"),
    ROW(number, "value, [locale]", 1, 2, 0,
        "the number that a text is; with a locale as people write it there"),
    ROW(pad_left, "text, width, [fill]", 2, 3, 0, "filled up at the left to so many characters"),
    ROW(pad_right, "text, width, [fill]", 2, 3, 0, "filled up at the right to so many characters"),
    ROW(parse_json, "text", 1, 1, 0, "the value that a JSON text is"),
    ROW(percent, "number, [decimals], [locale]", 1, 3, 0, "0.25 as 25%, as people write it"),
    ROW(replace, "text, part, by", 3, 3, 0, "every such part replaced by another text"),
    ROW(round, "number, [decimals]", 1, 2, 0, "rounded, halves away from zero"),
    ROW(split, "text, separator", 2, 2, 0,
        "a list of the parts between the separators; \"\" gives the characters"),
    ROW(starts_with, "text, part", 2, 2, 0, "true when the text begins with the part"),
    ROW(text, "value", 1, 1, 0, "the value as text, as a template inserts it"),
    ROW(trim, "text", 1, 1, 0, "without blanks at the beginning and the end"),
    ROW(truncate, "text, most, [ending]", 2, 3, 0,
        "cut to so many characters, the ending (… unless given) among them"),
    ROW(type, "value", 1, 1, FUNCTION_NULL, "null, boolean, number, text, list, object or date"),
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
