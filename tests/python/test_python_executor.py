#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Executor: functions in Python on workers that die, arrays by name."""
import concurrent.futures
import gc
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from multiprocessing import shared_memory

if "PYTHON_FAULTS" not in os.environ:
    print("the package for Python is not built")
    sys.exit(77)
import numpy as np
import runrig

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import executor_tasks as tasks


def names():
    return set(os.listdir("/dev/shm"))


class Tasks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.before = names()
        cls.executor = runrig.Executor(2, initializer=tasks.remember,
                                       initargs=("begun",), place="none")
        cls.submit = cls.executor.submit

    @classmethod
    def tearDownClass(cls):
        cls.executor.shutdown()
        gc.collect()
        left = names() - cls.before
        assert not left, left

    def test_results(self):
        futures = [self.submit(tasks.add, i, b=2) for i in range(500)]
        self.assertEqual([f.result(60) for f in futures], list(range(2, 502)))
        self.assertEqual(self.submit(tasks.remembered).result(60), "begun")
        self.assertEqual(self.submit(max, 3, 4).result(60), 4)
        self.assertEqual(self.submit("a-b".split, "-").result(60), ["a", "b"])

    def test_map(self):
        for size in (1, 7):
            self.assertEqual(list(self.executor.map(
                tasks.add, range(30), range(30), chunksize=size)),
                [2 * i for i in range(30)])
        with self.assertRaises(ValueError):
            self.executor.map(tasks.add, [1], chunksize=0)
        with self.assertRaises(concurrent.futures.TimeoutError):
            list(self.executor.map(tasks.sleeps, [0.3], timeout=0.01))

    def test_errors_have_the_workers_traceback(self):
        with self.assertRaises(KeyError) as caught:
            self.submit(tasks.raises).result(60)
        self.assertIn("in raises", str(caught.exception.__cause__))
        with self.assertRaisesRegex(RuntimeError, "Strange: words"):
            self.submit(tasks.raises_strangely).result(60)
        with self.assertRaises(Exception):
            self.submit(tasks.add, object.__new__(type(os.environ))).result(60)
        with self.assertRaises(Exception):
            self.submit(tasks.itself, (i for i in ())).result(60)

    def test_arrays_in_segments_go_by_name(self):
        x = runrig.array(np.arange(1000.0))
        name = runrig._arrays.locate(x).name
        self.assertEqual(self.submit(tasks.total, x[100:200]).result(60),
                         x[100:200].sum())
        self.assertEqual(self.submit(tasks.where, x[3::5]).result(60), name)
        self.submit(tasks.write, x[10:20:2], -1).result(60)
        self.assertEqual(x[8:21].tolist(), [8, 9, -1, 11, -1, 13, -1, 15, -1,
                                            17, -1, 19, 20])
        back = self.submit(tasks.itself, x[5:9]).result(60)
        back[0] = 77
        self.assertEqual(x[5], 77)
        dates = runrig.array(np.array(["2020-01-01"], "M8[D]"))
        self.assertEqual(self.submit(tasks.itself, dates).result(60)[0],
                         dates[0])

    def test_arrays_of_a_shared_memory_of_pythons_go_by_name(self):
        memory = shared_memory.SharedMemory(create=True, size=800)
        try:
            x = np.ndarray(100, float, memory.buf)
            x[:] = 1
            for start in (10, 20, 30):
                self.submit(tasks.write, x[start:start + 5], -1).result(60)
                self.assertEqual(x[start - 1:start + 6].tolist(),
                                 [1, *[-1] * 5, 1])
            del x
        finally:
            memory.close()
            memory.unlink()

    def test_another_segment_of_the_same_name(self):
        name = f"rig-executor-{os.getpid()}"
        for value in (1, 2, 3):
            x = runrig.array(np.full(10, float(value)), name=name)
            found = [self.submit(tasks.total, part).result(60)
                     for part in (x, x[5:], x[::2])]
            self.assertEqual(found, [10 * value, 5 * value, 5 * value])
            del x
            gc.collect()

    def test_plain_results_keep_their_types(self):
        for value in (None, True, 3, 2.5, "text", b"bytes", (1, "two"),
                      [1.5, 2.5], np.float64(0.1), np.float32(0.1), np.int8(-3),
                      np.uint64(2 ** 64 - 1), np.bool_(True),
                      [np.float32(0.1), np.float32(0.2)], [1, 2.0], []):
            back = self.submit(tasks.itself, value).result(60)
            self.assertEqual(back, value)
            self.assertIs(type(back), type(value))
            if isinstance(value, list):
                self.assertEqual(list(map(type, back)), list(map(type, value)))

    def test_an_array_of_a_worker_is_adopted(self):
        made = self.submit(tasks.filled, 100, 7).result(60)
        name = runrig._arrays.locate(made).name
        self.assertIn(name, names())
        self.assertEqual(self.submit(tasks.total, made).result(60), 700)
        del made
        gc.collect()
        self.assertNotIn(name, names())

    def test_an_array_is_given_away_once(self):
        with runrig.Executor(1, place="none") as executor:
            futures = [executor.submit(tasks.the_same_twice) for _ in range(9)]
            for future in futures:
                whole, rest = future.result(60)
                self.assertEqual((whole.tolist(), rest.tolist()),
                                 ([3.0] * 5, [3.0] * 4))

    def test_large_buffers(self):
        x = np.random.default_rng(1).random(50000)
        np.testing.assert_array_equal(self.submit(tasks.itself, x).result(60), x)
        self.assertEqual(self.submit(tasks.ones, 50000).result(60).sum(), 50000)

    def test_a_death_fails_its_own_future_alone(self):
        for task, number, expected in (
                (tasks.dies, signal.SIGKILL, signal.SIGKILL),
                (tasks.exits, 3, None)):
            before = [self.submit(tasks.add, i) for i in range(50)]
            victim = self.submit(task, number)
            after = [self.submit(tasks.add, i) for i in range(50)]
            with self.assertRaises(runrig.WorkerDied) as caught:
                victim.result(60)
            self.assertEqual(caught.exception.report.signal, expected)
            self.assertEqual([f.result(60) for f in before + after],
                             list(range(1, 51)) * 2)
        pids = {f.result(60) for f in
                [self.submit(tasks.pid) for _ in range(100)]}
        self.assertLessEqual(len(pids), 2)

    def test_a_task_behind_a_long_task_goes_elsewhere(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "there")
            quick = [self.submit(tasks.add, i) for i in range(2000)]
            waiting = self.submit(tasks.waits_for, path)
            more = [self.submit(tasks.add, i) for i in range(50)]
            opens = self.submit(tasks.touch, path)
            self.assertTrue(waiting.result(60))
            opens.result(60)
            self.assertEqual(sum(f.result(60) for f in quick + more),
                             2001000 + 1275)

    def test_a_fork_is_told(self):
        child = os.fork()
        if child == 0:
            try:
                self.submit(tasks.add, 1)
            except RuntimeError:
                os._exit(0)
            os._exit(1)
        self.assertEqual(os.waitpid(child, 0)[1], 0)


class Lives(unittest.TestCase):
    def test_shutdown(self):
        executor = runrig.Executor(1, place="none")
        first = executor.submit(tasks.sleeps, 0.1)
        rest = [executor.submit(tasks.add, i) for i in range(5)]
        while not first.running():
            time.sleep(0.001)
        executor.shutdown(cancel_futures=True)
        self.assertIsNone(first.result(0))
        self.assertTrue(all(f.cancelled() or f.done() for f in rest))
        with self.assertRaises(RuntimeError):
            executor.submit(tasks.add, 1)
        executor.shutdown()

    def test_pinned(self):
        with runrig.Executor(1, place="core") as executor:
            self.assertEqual(len(executor.submit(tasks.cpus).result(60)), 1)

    def test_a_worker_that_cannot_begin_is_said(self):
        with runrig.Executor(1, initializer=tasks.fails_to_begin,
                             place="none") as executor:
            with self.assertRaisesRegex(concurrent.futures.BrokenExecutor,
                                        "no beginning"):
                executor.submit(tasks.add, 1).result(60)
            with self.assertRaises(concurrent.futures.BrokenExecutor):
                executor.submit(tasks.add, 1)

    def test_wrong_arguments(self):
        for arguments, error in (({"max_workers": 0}, ValueError),
                                 ({"initializer": 3}, TypeError),
                                 ({"place": "there"}, ValueError)):
            with self.assertRaises(error):
                runrig.Executor(**arguments)

    def run_program(self, *words, text=None):
        return subprocess.run([sys.executable, *words], input=text, text=True,
                              capture_output=True, timeout=60)

    def test_main_is_found_as_spawn_finds_it(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "program.py")
            with open(path, "w", encoding="utf-8") as file:
                file.write("import runrig\n"
                           "def square(x): return x * x\n"
                           "if __name__ == '__main__':\n"
                           "    with runrig.Executor(1) as ex:\n"
                           "        print(sum(ex.map(square, range(4))))\n")
            done = self.run_program(path)
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (0, "14\n", ""))

    def test_functions_of_a_command_line(self):
        program = ("import runrig\n%s"
                   "ex = runrig.Executor(1)\n"
                   "print(ex.submit(lambda x: x + 1, 41).result())\n")
        done = self.run_program("-c", program % "")
        try:
            import cloudpickle
        except ImportError:
            cloudpickle = None
        if cloudpickle:
            self.assertEqual((done.stdout, done.stderr), ("42\n", ""))
        done = self.run_program(
            "-c", program % "import sys; sys.modules['cloudpickle'] = None\n")
        self.assertIn("cloudpickle", done.stderr)

    def test_workers_end_with_their_caller(self):
        program = ("import runrig, os\nimport executor_tasks as t\n"
                   "ex = runrig.Executor(1)\n"
                   "print(ex.submit(t.pid).result(), flush=True)\n"
                   "ex.submit(t.sleeps, 60)\n"
                   "os.kill(os.getpid(), 9)\n")
        done = subprocess.run(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True,
            timeout=60, env={**os.environ, "PYTHONPATH": os.pathsep.join(
                [os.path.dirname(os.path.abspath(__file__)),
                 os.environ.get("PYTHONPATH", "")])})
        deadline = time.monotonic() + 60
        while self.lives(done.stdout.strip()) and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertFalse(self.lives(done.stdout.strip()))

    def test_a_worker_whose_caller_has_ended_ends_in_silence(self):
        program = ("import socket\nfrom runrig import _worker\n"
                   "mine, callers = socket.socketpair()\n"
                   "worker = _worker.Worker(mine.detach())\n"
                   "callers.close()\n"
                   "worker.send(_worker.READY, b'')\n"
                   "raise SystemExit('sent')\n")
        done = subprocess.run([sys.executable, "-c", program], timeout=60,
                              capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    @staticmethod
    def lives(pid):
        """Is there such a process, and not merely its status for a parent?"""
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                return file.read().rsplit(") ", 1)[1][0] != "Z"
        except FileNotFoundError:
            return False


if __name__ == "__main__":
    unittest.main()
