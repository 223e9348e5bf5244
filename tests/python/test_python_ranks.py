#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Programs in Python as ranks of `runrig exec`."""
import os
import pathlib
import subprocess
import sys
import unittest

if "PYTHON_FAULTS" not in os.environ:
    print("the package for Python is not built")
    sys.exit(77)
import numpy
import runrig

PROGRAMS = pathlib.Path(__file__).with_name("ranks_programs.py")


def launch(size, *words):
    before = [os.environ["RUNRIG"], "exec", "-n", str(size), "--"] if size else []
    return subprocess.run([*before, sys.executable, PROGRAMS, *words],
                          timeout=120, capture_output=True, text=True)


class Ranks(unittest.TestCase):
    def test_the_tutorials_programs(self):
        for size in (3, 4) if os.environ.get("RUNRIG_LONG") else (3,):
            done = launch(size)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(sorted(done.stdout.splitlines()), [
                f"rank {r} of {size} has run all" for r in range(size)])

    def test_by_hand_a_team_of_one(self):
        done = launch(0)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("rank 0 of 1", done.stdout)

    def test_a_death_is_reported(self):
        done = launch(2, "dies")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("rank 1", done.stderr)
        self.assertIn("SIGKILL", done.stderr)

    def test_a_deadlock_is_reported(self):
        done = launch(2, "deadlocks")
        self.assertEqual(done.returncode, 125)
        self.assertIn("rank 0", done.stderr)

    def test_a_disagreement_is_reported(self):
        done = launch(2, "differs")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("bcast", done.stderr)


if __name__ == "__main__":
    unittest.main()
