#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""`runrig doctor`: here all works, and a fault put in is found.

RUNRIG names the program, and RIGBENCH the program of the other doctor.
"""
import ctypes
import errno
import json
import os
import struct
import subprocess
import sys
import unittest

from command_case import own_mount, mounts_allowed

RUNRIG = os.environ["RUNRIG"]
SYSTEM = 5
PIDFD_OPEN = 434  # on every architecture
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 22, 38


def doctor(*words, **options):
    return subprocess.run([RUNRIG, "doctor", *words], check=False, text=True,
                          capture_output=True, timeout=60, **options)


def refuse(number):
    """For a child: a filter that refuses the call of a number."""
    steps = ((0x20, 0, 0, 0),  # load the number
             (0x15, 0, 1, number),  # not equal: skip one
             (0x06, 0, 0, 0x50000 | errno.EPERM), (0x06, 0, 0, 0x7fff0000))
    code = ctypes.create_string_buffer(
        b"".join(struct.pack("HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack(
        "HxxxxxxQ", len(steps), ctypes.addressof(code)))
    libc = ctypes.CDLL(None)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or \
            libc.prctl(PR_SET_SECCOMP, 2, program, 0, 0):
        os._exit(99)


def checks(done):
    return {check["name"]: check for check in json.loads(done.stdout)["checks"]}


def with_shm(options):
    """For a child: a separate /dev/shm."""
    def enter():
        if not own_mount("/dev/shm", options):
            os._exit(99)
    return enter


class Doctor(unittest.TestCase):
    def test_it_works_here(self):
        done = doctor("--json")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        found = checks(done)
        self.assertTrue(json.loads(done.stdout)["works"])
        self.assertEqual(found["pools"]["state"], "fine")
        self.assertEqual(found["segments"]["state"], "fine")
        for check in found.values():
            self.assertTrue(check["found"] and check["cure"], check)
        text = doctor().stdout
        self.assertRegex(text, r"\Arunrig works here; \d+ to note\.\n\n")
        for name in found:
            self.assertRegex(text, rf"(?m)^(fine|note|unknown) +{name}: ")

    def test_no_row_is_in_both_doctors(self):
        if "RIGBENCH" not in os.environ:
            self.skipTest("no rigbench")
        other = subprocess.run([os.environ["RIGBENCH"], "doctor", "--json"],
                               check=True, capture_output=True, text=True)
        self.assertFalse(set(checks(doctor("--json"))) & set(checks(other)))

    @unittest.skipUnless(mounts_allowed(), "no mount namespaces here")
    def test_a_small_dev_shm_is_noted_with_the_cure(self):
        done = doctor(preexec_fn=with_shm("size=64m"))
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout, r"(?m)^note +room in /dev/shm: 67.1 MB")
        self.assertIn("--shm-size=4g", done.stdout)

    @unittest.skipUnless(mounts_allowed(), "no mount namespaces here")
    def test_a_dev_shm_that_cannot_be_written_is_bad(self):
        done = doctor("--json", preexec_fn=with_shm("ro"))
        self.assertEqual(done.returncode, SYSTEM, done.stdout)
        found = checks(done)
        for name in ("/dev/shm", "segments"):
            self.assertEqual(found[name]["state"], "bad", found[name])
        self.assertFalse(json.loads(done.stdout)["works"])

    def test_a_refused_call_is_named(self):
        done = doctor(preexec_fn=lambda: refuse(PIDFD_OPEN))
        self.assertRegex(done.stdout, r"(?m)^note +system calls: refused: "
                         r"pidfd_open$")
        self.assertIn("--security-opt seccomp=unconfined", done.stdout)

    def test_usage(self):
        done = doctor("x")
        self.assertEqual((done.returncode, done.stderr),
                         (1, "runrig: doctor: takes no words: x\n"))


if __name__ == "__main__":
    sys.exit(unittest.main())
