// SPDX-License-Identifier: MIT
/*
 * Counts what the whole program takes from the heap, libraries included: with glibc, a program's
 * own malloc() is everybody's. Elsewhere, and under a sanitizer, nothing is counted.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

bool allocations_are_counted(void);
uint64_t allocations_count(void);
