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
MEETS = pathlib.Path(__file__).with_name("meet_program.py")


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

    def test_c_and_python_meet_by_name(self):
        name = f"test-meet-{os.getpid()}"
        program = os.path.join(os.environ["EXAMPLES"], "program_meet")
        with subprocess.Popen([program, name, "3"], text=True,
                              stdout=subprocess.PIPE) as in_c, \
                subprocess.Popen([sys.executable, MEETS, "meets", name],
                                 text=True, stdout=subprocess.PIPE) as other:
            done = subprocess.run([sys.executable, MEETS, "meets", name],
                                  timeout=120, capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            out = in_c.communicate(timeout=120)[0] + done.stdout + \
                other.communicate(timeout=120)[0]
        self.assertEqual((in_c.returncode, other.returncode), (0, 0), out)
        self.assertEqual(out.count("the sum of the ranks is 3"), 3, out)
        self.assertFalse(os.path.exists(f"/dev/shm/{name}"))

    def test_a_death_ends_the_others_calls(self):
        name = f"test-death-{os.getpid()}"
        done = [subprocess.Popen([sys.executable, MEETS, "outlives", name],
                                 text=True, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT) for _ in range(3)]
        out = [process.communicate(timeout=120)[0] for process in done]
        self.assertEqual(sorted(process.returncode for process in done),
                         [-9, 0, 0], out)
        self.assertEqual("".join(out).count("met again: 2 of us"), 2, out)

    def test_nobody_comes(self):
        name = f"test-alone-{os.getpid()}"
        with self.assertRaises(TimeoutError):
            runrig.join(name=name, size=2, timeout=0.05)
        self.assertFalse(os.path.exists(f"/dev/shm/{name}"))
        with self.assertRaises(ValueError):
            runrig.join(name=name, size=0)


if __name__ == "__main__":
    unittest.main()
