#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every kernel that takes arrays of a user, beside NumPy.

A row names a kernel, the dtypes that the kernel takes, and NumPy's function.  Each
dtype that NumPy has meets each kind of array: empty, of one element, odd, of two
dimensions, strided, in Fortran order, in the other byte order, with numbers that
are none, with infinities.  A dtype that a row does not name is to be refused with
words.  Each result is also proved by the kernel itself.

The short form takes some kinds for each dtype, others for the next dtype; with
RUNRIG_LONG=1 all kinds meet all dtypes.
"""
import os
import tempfile
import unittest
import warnings
from multiprocessing import shared_memory

import numpy

import rigkernels

LONG = "RUNRIG_LONG" in os.environ
BOOL = ["bool"]
INTS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
FLOATS = ["float16", "float32", "float64"]
COMPLEX = ["complex64", "complex128"]
WIDE = ["float128", "complex256"]
REAL = BOOL + INTS + FLOATS
DTYPES = REAL + COMPLEX + WIDE
KINDS = ["empty", "one", "odd", "square", "strided", "fortran", "swapped",
         "nan", "inf", "long", "long nan"]
# NumPy would say so of empty slices, overflows and the like.
warnings.simplefilter("ignore", RuntimeWarning)
numpy.seterr(all="ignore")


def plain(shape, dtype, rng):
    """Small numbers of either sign, some equal, some zero."""
    if dtype == "bool":
        return rng.random(shape) < 0.5
    low = 0 if dtype.startswith("u") else -40
    items = rng.integers(low, 41, shape).astype(dtype)
    if dtype not in INTS:
        items = (items / numpy.asarray(8, dtype)).astype(dtype)
        items[..., ::3] *= -1  # and zeros with a sign
    if dtype.startswith("complex"):
        items = (items + 1j * rng.integers(-3, 4, shape)).astype(dtype)
    return items


def array_of(kind, dtype, rng):
    """An array of that kind; None: the dtype has none."""
    if kind in ("nan", "inf"):
        if dtype in BOOL + INTS:
            return None
        items = plain((7, 11), dtype, rng)
        items[[1, 4, 6], rng.integers(0, 11, 3)] = \
            numpy.nan if kind == "nan" else numpy.inf
        return items
    if kind == "long nan":
        if dtype in BOOL + INTS:
            return None
        items = plain(150011, dtype, rng)
        items[rng.integers(0, 150011, 40)] = numpy.nan
        return items
    if kind == "swapped":
        items = plain((9, 5), dtype, rng)
        return None if items.dtype.itemsize == 1 else \
            items.astype(items.dtype.newbyteorder(">"))
    return {
        "empty": lambda: plain(0, dtype, rng),
        "one": lambda: plain(1, dtype, rng),
        "odd": lambda: plain(1237, dtype, rng),
        "square": lambda: plain((12, 7), dtype, rng),
        "strided": lambda: plain((18, 15), dtype, rng)[::-2, 1::3],
        "fortran": lambda: numpy.asfortranarray(plain((6, 11), dtype, rng)),
        "long": lambda: plain(150011, dtype, rng),
    }[kind]()


class Row:
    """A kernel and NumPy's words for it.

    want(x) is what NumPy finds, for one array or a tuple of them in the order of
    `outputs`; where it raises, the kernel is to refuse.  `more` makes further
    inputs from x.
    """

    def __init__(self, kernel, dtypes, want, outputs=("result",), name="x",
                 more=None, kinds=KINDS, loose=0.0, **settings):
        self.kernel, self.dtypes, self.want = kernel, dtypes, want
        self.outputs, self.name, self.more = outputs, name, more
        self.kinds, self.loose, self.settings = kinds, loose, settings


def wide(x):
    """As the kernels total: float16 and float32 as doubles."""
    x = numpy.asarray(x)
    return x.astype({"e": "d", "f": "d", "F": "D"}.get(x.dtype.char, x.dtype))


OWN = numpy.min, numpy.max  # their results are items


def reduction(function, **more):
    """A function of an array and an axis, for all elements and along axes."""
    def along(axis):
        def want(x):
            if axis is not None and x.ndim < 1 + (axis == 1):
                raise ValueError("no such axis")
            return function(x if function in OWN else wide(x), axis=axis, **more)
        return want
    return along


def mean(x, axis):
    """NumPy divides a complex sum by a complex number: inf / n has nan in it."""
    if x.dtype.kind == "c":
        return numpy.mean(x.real, axis) + 1j * numpy.mean(x.imag, axis)
    return numpy.mean(x, axis)


def reductions():
    for kernel, dtypes, function in [
            ("sum", REAL + COMPLEX, numpy.sum),
            ("min", REAL, numpy.min), ("max", REAL, numpy.max),
            ("prod", REAL, numpy.prod),
            ("mean", REAL + COMPLEX, mean),
            ("var", REAL + COMPLEX, numpy.var),
            ("std", REAL + COMPLEX, numpy.std),
            ("count-nonzero", REAL + COMPLEX, numpy.count_nonzero),
            ("any", REAL + COMPLEX, numpy.any),
            ("all", REAL + COMPLEX, numpy.all)]:
        for axis in (None, 0, 1):
            yield Row(kernel, dtypes, reduction(function)(axis),
                      axis="none" if axis is None else axis, loose=1e-12)
    for kernel, function in ("var", numpy.var), ("std", numpy.std):
        yield Row(kernel, REAL + COMPLEX,
                  reduction(function, ddof=1)(None), ddof=1,
                  loose=1e-12)
    yield Row("norm", REAL, lambda x: numpy.linalg.norm(wide(x).astype(float)),
              loose=1e-12)


def running(x):
    """Floats are added up as doubles; integers wrap."""
    if x.dtype.kind == "f":
        return numpy.cumsum(wide(x)).astype(x.dtype).reshape(x.shape)
    return numpy.cumsum(x, dtype=x.dtype).reshape(x.shape)


def running_along(axis):
    def want(x):
        kind = float if x.dtype.kind == "f" else x.dtype
        return numpy.cumsum(x, axis, kind).astype(x.dtype)
    return want


def dot(x):
    """With itself: floats as doubles, integers modulo 2^64."""
    if x.dtype.kind == "f":
        return numpy.sum(wide(x).ravel()**2)
    kind = "i8" if x.dtype.kind == "i" else "u8"
    return numpy.sum(x.astype(kind).ravel()**2, dtype=kind)


def columns(a):
    return numpy.arange(a.shape[-1]) - 2.0


# No array of numbers; a language, with a test of its own: test_evaluate.py.
OTHERS = ["list-reverse", "evaluate"]
def histogram(x, weights=None, density=False):
    """Between the least and the greatest."""
    x = x.ravel()
    if weights is not None:
        weights = weights.astype(float)
    counts, edges = numpy.histogram(
        x if x.dtype.kind == "f" else x.astype(float), 7, weights=weights)
    edges = edges.astype(float)
    if density:
        return counts / numpy.diff(edges) / counts.sum(), edges
    return counts.astype("u8" if weights is None else float), edges


def mean_point(x):
    if x.ndim != 2 or not numpy.isfinite(x).all():
        raise ValueError("no set of points")
    return numpy.zeros(len(x), "u4"), wide(x).astype(float).mean(
        0, keepdims=True)


MATRICES = ["square", "strided", "fortran", "swapped"]
EVERYDAY = [
    Row("sort", DTYPES, lambda x: numpy.sort(x, None).reshape(x.shape), ["x"]),
    Row("sort", DTYPES, lambda x: numpy.sort(x, None).reshape(x.shape), ["x"],
        stable="yes"),
    *(Row("sort", DTYPES, lambda x, axis=axis: numpy.sort(x, axis), ["x"],
          axis=axis) for axis in (0, 1, -1)),
    Row("scan", INTS + FLOATS, running, ["x"], loose=1e-3),
    *(Row("scan", INTS + FLOATS, running_along(axis), ["x"], loose=1e-3,
          axis=axis) for axis in (0, 1)),
    Row("reverse", DTYPES, lambda x: x.ravel()[::-1].reshape(x.shape), ["x"]),
    Row("dot", REAL, dot, more=lambda x: {"y": x}, loose=1e-12),
    Row("matvec", REAL, lambda a: wide(a).astype(float) @ columns(a), ["y"],
        "a", lambda a: {"x": columns(a)}, MATRICES, 1e-12),
    Row("triad", ["float64"], lambda x: 4 * x.ravel(), ["a"], "b",
        lambda x: {"c": x}),
    Row("histogram", REAL, lambda x: numpy.histogram(
        x.astype(float), 16, (-4, 4))[0].astype("u8"), ["counts"],
        low=-4, high=4, bins=16),
    Row("histogram", REAL, histogram, ["counts", "edges"], bins=7),
    Row("histogram", REAL, lambda x: histogram(x, density=True),
        ["counts", "edges"], bins=7, density="yes", loose=1e-12),
    Row("histogram", REAL, lambda x: histogram(x, x.ravel()),
        ["counts", "edges"], bins=7, loose=1e-12,
        more=lambda x: {"weights": x}),
    Row("kmeans", REAL, mean_point, ["labels", "centres"], "points", k=1,
        loose=1e-12),
    Row("kmeans", REAL, lambda x: mean_point(x.reshape(-1, 1)),
        ["labels", "centres"], "points", kinds=["one", "odd", "long"], k=1,
        dims=1, loose=1e-12),
]


def products(x):
    found = numpy.cumprod(wide(x)).reshape(x.shape)
    return found.astype(x.dtype) if x.dtype.kind == "f" else found


def quantile(q):
    """As doubles; between the same infinities, those."""
    def want(x):
        x = wide(x).astype(float).ravel()
        low, high = (numpy.quantile(x, q, method=method)
                     for method in ("lower", "higher")) if x.size else (0, 0)
        return low if x.size and low == high else \
            numpy.quantile(x, q) if x.size else numpy.nan
    return want


def counted(x):
    if x.size and x.min() < 0:
        raise ValueError("negative")
    return numpy.bincount(x.ravel().astype(int))


def weighed(x):
    if x.size and x.min() < 0:
        raise ValueError("negative")
    return numpy.bincount(x.ravel().astype(int), x.ravel() / 8,
                          50).astype(float)


VERBS = [
    Row("argmin", REAL, numpy.argmin), Row("argmax", REAL, numpy.argmax),
    Row("argsort", REAL, lambda x: numpy.argsort(x, None, "stable"), ["order"]),
    Row("unique", REAL, lambda x: numpy.unique(x, return_counts=True),
        ["values", "counts"]),
    *(Row("quantile", REAL, quantile(q), loose=1e-12, q=q)
      for q in (0, 0.37, 1)),
    Row("median", REAL, quantile(0.5), loose=1e-12),
    Row("bincount", BOOL + INTS, counted, ["counts"]),
    Row("bincount", BOOL + INTS, weighed, ["counts"], loose=1e-12,
        more=lambda x: {"weights": x / 8}, minlength=50),
    Row("cumprod", REAL, products, loose=1e-12),
    Row("clip", REAL, lambda x: wide(x).astype(float).clip(-3, 7).astype(
        x.dtype), ["x"], low=-3, high=7),
]
ROWS = [*reductions(), *EVERYDAY, *VERBS]


class AgainstNumPy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.library = rigkernels.Library()

    @classmethod
    def tearDownClass(cls):
        cls.library.close()

    def test_every_kernel_has_a_row(self):
        rows = {row.kernel for row in ROWS}
        for kernel, arrays in self.library.kernels().items():
            takes = any(role & 1 for _, role in arrays)
            if takes and kernel not in OTHERS:
                self.assertIn(kernel, rows, f"{kernel} takes arrays of a user, "
                              "and has no row in tests/kernels/test_numpy.py")

    def check(self, row, x):
        inputs = {row.name: x.copy() if x.flags.c_contiguous else x}
        if row.more:
            inputs.update(row.more(x))
        native = x.astype(x.dtype.newbyteorder("="))
        try:
            want = row.want(native)
        except (ValueError, numpy.AxisError):
            with self.assertRaises(rigkernels.Refused):
                self.library.run(row.kernel, inputs, row.settings)
            return
        found, _ = self.library.run(row.kernel, inputs, row.settings)
        if len(row.outputs) == 1:
            want = [want]
        if row.name in found:  # what is changed in place
            numpy.testing.assert_array_equal(inputs[row.name], found[row.name])
        for name, due in zip(row.outputs, want):
            self.same(row, found[name], numpy.asarray(due))

    def same(self, row, found, due):
        self.assertEqual(found.size, due.size)
        if due.ndim:
            self.assertEqual(found.shape, due.shape)
        self.assertEqual(found.dtype.newbyteorder("="), due.dtype)
        found = found.reshape(due.shape)
        if due.dtype.kind not in "fc" or not row.loose:
            numpy.testing.assert_array_equal(found, due)
        else:
            numpy.testing.assert_allclose(found, due, row.loose,
                                          row.loose * 100)

    def test_each_row(self):
        rng = numpy.random.default_rng(22)
        for index, row in enumerate(ROWS):
            for number, dtype in enumerate(DTYPES):
                for turn, kind in enumerate(KINDS):
                    if kind not in row.kinds or not LONG and \
                            (turn + number + index) % 7:
                        continue
                    x = array_of(kind, dtype, rng)
                    if x is None:
                        continue
                    with self.subTest(kernel=row.kernel, dtype=dtype,
                                      kind=kind, **row.settings):
                        self.try_one(row, dtype, x)

    def test_files_in_fortran_order(self):
        x = numpy.asfortranarray(numpy.arange(15.0).reshape(3, 5)[:, ::-1])
        with tempfile.TemporaryDirectory() as folder:
            for number, a in enumerate((x, x.astype(">i4"), x.T)):
                path = f"{folder}/{number}.npy"
                numpy.save(path, a)
                for axis in 0, 1:
                    for kernel, due in ("sum", a.sum(axis)), \
                            ("max", a.max(axis)), ("sort", numpy.sort(a, axis)):
                        found, _ = self.library.run(kernel, {"x": path},
                                                    {"axis": axis})
                        numpy.testing.assert_array_equal(
                            next(iter(found.values())), due)

    def test_products_leave_the_range_of_doubles_as_one_by_one(self):
        rng = numpy.random.default_rng(7)
        length = 5000
        arrays = [rng.uniform(0, 2, length), rng.uniform(-1, 1.5, length),
                  10.0 ** rng.integers(-200, 200, length),
                  numpy.tile([1e200, 1e150, 1e-180, 1e-170], length // 4),
                  1 + rng.uniform(-1e-3, 1e-3, length)]
        for place in 0, 1023, 1024, 3000:
            for item in 0.0, -0.0, numpy.inf, -numpy.inf, numpy.nan, 5e-324:
                x = 1 + rng.uniform(-1e-3, 1e-3, length)
                x[place] = item
                arrays.append(x)
        for x in arrays if LONG else arrays[:12]:
            found, _ = self.library.run("cumprod", {"x": x})
            due = numpy.cumprod(x)
            numpy.testing.assert_allclose(found["result"], due, 1e-9, 1e-300)
            numpy.testing.assert_array_equal(
                numpy.signbit(found["result"])[~numpy.isnan(due)],
                numpy.signbit(due)[~numpy.isnan(due)])

    def test_a_view_of_a_segment(self):
        """Every third column, backwards, in the other byte order: in place."""
        memory = shared_memory.SharedMemory(create=True, size=4096)
        try:
            for dtype in "<f8", ">f8", ">i2", "<u1", ">c16":
                whole = numpy.ndarray((9, 12), dtype, memory.buf, offset=5)
                whole[...] = numpy.random.default_rng(5).integers(0, 99, (9, 12))
                view, due = whole[::-2, 1::3], whole.copy()
                due[::-2, 1::3] = numpy.sort(view, None).reshape(view.shape)
                self.library.run("sort", {"x": (memory.name, view, whole, 5)})
                numpy.testing.assert_array_equal(whole, due)
                found, _ = self.library.run(
                    "mean", {"x": (memory.name, view, whole, 5)}, {"axis": 0})
                numpy.testing.assert_allclose(found["result"], view.mean(0))
            beyond = numpy.lib.stride_tricks.as_strided(whole, (9, 12),
                                                        (-1000, 16))
            with self.assertRaisesRegex(rigkernels.Refused, "more than its"):
                self.library.run("sort", {"x": (memory.name, beyond, whole, 5)})
            del whole, view, beyond
        finally:
            memory.close()
            memory.unlink()

    def try_one(self, row, dtype, x):
        if dtype in row.dtypes:
            self.check(row, x)
            return
        inputs = {row.name: x}
        if row.more:
            inputs.update(row.more(x))
        with self.assertRaisesRegex(rigkernels.Refused, "takes"):
            self.library.run(row.kernel, inputs, row.settings)


if __name__ == "__main__":
    unittest.main()
