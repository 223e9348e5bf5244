#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The symbols that a library exports are those of a committed list.

Usage: symbols.py LIBRARY LIST
"""
import pathlib
import subprocess
import sys


def exported(library):
    lines = subprocess.run(["nm", "-D", "--defined-only", library], check=True,
                           stdout=subprocess.PIPE, text=True).stdout
    return {line.split()[-1] for line in lines.splitlines()}


def main():
    library, path = sys.argv[1], pathlib.Path(sys.argv[2])
    found, listed = exported(library), path.read_text().split()
    wrong = [f"{name} is exported and not listed" for name in
             sorted(found - set(listed))]
    wrong += [f"{name} is listed and not exported: programs that call it no "
              "longer start" for name in sorted(set(listed) - found)]
    if listed != sorted(set(listed)):
        wrong.append("the list is not sorted, or has a name twice")
    print("\n".join(wrong) or f"{len(found)} symbols, as listed")
    if wrong:
        print(f"The public interface has changed: mend tests/public/{path.name} "
              "and add a line to CHANGELOG.md, which says what may change.")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
