#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""runrig lab: folders are given out, each start fails with a hint, each solution
passes, and each wrong solution of tests/labs fails with the hint of its first
line.  A cheat does not pass.

A wrong solution is NAME.patch, which makes it from the lab's solution.c, or NAME.c
where little of the solution is left.

With RUNRIG_LONG=1 (test "labs" of the gate) all labs, all wrong solutions and all
cheats; everything but the cheats on a single core too.  A check itself runs teams of
1, 2 and 8 ranks.  Else a few labs, for each lab the first wrong solution, and a cheat
of each kind.
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
CHECKS = pathlib.Path(RUNRIG).resolve().parents[1] / "docs/labs"
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

# Code that is added to a start.c, and is not run: the check says what the code
# would have done.
CHEATS = {
    "prints": ("""
__attribute__((constructor)) static void cheat(void)
{
        puts("all right: 25 of 25");
        fflush(stdout);
}""", "constructor"),
    "prints at the end": ("""
__attribute__((destructor)) static void cheat(void)
{
        puts("all right: 25 of 25");
}""", "destructor"),
    "prints at exit": ("""
static void say(void)
{
        puts("all right: 25 of 25");
}
void cheat(void)
{
        atexit(say);
}""", "atexit"),
    "is resolved": ("""
static void nothing(void)
{
}
static void *choose(void)
{
        puts("all right: 25 of 25");
        return (void *)nothing;
}
void cheat(void) __attribute__((ifunc("choose")));""", "would run"),
    "counts": ("""
void grade_case(_Bool right, const char *format, ...);
void cheat(void)
{
        for (int i = 0; i < 100; i++)
                grade_case(1, "right");
}""", "uses grade_case"),
    "leaves": ("void cheat(void) { _exit(0); }", "uses _exit"),
    "forks": ("void cheat(void) { fork(); }", "uses fork"),
    "kills": ("void cheat(void) { kill(-1, 9); }", "uses kill"),
    "traces": ("void cheat(void) { ptrace(PTRACE_ATTACH, getppid(), 0, 0); }",
               "start.c uses"),
    "reads the judge": ("""
void cheat(void)
{
        struct iovec here = { 0 }, there = { 0 };

        process_vm_readv(getppid(), &here, 1, &there, 1, 0);
}""", "start.c uses"),
    "writes a file": ('void cheat(void) { creat("/tmp/runrig-cheat", 0600); }',
                      "uses creat"),
    "empties a file": ('void cheat(void) { truncate("/tmp/runrig-cheat", 0); }',
                       "uses truncate"),
    "changes the environment": (
        'void cheat(void) { setenv("LD_PRELOAD", "/tmp/cheat.so", 1); }',
        "uses setenv"),
    "asks the loader": (
        'void cheat(void) { dlsym(RTLD_DEFAULT, "grade_case"); }', "uses dlsym"),
    "calls the kernel": ("void cheat(void) { syscall(231, 0); }",
                         "uses syscall"),
    "opens memory": ('void cheat(void) { fopen("/proc/self/mem", "r+"); }',
                     "uses fopen"),
}
# A cheat of each kind: its section, the type of its symbol, a call.
FEW_CHEATS = ("prints", "is resolved", "forks")
CHEAT_HEADERS = "".join(f"#include <{name}>\n" for name in (
    "dlfcn.h", "fcntl.h", "signal.h", "stdio.h", "stdlib.h", "unistd.h",
    "sys/ptrace.h", "sys/uio.h"))

# Code of a function that the check itself calls (false_lines() of lab 4), by system
# calls that no table of symbols shows.  The numbers are those of x86-64.
ASSEMBLY = """
#include <stdio.h>
static long sys(long number, long a, const void *b, long c)
{
        long r;

        __asm__ volatile("syscall" : "=a"(r) : "a"(number), "D"(a), "S"(b),
                         "d"(c) : "rcx", "r11", "memory");
        return r;
}
"""
RAW_CHEATS = {
    "leaves": ("sys(231, 0, 0, 0);", "the program ended before"),
    "kills the judge": ("sys(62, sys(110, 0, 0, 0), (void *)9, 0);",
                        "ended by signal 9"),
    "says so later": ("""
        if (sys(57, 0, 0, 0) == 0) {
                sys(112, 0, 0, 0);
                for (;;)
                        sys(1, 1, "all right: 94 of 94\\n", 20);
        }
        sys(231, 0, 0, 0);""", "hint: "),
    "forges a verdict": ("""
        int verdict[4] = { 0, 0, 94, 94 };

        for (int fd = 3; fd < 30; fd++) {
                sys(1, fd, verdict, sizeof(verdict));
                sys(1, fd, "94 of 94\\n", 9);
        }
        sys(231, 0, 0, 0);""", "hint: "),
    "closes everything": ("""
        for (int fd = 0; fd < 30; fd++)
                sys(3, fd, 0, 0);""", "hint: "),
    "traces the judge's memory": ("""
        for (long i = 0; i < 4096; i += 8)
                sys(101, 5, (void *)sys(110, 0, 0, 0), i);
        sys(231, 0, 0, 0);""", "the program ended before"),
}
# What runs after the check, and what writes where the verdict goes.
FEW_RAW_CHEATS = ("says so later", "forges a verdict")

# Seeds whose first drawn picture would hide strips of rows from lab 22's check.
STRIP_SEEDS = (6, 8)

# The compiler, which compiles a start.c once: the library stays in the folder, for
# the check on a single core.
COMPILE_ONCE = f"""#!/bin/sh
for word; do
        case $before in c) source=$word ;; -o) library=$word ;; esac
        before=$word
done
[ -f "$source.so" ] && exec cp "$source.so" "$library"
{os.environ.get("CC", "cc")} "$@" && cp "$library" "$source.so"
"""


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


def wrong_solutions(lab_name="*"):
    """Files of tests/labs, in order."""
    return sorted(path for path in WRONG.glob(f"{lab_name}/*")
                  if path.suffix in (".c", ".patch"))


def hints_of(source):
    """The hint that this wrong solution is to get, by the first line, and a hint that
    would mislead, by the second, or None."""
    lines = [line.removeprefix("/* ").removesuffix(" */")
             for line in source.read_text("ascii").splitlines()[:2]]
    wrong = lines[1].removeprefix("no hint: ")
    return lines[0].removeprefix("hint: "), wrong if wrong != lines[1] else None


class Labs(unittest.TestCase):
    def setUp(self):
        self.room = pathlib.Path(tempfile.mkdtemp(prefix="runrig-test-lab-"))
        self.addCleanup(shutil.rmtree, self.room)
        self.compiler = self.room / "compile-once"
        self.compiler.write_text(COMPILE_ONCE, "ascii")
        self.compiler.chmod(0o700)
        # This program has a /dev/shm of its own, or runs alone.
        self.addCleanup(self.check_names, set(os.listdir("/dev/shm")))

    def check_names(self, before):
        """Whatever a hand-in did, no name is left behind."""
        self.assertEqual(set(os.listdir("/dev/shm")) - before, set())

    def folder(self, name, source, number):
        """A student's folder of this lab with this start.c."""
        made = self.room / f"{number:03}"
        made.mkdir()
        (made / "LAB").write_text(name + "\n")
        if source.suffix == ".c":
            shutil.copy(source, made / "start.c")
            return made
        done = subprocess.run(
            ["patch", "--fuzz=0", "--posix", "--reject-file=-",
             f"--input={source}", f"--output={made / 'start.c'}",
             LABS / name / "solution.c"],
            text=True, capture_output=True, check=False)
        self.assertEqual(
            done.returncode, 0,
            f"{source} does not fit solution.c any more: {done.stdout}")
        return made

    def check(self, folder, core=None):
        """The mark of this folder."""
        status, out, err = lab("check", "--json", folder, core=core,
                               env={"CC": str(self.compiler)})
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
            page = (self.room / name / "README.md").read_text("utf-8")
            self.assertNotIn("<!--", page)
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

    def explains_its_words(self, name, page):
        """Each of runrig's words that the page uses stands in its last lines, or
        between asterisks where the page introduces the word."""
        body, words = page.lower().split("\nwords: ")
        for word in ("rank", "strip", "team", "segment", "worker", "barrier",
                     "node", "collective"):
            if re.search(rf"\b{word}s?\b", body):
                self.assertTrue(re.search(rf"(?i)\*{word}s?\*", page),
                                f"{name} does not explain {word}")
        for word in re.findall(r"\*(\w+)\*: ", words):
            used = "".join(p.read_text("ascii")
                           for p in (LABS / name / "start.c",
                                     LABS / name / "lab.h"))
            self.assertTrue(word in body + used.lower(),
                            f"{name} explains {word}, and does not use {word}")

    def test_the_page_has_all_that_a_lab_needs(self):
        for name in labs():
            page = (LABS / name / "README.md").read_text(encoding="utf-8")
            for part in ("**Goal.**", "Time: ", "## Theory", "## API",
                         "## Before you run anything", "**Write down",
                         "## Tasks", "## What usually goes wrong",
                         "## Questions"):
                self.assertIn(part, page, name)
            figures = re.findall(r"\]\((figure\.\w+)\)", page)
            for figure in figures:
                self.assertTrue((LABS / name / figure).is_file(), name)
            part = dict(re.findall(r"^## (.*)\n((?:(?!## ).*\n)*)", page, re.M))
            self.assertTrue(figures or "```text" in part["Theory"],
                            f"{name}: no figure")
            prose = re.sub(r"```.*?```", "", part["Theory"], flags=re.S)
            self.assertTrue(60 <= len(prose.split()) <= 260,
                            f"{name}: half a page of theory")
            self.assertIn("```text", part["API"], name)
            self.assertGreaterEqual(part["Tasks"].count("\n1. "), 1, name)
            ideas = part["What usually goes wrong"].count("\n* ")
            self.assertGreaterEqual(ideas, 3, name)
            # Constants and a serial program are wrong ideas of every lab.
            self.assertGreaterEqual(len(wrong_solutions(name)), ideas - 1, name)
            self.assertGreaterEqual(part["Questions"].count("\n* "), 3, name)
            self.explains_its_words(name, page)
            notes = (LABS / name / "INSTRUCTOR.md").read_text(encoding="utf-8")
            for part in ("**Time.**", "**The prediction.**", "**Pitfalls**",
                         "**Grading.**", "**Answers.**"):
                self.assertIn(part, notes, name)

    def judged(self, number, library, seed):
        """(status, words) of the check of this lab, whose draws are the seed's."""
        done = subprocess.run(
            [CHECKS / f"lab-{number}-check", library, str(seed)], text=True,
            capture_output=True, timeout=LIMIT_S, check=False)
        return done.returncode, done.stdout

    def test_an_unlucky_draw_fails_no_solution(self):
        # Seeds that once failed lab 20's.
        for seed in (254, 258):
            status, out = self.judged("20", CHECKS / "lab-20-solution.so", seed)
            self.assertEqual(status, 0, out)

    def test_a_lucky_draw_passes_no_strips(self):
        name = "22-capstone"
        folder = self.room / "mine"
        self.assertEqual(lab("start", name, folder)[0], 0)
        strips = self.folder(name, WRONG / name / "strips.patch", 0)
        shutil.copy(strips / "start.c", folder)
        made = subprocess.run(["make", "-C", folder], text=True,
                              capture_output=True, check=False)
        self.assertEqual(made.returncode, 0, made.stderr)
        for seed in range(10) if LONG else STRIP_SEEDS:
            status, out = self.judged("22", folder / "start.so", seed)
            self.assertEqual(status, 2, out)
            self.assertIn("  hint: TODO(1): hard rows lie side by side", out)
            status, out = self.judged("22", CHECKS / "lab-22-solution.so", seed)
            self.assertEqual(status, 0, out)

    def test_each_wrong_solution_fails_with_its_hint(self):
        sources = every = wrong_solutions()
        if not LONG:
            sources = [wrong_solutions(name)[0] for name in labs()]
        folders = [self.folder(source.parent.name, source, i)
                   for i, source in enumerate(sources)]
        for name in labs():
            self.assertGreaterEqual(
                sum(s.parent.name == name for s in every), 3,
                f"tests/labs/{name}: three wrong solutions at least")
        for alone in (False, True) if LONG else (False,):
            for source, mark in zip(sources, self.check_all(folders, alone)):
                self.assertFalse(mark["passed"], source)
                wanted, misleading = hints_of(source)
                self.assertIn("  hint: " + wanted, mark["text"], source)
                if misleading:
                    self.assertNotIn("  hint: " + misleading, mark["text"],
                                     source)

    def cheated(self, name, number, code):
        """A folder with this lab's start.c, and this code."""
        folder = self.folder(name, LABS / name / "start.c", number)
        text = (folder / "start.c").read_text("ascii")
        (folder / "start.c").write_text(
            "#define _GNU_SOURCE 1\n" + text.replace("#define _GNU_SOURCE 1", "")
            + CHEAT_HEADERS + code + "\n", "ascii")
        return folder

    def test_a_cheat_is_not_run(self):
        # A refusal is of the library, whatever lab the library is of: each cheat is
        # compiled once, with the start.c of another lab.  Lab 22 may open a file.
        among = [name for name in labs() if name[:2] != "22"]
        cases = [(among[i % len(among)], cheat)
                 for i, cheat in enumerate(CHEATS if LONG else FEW_CHEATS)]
        if LONG:
            cases.append(("22-capstone", "forks"))
        folders = [self.cheated(name, i, CHEATS[cheat][0])
                   for i, (name, cheat) in enumerate(cases)]
        for (_, cheat), mark in zip(cases, self.check_all(folders)):
            self.assertEqual((mark["passed"], mark["right"], mark["cases"]),
                             (False, 0, 0), (cheat, mark))
            self.assertIn(CHEATS[cheat][1], mark["hint"], cheat)

    def false_lines(self, number, code):
        """Lab 4's solution, whose false_lines() does this first."""
        name = "04-false-sharing"
        folder = self.folder(name, LABS / name / "solution.c", number)
        text = (folder / "start.c").read_text("ascii")
        head = "size_t false_lines(const struct lab_write *writes, size_t count)\n"
        self.assertIn(head, text)
        (folder / "start.c").write_text(
            ASSEMBLY + text.replace(head, "static size_t honest(const struct "
                                    "lab_write *writes, size_t count)\n")
            + head + "{\n" + code + "\n\treturn honest(writes, count);\n}\n",
            "ascii")
        return folder

    @unittest.skipUnless(os.uname().machine == "x86_64", "system calls by number")
    def test_the_judge_stands_a_cheat_that_runs(self):
        cheats = RAW_CHEATS if LONG else FEW_RAW_CHEATS
        folders = [self.false_lines(i, RAW_CHEATS[cheat][0])
                   for i, cheat in enumerate(cheats)]
        for cheat, mark in zip(cheats, self.check_all(folders)):
            self.assertEqual((mark["passed"], mark["right"], mark["cases"]),
                             (False, 0, 0), (cheat, mark))
            self.assertIn(RAW_CHEATS[cheat][1], mark["text"], cheat)
            self.assertTrue(mark["hint"], cheat)

    @unittest.skipUnless(os.uname().machine == "x86_64", "system calls by number")
    def test_output_is_no_verdict_and_cannot_drown_one(self):
        flood, bytes_ = self.check_all([
            self.false_lines(0, """
        for (int i = 0; i < 20000; i++)
                puts("all right: 94 of 94 ----------------------------------");
        """), self.false_lines(1, 'fwrite("\\xff\\0\\x80\\x1b[2J", 1, 7, stdout);')])
        self.assertTrue(flood["passed"], flood["hint"])
        self.assertIn("a part is left out", flood["text"])
        self.assertIn("all right: 85 of 85", flood["text"])
        self.assertLess(len(flood["text"]), 1 << 20)
        self.assertTrue(bytes_["passed"], bytes_)

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
            + f"#undef {function}\n#include <stdlib.h>\n{declared[1]}\n{{\n"
            + f"\tif ({last if 'team' in given else 1})\n\t\t{how};\n"
            + f"\treturn honest({', '.join(given)});\n}}\n", "ascii")
        return folder

    def test_a_rank_that_leaves_early_holds_up_nobody(self):
        self.assertEqual(sorted(RUN_BY_WORKERS), [name[:2] for name in labs()])
        ways = ("return 0", "abort()")
        folders = [self.leave_early(name, len(ways) * i + k, how)
                   for i, name in enumerate(labs() if LONG else labs()[:FEW])
                   for k, how in enumerate(ways)]
        for mark in self.check_all(folders):
            self.assertFalse(mark["passed"], mark)
            self.assertTrue(mark["hint"], mark)
            self.assertNotIn("not finished", mark["text"])

    def test_tables_for_classroom_systems(self):
        name, other = labs()[:2]
        folder = self.folder(name, LABS / name / "solution.c", 0)
        broken = self.folder(other, LABS / other / "start.c", 1)
        (broken / "start.c").write_text("int <&\">;\n")
        status, out, _ = lab("check", folder, broken,
                             "--junit", self.room / "a.xml",
                             "--csv", self.room / "a.csv")
        self.assertEqual(status, 2, out)
        self.assertIn("does not compile", out)
        self.assertEqual([(line.split()[0], line.split()[4])
                          for line in out.splitlines()],
                         [("passed", name), ("failed", other)])
        suite = xml.parse(self.room / "a.xml").getroot()
        self.assertEqual((suite.get("tests"), suite.get("failures")),
                         ("2", "1"))
        with open(self.room / "a.csv", newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([(row["lab"], row["passed"]) for row in rows],
                         [(name, "1"), (other, "0")])
        self.assertEqual([case.get("classname") for case in suite],
                         [name, other])

    def test_a_folder_that_is_no_lab_fails_alone(self):
        name = labs()[0]
        folder = self.folder(name, LABS / name / "solution.c", 0)
        (self.room / "empty").mkdir()
        status, out, err = lab("check", "--json", self.room / "nowhere", folder,
                               self.room / "empty")
        self.assertEqual((status, err.count("\n")), (2, 2), err)
        self.assertEqual([(m["passed"], m["lab"]) for m in json.loads(out)],
                         [(False, ""), (True, name), (False, "")])
        out = lab("check", self.room / "nowhere", self.room / "empty")[1]
        self.assertEqual([line.split()[4] for line in out.splitlines()],
                         ["-", "-"])

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
            for source in wrong_solutions(name):
                self.assertIn(f"{name}/{source.name}", names[1])

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
