// SPDX-License-Identifier: MIT
/*
 * Folding: texts that people take for the same become the same bytes. Pure; any thread.
 *
 * Accents are what a word can be written without: the diacritical marks on Latin, Greek and
 * Cyrillic letters, Hebrew points, Arabic vowel marks, and hamza and madda on alef. Marks that are
 * sounds of their own stay: vowel signs and viramas of India, Thai vowels and tones, the two marks
 * of kana. So "कुल" and "कल", "が" and "か" are not the same.
 *
 * What is no UTF-8 is replaced by U+FFFD. The result is in NFC.
 */
#pragma once

#include "base/err.h"

// A new string without case, width (NFKC case folding, of no language), accents, Arabic tatweel and
// characters that are not seen: "MENÚ" and "ｍｅｎｕ" give "menu". What is folded stays the same.
MUST_USE char *text_fold(const char *text);
// A new string whose letters have no accents and no strokes, their case as it was: "Çäø" → "Cao".
MUST_USE char *text_strip_accents(const char *text);
