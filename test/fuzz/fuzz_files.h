// SPDX-License-Identifier: MIT
// main() of a fuzz target that runs over files, as an ordinary test: the whole file, each of its
// lines, and every truncation, as each byte may be the last that came.
#pragma once

static void lines_run(const char *data, size_t len)
{
    for (const char *line = data, *end; line < data + len; line = end + 1) {
        end = memchr(line, '\n', (size_t)(data + len - line));
        end = end ? end : data + len;
        for (size_t cut = (size_t)(end - line); cut > 0; cut--)
            LLVMFuzzerTestOneInput((const uint8_t *)line, cut);
    }
}

int main(int argc, char **argv)
{
    char *data = x_alloc(FILE_BYTES_MAX);
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (!file) {
            perror(argv[i]);
            return 1;
        }
        size_t len = fread(data, 1, FILE_BYTES_MAX, file);
        fclose(file);
        LLVMFuzzerTestOneInput((const uint8_t *)data, len);
        lines_run(data, len);
    }
    free(data);
    return argc > 1 ? 0 : 1;
}
