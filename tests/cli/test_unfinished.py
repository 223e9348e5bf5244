#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Where the file system has no files without names, an output in the making has
one, and a signal that ends `runrig` removes it.

NO_TMPFILE is the library that refuses O_TMPFILE.
"""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

RUNRIG = os.environ["RUNRIG"]
NO_TMPFILE = os.environ["NO_TMPFILE"]
DEADLINE = 60  # seconds after which something hangs

# It would compute for minutes.
LONG = ["run", "heat", "n=4097", "-n", "1", "--place", "none"]


def plain():
    """In the child: no signal is ignored, whatever the tests run under."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM,
                   signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


class Unfinished(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.path = self.folder / "out.npy"

    def start(self, words, prepare=plain):
        return subprocess.Popen(
            [RUNRIG, *words, "--output", str(self.path)],
            env=dict(os.environ, LD_PRELOAD=NO_TMPFILE), preexec_fn=prepare,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def wait_for_name(self, process):
        begin = time.monotonic()
        while not (names := list(self.folder.glob(".out.npy.rig-*"))):
            self.assertIsNone(process.poll(), process.stderr)
            self.assertLess(time.monotonic(), begin + DEADLINE)
            time.sleep(0.005)
        return names

    def test_a_signal_leaves_nothing(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP,
                       signal.SIGQUIT):
            with self.subTest(number):
                self.path.write_text("old")
                process = self.start(LONG)
                self.wait_for_name(process)
                process.send_signal(number)
                process.communicate(timeout=DEADLINE)
                self.assertEqual(process.returncode, -number)
                self.assertEqual(list(self.folder.iterdir()), [self.path])
                self.assertEqual(self.path.read_text(), "old")

    def test_what_is_ignored_stays_so(self):
        process = self.start(LONG, lambda: signal.signal(signal.SIGHUP,
                                                         signal.SIG_IGN))
        names = self.wait_for_name(process)
        process.send_signal(signal.SIGHUP)
        time.sleep(0.1)
        self.assertIsNone(process.poll())
        self.assertEqual(self.wait_for_name(process), names)
        process.terminate()
        process.communicate(timeout=DEADLINE)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_the_end_leaves_the_file(self):
        process = self.start(["run", "reverse", "length=1000", "-n", "1",
                              "--place", "none"])
        _, told = process.communicate(timeout=DEADLINE)
        self.assertEqual((process.returncode, told), (0, ""))
        self.assertEqual(list(self.folder.iterdir()), [self.path])


if __name__ == "__main__":
    if os.environ.get("SANITIZED", "none") != "none":
        print("needs to be loaded first, as a sanitizer does")
        sys.exit(77)
    unittest.main()
