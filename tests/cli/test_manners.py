#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The manners of `runrig`: help, words that are nearly right, width.

RUNRIG names the program.
"""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import numpy

RUNRIG = os.environ["RUNRIG"]
USAGE = 1
DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "commands.md"
SMALL = ("run", "reverse", "length=1000", "-n", "2")


def runrig(*words, **options):
    return subprocess.run([RUNRIG, *words], check=False, capture_output=True,
                          text=True, timeout=60, **options)


def says(*words, **options):
    """The standard output of a command that is done."""
    done = runrig(*words, **options)
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout


COMMANDS = re.findall(r"(?m)^  (\w+) +[A-Z].*\.$", says("-h"))


class Help(unittest.TestCase):
    def test_each_command_is_in_the_document(self):
        text = DOCUMENT.read_text()
        self.assertLessEqual({"demo", "run", "list", "clean"}, set(COMMANDS))
        for command in COMMANDS:
            self.assertRegex(text, rf"\brunrig {command}\b",
                             f"docs/commands.md has no `runrig {command}`")

    def test_every_way_to_ask(self):
        self.assertEqual(says("help"), says("--help"))
        for command in COMMANDS:
            text = says(command, "--help")
            self.assertIn(f"Usage: runrig {command}", text)
            self.assertEqual(says(command, "-h"), text)
            self.assertEqual(says(command, "-?"), text)
            self.assertEqual(says("help", command), text)

    def test_each_line_is_a_sentence_within_80_columns(self):
        for command in COMMANDS:
            text = says(command, "--help")
            for line in text.splitlines():
                self.assertLessEqual(len(line), 80, line)
                self.assertEqual(line.rstrip(), line)
            options = re.findall(r"(?ms)^ +(-\S.*?)(?=^ +-|^$|\Z)", text)
            self.assertGreaterEqual(len(options), 2, text)
            for option in options:
                self.assertRegex(" ".join(option.split()),
                                 r"[^ ] [A-Z][^.]+.*\.$")

    def test_options_stand_in_the_order_of_use(self):
        names = re.findall(r"(?m)^ +(?:-\w, )?--(\w+)", says("run", "-h"))
        self.assertEqual(names[:3], ["workers", "place", "barrier"])
        self.assertLess(names.index("segment"), names.index("dtype"))
        self.assertEqual(names[-3:], ["json", "help", "version"])


class Alone(unittest.TestCase):
    def test_a_program_without_its_commands_says_so(self):
        built = pathlib.Path(RUNRIG).resolve()
        with tempfile.TemporaryDirectory() as folder:
            lone = shutil.copy(built, folder)
            done = subprocess.run(
                [lone, "kernels"], capture_output=True, text=True, timeout=60,
                check=False, env={**os.environ, "LD_LIBRARY_PATH":
                                  str(built.parent.parent / "runtime")})
        self.assertEqual(done.returncode, 5)
        self.assertIn("there is no libexec/runrig/commands.so", done.stderr)


class Words(unittest.TestCase):
    def refuses(self, pattern, *words):
        done = runrig(*words)
        self.assertEqual(done.returncode, USAGE, done.stderr)
        self.assertRegex(done.stderr, rf"\Arunrig: .*{pattern}\n\Z")
        self.assertEqual(done.stdout, "")

    def test_the_nearest_name_is_told(self):
        for pattern, words in (
                (r'no command "rnu": did you mean run\?', ("rnu",)),
                (r'no command "halp": did you mean help\?', ("halp",)),
                (r'no option "--versoin": did you mean --version\?',
                 ("--versoin",)),
                (r'no option "-n": there are --help and --version; a .*',
                 ("-n", "4", "run")),
                (r'no command "topology": there are demo, .*', ("topology",)),
                (r"did you mean topo\?", ("help", "tpoo")),
                (r'no kernel "revrse": did you mean reverse\?',
                 ("run", "revrse")),
                (r'no kernel "revrse": did you mean reverse\?',
                 ("kernels", "revrse")),
                (r'no kernel "xyzzy": there are .*, or name a file, .*',
                 ("run", "xyzzy")),
                (r'no parameter "lenght" \(did you mean length\?\); it has .*',
                 ("run", "reverse", "lenght=3")),
                (r"did you mean --no-verify\?",
                 ("run", "reverse", "--no-verfy"))):
            self.refuses(pattern, *words)

    def test_a_number_of_ranks_as_mpirun_has_it(self):
        for words in (["-np", "2"], ["--np", "2"], ["--np=2"]):
            for command in (["run", "reverse", "length=1000"],
                            ["demo", "length=1000"]):
                self.assertIn("2 workers" if command[0] == "run" else
                              "doubles", says(*command, *words))
            self.assertEqual(says("exec", *words, "--", "echo", "-np"),
                             "-np\n-np\n")
            self.assertIn("   1 ", says("topo", "--topology", "core:2 pu:1",
                                        *words))
        self.refuses("-n zwei: not a whole number", "run", "reverse", "-np",
                     "zwei")

    def test_numbers_with_powers_of_ten(self):
        self.assertIn("length=2500 ", says("run", "reverse", "length=2.5e3",
                                           "-n", "1e0"))
        self.refuses("length=1e-3 is not a size .*", "run", "reverse",
                     "length=1e-3")

    def test_one_kernel_alone(self):
        text = says("kernels", "triad")
        self.assertRegex(text, r"\Atriad: ")
        self.assertNotRegex(text, r"(?m)^reverse: ")
        self.assertIn(text, says("kernels"))
        self.assertEqual(says("kernels", "triad", "--json").count('"summary"'),
                         1)
        self.refuses("takes one kernel: reverse", "kernels", "triad", "reverse")

    def test_an_npz_file_says_what_to_do(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.npz")
            numpy.savez(path, a=numpy.arange(3.0))
            done = runrig("run", "reverse", "--input", path)
        self.assertEqual(done.returncode, 5)
        self.assertIn("an .npz file: save each array by itself", done.stderr)


class Sight(unittest.TestCase):
    def test_all_output_is_within_80_columns(self):
        for words in (["kernels"], ["demo", "length=1000", "-n", "2", "-v"],
                      [*SMALL, "-v"], ["run", "triad", "length=1000", "-n", "2",
                                       "--repeat", "3", "-v"],
                      ["topo"], ["segments"]):
            for line in says(*words).splitlines():
                self.assertLessEqual(len(line), 80, line)

    def test_what_only_authors_ask_is_under_v(self):
        for words in (SMALL, ("demo", "length=1000", "-n", "2")):
            quiet, verbose = says(*words), says(*words, "-v")
            self.assertNotRegex(quiet, r"epoch|barrier  |rig-[0-9a-f]{32}[:,]")
            self.assertRegex(verbose, r"rig-[0-9a-f]{32}: \d+ epochs?, \d+\s")


if __name__ == "__main__":
    unittest.main()
