#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Ctrl-C typed at a terminal: the whole group of processes gets the signal, the caller's
call ends with KeyboardInterrupt, and the pool or the executor is as ever."""
import os
import pty
import signal
import sys
import unittest

if "PYTHON_FAULTS" not in os.environ:
    print("the package for Python is not built")
    sys.exit(77)

HEAD = """
import asyncio, os, sys, time
import numpy as np, runrig
kernels = os.environ["KERNELS"]
x = runrig.array(np.zeros(8))

def works(pool):
    x[:] = 1
    pool.run(kernels + ":twice", x)
    assert x.tolist() == [2.0] * 8
"""

RUN = HEAD + """
with runrig.Pool(2, place="none") as pool:
    works(pool)
    try:
        print("begun", flush=True)
        pool.run(kernels + ":linger", x)
    except KeyboardInterrupt:
        works(pool)
        print("interrupted", flush=True)
"""

KERNEL = HEAD + """
with runrig.Pool(2, place="none") as pool:
    works(pool)
    try:
        print("begun", flush=True)
        pool.run("nbody", bodies=4096, steps=10**6)
    except KeyboardInterrupt:
        works(pool)
        print("interrupted", flush=True)
"""

ASYNC = HEAD + """
async def cell(pool):
    run = pool.start(kernels + ":linger", x)
    try:
        print("begun", flush=True)
        await run
    finally:
        print("cancelled", run.cancelled() or run.cancel(), flush=True)

with runrig.Pool(2, place="none") as pool:
    works(pool)
    try:
        asyncio.run(cell(pool))
    except KeyboardInterrupt:
        works(pool)
        print("interrupted", flush=True)
"""

TASK = HEAD + """
if __name__ == "__main__":
    with runrig.Executor(1, place="none") as executor:
        assert executor.submit(abs, -3).result() == 3
        future = executor.submit(time.sleep, 0.5)
        try:
            print("begun", flush=True)
            future.result()
        except KeyboardInterrupt:
            assert executor.submit(abs, -4).result() == 4
            print("interrupted", flush=True)
"""


def read_until(fd, word):
    """The output up to a word, or to the end."""
    text = ""
    while word not in text:
        try:
            data = os.read(fd, 4096)
        except OSError:  # a terminal without a program
            break
        if not data:
            break
        text += data.decode()
    return text


class Terminal(unittest.TestCase):
    def typed(self, program):
        """Start a program at a terminal, type Ctrl-C, and return the output."""
        pid, fd = pty.fork()
        if pid == 0:
            signal.alarm(60)
            os.execv(sys.executable, [sys.executable, "-c", program])
        try:
            text = read_until(fd, "begun")
            os.write(fd, b"\x03")
            text += read_until(fd, "nothing of the kind")
        finally:
            os.close(fd)
            _, status = os.waitpid(pid, 0)
        self.assertEqual(status, 0, text)
        self.assertIn("interrupted", text)
        return text

    def test_a_run_of_a_function(self):
        self.typed(RUN)

    def test_a_run_of_a_kernel(self):
        self.typed(KERNEL)

    @unittest.skipIf(sys.version_info < (3, 11), "asyncio.run() raises at once")
    def test_a_run_that_asyncio_awaits(self):
        self.assertIn("cancelled True", self.typed(ASYNC))

    def test_a_task_of_an_executor(self):
        self.typed(TASK)


if __name__ == "__main__":
    unittest.main()
