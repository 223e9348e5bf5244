#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""NumPy's verbs of the package beside NumPy's own.

Each verb meets each dtype that NumPy has and each kind of array, with the pool for
every size: the same values, dtype and shape, or the same kind of exception.  A
dtype that a verb has no kernel for is a TypeError at every size.
"""
import gc
import os
import sys
import unittest
import warnings

if "PYTHON_FAULTS" not in os.environ:
    print("the package for Python is not built")
    sys.exit(77)
import numpy as np
import runrig
from runrig import _default, _verbs

LONG = bool(os.environ.get("RUNRIG_LONG"))
warnings.simplefilter("ignore")
np.seterr(all="ignore")
DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8",
          "F", "D", "M8[D]", "m8[s]"]
KINDS = ["empty", "one", "odd", "square", "fortran", "strided", "swapped", "nan",
         "inf", "shared", "slice"]
rng = np.random.default_rng(5)


def plain(shape, dtype):
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    if dtype.kind in "mM":
        return rng.integers(-50, 50, shape).astype(dtype)
    low = 0 if dtype.kind == "u" else -40
    items = rng.integers(low, 41, shape).astype(dtype)
    return items if dtype.kind in "iu" else items / dtype.type(8)


def array_of(kind, dtype):
    kinds = np.dtype(dtype).kind
    if kind in ("nan", "inf"):
        if kinds not in "fcmM" or (kind == "inf" and kinds in "mM"):
            return None
        items = plain(77, dtype)
        items[[3, 40]] = "NaT" if kinds in "mM" else float(kind)
        return items
    if kind == "swapped":
        items = plain(99, dtype)
        return None if items.itemsize == 1 else \
            items.astype(items.dtype.newbyteorder(">"))
    return {"empty": lambda: plain(0, dtype), "one": lambda: plain(1, dtype),
            "odd": lambda: plain(1237, dtype),
            "square": lambda: plain((12, 7), dtype),
            "fortran": lambda: np.asfortranarray(plain((6, 11), dtype)),
            "strided": lambda: plain(90, dtype)[::-3],
            "shared": lambda: runrig.array(plain(501, dtype)),
            "slice": lambda: runrig.array(plain(600, dtype))[100:400],
            }[kind]()


REAL, NUMBERS = "biuf", "biufc"
# Verb, the dtypes' kinds, further arguments of both.
ROWS = [("sum", NUMBERS, {}), ("prod", REAL, {}), ("mean", REAL, {}),
        ("var", REAL, {}), ("std", REAL, {"ddof": 1}), ("min", REAL + "mM", {}),
        ("max", REAL + "mM", {}), ("sum", NUMBERS, {"axis": 0}),
        ("max", REAL, {"axis": -1}), ("mean", REAL, {"axis": 1}),
        ("cumsum", REAL, {}), ("sort", NUMBERS + "mM", {"axis": None}),
        ("sort", NUMBERS + "mM", {"axis": None, "kind": "stable"}),
        ("argmin", REAL, {}), ("argmax", REAL, {}), ("cumprod", REAL, {}),
        ("argsort", REAL, {"axis": None, "kind": "stable"}),
        ("unique", REAL, {}), ("unique", REAL, {"return_counts": True}),
        ("bincount", "biu", {}), ("bincount", "biu", {"minlength": 60}),
        ("quantile", "iuf", {"q": 0.3}), ("quantile", "iuf", {"q": [0.1, 1]}),
        ("median", "iuf", {}),
        ("histogram", "iuf", {"bins": 7}),
        ("histogram", "iuf", {"bins": 5, "range": (-2, 3)})]


class Verbs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.before = set(os.listdir("/dev/shm"))
        cls.sizes = dict(_verbs.SIZES)
        for name in _verbs.SIZES:
            _verbs.SIZES[name] = _verbs.Size(0, 0)
        _default._pool = runrig.Pool(2, place="none")
        _default._pool_maker = os.getpid()

    @classmethod
    def tearDownClass(cls):
        _verbs.SIZES.update(cls.sizes)
        _default._pool.close()
        gc.collect()
        left = set(os.listdir("/dev/shm")) - cls.before
        assert not left, left

    def same(self, found, due):
        if isinstance(due, tuple):
            for one, other in zip(found, due):
                self.same(one, other)
            return
        self.assertEqual((type(found).__name__ == "ndarray", np.shape(found)),
                         (type(due).__name__ == "ndarray", np.shape(due)))
        self.assertEqual(found.dtype, due.dtype.newbyteorder("="))
        if due.dtype.kind in "fc":
            loose = {2: 2e-2, 4: 1e-5}.get(
                due.itemsize // (2 if due.dtype.kind == "c" else 1), 1e-11)
            np.testing.assert_allclose(found, due, loose, loose * 50)
        else:
            np.testing.assert_array_equal(found, due)

    def one(self, verb, a, more):
        before = a.copy()
        try:
            due = getattr(np, verb)(a, **more)
        except Exception as error:
            kinds = (ValueError, IndexError) if isinstance(
                error, (ValueError, IndexError)) else type(error)
            with self.assertRaises(kinds):
                getattr(runrig, verb)(a, **more)
            return
        self.same(getattr(runrig, verb)(a, **more), due)
        np.testing.assert_array_equal(a, before)

    def test_each_verb(self):
        for index, (verb, kinds, more) in enumerate(ROWS):
            for number, dtype in enumerate(DTYPES):
                for turn, kind in enumerate(KINDS):
                    if not LONG and (turn + number + index) % 5:
                        continue
                    a = array_of(kind, dtype)
                    if a is None:
                        continue
                    if verb in ("quantile", "median") and kind == "inf":
                        continue  # NumPy finds NaN between two infinities
                    if verb in ("prod", "cumprod") and a.ndim == 1:
                        a = a[:12]  # in float32 more would be inf times 0
                    with self.subTest(verb=verb, dtype=dtype, array=kind,
                                      more=more):
                        if np.dtype(dtype).kind in kinds:
                            self.one(verb, a, more)
                        else:
                            with self.assertRaises(TypeError):
                                getattr(runrig, verb)(a, **more)

    def test_the_pool_is_asked(self):
        ran = []
        plain_run, _verbs._run = _verbs._run, lambda *arguments: (
            ran.append(arguments[0]), plain_run(*arguments))[1]
        try:
            a = runrig.array(np.arange(12.0))
            for verb in ("sum", "prod", "mean", "var", "std", "min", "max",
                         "cumsum", "cumprod", "sort", "argsort", "argmin",
                         "argmax", "unique", "median", "histogram"):
                ran.clear()
                getattr(runrig, verb)(a)
                self.assertTrue(ran, verb)
            ran.clear()
            _verbs.SIZES["sort"] = _verbs.Size(97, None)
            runrig.sort(a)
            runrig.sort(np.arange(100.0))
            self.assertEqual(ran, [])
        finally:
            _verbs._run = plain_run
            _verbs.SIZES["sort"] = _verbs.Size(0, 0)

    def test_out(self):
        a = plain(300, "f8")
        shared = runrig.array(a)
        self.assertIs(runrig.sort(shared, out=shared), shared)
        np.testing.assert_array_equal(shared, np.sort(a))
        out = np.empty(300)
        self.assertIs(runrig.sort(a, out=out), out)
        np.testing.assert_array_equal(out, np.sort(a))
        self.assertIs(runrig.cumsum(a, out=shared), shared)
        np.testing.assert_allclose(shared, np.cumsum(a))
        number = np.empty(())
        self.assertIs(runrig.sum(a, out=number), number)
        self.assertAlmostEqual(float(number), a.sum())
        with self.assertRaises(ValueError):
            runrig.sort(a, out=np.empty(3))
        with self.assertRaises(TypeError):
            runrig.sum(a, 0, "f4")
        with self.assertRaises(TypeError):
            runrig.sort(a.reshape(30, 10))
        with self.assertRaises(TypeError):
            runrig.sum([object()])

    def test_one_expression_of_other_arrays_and_numbers(self):
        for a, n in ((plain(99, "f4"), 2), (plain(99, "f8"), 2),
                     (plain(99, "i2"), 2), (plain((9, 11), "i8"), 2.5),
                     (plain(99, "i2"), True), (plain(98, "f4"), 2)):
            self.same(runrig.evaluate("n*a + 1", {"a": a, "n": n}, {}),
                      n * a + 1)

    def test_products(self):
        for dtype in "f8 f4 f2 i4 i8 u2".split():
            a, b = plain(317, dtype), runrig.array(plain(317, dtype))
            self.same(runrig.dot(a, b), np.dot(a, b))
        for dtype in "f8 f4".split():
            a, x = plain((31, 17), dtype), plain(17, dtype)
            for form in (a, np.asfortranarray(a), runrig.array(a)):
                self.same(runrig.matvec(form, x), np.dot(a, x))
        with self.assertRaises(ValueError):
            runrig.dot(np.ones(3), np.ones(4))
        with self.assertRaises(TypeError):
            runrig.dot(np.ones((3, 3)), np.ones((3, 3)))

    def test_two_arrays_of_each_dtype(self):
        for dtype in DTYPES:
            for kind in KINDS:
                a = array_of(kind, dtype)
                if a is None:
                    continue
                line, sort = a.reshape(-1), np.dtype(dtype).kind
                for verb, kinds, ours, numpys in (
                        ("dot", "iuf", lambda: runrig.dot(line, line),
                         lambda: np.dot(line, line)),
                        ("evaluate", "biuf", lambda: runrig.evaluate(
                            "a + a", {"a": a}, {}), lambda: a + a)):
                    with self.subTest(verb=verb, dtype=dtype, array=kind):
                        if sort in kinds:
                            self.same(ours(), np.asarray(numpys())[()])
                        else:
                            self.assertRaises(TypeError, ours)

    def test_expressions(self):
        x, y = runrig.array(plain(500, "f8")), plain(500, "f8")
        n = plain(500, "i4")
        a, b = 2, 0.5
        for ex in ("a*x + b", "sin(x) + y", "x < y", "n*a", "where(x > y, n, 2)",
                   "x**2 - y/3", "-n", "n + b"):
            with self.subTest(ex):
                due = eval(ex, {**vars(np), "x": x, "y": y, "n": n, "a": a,
                                "b": b})
                found = runrig.evaluate(ex)
                self.assertEqual(found.dtype, due.dtype)
                np.testing.assert_allclose(found, due, 1e-12)
        self.assertEqual(runrig.evaluate("q + 1", {"q": np.ones(3)}).tolist(),
                         [2, 2, 2])
        out = runrig.empty(500)
        self.assertIs(runrig.evaluate("x + y", out=out), out)
        np.testing.assert_array_equal(out, x + y)
        # The output is an input too.
        self.assertIs(runrig.evaluate("out + y", out=out), out)
        np.testing.assert_array_equal(out, x + y + y)
        for ex in ("x +", "x.real", "__import__('os')", "open('x')", "x + nobody",
                   "[x for x in y]"):
            with self.subTest(ex):
                with self.assertRaises(ValueError):
                    runrig.evaluate(ex)
        with self.assertRaises(TypeError):
            runrig.evaluate("x + y", out=n)

    def test_a_mapped_file(self):
        import tempfile
        with tempfile.NamedTemporaryFile(suffix=".npy") as file:
            np.save(file, np.arange(10000.0))
            file.flush()
            a = runrig.load(file.name)
            self.assertEqual(runrig.sum(a), 49995000)
            self.assertEqual(runrig.max(a[:100]), 99)
            np.testing.assert_array_equal(runrig.sort(a), a)


class Defaults(unittest.TestCase):
    def test_a_helper_of_a_pool_has_one_worker(self):
        import multiprocessing
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            self.assertEqual(pool.apply(workers_here), 1)
        with multiprocessing.get_context("fork").Pool(1) as pool:
            self.assertEqual(pool.apply(workers_here), 1)


def workers_here():
    return runrig.default_pool().workers


if __name__ == "__main__":
    unittest.main()
