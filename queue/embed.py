# SPDX-License-Identifier: MIT
"""Turns Lua scripts into one C file of strings: embed.py OUT.c common.lua a.lua b.lua ...

Each script's first line (#!lua ...) stays first; common.lua is put after it, and for a line "-- @include x.lua" the
file of that name beside common.lua.
"""
import pathlib
import sys


def quoted(line):
    return '"' + line.replace('\\', '\\\\').replace('"', '\\"') + '\\n"'


def included(line, folder):
    """The lines that a line of a script stands for."""
    if not line.startswith('-- @include '):
        return [line]
    return (folder / line.split()[2]).read_text(encoding='utf-8').splitlines()


def main(out, common, *scripts):
    shared = pathlib.Path(common).read_text(encoding='utf-8').splitlines()
    text = ['// Made from queue/*.lua by embed.py: do not edit.', '#include "queue/internal.h"', '',
            'const struct script script_table[] = {']
    for script in map(pathlib.Path, scripts):
        first, *rest = script.read_text(encoding='utf-8').splitlines()
        if not first.startswith('#!lua'):
            sys.exit(f'{script}: the first line must be #!lua')
        text.append(f'    [SCRIPT_{script.stem.upper()}] = {{"{script.stem}",')
        rest = [line for each in rest for line in included(each, pathlib.Path(common).parent)]
        text += ['     ' + quoted(line) for line in [first, *shared, *rest]]
        text.append('    },')
    text.append('};')
    pathlib.Path(out).write_text('\n'.join(text) + '\n', encoding='utf-8')


main(*sys.argv[1:])
