#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Sizes and offsets of the public structs are those of a committed list.

The structs and their fields are read from the headers, a C program asks the
compiler for the numbers, and layout.txt has what they were.  A struct that a
program fills in may grow only within `reserved`.

Usage: layout.py [--write] INCLUDE_FOLDER LIST COMPILER...
"""
import ctypes
import pathlib
import re
import subprocess
import sys
import tempfile

SKIPPED = 77
COMMENT = re.compile(r"/\*.*?\*/", re.S)
STRUCT = re.compile(r"^struct (\w+) \{\n(.*?)^\};", re.S | re.M)
UNION = re.compile(r"union \{(.*?)\};", re.S)
POINTER = re.compile(r"\(\*(\w+)\)\s*\(.*\)", re.S)


def fields(body):
    """The names that a struct's body declares, those of an unnamed union too."""
    for declaration in UNION.sub(r"\1", body).split(";"):
        if not declaration.strip():
            continue
        function = POINTER.search(declaration)
        if function:
            yield function[1]
            continue
        for declarator in declaration.split(","):
            yield re.search(r"(\w+)\s*(\[[^]]*\]\s*)*$", declarator)[1]


def structs(folder):
    for header in sorted(folder.glob("runrig/*.h")):
        for name, body in STRUCT.findall(COMMENT.sub("", header.read_text())):
            yield name, list(fields(body))


def program(folder):
    lines = ["#include <stdio.h>", "#include <runrig/runrig.h>",
             "int main(void) {"]
    for name, names in structs(folder):
        lines.append(f'printf("{name} %zu\\n", sizeof(struct {name}));')
        lines += [f'printf("{name}.{field} %zu\\n", '
                  f'offsetof(struct {name}, {field}));' for field in names]
    return "\n".join(lines + ["return 0; }", ""])


def found(folder, compiler):
    with tempfile.TemporaryDirectory() as place:
        source = pathlib.Path(place) / "layout.c"
        source.write_text(program(folder))
        subprocess.run([*compiler, f"-I{folder}", source, "-o",
                        source.with_suffix("")], check=True)
        return subprocess.run([source.with_suffix("")], check=True, text=True,
                              stdout=subprocess.PIPE).stdout


def main():
    words = sys.argv[1:]
    write = words[0] == "--write"
    folder, path = map(pathlib.Path, words[write:write + 2])
    if ctypes.sizeof(ctypes.c_void_p) != 8:
        print("the list is for machines with pointers of 64 bits")
        return SKIPPED
    now = found(folder, words[write + 2:])
    if write:
        path.write_text(now)
        return 0
    before = path.read_text()
    if now == before:
        print(f"{len(now.splitlines())} numbers, as listed")
        return 0
    old, new = set(before.splitlines()), set(now.splitlines())
    print("\n".join([f"- {line}" for line in sorted(old - new)]
                    + [f"+ {line}" for line in sorted(new - old)]))
    print("The layout of public structs has changed (- was, + is).  Programs "
          "built before break, unless the new field is taken from `reserved`: "
          "CHANGELOG.md says what may change.  Then: layout.py --write, and "
          "add a line to CHANGELOG.md.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
