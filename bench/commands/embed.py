# SPDX-License-Identifier: MIT
"""embed.py NAME FILE HEADER: a text file as a string of C, a line a line."""
import sys

name, source, header = sys.argv[1:]
with open(source, encoding="utf-8") as file:
    lines = file.read().splitlines()
with open(header, "w", encoding="utf-8") as file:
    file.write(f"static const char {name}[] =\n")
    for line in lines:
        text = line.replace("\\", "\\\\").replace('"', '\\"')
        text = text.replace("\t", "\\t")
        file.write(f'\t"{text}\\n"\n')
    file.write("\t;\n")
