#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""runrig lab: folders are given out, each start fails with a hint, each solution
passes, and each wrong solution of tests/labs fails with the hint of its first
line.  A cheat does not pass.
"""
import csv
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as xml

RUNRIG = os.environ["RUNRIG"]
ROOT = pathlib.Path(__file__).resolve().parents[2]
LABS = ROOT / "docs/labs"
WRONG = ROOT / "tests/labs"

# All labs and all wrong solutions; else a few labs, and for each lab the first
# wrong solution.  Meson runs each start and each solution besides.
LONG = os.environ.get("RUNRIG_LONG") == "1"
FEW = 2

# Against hanging only.
LIMIT_S = 300

CHEATS = {
    "prints": """
__attribute__((constructor)) static void cheat(void)
{
        puts("all right: 25 of 25");
        fflush(stdout);
        _exit(0);
}""",
    "exits": """
__attribute__((constructor)) static void cheat(void)
{
        exit(0);
}""",
}


def lab(*words, cwd=None, env=None):
    """(status, stdout, stderr)"""
    done = subprocess.run([RUNRIG, "lab", *map(str, words)], text=True,
                          capture_output=True, timeout=LIMIT_S, cwd=cwd,
                          env=dict(os.environ, **(env or {})), check=False)
    return done.returncode, done.stdout, done.stderr


def labs():
    """The names of all labs, as `runrig lab list` has them."""
    lines = lab("list")[1].splitlines()
    return ["-".join(line.split()[:2]) for line in lines
            if line[:2].isdigit()]


class Labs(unittest.TestCase):
    def setUp(self):
        self.room = pathlib.Path(tempfile.mkdtemp(prefix="runrig-test-lab-"))
        self.addCleanup(shutil.rmtree, self.room)

    def folder(self, name, source, number):
        """A student's folder of this lab with this start.c."""
        made = self.room / f"{number:03}"
        made.mkdir()
        (made / "LAB").write_text(name + "\n")
        shutil.copy(source, made / "start.c")
        return made

    def check(self, *folders):
        """The marks of these folders."""
        status, out, err = lab("check", "--json", *folders)
        self.assertIn(status, (0, 2), err)
        marks = json.loads(out)
        self.assertEqual(len(marks), max(1, len(folders)))
        self.assertEqual(status == 0, all(m["passed"] for m in marks))
        return marks

    def test_every_lab_is_given_out_fails_with_a_hint_and_can_be_solved(self):
        given, solved = [], []
        self.assertTrue(labs())
        for name in labs():
            status, out, err = lab("start", name[:2], self.room / name)
            self.assertEqual((status, err), (0, ""), out)
            self.assertFalse((self.room / name / "solution.c").exists())
            given.append(self.room / name)
            solved.append(self.folder(name, LABS / name / "solution.c",
                                      len(solved)))
        few = len(given) if LONG else FEW
        for mark in self.check(*given[:few]):
            self.assertFalse(mark["passed"], mark)
            self.assertTrue(mark["hint"], mark)
        for mark in self.check(*solved[:few]):
            self.assertTrue(mark["passed"], mark)
            self.assertGreater(mark["cases"], 0)

    def test_each_wrong_solution_fails_with_its_hint(self):
        sources = every = sorted(WRONG.glob("*/*.c"))
        if not LONG:
            sources = [min(folder.glob("*.c"))
                       for folder in sorted(WRONG.iterdir())]
        folders = [self.folder(source.parent.name, source, i)
                   for i, source in enumerate(sources)]
        for name in labs():
            self.assertGreaterEqual(
                sum(s.parent.name == name for s in every), 3,
                f"tests/labs/{name}: three wrong solutions at least")
        for source, mark in zip(sources, self.check(*folders)):
            wanted = source.read_text().splitlines()[0]
            wanted = wanted.removeprefix("/* hint: ").removesuffix(" */")
            self.assertFalse(mark["passed"], source)
            self.assertIn("  hint: " + wanted, mark["text"], source)

    def test_a_cheat_does_not_pass(self):
        name = labs()[0]
        for number, words in enumerate(CHEATS.values()):
            folder = self.folder(name, LABS / name / "start.c", number)
            with open(folder / "start.c", "a", encoding="ascii") as file:
                file.write("#include <stdio.h>\n#include <stdlib.h>\n"
                           "#include <unistd.h>\n" + words + "\n")
            mark, = self.check(folder)
            self.assertFalse(mark["passed"], mark)
            self.assertIn("the program ended before", mark["text"])

    def test_tables_for_classroom_systems(self):
        name = labs()[0]
        folder = self.folder(name, LABS / name / "solution.c", 0)
        broken = self.folder(name, LABS / name / "start.c", 1)
        (broken / "start.c").write_text("int <&\">;\n")
        status, out, _ = lab("check", folder, broken,
                             "--junit", self.room / "a.xml",
                             "--csv", self.room / "a.csv")
        self.assertEqual(status, 2, out)
        self.assertIn("does not compile", out)
        suite = xml.parse(self.room / "a.xml").getroot()
        self.assertEqual((suite.get("tests"), suite.get("failures")),
                         ("2", "1"))
        with open(self.room / "a.csv", newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([row["passed"] for row in rows], ["1", "0"])

    def test_the_makefile_compiles_and_checks(self):
        lab("start", "1", self.room / "mine")
        done = subprocess.run(["make", "-C", self.room / "mine", "check"],
                              capture_output=True, text=True, check=False)
        self.assertIn("hint: ", done.stdout)
        made = subprocess.run(["make", "-C", self.room / "mine"],
                              capture_output=True, text=True, check=False)
        self.assertEqual(made.returncode, 0, made.stderr)

    def test_wrong_words(self):
        (self.room / "there").mkdir()
        for words, status, said in (
                ((), 1, "say list, start"), (("stop",), 1, "say list, start"),
                (("start",), 1, "say a lab"),
                (("start", "98"), 1, "no lab"),
                (("start", "01", self.room / "there"), 5, "not overwritten"),
                (("start", "01", self.room / "no/where"), 5, "No such file"),
                (("check", self.room / "there"), 1, "no folder of a lab"),
                (("check", self.room / "nowhere"), 5, "No such file")):
            got, _, err = lab(*words)
            self.assertEqual(got, status, (words, err))
            self.assertIn(said, err)
            self.assertEqual(err.count("\n"), 1, err)
        self.assertEqual(os.listdir(self.room / "there"), [])
        folder = self.folder(labs()[0], LABS / labs()[0] / "start.c", 0)
        got, _, err = lab("check", folder, env={"CC": "no-such-cc"})
        self.assertEqual((got, err.count("\n")), (5, 1))


if __name__ == "__main__":
    unittest.main()
