// SPDX-License-Identifier: MIT
// Folding: texts that people take for the same become the same bytes. Pure; any thread.
#pragma once

#include "base/err.h"

// A new string without case, accents and width (NFKC case folding, then without combining marks):
// "MENÚ" and "ｍｅｎｕ" give "menu". What is no UTF-8 is replaced.
MUST_USE char *text_fold(const char *text);
// A new string whose letters have no accents, their case as it was: "Çäø" gives "Cao". Marks that
// make another letter of one (of Indic scripts, of kana) stay. What is no UTF-8 is replaced.
MUST_USE char *text_strip_accents(const char *text);
