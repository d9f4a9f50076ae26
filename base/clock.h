// SPDX-License-Identifier: MIT
// Readings of the clock, for the shell only: the engine gets its time as an argument. Any thread.
#pragma once

#include <stdint.h>

int64_t clock_wall_ms(void); // Unix time in milliseconds
int64_t clock_mono_ms(void); // monotonic milliseconds, arbitrary origin
int64_t clock_mono_us(void); // monotonic microseconds, same origin

// "2026-11-21T08:49:54.123Z"
void clock_iso(int64_t wall_ms, char out[32]);
