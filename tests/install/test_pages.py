#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every block of code and every command of the pages runs, and prints the page's text.

Pages are README.md, README.zh.md, CONTRIBUTING.md and the documents, labs' tasks
included.  A block is fenced or indented by four spaces.  Blocks of a page share a
folder, and run in the page's order:

    $ COMMAND and output   a transcript: commands run by bash, output compared
    lines of commands      each line runs, and the exit status is 0; words after
                           three spaces are an explanation
    python, c, cpp, ...    a program: built, and run
    text                   no code: a drawing, a file's form

Numbers, units, names of segments and white space are not compared; `...` stands
for any text.  Comments of HTML before a block are instructions:

    <!-- file: NAME -->      the block is kept as NAME, for commands to use
    <!-- with: A @ B -->     the block runs between A and B
    <!-- before: COMMANDS -->  commands to run first
    <!-- output -->          the block is the output of the block before
    <!-- exit: N... -->      the exit status of each command
    <!-- synopsis -->        each option and each NAME= of the block is in the
                             command's help
    <!-- long -->            with RUNRIG_LONG=1 alone
    <!-- run by: FILE -->    another test runs the block, and has the words of its
                             commands
    <!-- not run: REASON --> the block cannot run here

A command within a sentence, between backticks, is not run: the command, its
options and its NAME= are in the help.

The last line counts the blocks.  Words after the name of this program choose
pages: test_pages.py docs/hosts.md.
"""
import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LONG = os.environ.get("RUNRIG_LONG") == "1"
LIMIT_S = 300
PAGES = [ROOT / name for name in ("README.md", "README.zh.md", "CONTRIBUTING.md",
                                  "SECURITY.md", "CHANGELOG.md")]
for pattern in ("docs/*.md", "docs/labs/*.md", "docs/labs/*/*.md",
                "docs/decisions/*.md"):
    PAGES += sorted(ROOT.glob(pattern))
CHOSEN = [word for word in sys.argv[1:] if word.endswith(".md")]

# Its blocks need kernels, and share an interpreter to save time.
COOKBOOK = "docs/python.md", "tests/python/test_python_cookbook.py"

Block = collections.namedtuple("Block", "page line language lines marks")

COMPILERS = {"c": ["cc", "-std=c17"], "cpp": ["c++", "-std=c++17"]}

# Segments that pages make and keep.
KEPT = "NAME NAME1 NAME2 prices"

# Options of the measuring commands, for a short measurement.
SHORT = "--launches 1 --blocks 1 --warmup 0 --batch 0.0001"
RIGBENCH = """#!/bin/sh
case $1 in
suite) shift; exec "$REAL_RIGBENCH" suite "$@" --budget 20 ;;
ipc | sync | map | exact | place | coll | kernel | python | data | mem | scale | c2c)
	exec "$REAL_RIGBENCH" "$@" %s ;;
*) exec "$REAL_RIGBENCH" "$@" ;;
esac
""" % SHORT


def blocks_of(path):
    """The blocks of a page, in order."""
    page = str(path.relative_to(ROOT))
    lines = path.read_text(encoding="utf-8").splitlines()
    at, marks = 0, {}
    while at < len(lines):
        line = lines[at]
        if line.startswith("<!--"):
            text = line
            while "-->" not in text:
                at += 1
                text += "\n" + lines[at]
            name, _, value = text[4:text.index("-->")].partition(":")
            marks[name.strip()] = value.strip()
            at += 1
            continue
        fence = re.match(r" *```(\w*)", line)
        end = at + 1
        if fence:
            while lines[end].strip() != "```":
                end += 1
            yield Block(page, at + 1, fence[1], lines[at + 1:end], marks)
            end, marks = end + 1, {}
        elif line.startswith("    ") and (at == 0 or not lines[at - 1].strip() or
                                          lines[at - 1].startswith("<!--")):
            while end < len(lines) and (lines[end].startswith("    ") or
                                        not lines[end].strip()):
                end += 1
            body = [text[4:] for text in lines[at:end]]
            depth = min(len(text) - len(text.lstrip()) for text in body if text)
            yield Block(page, at + 1, "", [text[depth:] for text in body], marks)
            marks = {}
        elif line.strip():
            marks = {}
        at = end


def loose(text):
    """The text without numbers and names of a run."""
    for pattern, word in (
            (r"(?:rig-[0-9a-f]{32}|psm_[0-9a-f]+)", "SEGMENT"),
            (r"\+0x[0-9a-f]+|0x[0-9a-f]+", "0"),
            (r"\bcores? [\d, -]+", "cores 0 "),
            (r"\d[\d,.]*(?:e[+-]?\d+)?", "0"),
            (r"\b(?:ns|µs|ms|s)\b", "T"),
            (r"\b[kMGT]?B/s", "B/s"), (r"\b(?:bytes|[kMGT]B)\b", "B"),
            (r"\b[kMGT]?flop/s", "flop/s"),
            (r"\|[#. ]{8,}\|", "|bar|"), # a row of a time line
            (r"\s+", " ")):
        text = re.sub(pattern, word, text)
    return text.strip()


def says(expected, actual):
    """Whether the expected text stands for the actual text."""
    parts = [re.escape(loose(part)) for part in expected.split("...")]
    return re.fullmatch(r"\s*.*\s*".join(parts).strip() or "", loose(actual),
                        re.S) is not None


class Page:
    """A page's folder, and the output of the last block."""

    def __init__(self, test, folder):
        self.test, self.folder = test, folder
        self.count = collections.Counter()
        self.printed = ""
        programs = folder / "bin"
        programs.mkdir()
        (programs / "runrig").symlink_to(os.environ["RUNRIG"])
        (programs / "python3").symlink_to("/usr/bin/python3")
        if "RIGBENCH" in os.environ:
            (programs / "rigbench").write_text(RIGBENCH)
            (programs / "rigbench").chmod(0o755)
        self.work = folder / "work"
        self.work.mkdir()
        libraries = ":".join(os.path.dirname(os.environ[name])
                             for name in ("LIBRUNRIG", "LIBRUNRIG_KERNELS"))
        uninstalled = pathlib.Path(os.environ["LIBRUNRIG"]).parents[1] / \
            "meson-uninstalled"
        self.env = dict(os.environ, HOME=str(self.work), LC_ALL="C.UTF-8",
                        PATH=f"{programs}:{os.environ['PATH']}",
                        LD_LIBRARY_PATH=libraries, COLUMNS="80",
                        REAL_RIGBENCH=os.environ.get("RIGBENCH", ""),
                        PKG_CONFIG_PATH=os.pathsep.join(
                            [str(uninstalled)] * uninstalled.is_dir()),
                        SOURCE=str(ROOT),
                        # Open MPI asks twice before root's ranks start.
                        OMPI_ALLOW_RUN_AS_ROOT="1",
                        OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                        OMPI_MCA_rmaps_base_oversubscribe="1")
        if uninstalled.is_dir():
            self.env["CPATH"] = str(ROOT / "bindings" / "cxx")
        for name in ("RUNRIG_LONG", "LD_PRELOAD"):
            self.env.pop(name, None)

    def bash(self, script):
        done = subprocess.run(["bash", "-c", script], cwd=self.work, env=self.env,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True,
                              timeout=LIMIT_S, errors="replace")
        return done.returncode, done.stdout

    def must(self, block, command, status=0):
        code, text = self.bash(command)
        self.test.assertEqual(
            code, status, f"{block.page}:{block.line}: {command}\n{text}")
        self.printed = text

    def transcript(self, block):
        """Commands after `$ `, and the output of each."""
        commands, expected = [], []
        for line in block.lines:
            if line.startswith("$ "):
                commands.append(line[2:])
                expected.append([])
            else:
                expected[-1].append(line)
        script = "".join(f"{command}\nsaved=$?; echo '@@@'; (exit $saved)\n"
                         for command in commands)
        _, text = self.bash(script)
        parts = text.split("@@@\n")
        for command, wanted, got in zip(commands, expected, parts):
            wanted = "\n".join(wanted)
            if command == "echo $?":
                self.test.assertEqual(got.strip(), wanted, f"{block.page}:{block.line}")
            elif not says(wanted, got):
                self.test.fail(f"{block.page}:{block.line}: {command}\nprints\n{got}"
                               f"\nand the page says\n{wanted}")

    def do_words(self, block, line):
        """A line of ./do or .ci/run: the script has the word."""
        words = line.split()
        script = "do" if words[0] == "./do" else ".ci/run"
        text = (ROOT / script).read_text()
        if len(words) > 1:
            self.test.assertRegex(text, rf"\b(?:do|job)_{words[1]}\(",
                                  f"{block.page}:{block.line}")

    def commands(self, block):
        """Lines of commands, with explanations after three spaces."""
        line, codes = "", block.marks.get("exit", "0").split()
        for text in block.lines:
            if not line and not text.strip():
                continue
            line += re.split(r" {3,}|\s+# ", text.strip(), maxsplit=1)[0]
            if line.endswith("\\"):
                line = line[:-1]
                continue
            if line.startswith(("./do ", ".ci/run")):
                self.do_words(block, line)
            else:
                self.must(block, line, int(codes[0]))
                codes = codes[1:] or codes
            line = ""

    def synopsis(self, block):
        """Each long option of the block is in the help of a command of the block."""
        text, helps = "\n".join(block.lines), ""
        for program, words in re.findall(r"^ *(runrig|rigbench) ([a-z0-9| ·]+)",
                                         text, re.M):
            for word in re.findall(r"[a-z0-9]+", words) + [""]:
                helps += self.bash(f"{program} {word} --help")[1]
        # A `[NAME=VALUE...]` of the help stands for any.
        for option in re.findall(r"--[a-z][a-z-]+|(?<=[ \[])[a-z]+=(?=[\w\d])", text):
            self.test.assertIn(option, helps, f"{block.page}:{block.line}")

    def has_words(self, block, path):
        """The test that runs the block has the first word of each command."""
        source = path.read_text(encoding="utf-8")
        typed = [line for line in block.lines if line.startswith("$ ")]
        for line in typed or block.lines:
            for word in re.findall(r"\b(?:runrig|rigbench) ([a-z][a-z0-9-]+)", line):
                self.test.assertRegex(source, rf"\b{word}\b",
                                      f"{block.page}:{block.line}: not in {path}")

    def program(self, block):
        text = "\n".join(block.lines) + "\n"
        if "with" in block.marks:
            before, _, after = block.marks["with"].partition("@")
            text = re.sub(r"(?m)^\s*\.\.\.$", "", text)
            text = before + "\n" + text + after + "\n"
        suffix = {"python": "py", "fortran": "f90"}.get(block.language, block.language)
        name = block.marks.get("file", f"block{block.line}.{suffix}")
        (self.work / name).write_text(text)
        if "file" in block.marks and block.language != "python":
            return # a command of the page builds the program
        if block.language == "python":
            self.must(block, f"python3 {name}")
        else:
            compiler = " ".join(COMPILERS[block.language])
            whole = "main(" in text
            self.must(block, f"{compiler} -Wno-unused {'' if whole else '-c'} {name} "
                             "$(pkg-config --cflags --libs runrig-kernels runrig-hosts) "
                             f"-I{ROOT}/tests $(pkg-config --cflags check) -o {name}.out")
            if whole and "with" not in block.marks:
                self.must(block, f"./{name}.out")

    def run(self, block):
        marks = block.marks
        if "not run" in marks:
            self.test.assertTrue(marks["not run"], f"{block.page}:{block.line}")
            return "not run"
        if block.page == COOKBOOK[0] and block.language == "python":
            marks["run by"] = COOKBOOK[1]
        if "run by" in marks:
            self.test.assertTrue((ROOT / marks["run by"]).is_file(), marks["run by"])
            self.has_words(block, ROOT / marks["run by"])
            return "run by another test"
        if block.language == "text":
            return "no code"
        if "long" in marks and not LONG:
            return "long"
        if "before" in marks:
            self.must(block, marks["before"])
        if "output" in marks:
            self.test.assertTrue(says("\n".join(block.lines), self.printed),
                                 f"{block.page}:{block.line}: printed\n{self.printed}")
        elif "synopsis" in marks:
            self.synopsis(block)
        elif block.language in ("python", "c", "cpp", "fortran"):
            self.program(block)
        elif any(line.startswith("$ ") for line in block.lines):
            self.transcript(block)
        elif block.language in ("sh", ""):
            if "file" in marks:
                (self.work / marks["file"]).write_text("\n".join(block.lines) + "\n")
            else:
                self.commands(block)
        else:
            self.test.fail(f"{block.page}:{block.line}: what is {block.language}?")
        return "run"


class Helps:
    """What the commands say of themselves."""

    def __init__(self):
        self.known = {}

    def of(self, *words):
        if words not in self.known:
            done = subprocess.run([os.environ[words[0].upper()], *words[1:]],
                                  capture_output=True, text=True, check=False,
                                  env=dict(os.environ, COLUMNS="80"))
            self.known[words] = done.stdout if done.returncode == 0 else None
        return self.known[words]

    def wrong(self, line):
        """The first word of a command that is not in the help; None: all are."""
        program, command, *words = line.split()
        if program.upper() not in os.environ or not re.match(r"[a-z]", command) or \
                command == "help":
            return None
        text = self.of(program, "help", command)
        if text is None:
            return command
        if command in ("run", "kernel", "scale"):
            for word in words:
                text += self.of("runrig", "kernels", word) or ""
        for before, word in zip([""] + words, words):
            if before in ("--input", "--output", "--inplace", "--segment"):
                continue # ARRAY=FILE
            for option in re.findall(r"^(?:--[a-z][a-z-]+|[a-z]+=)", word):
                if option not in text:
                    return word
        return None


def sentences(path):
    """The lines of a page that are no block, and their numbers."""
    fenced = False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if re.match(r" *```", line):
            fenced = not fenced
        elif not fenced:
            yield number, line


class Pages(unittest.TestCase):
    total = collections.Counter()

    @classmethod
    def tearDownClass(cls):
        shape = ", ".join(f"{number} {how}" for how, number in cls.total.most_common())
        print(f"{sum(cls.total.values())} blocks: {shape}", file=sys.stderr)

    def test_numbers_are_loose_and_words_are_not(self):
        self.assertTrue(says("time 207 µs 38.7 GB/s", "time      4.1 ms   9 MB/s\n"))
        self.assertTrue(says("a\n...\nb", "a\nx\ny\nb"))
        self.assertFalse(says("time 207 µs", "first 207 µs"))
        self.assertFalse(says("a b", "a b c"))

    def test_commands_within_sentences_are_there(self):
        helps = Helps()
        self.assertEqual(helps.wrong("runrig run reverse lenght=1"), "lenght=1")
        self.assertEqual(helps.wrong("runrig topo --no-such"), "--no-such")
        self.assertEqual(helps.wrong("runrig no-such"), "no-such")
        found = 0
        for path in PAGES:
            page = str(path.relative_to(ROOT))
            for number, line in sentences(path) if page in CHOSEN or not CHOSEN else ():
                for command in re.findall(r"`((?:runrig|rigbench) [^`]+)`", line):
                    with self.subTest(f"{page}:{number}"):
                        self.assertIsNone(helps.wrong(command), command)
                        found += 1
        self.assertTrue(found > 100 or CHOSEN, found)

    def test_each_block(self):
        for path in PAGES:
            page = str(path.relative_to(ROOT))
            blocks = list(blocks_of(path))
            if not blocks or CHOSEN and page not in CHOSEN:
                continue
            with tempfile.TemporaryDirectory() as folder:
                here = Page(self, pathlib.Path(folder))
                for block in blocks:
                    with self.subTest(f"{page}:{block.line}"):
                        Pages.total[here.run(block)] += 1
                here.bash(f"for name in {KEPT}; do runrig rm $name; done")


if __name__ == "__main__":
    if os.environ.get("SANITIZED", "none") != "none" or not shutil.which("pkg-config"):
        print("needs pkg-config, and no sanitizer")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
