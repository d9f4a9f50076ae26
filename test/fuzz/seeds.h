// SPDX-License-Identifier: MIT
/*
 * main() of a fuzz target as a property test: LLVMFuzzerTestOneInput() with bytes made from seeds,
 * COUNT of them from FIRST on (default 1), in a child. However that ends, its parent knows the
 * seed: `… 1 SEED` runs it alone.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SEED_BYTES_MAX = 1200 };

// xorshift64*: the same bytes everywhere.
static uint64_t seed_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545F4914F6CDD1D);
}

static void seeds_run(volatile uint64_t *seed, uint64_t count)
{
    uint8_t bytes[SEED_BYTES_MAX];
    for (; count > 0; count--, ++*seed) {
        uint64_t state = *seed * UINT64_C(0x9E3779B97F4A7C15);
        size_t len = seed_random(&state) % SEED_BYTES_MAX;
        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t)(seed_random(&state) >> 56);
        LLVMFuzzerTestOneInput(bytes, len);
    }
}

int main(int argc, char **argv)
{
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t *seed =
        mmap(NULL, sizeof *seed, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (seed == MAP_FAILED)
        return 1;
    *seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    uint64_t end = *seed + count;
    pid_t child = fork();
    if (child == 0) {
        seeds_run(seed, count);
        return 0;
    }
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child)
        return 1;
    if (status != 0 && *seed < end)
        fprintf(stderr, "failed with seed %llu\n", (unsigned long long)*seed);
    return status != 0;
}
