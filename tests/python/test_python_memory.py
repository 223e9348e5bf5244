#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Segments, lists and arrays of the package for Python."""
import gc
import os
import pickle
import subprocess
import sys
import tempfile
import tracemalloc
import unittest
from multiprocessing import resource_tracker, shared_memory

if "PYTHON_FAULTS" not in os.environ:
    print("the package for Python is not built")
    sys.exit(77)
import runrig
import numpy as np

LONG = bool(os.environ.get("RUNRIG_LONG"))


def names():
    return set(os.listdir("/dev/shm"))


class Clean(unittest.TestCase):
    def setUp(self):
        self.before = names()

    def tearDown(self):
        gc.collect()
        self.assertEqual(names() - self.before, set())


class Segments(Clean):
    def test_a_name_goes_with_the_last_reference(self):
        segment = runrig.Segment(create=True, size=10)
        self.assertIn(segment.name, names())
        name = segment.name
        del segment
        self.assertNotIn(name, names())

    def test_an_attacher_leaves_the_name(self):
        segment = runrig.Segment(create=True, size=10)
        other = runrig.Segment(segment.name)
        other.buf[3] = 7
        other.close()
        del other
        self.assertEqual(segment.buf[3], 7)
        self.assertIn(segment.name, names())

    def test_wrong_arguments(self):
        for arguments, error in (((None, True, 0), ValueError),
                                 ((None, False), ValueError),
                                 (("rig-nobody",), FileNotFoundError),
                                 (("a/b", True, 1), ValueError),
                                 (("a\0b", True, 1), ValueError),
                                 ((None, True, -1), ValueError),
                                 ((None, True, 1.5), TypeError),
                                 ((None, True, 2 ** 64), OverflowError),
                                 ((None, True, 2 ** 62), OSError)):
            with self.subTest(arguments):
                with self.assertRaises(error):
                    runrig.Segment(*arguments)
        with runrig.Segment(create=True, size=1) as segment:
            with self.assertRaises(FileExistsError):
                runrig.Segment(segment.name, True, 1)

    def test_close_refuses_with_live_views(self):
        segment = runrig.Segment(create=True, size=64)
        views = {"slice": lambda: segment.buf[2:4],
                 "memoryview": lambda: memoryview(segment),
                 "asarray": lambda: np.asarray(segment),
                 "ndarray": lambda: np.ndarray(8, float, segment.buf),
                 "frombuffer": lambda: np.frombuffer(segment.buf),
                 "dlpack": lambda: np.from_dlpack(segment)}
        for name, make in views.items():
            with self.subTest(name):
                view = make()
                with self.assertRaises(BufferError):
                    segment.close()
                self.assertEqual(bytes(view[:2]), bytes(view.nbytes // len(view)
                                                        * 2))
                del view
        segment.close()
        self.assertIsNone(segment.buf)
        with self.assertRaises(ValueError):
            memoryview(segment)
        segment.close()

    def test_the_view_that_was_handed_out_is_taken_back(self):
        segment = runrig.Segment(create=True, size=8)
        view = segment.buf
        self.assertIs(view, segment.buf)
        segment.close()
        with self.assertRaises(ValueError):
            view[0]

    def test_a_segment_is_pickled_by_name(self):
        segment = runrig.Segment(create=True, size=8)
        other = pickle.loads(pickle.dumps(segment))
        other.buf[0] = 3
        self.assertEqual((segment.buf[0], other.name), (3, segment.name))
        segment.unlink()
        with self.assertRaises(FileNotFoundError):
            pickle.loads(pickle.dumps(segment))

    def test_a_fork_leaves_the_name(self):
        segment = runrig.Segment(create=True, size=8)
        child = os.fork()
        if child == 0:
            segment.buf[0] = 9
            segment.close()
            del segment
            os._exit(0)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.assertEqual(segment.buf[0], 9)
        self.assertIn(segment.name, names())

    def test_the_name_goes_however_the_maker_ends(self):
        for end in ("pass", "raise SystemExit(3)", "1/0"):
            made = subprocess.run(
                [sys.executable, "-c", "import runrig; "
                 "s = runrig.Segment(create=True, size=8); "
                 f"print(s.name, flush=True)\n{end}"], timeout=60,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            self.assertTrue(made.stdout.startswith("rig-"))
            self.assertNotIn(made.stdout.strip(), names())


class Lists(Clean):
    def test_values_of_each_kind(self):
        values = [1, -2.5, True, None, "hé", b"ab", "日" * 3, 2 ** 63 - 1]
        made = runrig.ShareableList(values)
        self.assertEqual(list(made), values)
        theirs = shared_memory.ShareableList(name=made.shm.name)
        resource_tracker.unregister(theirs.shm._name, "shared_memory")
        self.assertEqual(list(theirs), values)
        self.assertEqual(repr(made), repr(theirs))
        theirs.shm.close()

    def test_what_fails_changes_nothing(self):
        made = runrig.ShareableList([1, "two", 3])
        for index, value, error in ((-4, 1, IndexError), (3, 1, IndexError),
                                    (0, 2 ** 63, OverflowError),
                                    (1, "far too long", ValueError),
                                    (1, [], KeyError), ("x", 1, TypeError),
                                    (1, "\ud800", UnicodeError)):
            with self.subTest((index, value)):
                with self.assertRaises(error):
                    made[index] = value
        self.assertEqual(list(made), [1, "two", 3])
        with self.assertRaises(IndexError):
            made[-4]
        made.shm.close()
        with self.assertRaises(ValueError):
            made[0]


class Arrays(Clean):
    def test_an_array_holds_its_segment(self):
        a = runrig.zeros((3, 4), "f4")
        name = runrig._arrays.locate(a).name
        b = a[1:, ::2]
        del a
        gc.collect()
        self.assertIn(name, names())
        self.assertEqual(b.tolist(), [[0, 0], [0, 0]])
        del b
        gc.collect()
        self.assertNotIn(name, names())

    def test_array_copies_order_and_dtype(self):
        for given in (np.arange(24).reshape(2, 3, 4),
                      np.asfortranarray(np.eye(3)), np.array(5.5),
                      np.zeros((0, 3), "i2"), np.array(["a", "bc"]),
                      np.array(["2020-01-01"], "M8[D]"), np.arange(3, dtype=">i4")):
            made = runrig.array(given)
            np.testing.assert_array_equal(made, given)
            self.assertEqual(made.dtype, given.dtype)
            self.assertEqual(made.flags.f_contiguous, given.flags.f_contiguous)
        with self.assertRaises(TypeError):
            runrig.array([object()])

    def test_attach_takes_what_there_is(self):
        a = runrig.array(np.arange(10.0))
        name = runrig._arrays.locate(a).name
        b = runrig.attach(name, float)
        b[3] = -1
        self.assertEqual(a[3], -1)
        self.assertEqual(runrig.attach(name).size, 80)
        c = runrig.attach(a[2:8:2])
        self.assertEqual(c.tolist(), a[2:8:2].tolist())
        with self.assertRaises(ValueError):
            runrig.attach(np.arange(3))
        with self.assertRaises(TypeError):
            runrig.attach(3)

    def test_attach_finds_a_shared_memory_of_pythons(self):
        theirs = shared_memory.SharedMemory(create=True, size=800)
        x = np.ndarray(100, float, theirs.buf)
        x[:] = range(100)
        self.assertEqual(runrig.attach(x[50:]).tolist(), x[50:].tolist())
        self.assertEqual(runrig.attach(theirs).size, 800)
        del x
        theirs.close()
        theirs.unlink()

    def test_load_maps_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.npy")
            for given in (np.arange(1000.0).reshape(10, 100),
                          np.asfortranarray(np.arange(6).reshape(2, 3))):
                np.save(path, given)
                a = runrig.load(path)
                np.testing.assert_array_equal(a, given)
                self.assertFalse(a.flags.writeable)
                b = runrig.load(path, writable=True)
                b[0, 0] = 77
                self.assertEqual(a[0, 0], 77)
            with open(path, "wb") as file:
                file.write(b"nonsense")
            with self.assertRaises(ValueError):
                runrig.load(path)

    def test_nothing_leaks(self):
        rounds = 100000 if LONG else 3000

        def one():
            a = runrig.zeros(4)
            memoryview(runrig.attach(runrig._arrays.locate(a).name))[0]
            items = runrig.ShareableList([1, "a"])
            items[0] = items[-1]
            for wrong in (lambda: items[9], lambda: runrig.Segment("nobody")):
                try:
                    wrong()
                except (IndexError, FileNotFoundError):
                    pass

        for _ in range(100):
            one()
        gc.collect()
        descriptors = len(os.listdir("/proc/self/fd"))
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        objects = sys.getrefcount(None)
        for _ in range(rounds):
            one()
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        self.assertLess(grown, 20000)
        self.assertLess(abs(sys.getrefcount(None) - objects), 500)
        self.assertEqual(len(os.listdir("/proc/self/fd")), descriptors)


class Managers(Clean):
    def test_members_go_at_shutdown(self):
        manager = runrig.SharedMemoryManager()
        with self.assertRaises(ValueError):
            manager.SharedMemory(10)
        with manager:
            segment = manager.SharedMemory(10)
            items = manager.ShareableList(["a", 1])
            made = {segment.name, items.shm.name}
            self.assertLessEqual(made, names())
        self.assertEqual(made & names(), set())
        self.assertEqual(list(items), ["a", 1])


if __name__ == "__main__":
    unittest.main()
