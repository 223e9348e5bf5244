# SPDX-License-Identifier: MIT
"""Shared by the tests of the command `runrig`: the command, run; a terminal; a
test case that has a folder and leaves /dev/shm as it was.

Where mount namespaces are allowed, main() gives the tests a /dev/shm of
their own, so that other programs do not disturb the tests.  RUNRIG names the
command.
"""
import ctypes
import functools
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
from multiprocessing import shared_memory

import numpy

from waits import until

RUNRIG = os.environ["RUNRIG"]

# Its words come before ours.
SANITIZED = unittest.skipIf(os.environ.get("SANITIZED", "none") != "none",
                            "a sanitizer tells crashes itself")
LIB = pathlib.Path(__file__).resolve().parent
ROOT = LIB.parents[1]
SCHEMA = ROOT / "docs" / "run.schema.json"
SHM = pathlib.Path("/dev/shm")

# Against hanging only.
LIMIT_S = 60

USAGE, UNVERIFIED, RUN, SYSTEM = 1, 2, 3, 5

CLONE_NEWNS, CLONE_NEWUSER = 0x20000, 0x10000000
MS_REC, MS_PRIVATE = 0x4000, 1 << 18


def own_mount(where, options):
    """In a child-to-be: a tmpfs of our own over `where`.  False: not allowed."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) < 0 and \
            libc.unshare(CLONE_NEWNS | CLONE_NEWUSER) < 0:
        return False
    return libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) == 0 \
        and libc.mount(b"tmpfs", os.fsencode(where), b"tmpfs", 0,
                       options.encode()) == 0


@functools.cache
def mounts_allowed():
    probe = "import command_case, sys; " \
        "sys.exit(not command_case.own_mount(" \
        "'/dev/shm', 'size=1m'))"
    return subprocess.run([sys.executable, "-c", probe], cwd=LIB,
                          check=False).returncode == 0


def runrig(*words, **options):
    return subprocess.run([RUNRIG, *map(str, words)], check=False,
                          capture_output=True, text=True, timeout=LIMIT_S,
                          **options)


def names():
    return sorted(path.name for path in SHM.iterdir())


def group_members(pgid):
    """Processes of a group that are not dead."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            after = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(after[2]) == pgid and after[0] != "Z":
            found.append(int(stat.parent.name))
    return found


class Terminal:
    """A command whose stderr is a terminal, and what that shows."""

    def __init__(self, test, *words, **options):
        self.test = test
        self.ours, theirs = os.openpty()
        test.addCleanup(os.close, self.ours)
        self.process = subprocess.Popen(
            [RUNRIG, *map(str, words)], start_new_session=True, stderr=theirs,
            stdout=subprocess.DEVNULL, **options)
        test.addCleanup(self.process.wait)
        test.addCleanup(self.process.kill)
        os.close(theirs)
        self.said = b""

    def read(self):
        try:
            self.said += os.read(self.ours, 1000)
        except OSError:  # its other end is closed
            return False
        return True

    def shows(self, pattern):
        """Wait for it, in what has not been looked at yet."""
        while not re.search(pattern, self.said):
            self.test.assertTrue(self.read(), self.said)
        self.said = b""

    def rest(self):
        while self.read():
            pass
        return self.said


class Case(unittest.TestCase):
    """Each test has a folder, and leaves /dev/shm as it was."""

    def setUp(self):
        self.before = names()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(self.nothing_left)
        self.folder = pathlib.Path(folder.name)

    def nothing_left(self):
        until(lambda: names() == self.before, "names in /dev/shm to go")

    def path(self, name):
        return str(self.folder / name)

    def save(self, name, array):
        path = self.path(name)
        numpy.save(path, array)
        return path

    def does(self, *words, **options):
        done = runrig(*words, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def refuses(self, code, pattern, *words, **options):
        """Exit code, one line on stderr that says it, nothing on stdout."""
        done = runrig(*words, **options)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertRegex(done.stderr, r"\Arunrig: [^\n]+\n\Z")
        self.assertRegex(done.stderr, pattern)
        self.assertEqual(done.stdout, "")
        return done.stderr

    def segment(self, **options):
        made = shared_memory.SharedMemory(create=True, **options)
        self.addCleanup(made.unlink)
        self.addCleanup(made.close)
        return made


def main():
    """Run the tests of the program, with a /dev/shm of their own if allowed."""
    # One mount for all, before any thread or child of the program.
    if mounts_allowed() and not own_mount("/dev/shm", "size=512m"):
        sys.exit("a mount namespace was promised")
    unittest.main()
