#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Comments and documents in plain sentences: a count that only falls.

Counted in each folder: the pronouns in 100 words of comments and documents, and
the comments in 100 that begin with Of, What, Who or To.  A sentence with few
pronouns names the nouns, and a reader whose English is a second language reads it
once.  The limits are 5 and 1.  A folder that is above a limit has a ceiling in
english.txt, and may not pass the ceiling.

Usage: english.py [--worst | --lower] SOURCE_ROOT

	--worst   print the files with the most pronouns beyond the limit
	--lower   write the ceilings again where a folder has become better
"""
import collections
import io
import pathlib
import re
import subprocess
import sys
import tokenize

PRONOUNS = set("it its they them their that this those these he who what one "
               "ones such so".split())
OPENINGS = {"of", "what", "who", "to"}
LIMITS = {"pronouns": 5.0, "openings": 1.0}

# So many beyond the limit are no style, where a folder has few words.
FEW = 3

C_COMMENT = re.compile(r'/\*(.*?)\*/|"(?:\\.|[^"\\\n])*"', re.S)
HASH_COMMENT = re.compile(r"(?:^[ \t]*#.*\n)+", re.M)
CODE = re.compile(r"^```.*?^```|^<!--.*?-->|`[^`\n]*`", re.S | re.M)
LEADER = re.compile(r"^[ \t]*(?:\*|#)?[ \t]*", re.M)
FILE_NAME = re.compile(r"^[\w.-]+\.\w+ - ")


def c_comments(text):
    return [match[1] for match in C_COMMENT.finditer(text) if match[1]]


def python_comments(text):
    """Blocks of # lines, and the strings that stand alone: docstrings."""
    yield from hash_comments(text)
    fresh = True
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.STRING and fresh:
            yield token.string.strip("\"'rb")
        if token.type != tokenize.COMMENT:
            fresh = token.type in (tokenize.NEWLINE, tokenize.NL,
                                   tokenize.INDENT, tokenize.DEDENT)


def hash_comments(text):
    return [match[0] for match in HASH_COMMENT.finditer(text)
            if not match[0].startswith("#!")]


def comments(path):
    """The comments of a source file, or a document as one."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix in (".c", ".h", ".cpp", ".hpp", ".def"):
        return c_comments(text)
    if path.suffix == ".md":
        return [CODE.sub("", text)]
    if path.suffix == ".py":
        return list(python_comments(text))
    if path.name == "meson.build" or text.startswith("#!"):
        return hash_comments(text)
    return []


class Count:
    def __init__(self):
        self.words = self.pronouns = self.comments = self.openings = 0

    def add(self, comment, document):
        plain = FILE_NAME.sub("", LEADER.sub("", comment).strip())
        words = [word.lower() for word in
                 re.findall(r"[A-Za-z][A-Za-z']*", CODE.sub("", plain))]
        if not words or words[0] == "spdx":
            return
        self.words += len(words)
        self.pronouns += sum(word in PRONOUNS for word in words)
        if not document:
            self.comments += 1
            self.openings += words[0] in OPENINGS

    def rates(self):
        return {"pronouns": 100 * self.pronouns / max(1, self.words),
                "openings": 100 * self.openings / max(1, self.comments)}


def folder_of(path):
    """Two levels of folders are told apart; the root is called `.`."""
    return "/".join(path.parts[:-1][:2]) or "."


def count(root):
    files = subprocess.run(["git", "-C", root, "ls-files"], text=True,
                           stdout=subprocess.PIPE, check=False).stdout
    folders = collections.defaultdict(Count)
    by_file = {}
    for name in files.splitlines():
        path = pathlib.Path(name)
        if not (root / path).is_file() or (root / path).is_symlink():
            continue
        by_file[name] = Count()
        for comment in comments(root / path):
            for counted in (folders[folder_of(path)], by_file[name]):
                counted.add(comment, path.suffix == ".md")
    return dict(folders), by_file


def read_ceilings(path):
    ceilings = {}
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            folder, pronouns, openings = line.split()
            ceilings[folder] = {"pronouns": float(pronouns),
                                "openings": float(openings)}
    return ceilings


def lower(path, folders, ceilings):
    """Each ceiling falls to what the folder has now, and never rises."""
    head = [line for line in path.read_text().splitlines()
            if line.startswith("#")]
    lines = []
    for folder, counted in sorted(folders.items()):
        before, rates = ceilings.get(folder, LIMITS), counted.rates()
        now = {kind: max(limit, min(before[kind], rates[kind] + 0.1))
               for kind, limit in LIMITS.items()}
        if now != LIMITS:
            lines.append(f"{folder} {now['pronouns']:.1f} "
                         f"{now['openings']:.1f}")
    path.write_text("\n".join(head + lines) + "\n")


def worst(by_file):
    beyond = {name: c.pronouns - LIMITS["pronouns"] * c.words / 100
              for name, c in by_file.items()}
    for name in sorted(beyond, key=beyond.get, reverse=True)[:40]:
        c = by_file[name]
        print(f"{beyond[name]:6.0f} too many, {c.rates()['pronouns']:4.1f} in "
              f"100, {c.openings:3} openings: {name}")


def judge(folders, ceilings):
    for folder, counted in sorted(folders.items()):
        totals = {"pronouns": counted.words, "openings": counted.comments}
        for kind, rate in counted.rates().items():
            ceiling = ceilings.get(folder, LIMITS)[kind]
            if rate > ceiling + 100 * FEW / max(1, totals[kind]):
                yield (f"{folder}: {rate:.2f} {kind} in 100, and the ceiling "
                       f"is {ceiling}: see english.py --worst")


def main():
    option = sys.argv[1] if sys.argv[1].startswith("--") else ""
    root = pathlib.Path(sys.argv[-1])
    path = root / "tests" / "english.txt"
    folders, by_file = count(root)
    if not folders:
        print("not a git checkout: which files are ours is not known")
        return 77
    ceilings = read_ceilings(path)
    if option == "--worst":
        worst(by_file)
        return 0
    if option == "--lower":
        lower(path, folders, ceilings)
        return 0
    wrong = list(judge(folders, ceilings))
    print("\n".join(wrong) or f"{len(folders)} folders, none above its ceiling")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
