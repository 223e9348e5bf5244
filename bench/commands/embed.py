# SPDX-License-Identifier: MIT
"""embed.py NAME FILE SOURCE: a text file as a string of C, a line a line."""
import sys

name, text, source = sys.argv[1:]
with open(text, encoding="utf-8") as file:
    lines = file.read().splitlines()
with open(source, "w", encoding="utf-8") as file:
    file.write('#include "commands/contender_text.h"\n\n'
               f"const char {name}[] =\n")
    for line in lines:
        line = line.replace("\\", "\\\\").replace('"', '\\"')
        line = line.replace("\t", "\\t")
        file.write(f'\t"{line}\\n"\n')
    file.write("\t;\n")
