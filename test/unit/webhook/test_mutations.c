// SPDX-License-Identifier: MIT
/*
 * A fuzz target's checks over each file of its corpus (patterns are its arguments), whole, cut
 * short, and with bytes changed, at many places: what runs everywhere, without a fuzzer.
 */

#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len); // test/fuzz/fuzz_*.c

// A prime, so that the places differ from file to file.
enum { STRIDE = 11 };

static unsigned mutate(uint8_t *body, size_t len)
{
    static const char changes[] = "\"{}[]:,0\\\xff\n";
    unsigned runs = 0;
    LLVMFuzzerTestOneInput(body, len);
    for (size_t i = 0; i < len; i += STRIDE, runs++) {
        LLVMFuzzerTestOneInput(body, i);
        uint8_t was = body[i];
        body[i] = (uint8_t)changes[runs % (sizeof changes - 1)];
        LLVMFuzzerTestOneInput(body, len);
        body[i] = was;
    }
    return runs;
}

static unsigned files_mutate(const char *pattern)
{
    glob_t found;
    unsigned runs = 0;
    if (glob(pattern, 0, NULL, &found) != 0)
        return 0;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        static uint8_t body[65536];
        FILE *file = fopen(found.gl_pathv[i], "rb");
        if (!file)
            return 0;
        runs += mutate(body, fread(body, 1, sizeof body, file));
        fclose(file);
    }
    globfree(&found);
    return runs;
}

int main(int argc, char **argv)
{
    mem_init();
    unsigned runs = 0;
    for (int i = 1; i < argc; i++) {
        unsigned more = files_mutate(argv[i]);
        if (more == 0)
            return 1; // no files is a mistake
        runs += more;
    }
    printf("%u mutations\n", runs);
    return runs > 100 ? 0 : 1; // a check broken aborts
}
