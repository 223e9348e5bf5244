#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Pools of the package for Python: runs, deaths, signals, threads, forks, asyncio."""
import asyncio
import concurrent.futures
import ctypes
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import unittest

if "PYTHON_FAULTS" not in os.environ:
    print("the package for Python is not built")
    sys.exit(77)
import runrig
import numpy as np

KERNELS = os.environ["KERNELS"]
FAULTS = os.environ["PYTHON_FAULTS"]
LONG = bool(os.environ.get("RUNRIG_LONG"))


def names():
    return set(os.listdir("/dev/shm"))


class WithPool(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.before = names()
        cls.pool = runrig.Pool(2, place="none")
        cls.x = runrig.array(np.arange(100.0))

    @classmethod
    def tearDownClass(cls):
        cls.pool.close()
        del cls.x
        gc.collect()
        left = names() - cls.before
        assert not left, left

    def works(self):
        """The pool is as ever."""
        self.x[:] = np.arange(100)
        self.pool.run(KERNELS + ":twice", self.x)
        self.assertEqual(self.x.tolist(), (2 * np.arange(100.0)).tolist())

    def lingers(self):
        """Wait until a run of `linger` is at it."""
        deadline = time.monotonic() + 60
        while self.x[0] != -1 and time.monotonic() < deadline:
            time.sleep(0.001)
        self.assertEqual(self.x[0], -1)

    def begin_linger(self):
        self.x[0] = 0
        run = self.pool.start(KERNELS + ":linger", self.x)
        self.lingers()
        return run


class Runs(WithPool):
    def test_a_kernel_by_name(self):
        a = np.random.default_rng(1).random(5001)
        shared, private = runrig.array(a), a.copy()
        outcome = self.pool.run("sort", shared, verify="full")
        self.assertTrue(outcome.verified)
        self.pool.run("sort", private)
        np.testing.assert_array_equal(shared, np.sort(a))
        np.testing.assert_array_equal(private, np.sort(a))
        strided = np.zeros(2 * len(a))
        strided[::2] = a
        self.pool.run("sort", strided[::2])
        np.testing.assert_array_equal(strided[::2], np.sort(a))
        self.assertEqual(strided[1::2].any(), False)

    def test_parameters_and_findings(self):
        x = runrig.array(np.array([0.5, 1.5, 1.7, 3.5]))
        outcome = self.pool.run("histogram", x, bins=4, low=0, high=4.0)
        self.assertEqual(outcome.arrays["counts"].tolist(), [1, 2, 0, 1])
        outcome = self.pool.run("pi", points=1000)
        self.assertAlmostEqual(outcome["pi"], 3.1, delta=0.3)
        large = self.pool.run("mandelbrot", side=100, iterations=50)
        self.assertEqual(large.arrays["counts"].shape[0] in (100, 10000), True)

    def test_a_library_of_ones_own(self):
        outcome = self.pool.run(FAULTS, runrig.array(np.arange(10.0)), by=3.0)
        self.assertEqual(outcome.kernel, "python-faults")
        x = runrig.array(np.arange(10.0))
        self.pool.run(FAULTS, x, by=3.0)
        self.assertEqual(x.tolist(), (3 * np.arange(10.0)).tolist())

    def test_a_function_with_arguments(self):
        outcome = self.pool.run(FAULTS + ":echo", args=b"hello")
        self.assertEqual(outcome.result[:5], b"hello")

    def test_wrong_arguments(self):
        for arguments, params, error in (
                ((len, self.x), {}, TypeError),
                ((3,), {}, TypeError),
                (("nobody",), {}, FileNotFoundError),
                (("./nobody.so",), {}, FileNotFoundError),
                (("./nobody.so:f",), {}, FileNotFoundError),
                ((KERNELS + ":nobody", self.x), {}, Exception),
                (("sort", self.x, self.x), {}, TypeError),
                (("sort", self.x), {"bins": 3}, TypeError),
                (("histogram", self.x), {"bins": -3}, ValueError),
                (("sort", object()), {}, TypeError),
                (("sort", "nobody.npy"), {}, FileNotFoundError),
                (("sort", np.array(["a"])), {}, ValueError),
                (("sort", self.x), {"verify": "some"}, ValueError),
                ((KERNELS + ":twice", np.arange(3.0)), {}, TypeError),
                ((KERNELS + ":twice", self.x), {"args": bytes(100000)},
                 ValueError)):
            with self.subTest(kernel=arguments[0], error=error):
                with self.assertRaises(error):
                    self.pool.run(*arguments, **params)
        with self.assertRaises(ValueError):
            runrig.Pool(0)
        with self.assertRaises(ValueError):
            runrig.Pool(1, place="nowhere")
        self.works()

    def test_callable_names_executor(self):
        with self.assertRaisesRegex(TypeError, "Executor"):
            self.pool.run(sum, self.x)

    def test_a_read_only_array_is_not_written(self):
        a = np.arange(10.0)[::-1].copy()
        a.flags.writeable = False
        with self.assertRaises(ValueError):
            self.pool.run("sort", a)
        self.assertEqual(a[0], 9)

    def test_where_the_workers_are(self):
        pids = {self.pool.worker(rank).pid for rank in range(2)}
        self.assertEqual((self.pool.workers, len(pids)), (2, 2))
        with self.assertRaises(ValueError):
            self.pool.worker(2)
        # No fork of this interpreter.
        for pid in pids:
            self.assertEqual(os.path.basename(os.readlink(f"/proc/{pid}/exe")),
                             "worker")


class Faults(WithPool):
    """Each kind of fault of docs/faults.md is an exception, and is survived."""

    def raises(self, error, function, *arrays, **more):
        with self.assertRaises(error) as caught:
            self.pool.run(f"{FAULTS}:{function}", *arrays, **more)
        report = getattr(caught.exception, "report", None)
        self.works()
        return caught.exception, report

    def test_deaths(self):
        for function, number in (("segv", signal.SIGSEGV),
                                 ("abort_", signal.SIGABRT),
                                 ("divide", signal.SIGFPE),
                                 ("killed", signal.SIGKILL)):
            with self.subTest(function):
                error, report = self.raises(runrig.WorkerDied, function, self.x)
                self.assertEqual((report.end, report.rank, report.signal),
                                 ("death", 1, number))
                self.assertIn("rank 1", str(error))
                self.assertEqual(len(report.ranks), 2)

    def test_an_exit_is_a_death(self):
        _, report = self.raises(runrig.WorkerDied, "leaves", self.x)
        self.assertIsNone(report.signal)
        self.assertEqual(os.WEXITSTATUS(report.wait_status), 3)

    def test_deadlock(self):
        _, report = self.raises(runrig.Deadlock, "deadlock", self.x)
        self.assertEqual(report.end, "deadlock")

    def test_mismatch(self):
        error, _ = self.raises(runrig.Mismatch, "mismatch", self.x)
        self.assertIn("rank", str(error))

    def test_a_code(self):
        error, report = self.raises(runrig.RunError, "fails", self.x)
        self.assertIs(type(error), runrig.RunError)
        self.assertEqual((report.end, error.errno), ("failed", 33))
        self.assertIn("words of the kernel", str(error))

    def test_limit(self):
        for limit in (0.01, 0.12):
            with self.subTest(limit):
                error, report = self.raises(TimeoutError, "endless", self.x,
                                            limit=limit)
                self.assertEqual(report.end, "limit")

    def test_verification(self):
        with self.assertRaises(runrig.VerifyError):
            self.pool.run(FAULTS, self.x, by=0.0, verify="full")
        self.works()

    def test_a_fault_in_a_segment_names_the_array(self):
        y = runrig.zeros(10)
        _, report = self.raises(runrig.WorkerDied, "beyond", self.x, y)
        self.assertEqual(report.rank, 1)

    def test_the_warden_is_killed(self):
        with runrig.Pool(1, place="none") as pool:
            with open(f"/proc/{pool.worker(0).pid}/stat") as file:
                parent = file.read()
            os.kill(int(parent.rsplit(")", 1)[1].split()[1]), signal.SIGKILL)
            with self.assertRaises(OSError):
                for _ in range(100):
                    pool.run(KERNELS + ":twice", self.x)
                    time.sleep(0.01)

    def test_no_room(self):
        with self.assertRaises(OSError):
            runrig.zeros(2 ** 50, "u1")


class Cancel(WithPool):
    def test_cancel_of_a_run_in_progress(self):
        run = self.begin_linger()
        queued = self.pool.start(KERNELS + ":twice", self.x)
        dropped = self.pool.start(KERNELS + ":linger", self.x)
        self.assertTrue(dropped.cancel())
        self.assertTrue(run.running() and run.cancel())
        with self.assertRaises(concurrent.futures.CancelledError):
            run.result(60)
        with self.assertRaises(concurrent.futures.CancelledError):
            run.exception(60)
        self.assertTrue(run.cancelled() and dropped.cancelled())
        queued.result(60)
        self.assertFalse(queued.cancel())
        self.works()

    def test_a_kernel_by_name_is_cancelled(self):
        run = self.pool.start("nbody", bodies=4096, steps=1000000)
        while not run.running():
            time.sleep(0.001)
        time.sleep(0.05)
        run.cancel()
        with self.assertRaises(concurrent.futures.CancelledError):
            run.result(60)
        self.works()

    def interrupted(self, *arguments, **params):
        def later():
            time.sleep(0.05)
            os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=later)
        thread.start()
        with self.assertRaises(KeyboardInterrupt):
            self.pool.run(*arguments, **params)
            thread.join()
        self.works()

    def test_ctrl_c(self):
        self.interrupted(KERNELS + ":linger", self.x)
        self.interrupted("nbody", bodies=4096, steps=1000000)

    def test_a_handler_that_does_not_raise_goes_on(self):
        seen = []
        before = signal.signal(signal.SIGUSR1, lambda *_: seen.append(1))
        try:
            timer = threading.Timer(0.05, os.kill, (os.getpid(),
                                                    signal.SIGUSR1))
            timer.start()
            with self.assertRaises(TimeoutError):
                self.pool.run(KERNELS + ":linger", self.x, limit=0.2)
            self.assertEqual(seen, [1])
        finally:
            signal.signal(signal.SIGUSR1, before)

    def test_close_ends_a_run(self):
        pool = runrig.Pool(1, place="none")
        self.x[0] = 0
        run = pool.start(KERNELS + ":linger", self.x)
        self.lingers()
        pool.close()
        with self.assertRaises(concurrent.futures.CancelledError):
            run.result(60)
        with self.assertRaises(ValueError):
            pool.run("sort", self.x)

    def test_the_program_ends_with_a_run_in_progress(self):
        done = subprocess.run(
            [sys.executable, "-c", "import runrig; p = runrig.Pool(1); "
             "x = runrig.zeros(9); "
             f"r = p.start({KERNELS + ':linger'!r}, x); "
             "import time; time.sleep(0.1); print(r.done())"],
            timeout=60, stdout=subprocess.PIPE, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, "False\n"))


class Together(WithPool):
    def test_threads_take_turns(self):
        arrays = [runrig.array(np.arange(64.0)) for _ in range(4)]
        wrong = []

        def work(a):
            try:
                for _ in range(20):
                    self.pool.run(KERNELS + ":twice", a)
            except Exception as error:
                wrong.append(error)

        threads = [threading.Thread(target=work, args=(a,)) for a in arrays]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        for a in arrays:
            self.assertEqual(a[1], 2.0 ** 20)

    def test_a_fork_is_told(self):
        child = os.fork()
        if child == 0:
            try:
                self.pool.run(KERNELS + ":twice", self.x)
            except ValueError:
                os._exit(0)
            os._exit(1)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.works()

    def test_a_fork_makes_a_pool_of_its_own(self):
        context = multiprocessing.get_context("fork")
        child = context.Process(target=self.own_pool)
        child.start()
        child.join(60)
        self.assertEqual(child.exitcode, 0)

    @staticmethod
    def own_pool():
        with runrig.Pool(1, place="none") as pool:
            x = runrig.array(np.arange(3.0))
            pool.run(KERNELS + ":twice", x)
            assert x.tolist() == [0, 2, 4]

    def test_asyncio(self):
        async def work():
            self.x[0] = 0
            first = self.pool.start("sort", runrig.array(np.arange(9.0)))
            outcome = await first
            run = self.pool.start(KERNELS + ":linger", self.x)
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(run, 0.1)
            return outcome, run

        outcome, run = asyncio.run(work())
        self.assertEqual(outcome.kernel, "sort")
        with self.assertRaises(concurrent.futures.CancelledError):
            run.result(60)
        self.works()

    def test_pools_beside_a_thread_in_blas(self):
        """A fork would end OpenBLAS's threads under the call."""
        a = np.random.default_rng(1).random((300, 300))
        done = []
        thread = threading.Thread(target=lambda: [
            done.append(np.linalg.inv(a)) for _ in range(30)])
        thread.start()
        while len(done) < 30 and thread.is_alive():
            runrig.Pool(1, place="none").close()
        thread.join(60)
        self.assertEqual(len(done), 30)

    def test_progress(self):
        run = self.pool.start("nbody", bodies=2048, steps=200)
        seen = []
        while not run.done():
            seen.append(run.progress())
            time.sleep(0.005)
        run.result()
        self.assertTrue(any(0 < p < 1 for p in seen), seen[-5:])
        self.assertEqual(run.progress(), 1.0)

    def test_a_large_caller_is_not_copied(self):
        """A caller's memory is not copied as the caller writes it again."""
        size = (1 << 30) if LONG else (64 << 20)
        free = ctypes.CDLL(None).sysconf
        available = lambda: free(os.sysconf_names["SC_AVPHYS_PAGES"]) * 4096
        with open("/proc/self/statm") as statm:
            self.assertTrue(statm.read())
        touched = np.ones(size // 8)
        with runrig.Pool(2, place="none") as pool:
            before = self.private()
            touched += 1
            grown = self.private() - before
            pool.run(KERNELS + ":twice", self.x)
            shared = [self.shared_with(pool.worker(r).pid, touched)
                      for r in range(2)]
        self.assertLess(grown, size // 4)
        self.assertEqual(shared, [False, False])
        self.assertGreater(available(), 0)

    @staticmethod
    def private():
        with open("/proc/self/smaps_rollup") as file:
            for line in file:
                if line.startswith("Private_Dirty:"):
                    return int(line.split()[1]) * 1024
        raise AssertionError("no Private_Dirty")

    @staticmethod
    def shared_with(pid, array):
        """Is the caller's array mapped in a worker?"""
        address = array.__array_interface__["data"][0]
        with open(f"/proc/{pid}/smaps_rollup") as file:
            rss = [int(line.split()[1]) * 1024 for line in file
                   if line.startswith("Rss:")]
        return bool(address) and rss[0] >= array.nbytes


class Leaks(WithPool):
    def test_nothing_leaks(self):
        def one():
            self.pool.run(KERNELS + ":twice", self.x)
            try:
                self.pool.run("histogram", self.x, bins=-1)
            except ValueError:
                pass

        for _ in range(20):
            one()
        gc.collect()
        descriptors = len(os.listdir("/proc/self/fd"))
        objects = len(gc.get_objects())
        for _ in range(100000 if LONG else 300):
            one()
        gc.collect()
        self.assertEqual(len(os.listdir("/proc/self/fd")), descriptors)
        self.assertLess(len(gc.get_objects()) - objects, 50)


if __name__ == "__main__":
    unittest.main()
