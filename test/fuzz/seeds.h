// SPDX-License-Identifier: MIT
/*
 * main() of a fuzz target as a property test: LLVMFuzzerTestOneInput() with bytes made from seeds,
 * COUNT of them from FIRST on (default 1). What fails names its seed: run `… 1 SEED` for it alone.
 */
#pragma once

enum { SEED_BYTES_MAX = 1200 };

static uint64_t seed_now; // of a test program: one thread, for messages alone

static void seed_print(void)
{
    fprintf(stderr, "seed %llu\n", (unsigned long long)seed_now);
}

// A sanitizer's report ends with the seed, too.
__attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)(void));

// xorshift64*: good bytes, the same everywhere.
static uint64_t seed_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545F4914F6CDD1D);
}

int main(int argc, char **argv)
{
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    uint8_t bytes[SEED_BYTES_MAX];
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(seed_print);
    for (seed_now = first; seed_now < first + count; seed_now++) {
        uint64_t state = seed_now * UINT64_C(0x9E3779B97F4A7C15);
        size_t len = seed_random(&state) % SEED_BYTES_MAX;
        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t)(seed_random(&state) >> 56);
        LLVMFuzzerTestOneInput(bytes, len);
    }
    printf("%llu seeds from %llu\n", (unsigned long long)count, (unsigned long long)first);
    return 0;
}
