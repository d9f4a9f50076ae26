// SPDX-License-Identifier: MIT
/*
 * Texts without the differences that people do not mean: case, accents, width (full and half), and
 * compatibility forms: "Çäﬁ ＡＢ" is "cafi ab". Two texts mean the same word when their folds are
 * equal bytes. Independent of any language. Any thread.
 */
#pragma once

#include "base/mem.h"

// The caller's. What is not UTF-8 stays as it is.
MUST_USE char *text_fold(const char *text);
// Only the accents: "Çä" is "Ca". Marks that make another letter (of Indic scripts, of kana) stay.
MUST_USE char *text_strip_accents(const char *text);
