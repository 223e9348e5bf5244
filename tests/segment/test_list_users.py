#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Lists and segments as users meet both: the command, the kernel on lists
that Python made, and the examples.

RUNRIG names the program, EXAMPLES the folder of the built examples, KERNELS the
library of docs/examples/python/kernels.c.
"""
import ast
import ctypes
import glob
import os
import pathlib
import random
import subprocess
import sys
import unittest
from multiprocessing import resource_tracker, shared_memory

RUNRIG = os.environ["RUNRIG"]
EXAMPLES = pathlib.Path(os.environ["EXAMPLES"])
SOURCES = pathlib.Path(__file__).resolve().parents[2] / "docs/examples"
SEED = int(os.environ.get("RIG_SEED", "20190830"))
LIMIT_S = 60
USAGE, RUN, SYSTEM = 1, 3, 5

resource_tracker.register = resource_tracker.unregister = lambda *_: None


def run(*words, **more):
    return subprocess.run([str(w) for w in words], timeout=LIMIT_S, text=True,
                          check=False, capture_output=True, **more)


def runrig(*words):
    return run(RUNRIG, *words)


class Leftovers(unittest.TestCase):
    """Each test removes all names that the test has made."""

    def made(self, name):
        self.addCleanup(lambda: pathlib.Path("/dev/shm", name).unlink(
            missing_ok=True))
        return name

    def python_list(self, values):
        list_ = shared_memory.ShareableList(values)
        self.addCleanup(list_.shm.unlink)
        self.addCleanup(list_.shm.close)
        return list_


class Command(Leftovers):
    def list(self, *words, code=0):
        ran = runrig("list", *words)
        self.assertEqual(ran.returncode, code, ran.stderr)
        if code:
            self.assertEqual(ran.stdout, "")
            self.assertEqual(ran.stderr.count("\n"), 1, ran.stderr)
        return ran.stderr if code else ran.stdout.rstrip("\n")

    def test_create_show_get_set(self):
        name = self.made(f"list-{os.getpid()}")
        self.assertEqual(self.list("create", "--name", name, "5", "-2.5",
                                   "True", "None", "'text'", "b'by\\x00tes'"),
                         name)
        theirs = shared_memory.ShareableList(name=name)
        self.addCleanup(theirs.shm.close)
        self.assertEqual(list(theirs),
                         [5, -2.5, True, None, "text", b"by\0tes"])
        self.assertEqual(self.list("show", name), repr(theirs))
        theirs[0] = 7
        self.assertEqual(self.list("get", name, "0"), "7")
        self.list("set", name, "-1", "-3")
        self.assertEqual(theirs[5], -3)
        self.assertEqual(self.list("get", name, "-1"), "-3")

    def test_literals_are_pythons(self):
        rng = random.Random(SEED)
        values = [0, -2**63, 2**63 - 1, 0.1, -1e300, "it's", 'say "it\'s"',
                  "", b"", "\u65e5\U0001f600\n\t\\", bytes(range(1, 256))]
        values += ["".join(rng.choice("a'\"\\\n\u00e9\u200b")
                           for _ in range(9)) for _ in range(50)]
        created = self.list("create", "--", *map(repr, values))
        self.made(created)
        theirs = shared_memory.ShareableList(name=created)
        self.addCleanup(theirs.shm.close)
        self.assertEqual(list(theirs), values)
        shown = self.list("show", created)
        self.assertEqual(ast.literal_eval(shown[len("ShareableList("):
                                                shown.rindex(", name=")]),
                         values)

    def test_other_ways_to_write_numbers(self):
        words = ["0xff", "0o17", "0b11", "1_000", "1e3", ".5", "5.", "+7",
                 "0", "-0.0", "'\\x41\\u00e9\\101'"]
        created = self.made(self.list("create", *words))
        theirs = shared_memory.ShareableList(name=created)
        self.addCleanup(theirs.shm.close)
        self.assertEqual(repr(list(theirs)),
                         repr([ast.literal_eval(word) for word in words]))

    def test_what_is_no_literal(self):
        list_ = self.python_list([1])
        for word in ("text", "'open", "'a'b", "007", "1__0", "_1", "1e", "0x",
                     "--5", "", "b'\u00e9'", "'\\x4'", "'\\ud800'", "true",
                     "9223372036854775808", "-9223372036854775809", "1j",
                     "'\\N{BULLET}'", "[1]"):
            with self.subTest(word):
                self.list("set", list_.shm.name, "0", "--", word, code=USAGE)
        self.assertEqual(list_[0], 1)

    def test_errors_change_nothing(self):
        list_ = self.python_list([1, "12345"])
        before = bytes(list_.shm.buf)
        name = list_.shm.name
        self.assertIn("out of range", self.list("get", name, "2", code=USAGE))
        self.assertIn("out of range", self.list("get", name, "-3", code=USAGE))
        for index in ("9" * 20, "-" + "9" * 20):
            said = self.list("get", name, index, code=USAGE)
            self.assertIn(f"index {index}: out of range", said)
        self.list("set", name, "-4", "77", code=USAGE)
        self.assertIn("9 bytes", self.list("set", name, "1", "'123456789'",
                                           code=USAGE))
        for index in ("one", "1x", ""):
            self.assertIn("not a whole number",
                          self.list("get", name, index, code=USAGE))
        self.list("get", name, code=USAGE)
        self.list("peel", name, code=USAGE)
        self.list("show", "there-is-none", code=SYSTEM)
        self.list("create", "--name", name, "1", code=SYSTEM)
        self.assertEqual(bytes(list_.shm.buf), before)

    def test_what_is_no_list(self):
        shm = shared_memory.SharedMemory(create=True, size=100)
        self.addCleanup(shm.unlink)
        self.addCleanup(shm.close)
        self.assertIn("not made yet, or no list",
                      self.list("show", shm.name, code=SYSTEM))
        shm.buf[:8] = b"\xff" * 8
        self.assertIn("length is -1", self.list("show", shm.name, code=SYSTEM))


class Traced:
    """A command, from one begin or end of a system call to the next."""

    TRACEME, CONT, SYSCALL = 0, 7, 24

    def __init__(self, *words):
        libc = ctypes.CDLL(None, use_errno=True)
        self.ptrace = libc.ptrace
        self.ptrace.argtypes = [ctypes.c_long] * 4
        self.process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            preexec_fn=lambda: self.ptrace(self.TRACEME, 0, 0, 0))
        self.stopped = True
        self.code = None
        self.wait()

    def wait(self):
        _, status = os.waitpid(self.process.pid, 0)
        self.stopped = os.WIFSTOPPED(status)
        if not self.stopped:
            self.code = os.waitstatus_to_exitcode(status)
            self.process.returncode = self.code
        return status

    def next(self):
        self.ptrace(self.SYSCALL, self.process.pid, 0, 0)
        self.wait()

    def has_mapped(self, path):
        return path in pathlib.Path(f"/proc/{self.process.pid}/maps").read_text(
            encoding="utf-8")

    def finish(self):
        """The code and the output of the command; a signal is the command's."""
        number = 0
        while self.stopped:
            self.ptrace(self.CONT, self.process.pid, 0, number)
            number = os.WSTOPSIG(self.wait())
        return self.code, *self.process.communicate()


def ptrace_allowed():
    traced = Traced("/bin/true")
    return traced.code is None and traced.finish()[0] == 0


class Truncated(Leftovers):
    """Another process makes the file of a list shorter, at each moment between
    two system calls of a command that has mapped it."""

    def truncate_after(self, calls, *words):
        """The result; None: the command had ended by then."""
        list_ = shared_memory.ShareableList(list(range(2000)))
        name = self.made(list_.shm.name)
        list_.shm.close()
        traced = Traced(RUNRIG, "list", words[0], name, *words[1:])
        while traced.stopped and not traced.has_mapped(name):
            traced.next()
        for _ in range(calls):
            if traced.stopped:
                traced.next()
        if not traced.stopped:
            traced.finish()
            return None
        os.truncate(f"/dev/shm/{name}", 0)
        code, out, err = traced.finish()
        return code, out, err.replace(name, "NAME")

    def test_is_said_in_one_line(self):
        if not ptrace_allowed():
            self.skipTest("processes cannot be traced here")
        for words in (("show",), ("get", "1999"), ("set", "1999", "5")):
            seen = []
            while not seen or seen[-1]:
                seen.append(self.truncate_after(len(seen), *words))
            for code, out, err in seen[:-1]:
                if code:
                    self.assertEqual((code, out), (SYSTEM, ""), (words, err))
                    self.assertRegex(err, r"\Arunrig: [^\n]*NAME[^\n]+\n\Z")
                else:
                    self.assertEqual(err, "")
                    self.assertTrue(out or words[0] == "set")
            self.assertTrue(any("made shorter" in err
                                for _, _, err in seen[:-1]), words)


class Reverse(Leftovers):
    """list-reverse on lists that Python made."""

    def reverse(self, list_, *words):
        return runrig("run", "list-reverse", "--segment", list_.shm.name,
                      *words)

    def test_any_list_any_slice_any_team(self):
        rng = random.Random(SEED + 1)
        for _ in range(12):
            values = [rng.choice([rng.getrandbits(40), rng.random(), None,
                                  True, "abc", b"xyz", "\u00e9"])
                      for _ in range(rng.choice([0, 1, 2, 3, 10, 101]))]
            begin = rng.randint(0, len(values))
            end = rng.randint(begin, len(values))
            list_ = self.python_list(values)
            ran = self.reverse(list_, f"begin={begin}", f"end={end}",
                               "-n", rng.choice([1, 2, 3, 5]))
            self.assertEqual(ran.returncode, 0, ran.stderr)
            self.assertIn("  verified", ran.stdout)
            values[begin:end] = values[begin:end][::-1]
            self.assertEqual(list(list_), values)

    def test_text_that_does_not_fit_its_mirror(self):
        values = list(range(50)) + ["a text of more than eight bytes"] + [1]
        list_ = self.python_list(values)
        ran = self.reverse(list_, "-n", 2)
        self.assertEqual(ran.returncode, RUN)
        self.assertIn("31 bytes of text", ran.stderr)
        self.assertEqual(list(list_), values)

    def test_slices_that_are_none(self):
        list_ = self.python_list([1, 2, 3])
        self.assertEqual(self.reverse(list_, "end=4").returncode, RUN)
        self.assertEqual(self.reverse(list_, "begin=2", "end=1").returncode,
                         USAGE)
        self.assertEqual(list(list_), [1, 2, 3])


class Examples(Leftovers):
    def output(self, *words):
        ran = run(*words, env=dict(os.environ, RUNRIG=RUNRIG,
                                   OPENBLAS_NUM_THREADS="2"))
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertEqual(ran.stderr, "")
        return ran.stdout.splitlines()

    def test_the_articles_programs(self):
        self.assertEqual(self.output(EXAMPLES / "example_article_1"),
                         ["0, 1, 2, 3, 4, 5, 6, 7, 8, 9,",
                          "10, 9, 8, 7, 6, 5, 4, 3, 2, 1,"])
        lines = self.output(EXAMPLES / "example_article_2")
        self.assertTrue(lines[0].startswith("ShareableList([1, 2, 3], name='"))
        self.assertEqual(lines[1], "1, 99, 102,")
        lines = self.output(EXAMPLES / "example_article_3")
        self.assertTrue(lines[0].startswith("9, 8, 7, 6, 5, 5, 6, 7, 8, 9,"))
        self.assertEqual(lines[1], "9, 8, 7, 6, 5, 4, 3, 2, 1, 0,")

    def test_each_is_shorter_than_forty_lines(self):
        for path in SOURCES.glob("article_*.c"):
            self.assertLess(len(path.read_text("utf-8").splitlines()), 40)

    def test_python_makes_data_and_runrig_crunches_it(self):
        self.assertEqual(self.output(sys.executable,
                                     SOURCES / "python/crunch.py")[-1],
                         "reversed: True")

    def test_c_makes_and_python_reads(self):
        lines = self.output(sys.executable, SOURCES / "python/read.py")
        self.assertIn("bytes: 10 [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]", lines)
        self.assertIn("again: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]", lines)

    def test_a_list_edited_from_both_sides(self):
        lines = self.output(sys.executable, SOURCES / "python/both.py")
        self.assertEqual(lines[0], "'text'")
        self.assertEqual(lines[1],
                         "[-99, 2.5, True, 'four', 'h\u00e9', b'bytes']")
        self.assertEqual(lines[2], "True")
        self.assertEqual(lines[-1],
                         "[b'bytes', 'h\u00e9', 'four', True, 2.5, -99]")


if __name__ == "__main__":
    unittest.main()
