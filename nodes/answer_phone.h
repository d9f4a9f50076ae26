// SPDX-License-Identifier: MIT
// Numbering plans. Private to nodes/answer_phone*.c.
#pragma once

struct phone_plan {
    char country[3];  // ISO 3166; "" ends the table
    int calling_code; // E.164
    int min, max;     // digits of a national number
    char trunk[3];    // what people dial in front of it inside the country
};
extern const struct phone_plan phone_plans[];
