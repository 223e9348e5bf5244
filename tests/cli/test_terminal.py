#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""test_terminal.py - Ctrl-C, Ctrl-\\, Ctrl-Z and fg, and a hang-up work as a
shell's user expects, and leave no process and no name.

The job on the terminal is a Python that uses the library through ctypes, with
the default action for signals; its workers sleep in pause(), for ever.
"""

import ctypes
import errno
import itertools
import os
import pty
import select
import signal
import sys
import time
import unittest

from waits import until


class Handed(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("offset", ctypes.c_size_t),
                ("bytes", ctypes.c_size_t), ("read_only", ctypes.c_bool),
                ("reserved", ctypes.c_uint64 * 8)]


class Job(ctypes.Structure):
    _fields_ = [("kernel", ctypes.c_void_p), ("name", ctypes.c_char_p),
                ("segments", Handed * 16), ("args", ctypes.c_void_p),
                ("args_bytes", ctypes.c_size_t), ("result", ctypes.c_void_p),
                ("result_bytes", ctypes.c_size_t),
                ("limit_ns", ctypes.c_uint64), ("owns", ctypes.c_void_p),
                ("reserved", ctypes.c_uint64 * 8)]


class PoolOptions(ctypes.Structure):
    _fields_ = [("workers", ctypes.c_int), ("place", ctypes.c_char_p),
                ("barrier", ctypes.c_int), ("trace", ctypes.c_size_t),
                ("start", ctypes.c_int),
                ("reserved", ctypes.c_uint64 * 8)]


def job(kernels, name):
    """The job on the terminal."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP):
        signal.signal(number, signal.SIG_DFL)
    rig = ctypes.CDLL(os.environ["LIBRUNRIG"])
    pool, segment = ctypes.c_void_p(), ctypes.c_void_p()
    options = PoolOptions(workers=2)
    if rig.rig_pool_create(ctypes.byref(pool), ctypes.byref(options)) < 0:
        os._exit(11)
    if rig.rig_segment_create(ctypes.byref(segment), name.encode(),
                              ctypes.c_size_t(4096), None) < 0:
        os._exit(12)
    print("ready", flush=True)
    for kernel in kernels:
        if rig.rig_pool_run(pool, ctypes.byref(Job(name=kernel))) < 0:
            os._exit(13)
        print("ran", flush=True)
    rig.rig_segment_destroy(segment)
    rig.rig_pool_destroy(pool)
    os._exit(0)


def shell(kernels, name):
    """A shell with one job in the foreground.  The shell is a session leader: Ctrl-Z
    would not stop a group without a leader."""
    # Under nohup hang-ups are ignored.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        # Until the shell has moved the job to the foreground.
        while os.tcgetpgrp(0) != os.getpid():
            time.sleep(0.001)
        job(kernels, name)
    os.setpgid(pid, pid)
    os.tcsetpgrp(0, pid)
    print("job %d." % pid, flush=True)
    status = os.waitpid(pid, 0)[1]
    os._exit(128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else
             os.WEXITSTATUS(status))


def members(group):
    """The processes of a group that are no zombies."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/" + pid + "/stat") as stat:
                rest = stat.read().rpartition(")")[2].split()
        except OSError:
            continue
        if int(rest[2]) == group and rest[0] != "Z":
            found.append((int(pid), rest[0]))
    return found


class Terminal(unittest.TestCase):
    names = itertools.count()

    def start(self, kernels):
        self.name = "test-terminal-%d-%d" % (os.getpid(), next(self.names))
        self.shell, self.terminal = pty.fork()
        if self.shell == 0:
            shell(kernels, self.name)
        self.text = b""
        self.addCleanup(self.end, self.terminal)
        self.expect(b"ready")
        self.job = int(self.text.partition(b"job ")[2].partition(b".")[0])

    def end(self, terminal):
        for pid, _ in members(self.job):
            os.kill(pid, signal.SIGKILL)
        if terminal == self.terminal:
            os.close(terminal)
            self.terminal = -1

    def expect(self, words):
        def read():
            if select.select([self.terminal], [], [], 0.1)[0]:
                try:
                    self.text += os.read(self.terminal, 4096)
                except OSError as error:
                    if error.errno != errno.EIO:
                        raise
                    self.fail("the job has ended: %r" % self.text)
            return words in self.text

        until(read, words)

    def press(self, key):
        os.write(self.terminal, key)

    def gone(self, number):
        """The job ended by the signal, and nothing is left."""
        status = os.waitpid(self.shell, 0)[1]
        self.assertEqual(os.WEXITSTATUS(status), 128 + number)
        self.nothing_left()

    def nothing_left(self):
        until(lambda: not members(self.job), "the job's processes to end")
        self.assertFalse(os.path.exists("/dev/shm/" + self.name))

    def test_control_c(self):
        for delay in (0, 0.01):
            self.start([b"libc.so.6:pause"])
            time.sleep(delay)
            self.press(b"\x03")
            self.gone(signal.SIGINT)
            self.end(self.terminal)

    def test_control_backslash(self):
        self.start([b"libc.so.6:pause"])
        self.press(b"\x1c")
        self.gone(signal.SIGQUIT)

    def test_control_z_and_fg(self):
        self.start([b"libc.so.6:pause"])
        self.press(b"\x1a")
        # Caller, warden and workers: all stop.
        until(lambda: all(state == "T" for _, state in members(self.job)),
              "all processes to stop")
        self.assertEqual(len(members(self.job)), 4)
        os.killpg(self.job, signal.SIGCONT)
        until(lambda: all(state != "T" for _, state in members(self.job)),
              "all processes to go on")
        # The job goes on: Ctrl-C still ends the job.
        self.assertEqual(len(members(self.job)), 4)
        self.press(b"\x03")
        self.gone(signal.SIGINT)

    def test_stopped_and_on_it_ends_well(self):
        self.start([b"libc.so.6:getpid"] * 200)
        self.press(b"\x1a")
        time.sleep(0.05)
        os.killpg(self.job, signal.SIGCONT)
        status = os.waitpid(self.shell, 0)[1]
        self.assertEqual(status, 0)
        self.nothing_left()

    def test_hang_up(self):
        self.start([b"libc.so.6:pause"])
        os.close(self.terminal)
        self.terminal = -1
        # The shell goes first, and with the shell the job in the foreground.
        status = os.waitpid(self.shell, 0)[1]
        self.assertEqual(os.WTERMSIG(status), signal.SIGHUP)
        self.nothing_left()

    def test_terminated(self):
        """kill PID: only the caller gets the signal, and the other processes end too."""
        self.start([b"libc.so.6:pause"])
        os.kill(self.job, signal.SIGTERM)
        self.gone(signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=0))
