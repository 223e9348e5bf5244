#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""One dictionary: no name means two things, and each word of a name is known.

* No two private structs or enums have one name, but for the names that words.txt
  lists after `twice:`.
* No two source files have one stem, but for the stems after `stems:`.
* Each word of a private struct's or enum's name is in docs/GLOSSARY.md, or is an
  ordinary word of words.txt, or, in a file of kernels/, a word of the file's name:
  a kernel's name is public, and `runrig kernels` explains the name.
* Each COLLECTIVE row of verbs.def is one entry of a public header: the verb and the
  two forms, one after another.

Usage: words.py SOURCE_ROOT
"""
import collections
import pathlib
import re
import subprocess
import sys

TAG = re.compile(r"^(?:typedef )?(struct|enum|union) (\w+) \{", re.M)
# A name in a document, in code or in words.
WORD = re.compile(r"[a-z][a-z0-9]*")

# Separate programs, where a main file or a table has the name of the subject, and a
# test the name of the tested file.
OWN_PROGRAMS = ("docs/", "tests/", "bench/peers/")


def sources(root):
    files = subprocess.run(["git", "-C", root, "ls-files", "*.c", "*.h"],
                           text=True, stdout=subprocess.PIPE, check=False)
    return [pathlib.Path(name) for name in files.stdout.splitlines()
            if (root / name).is_file()]


def is_public(path):
    return path.parts[:2] == ("runtime", "include")


def listed(root, key):
    """The words of words.txt after `key`, or without a key."""
    words = set()
    for line in (root / "tests" / "words.txt").read_text().splitlines():
        head, colon, rest = line.rpartition(":")
        if not line.startswith("#") and head == key:
            words.update(rest.split())
    return words


def two_of_a_tag(root, paths):
    """A struct of a separate program is known within the program only."""
    known = listed(root, "twice")
    places = collections.defaultdict(set)
    for path in paths:
        if str(path).startswith(OWN_PROGRAMS):
            continue
        for kind, tag in TAG.findall((root / path).read_text()):
            places[tag].add(f"{path} ({kind})")
    for tag, where in sorted(places.items()):
        if len(where) > 1 and tag not in known:
            yield (f"{tag} is declared in " + ", ".join(sorted(where)) +
                   ": give each thing a name of its own")
        if len(where) == 1 and tag in known:
            yield (f"tests/words.txt: take {tag} off `twice:`, for one struct "
                   "has the name now")


def two_of_a_stem(root, paths):
    known = listed(root, "stems")
    places = collections.defaultdict(set)
    for path in paths:
        if not is_public(path) and not str(path).startswith(OWN_PROGRAMS):
            places[path.stem].add(str(path.parent))
    for stem, folders in sorted(places.items()):
        if len(folders) > 1 and stem not in known:
            yield (f"{stem} is a source in " + ", ".join(sorted(folders)) +
                   ": rename one of the files")


def glossary(root):
    """The words on the left, and words composed of those."""
    rows = re.findall(r"^\| (.*?) \|",
                      (root / "docs" / "GLOSSARY.md").read_text(), re.M)
    return set(WORD.findall(" ".join(rows).lower()))


def unknown_words(root, paths):
    known = glossary(root) | listed(root, "")
    for path in paths:
        if is_public(path) or path.parts[0] in ("docs", "tests"):
            continue
        own = set(path.stem.split("_")) if path.parts[0] == "kernels" else set()
        for _, tag in TAG.findall((root / path).read_text()):
            for word in tag.split("_"):
                if word not in known | own:
                    yield (f"{path}: `{word}` of {tag} is in no dictionary: take a "
                           "word that is, or add an ordinary word to "
                           "tests/words.txt, and a row to docs/GLOSSARY.md for a "
                           "word with a sense of its own")


def verbs_apart(root):
    """The verb and the two forms are one entry; rig_team_barrier() is in team.h."""
    rows = re.findall(r'^COLLECTIVE\(\w+,\s*"(\w+)"',
                      (root / "runtime/team/verbs.def").read_text(), re.M)
    headers = root / "runtime" / "include" / "runrig"
    runs = [re.findall(r"^RIG_API \w+ rig_team_(\w+)\(", path.read_text(), re.M)
            for path in sorted(headers.glob("*.h"))]
    for name in rows:
        entry = [name, "i" + name, name + "_init"]
        if name == "barrier":
            entry = entry[1:]
        if not any(run[i:i + len(entry)] == entry
                   for run in runs for i in range(len(run))):
            yield (f"{name} is a COLLECTIVE of runtime/team/verbs.def, and no "
                   "entry of a public header: declare " +
                   ", ".join(f"rig_team_{form}()" for form in entry) +
                   " one after another in collective.h, under one comment")


def main():
    root = pathlib.Path(sys.argv[1])
    paths = sources(root)
    if not paths:
        print("not a git checkout: which files are ours is not known")
        return 77
    wrong = [*two_of_a_tag(root, paths), *two_of_a_stem(root, paths),
             *unknown_words(root, paths), *verbs_apart(root)]
    print("\n".join(wrong) or f"{len(paths)} files, one dictionary")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
