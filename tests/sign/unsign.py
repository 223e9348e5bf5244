#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Take out of call.c all that finds ranks which call differently.

What is taken out must occur exactly once, so that this is an error, and not
nothing, when the code has changed.

Usage: unsign.py call.c OUTPUT
"""
import pathlib
import sys

OUT = [
    ("	team->said.what = what;\n"
     "	team->said.count = terms->count;\n",
     "	(void)what;\n"),
    ("	team->sign = (team->sign ^ team->said.what) * MIX +"
     " team->said.count;\n"
     "	call.sign = team->sign;\n"
     "	slot->said.number = call.number;\n"
     "	slot->said.what = team->said.what;\n"
     "	slot->said.count = team->said.count;\n"
     "	slot->said.where = load_relaxed(&team->mine->where);\n",
     "	(void)slot;\n"),
    ("	line->sign = call->sign;\n", ""),
    ("	if (line->sign != call->sign)\n", "	if (0)\n"),
]


def main():
    source, output = map(pathlib.Path, sys.argv[1:])
    text = source.read_text()
    for old, new in OUT:
        if text.count(old) != 1:
            sys.exit(f"unsign.py: {source.name} has {text.count(old)} of\n"
                     f"{old}make it fit the code again")
        text = text.replace(old, new)
    output.write_text(text)


if __name__ == "__main__":
    main()
