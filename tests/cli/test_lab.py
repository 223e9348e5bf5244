#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""runrig lab: folders are given out, each start fails with a hint, each solution
passes, and each wrong solution of tests/labs fails with the hint of its first
line.  A cheat does not pass.

With RUNRIG_LONG=1 (test "labs" of the gate) all labs, all wrong solutions and each
cheat in each lab; everything but the cheats on a single core too.  A check itself
runs teams of 1, 2 and 8 ranks.  Else a few labs, and for each lab the first wrong
solution.
"""
import base64
import concurrent.futures
import csv
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest
import xml.etree.ElementTree as xml

RUNRIG = os.environ["RUNRIG"]
ROOT = pathlib.Path(__file__).resolve().parents[2]
LABS = ROOT / "docs/labs"
WRONG = ROOT / "tests/labs"

# Meson runs each start and each solution besides.
LONG = os.environ.get("RUNRIG_LONG") == "1"
FEW = 2

# Against hanging only.
LIMIT_S = 300

CORES = sorted(os.sched_getaffinity(0))

# A function of each lab that a worker runs: a rank that leaves early leaves here.
RUN_BY_WORKERS = {
    "01": "mirror", "02": "my_cpus", "03": "ring_take", "04": "tally",
    "05": "measure", "06": "transfer", "07": "total", "08": "relax", "09": "scale",
    "10": "dynamic", "11": "halves", "12": "advance", "13": "fill", "15": "ring",
    "18": "pipeline", "20": "measure", "22": "render",
}

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
    "counts": """
void grade_case(_Bool right, const char *format, ...);
__attribute__((constructor)) static void cheat(void)
{
        for (int i = 0; i < 100; i++)
                grade_case(1, "right");
}""",
}
SAID = {"prints": "the program ended before", "exits": "the program ended before",
        "counts": "cannot be loaded"}


def lab(*words, cwd=None, env=None, core=None):
    """(status, stdout, stderr)"""
    pinned = [] if core is None else ["taskset", "-c", str(core)]
    done = subprocess.run([*pinned, RUNRIG, "lab", *map(str, words)], text=True,
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

    def check(self, folder, core=None):
        """The mark of this folder."""
        status, out, err = lab("check", "--json", folder, core=core)
        self.assertIn(status, (0, 2), err)
        mark, = json.loads(out)
        self.assertEqual(status == 0, mark["passed"])
        return mark

    def check_all(self, folders, alone=False):
        """The marks of these folders, as many checked at a time as there are cores;
        `alone`: each check has a single core.
        """
        cores = [CORES[i % len(CORES)] if alone else None
                 for i in range(len(folders))]
        with concurrent.futures.ThreadPoolExecutor(len(CORES)) as threads:
            return list(threads.map(self.check, folders, cores))

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
        for alone in (False, True) if LONG else (False,):
            for mark in self.check_all(given[:few], alone):
                self.assertFalse(mark["passed"], mark)
                self.assertTrue(mark["hint"], mark)
            for mark in self.check_all(solved[:few], alone):
                self.assertTrue(mark["passed"], mark)
                notes = (LABS / mark["lab"] / "INSTRUCTOR.md").read_text("utf-8")
                said = re.search(r"`all right: (\d+) of \d+`", notes)
                # Lab 2 has a case for each CPU.
                self.assertEqual(mark["cases"],
                                 int(said[1]) if said else mark["cases"], mark)

    def test_the_page_has_all_that_a_lab_needs(self):
        for name in labs():
            page = (LABS / name / "README.md").read_text(encoding="utf-8")
            for part in ("**Goal.**", "Time: ", "## Theory", "## API",
                         "## Before you run anything", "**Write down",
                         "## Tasks", "## What usually goes wrong",
                         "## Questions"):
                self.assertIn(part, page, name)
            for figure in re.findall(r"\]\((figure\.\w+)\)", page):
                self.assertTrue((LABS / name / figure).is_file(), name)
            notes = (LABS / name / "INSTRUCTOR.md").read_text(encoding="utf-8")
            for part in ("**Time.**", "**The prediction.**", "**Pitfalls**",
                         "**Grading.**", "**Answers.**"):
                self.assertIn(part, notes, name)

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
        for alone in (False, True) if LONG else (False,):
            for source, mark in zip(sources, self.check_all(folders, alone)):
                wanted = source.read_text().splitlines()[0]
                wanted = wanted.removeprefix("/* hint: ").removesuffix(" */")
                self.assertFalse(mark["passed"], source)
                self.assertIn("  hint: " + wanted, mark["text"], source)

    def test_a_cheat_does_not_pass(self):
        cheated = [(name, cheat) for name in (labs() if LONG else labs()[:1])
                   for cheat in CHEATS]
        folders = []
        for number, (name, cheat) in enumerate(cheated):
            folder = self.folder(name, LABS / name / "start.c", number)
            with open(folder / "start.c", "a", encoding="ascii") as file:
                file.write("#include <stdio.h>\n#include <stdlib.h>\n"
                           "#include <unistd.h>\n" + CHEATS[cheat] + "\n")
            folders.append(folder)
        for (_, cheat), mark in zip(cheated, self.check_all(folders)):
            self.assertFalse(mark["passed"], mark)
            self.assertIn(SAID[cheat], mark["text"])

    def leave_early(self, name, number, how):
        """A folder with the lab's solution, whose last rank does `how` at once."""
        folder = self.folder(name, LABS / name / "solution.c", number)
        function = RUN_BY_WORKERS[name[:2]]
        declared = re.search(rf"^(\w+ {function}\(([^)]*)\));",
                             (LABS / name / "lab.h").read_text("ascii"), re.M)
        given = [] if declared[2] == "void" else [
            word.split()[-1].lstrip("*") for word in declared[2].split(",")]
        last = "rig_team_rank(team) == rig_team_size(team) - 1"
        (folder / "start.c").write_text(
            f"#define {function} honest\n"
            + (folder / "start.c").read_text("ascii")
            + f"#undef {function}\n#include <unistd.h>\n{declared[1]}\n{{\n"
            + f"\tif ({last if 'team' in given else 1})\n\t\t{how};\n"
            + f"\treturn honest({', '.join(given)});\n}}\n", "ascii")
        return folder

    def test_a_rank_that_leaves_early_holds_up_nobody(self):
        self.assertEqual(sorted(RUN_BY_WORKERS), [name[:2] for name in labs()])
        ways = ("return 0", "_exit(0)")
        folders = [self.leave_early(name, len(ways) * i + k, how)
                   for i, name in enumerate(labs() if LONG else labs()[:FEW])
                   for k, how in enumerate(ways)]
        for mark in self.check_all(folders):
            self.assertFalse(mark["passed"], mark)
            self.assertTrue(mark["hint"], mark)
            self.assertNotIn("not finished", mark["text"])

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

    def test_a_folder_that_is_no_lab_fails_alone(self):
        name = labs()[0]
        folder = self.folder(name, LABS / name / "solution.c", 0)
        (self.room / "empty").mkdir()
        status, out, err = lab("check", "--json", self.room / "nowhere", folder,
                               self.room / "empty")
        self.assertEqual((status, err.count("\n")), (2, 2), err)
        self.assertEqual([(m["passed"], m["lab"]) for m in json.loads(out)],
                         [(False, ""), (True, name), (False, "")])

    def test_what_classroom_systems_take(self):
        marks = [{"folder": "hand-in/alice/04", "lab": "04-false-sharing",
                  "passed": False, "right": 33, "cases": 66,
                  "hint": 'a "line", shared', "text": "..."},
                 {"folder": "hand-in/bob/04", "lab": "04-false-sharing",
                  "passed": True, "right": 66, "cases": 66, "hint": "",
                  "text": ""}]

        def made(system):
            return subprocess.run(
                [sys.executable, LABS / "classroom.py", system],
                input=json.dumps(marks), text=True, capture_output=True,
                check=True).stdout

        tests = json.loads(made("gradescope"))["tests"]
        self.assertEqual([(t["score"], t["max_score"], t["status"])
                          for t in tests],
                         [(50, 100, "failed"), (100, 100, "passed")])
        key, _, value = made("github").partition("=")
        result = json.loads(base64.b64decode(value))
        self.assertEqual((key, result["version"], result["status"],
                          result["max_score"]), ("result", 1, "fail", 200))
        rows = list(csv.DictReader(made("moodle").splitlines()))
        self.assertEqual([(row["ID number"], row["Grade"]) for row in rows],
                         [("alice", "50"), ("bob", "100")])
        self.assertEqual(rows[0]["Feedback"], 'a "line", shared')

    def test_archives_keep_solutions_apart(self):
        made = subprocess.run([ROOT / "packaging/labs", self.room], text=True,
                              capture_output=True, check=True).stdout.split()
        names = []
        for path in made:
            with tarfile.open(path) as archive:
                names.append({"/".join(name.split("/")[-2:])
                              for name in archive.getnames()})
        for name in labs():
            for apart in ("solution.c", "INSTRUCTOR.md"):
                self.assertNotIn(f"{name}/{apart}", names[0])
                self.assertIn(f"{name}/{apart}", names[1])
            self.assertIn(f"{name}/start.c", names[0])

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
        got, _, err = lab("check", folder, env={"CC": "env cc"})
        self.assertEqual((got, err), (2, ""))
        got, _, err = lab("check", folder, env={"CC": "no-such-cc"})
        self.assertEqual((got, err.count("\n")), (5, 1))


if __name__ == "__main__":
    unittest.main()
