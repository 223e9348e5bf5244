#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Break a source file in one place, as a mutant file says.

A mutant file is a few lines of `key: value` (file, find), then the old text
after a line `--- old`, then the new after `--- new`.  The old text must occur
exactly once: a mutant that no longer fits the code is an error, not a pass.

Usage: mutate.py MUTANT SOURCE OUTPUT
"""
import pathlib
import sys


def main():
    mutant, source, output = map(pathlib.Path, sys.argv[1:])
    _, old, new = ("\n" + mutant.read_text()).replace("\n--- new\n", "\0") \
        .replace("\n--- old\n", "\0").split("\0")
    text = source.read_text()
    old, new = old.rstrip("\n"), new.rstrip("\n")
    if text.count(old) != 1:
        sys.exit(f"{mutant.name}: its old text occurs {text.count(old)} times "
                 f"in {source.name}; make it fit the code again")
    output.write_text(text.replace(old, new))


if __name__ == "__main__":
    main()
