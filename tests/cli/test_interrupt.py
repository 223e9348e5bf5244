#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Signals that end the command: the report, and leftovers.

The file system is made one without O_TMPFILE by a seccomp filter, as NFS, Lustre
and FUSE are: then an output has another name until the output is whole.
"""
import ctypes
import os
import pathlib
import platform
import signal
import struct
import subprocess
import tempfile
import time
import unittest

RUNRIG = os.environ["RUNRIG"]
LIMIT_S = 60
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)

# Arguments of open() for an output, and not for a segment, which is opened for reading,
# too.
BITS = 0o20000003
OUTPUT = 0o20000001
OPENAT = {"x86_64": 257, "aarch64": 56, "riscv64": 56}


def filter_code(number, argument, bits, value, error):
    """A seccomp filter: the call fails where the argument has the value."""
    def step(code, yes, no, k):
        return struct.pack("HBBI", code, yes, no, k)

    load, equal, and_, give = 0x20, 0x15, 0x54, 0x06
    return b"".join([
        step(load, 0, 0, 0), step(equal, 0, 4, number),
        step(load, 0, 0, 16 + 8 * argument), step(and_, 0, 0, bits),
        step(equal, 0, 1, value), step(give, 0, 0, 0x00050000 | error),
        step(give, 0, 0, 0x7fff0000)])


def without_tmpfile():
    """In the child, before runrig: opening with O_TMPFILE is not supported."""
    libc = ctypes.CDLL(None, use_errno=True)
    code = filter_code(OPENAT[platform.machine()], 2, BITS, OUTPUT, 95)
    room = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(room))
    libc.prctl(38, 1, 0, 0, 0)
    if libc.prctl(22, 2, ctypes.c_char_p(program), 0, 0) != 0:
        os._exit(77)


class Interrupt(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def start(self, *words, preexec_fn=None):
        def prepare():
            # Under nohup the test's own are ignored.
            for number in SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            if preexec_fn:
                preexec_fn()

        process = subprocess.Popen(
            [RUNRIG, *words], cwd=self.folder, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, preexec_fn=prepare)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def until(self, what, process):
        deadline = time.monotonic() + LIMIT_S
        while not what():
            self.assertIsNone(process.poll(), "it has ended")
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)

    def hidden(self):
        return [path.name for path in self.folder.iterdir()
                if ".rig-" in path.name]

    def test_no_unfinished_output_is_left(self):
        for number in SIGNALS:
            process = self.start("run", "heat", "n=2049", "-n", "2", "--output",
                                 "out.npy", preexec_fn=without_tmpfile)
            self.until(self.hidden, process)
            process.send_signal(number)
            self.assertEqual(process.wait(LIMIT_S), -number)
            self.assertEqual(list(self.folder.iterdir()), [])

    def test_a_cancelled_run_tells_where_each_rank_was(self):
        process = self.start("run", "heat", "n=2049", "-n", "2")
        # The run has begun when the workers compute: children of the warden.
        self.until(lambda: self.cpu_s(process.pid) > 0.3, process)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=LIMIT_S)
        self.assertEqual(process.returncode, -signal.SIGINT)
        if said:
            self.assertIn("cancelled", said)
            self.assertRegex(said, r"rank 1 \(pid \d+")

    def cpu_s(self, pid):
        """CPU time of the workers of the command's pool."""
        ticks = 0
        for status in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                name, rest = status.read_text().rsplit(") ", 1)
            except (FileNotFoundError, ProcessLookupError):
                continue
            if name.endswith("(runrig-worker"):
                fields = rest.split()
                ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def test_a_whole_output_where_nothing_comes_between(self):
        process = self.start("run", "reverse", "length=1000", "--output",
                             "out.npy", preexec_fn=without_tmpfile)
        self.assertEqual(process.wait(LIMIT_S), 0, process.stderr.read())
        self.assertEqual([path.name for path in self.folder.iterdir()],
                         ["out.npy"])


if __name__ == "__main__":
    unittest.main()
