#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Kernels on the user's own arrays: the results are NumPy's.

The arrays come from files and go to files; RUNRIG is the command.
"""
import pathlib
import unittest

import numpy

from data_case import LONG, REAL, WHOLE, Data


class Values(Data):
    def test_sort(self):
        for dtype in WHOLE + REAL + ["bool"]:
            for count in (0, 1, 2, 4999) if LONG else (2, 4999):
                x = self.values(dtype, count)
                _, out = self.kernel("sort", x)
                numpy.testing.assert_array_equal(out, numpy.sort(x))
                self.assertEqual(out.dtype, x.dtype)

    def test_stable_sort(self):
        """Zeros and not-a-numbers keep their order, bit by bit."""
        bits = {"float16": ("uint16", 0x7c01), "float32": ("uint32", 0x7f800001),
                "float64": ("uint64", 0x7ff0000000000001)}
        for dtype, (word, nan) in bits.items():
            for count in (1, 2, 97, 4999, 20011):
                x = self.random.normal(size=count).astype(dtype)
                kind = self.random.integers(0, 8, count)
                x[kind == 1], x[kind == 2] = 0.0, -0.0
                sign = 1 << (8 * x.itemsize - 1)
                lot = self.random.integers(0, 99, count).astype(word)
                x.view(word)[kind == 3] = (lot + nan)[kind == 3]
                x.view(word)[kind == 4] = (lot + (nan | sign))[kind == 4]
                x[kind == 5] = numpy.inf
                found = self.run_kernel(
                    "sort", "stable=yes", "--input", self.file("in", x),
                    "--output", self.file("out"))
                self.assertTrue(found["verified"])
                numpy.testing.assert_array_equal(
                    numpy.load(self.file("out")).view(word),
                    numpy.sort(x, kind="stable").view(word))

    def test_sort_of_wide_numbers(self):
        """Complex numbers, and numbers of more than 64 bits: the same as NumPy's,
        with not-a-numbers and equal numbers in order."""
        some = numpy.array([0.0, -0.0, 1, -1, 2.5, numpy.inf, -numpy.inf,
                            numpy.nan, -numpy.nan])
        for dtype in "complex64", "complex128", "complex256", "float128":
            for count in (0, 1, 2, 17, 4096, 4097, 50021) if LONG else \
                    (0, 17, 4097):
                for few in False, True:
                    x = numpy.zeros(count, dtype)
                    x.real = self.random.choice(some, count) if few else \
                        self.random.normal(size=count)
                    if dtype[0] == "c":
                        x.imag = self.random.choice(some, count)
                    if dtype in ("complex256", "float128") and \
                            numpy.finfo(x.dtype).nmant == 63:
                        # Items without a meaning go along.
                        rest = x.view("u1").reshape(-1, 16)[:, 10:]
                        rest[:] = self.random.integers(0, 256, rest.shape)
                    _, out = self.kernel("sort", x)
                    want = numpy.sort(x, kind="stable")
                    if dtype.endswith(("64", "128")) and dtype[0] == "c":
                        word = "u%d" % (x.itemsize // 2)
                        numpy.testing.assert_array_equal(out.view(word),
                                                         want.view(word))
                    else:
                        for part in "real", "imag":
                            numpy.testing.assert_array_equal(
                                getattr(out, part), getattr(want, part))
                            numpy.testing.assert_array_equal(
                                numpy.signbit(getattr(out, part)),
                                numpy.signbit(getattr(want, part)))

    def test_scan(self):
        """Floats are added up as doubles, and rounded once."""
        for dtype in WHOLE + REAL:
            for count in (0, 1, 1023, 1024, 1025, 4999) if LONG else (0, 1025):
                x = self.values(dtype, count)
                _, out = self.kernel("scan", x)
                self.assertEqual(out.dtype, x.dtype)
                if dtype in WHOLE:
                    want = numpy.cumsum(x, dtype=dtype)
                    numpy.testing.assert_array_equal(out, want)
                    continue
                want = numpy.cumsum(x, dtype="f8").astype(dtype)
                numpy.testing.assert_allclose(
                    out, want, numpy.finfo(dtype).eps, 1e-11)

    def test_scan_of_what_is_not_finite(self):
        """An infinity stays, until an infinity of the other sign or a not-a-number
        comes: from there on no sum is a number."""
        some = [numpy.inf, -numpy.inf, numpy.nan]
        for dtype in REAL:
            for first in some:
                for second in some:
                    x = self.values(dtype, 4999)
                    x[1500], x[1501], x[3100] = first, first, second
                    _, out = self.kernel("scan", x)
                    want = numpy.cumsum(x, dtype="f8").astype(dtype)
                    numpy.testing.assert_array_equal(out[1500:], want[1500:])
        x = numpy.full(9000, 60000, "float16")
        _, out = self.kernel("scan", x)
        self.assertEqual(out[0], 60000)
        self.assertTrue(numpy.isinf(out[1:]).all())

    def test_exclusive_scan(self):
        x = self.values("int32", 3001)
        path, out = self.file("in", x), self.file("out")
        self.run_kernel("scan", "kind=exclusive", "--input", path, "--output",
                        out)
        want = numpy.concatenate(([0], numpy.cumsum(x, dtype="int32")[:-1]))
        numpy.testing.assert_array_equal(numpy.load(out), want)

    def test_totals(self):
        for dtype in WHOLE + REAL + ["bool"]:
            x = self.values(dtype, 4999)
            wide = x.astype("float64") if dtype in REAL else x
            for name, want in (("sum", wide.sum()), ("min", x.min()),
                               ("max", x.max())):
                found, out = self.kernel(name, x, "result")
                if dtype in REAL and name == "sum":
                    self.assertAlmostEqual(out[0], want, places=9)
                    continue
                self.assertEqual(out[0], want)
                if dtype not in REAL:
                    self.assertEqual(int(found["result"][name]), int(want))
            found, _ = self.kernel("norm", x, "result")
            self.assertAlmostEqual(
                found["result"]["norm"] /
                numpy.linalg.norm(x.astype("float64")), 1, places=9)

    def dot(self, x, y):
        out = self.file("out")
        found = self.run_kernel(
            "dot", "--input", "x=%s" % self.file("x", x), "--input",
            "y=%s" % self.file("y", y), "--output", "result=%s" % out)
        self.assertTrue(found["verified"])
        return numpy.load(out)[0]

    def test_dot(self):
        """Each dtype with itself, and with others: as doubles where either is a
        float; signed where either is signed."""
        pairs = [(dtype, dtype) for dtype in WHOLE + REAL + ["bool"]] + [
            ("int8", "float64"), ("float32", "uint64"), ("float16", "int32"),
            ("bool", "float32"), ("bool", "int64"), ("uint8", "bool"),
            ("int16", "uint64"), ("uint64", "int8"), ("uint16", "uint32"),
            ("float16", "float64")]
        for pair in pairs:
            x, y = (self.values(dtype, 4999) for dtype in pair)
            found = self.dot(x, y)
            if set(pair) & set(REAL):
                self.assertEqual(found.dtype, "float64")
                terms = x.astype("f8") * y.astype("f8")
                self.assertAlmostEqual(found / abs(terms).sum(),
                                       terms.sum() / abs(terms).sum(), 12)
                continue
            wide = "int64" if "i" in (pair[0][0], pair[1][0]) else "uint64"
            want = (x.astype("u8") * y.astype("u8")).sum().astype(wide)
            self.assertEqual(found.dtype, wide)
            self.assertEqual(found, want)

    def test_what_is_no_real_number_is_refused(self):
        for dtype in "complex256", "float128":
            x = numpy.ones(6).astype(dtype)
            for kernel in "sum", "min", "max", "norm", "histogram", "kmeans":
                name = "points" if kernel == "kmeans" else "x"
                why = self.run_kernel(
                    kernel, "--input", "%s=%s" % (name, self.file("in", x)),
                    code=1)
                self.assertIn(kernel + " takes bool, integers, float16, ", why)
                self.assertEqual(why.count("\n"), 1)

    def test_dot_takes_as_many_of_both(self):
        words = self.run_kernel(
            "dot", "--input", "x=%s" % self.file("x", numpy.ones(3)),
            "--input", "y=%s" % self.file("y", numpy.ones(4)), code=1)
        self.assertIn("as many", words)

    def histogram(self, x, bins, low, high):
        out = self.file("out")
        found = self.run_kernel(
            "histogram", "bins=%d" % bins, "low=%r" % low, "high=%r" % high,
            "--input", self.file("in", x), "--output", out)
        self.assertTrue(found["verified"])
        return numpy.load(out)

    def test_histogram(self):
        """All dtypes; items on edges and beside edges; the last bin has the items equal
        to `high`."""
        ranges = [(50, -1.0, 99.0), (7, 0.1, 0.7), (1, -3.0, 3.0),
                  (30, 0.0, 0.3), (100, -0.33, 66.7)]
        for dtype in WHOLE + REAL + ["bool"]:
            for bins, low, high in ranges if dtype in REAL else ranges[:2]:
                x = self.values(dtype, 4999)
                x = x % 100 if dtype in WHOLE else x.astype("u1") \
                    if dtype == "bool" else x
                if dtype in REAL:
                    edges = numpy.linspace(low, high, bins + 1).astype(dtype)
                    x = numpy.concatenate([
                        x, edges, numpy.nextafter(edges, edges - 1),
                        numpy.nextafter(edges, edges + 1),
                        numpy.array([numpy.nan, numpy.inf, -0.0], dtype)])
                with numpy.errstate(invalid="ignore"):
                    want, _ = numpy.histogram(x, bins, (low, high))
                numpy.testing.assert_array_equal(
                    self.histogram(x, bins, low, high), want,
                    "%s: %d bins, %r to %r" % (dtype, bins, low, high))

    def test_histogram_of_narrow_bins(self):
        """Down to the resolution of doubles, where NumPy's own rounding may be
        wrong: by search among the edges."""
        tiny = 5e-324
        for bins, low, high in ((4, 1.0, 1 + 2.0 ** -50), (3, 0.0, 3 * tiny),
                                (1, 0.0, 1e-320), (5, 0.0, 34 * tiny),
                                (500, 1e15, 1e15 + 250), (2, -1e300, 1e300),
                                (1000, 1.7e18, 1.7e18 + 256000)):
            edges = numpy.linspace(low, high, bins + 1)
            x = numpy.concatenate([
                edges, numpy.nextafter(edges, -numpy.inf),
                numpy.nextafter(edges, numpy.inf),
                self.random.uniform(low / 2, high / 2, 999) * 2])
            inside = x[(x >= low) & (x <= high)]
            at = numpy.searchsorted(edges, inside, "right") - 1
            want = numpy.bincount(numpy.minimum(at, bins - 1), minlength=bins)
            numpy.testing.assert_array_equal(
                self.histogram(x, bins, low, high), want, "%r" % high)
        x = 1_700_000_000_000_000_000 + self.random.integers(0, 256000, 4999)
        want, _ = numpy.histogram(x, 1000, (1.7e18, 1.7e18 + 256000))
        numpy.testing.assert_array_equal(
            self.histogram(x, 1000, 1.7e18, 1.7e18 + 256000), want)

    def test_histogram_of_a_range_whose_inverse_is_infinite(self):
        """Each item is put into the right bin directly: a search from the last bin, bin by
        bin, would take longer than the limit."""
        bins, high = 4_000_000, 1e-303
        x = self.random.uniform(0, high, 99_999)
        edges = numpy.append(numpy.arange(bins) * (high / bins), high)
        want = numpy.bincount(numpy.searchsorted(edges, x, "right") - 1,
                              minlength=bins)
        numpy.testing.assert_array_equal(self.histogram(x, bins, 0.0, high),
                                         want)

    def test_histogram_refuses_bins_that_no_number_parts(self):
        for dtype, bins, low, high in (
                ("int64", 1000, "1700000000000000000", "1700000000000001000"),
                ("float64", 256, "1000000000000000", "1000000000000001"),
                ("float64", 10, "1", "1.0000000000000002"),
                ("float64", 10, "0", "1e-323"), ("float64", 256, "0", "1e-320"),
                ("float32", 100, "1", "1.000001"), ("float32", 2, "0", "1e-46"),
                ("float16", 5000, "0", "1")):
            why = self.run_kernel(
                "histogram", "bins=%d" % bins, "low=" + low, "high=" + high,
                "--input", self.file("in", numpy.ones(9, dtype)), code=1)
            self.assertIn("too close for bins=%d" % bins, why)
            self.assertEqual(why.count("\n"), 1)

    def matvec(self, a, x):
        out = self.file("out")
        found = self.run_kernel(
            "matvec", "--input", "a=%s" % self.file("a", a), "--input",
            "x=%s" % self.file("x", x), "--output", "y=%s" % out)
        self.assertTrue(found["verified"])
        return numpy.load(out)

    def test_matvec(self):
        """Each dtype, and pairs of dtypes: y is float64."""
        pairs = [(dtype, dtype) for dtype in WHOLE + REAL + ["bool"]] + [
            ("float32", "float64"), ("float64", "float32"), ("int64", "bool"),
            ("float16", "uint8"), ("bool", "float64")]
        for of_a, of_x in pairs:
            for rows, columns in (101, 53), (2, 2051), (1, 1), (3, 0):
                a = self.values(of_a, rows * columns).reshape(rows, columns)
                x = self.values(of_x, columns)
                y = self.matvec(a, x)
                a, x = a.astype("float64"), x.astype("float64")
                self.assertEqual(y.dtype, "float64")
                self.assertEqual(y.shape, (rows,))
                most = (abs(a) @ abs(x)).max() if columns else 0
                numpy.testing.assert_allclose(y, a @ x, 0, 1e-13 * most)
        for of_a, of_x in ("complex64", "f8"), ("f8", "complex64"):
            why = self.run_kernel(
                "matvec", "--input", "a=%s" %
                self.file("a", numpy.ones((2, 3), of_a)), "--input",
                "x=%s" % self.file("x", numpy.ones(3, of_x)), code=1)
            self.assertIn("matvec takes bool, integers, float16", why)

    def test_matvec_keeps_its_bits(self):
        """Whatever the team; and rows and columns may be said."""
        a, x = self.values("float32", 300000), self.values("int16", 3000)
        found = [self.run_kernel(
            "matvec", "rows=100", "columns=3000", "--input",
            "a=%s" % self.file("a", a), "--input", "x=%s" % self.file("x", x),
            "--output", "y=%s" % self.file("out"), workers=workers) and
            numpy.load(self.file("out")) for workers in (1, 4)]
        numpy.testing.assert_array_equal(*found)

    def test_shapes_that_are_no_matrix(self):
        for shape, count in ((3, 5), 3), ((6, 2), 3), ((2, 3, 4), 4):
            words = self.run_kernel(
                "matvec", "--input", "a=%s" % self.file("a", numpy.ones(shape)),
                "--input", "x=%s" % self.file("b", numpy.ones(count)), code=1)
            self.assertIn("a is to have 2", words)
        out = self.file("y")
        self.run_kernel(
            "matvec", "--input", "a=%s" % self.file("a", numpy.ones((4, 0))),
            "--input", "x=%s" % self.file("b", numpy.ones(0)), "--output",
            "y=%s" % out)
        numpy.testing.assert_array_equal(numpy.load(out), numpy.zeros(4))
        for shape in (50, 4), (10, 5, 2):
            words = self.run_kernel(
                "kmeans", "dims=2", "--input",
                "points=%s" % self.file("a", numpy.ones(shape)), code=1)
            self.assertIn("the last of dims=2", words)

    def test_norms_where_squares_are_none(self):
        for x in ([1e200, 1e200], [1e-200, 1e-200], [5e-324] * 3, [0.0],
                  [1e308] * 4, [numpy.inf, 1], [1e-200, 1e200], []):
            _, out = self.kernel("norm", numpy.array(x, "f8"), "result")
            squares = numpy.array(x, numpy.longdouble) ** 2
            with numpy.errstate(over="ignore"):
                want = float(numpy.sqrt(squares.sum()))
            numpy.testing.assert_allclose(out[0], want, 1e-14, 5e-324)

    def test_matvec_where_doubles_end(self):
        """Where no finite sum is possible, the result of IEEE's arithmetic."""
        inf, nan = numpy.inf, numpy.nan
        for row in ([1.7e308] * 9, [1.7e308, -1.7e308] * 4,
                    [5e-324, 0.1, 1e-300]):
            self.matvec(numpy.array([row]), numpy.array(row))
        for row, want in (([inf, 1], inf), ([-inf, 1], -inf), ([nan, 1], nan),
                          ([inf, -inf], nan), ([1e308] * 40, inf),
                          ([1e300, inf], inf)):
            for dtype in "float64", "float16":
                with numpy.errstate(over="ignore"):
                    y = self.matvec(numpy.array([row], dtype),
                                    numpy.ones(len(row)))
                numpy.testing.assert_array_equal(y, [want])

    def test_reverse(self):
        x = self.values("int16", 4999)
        _, out = self.kernel("reverse", x)
        numpy.testing.assert_array_equal(out, x[::-1])

    def test_kmeans(self):
        homes = numpy.array([[0, 0, 0], [50, 0, 0], [0, 50, 0], [0, 0, 50]])
        x = numpy.concatenate([
            home + self.random.normal(size=(500, 3)) for home in homes])
        centres, labels = self.file("centres"), self.file("labels")
        for dtype in ("float64", "float32", "int16"):
            given = x.astype(dtype)
            found = self.run_kernel(
                "kmeans", "k=4", "dims=3", "--input",
                self.file("in", given), "--output", "centres=%s" % centres,
                "--output", "labels=%s" % labels)
            self.assertTrue(found["verified"])
            numpy.testing.assert_array_equal(
                numpy.load(labels), numpy.repeat(numpy.arange(4), 500))
            means = given.reshape(4, 500, 3).mean(axis=1, dtype="float64")
            numpy.testing.assert_allclose(
                numpy.load(centres).reshape(4, 3), means, atol=1e-9)
            self.assertAlmostEqual(
                found["result"]["inertia"] /
                ((given.reshape(4, 500, 3) - means[:, None]) ** 2).sum(), 1,
                places=5)

    def kmeans(self, x, k, *words):
        """Labels, centres and the summary."""
        labels, centres = self.file("labels"), self.file("centres")
        found = self.run_kernel(
            "kmeans", "k=%d" % k, "dims=%d" % x.shape[1], *words, "--input",
            "points=%s" % self.file("in", x), "--output",
            "labels=%s" % labels, "--output", "centres=%s" % centres)
        self.assertTrue(found["verified"])
        return (numpy.load(labels), numpy.load(centres).reshape(k, -1),
                found["result"])

    @staticmethod
    def lloyd(x, k):
        """Plainly: centres begin as the first point of each k-th part."""
        centres = x[numpy.arange(k) * (len(x) // k)]
        labels = None
        while True:
            far = ((x[:, None] - centres) ** 2).sum(axis=2)
            if numpy.array_equal(far.argmin(axis=1), labels):
                return labels, centres, far.min(axis=1).sum()
            labels = far.argmin(axis=1)
            centres = numpy.array([
                x[labels == c].mean(axis=0) if (labels == c).any()
                else centres[c] for c in range(k)])

    def test_kmeans_of_irises(self):
        """The published inertia for three clusters of Fisher's data."""
        x = numpy.loadtxt(pathlib.Path(__file__).parent / "iris.txt")
        self.assertEqual(x.shape, (150, 4))
        labels, centres, result = self.kmeans(x, 3)
        self.assertAlmostEqual(float(result["inertia"]), 78.85144, places=5)
        numpy.testing.assert_array_equal(numpy.bincount(labels), [50, 62, 38])
        want, means, _ = self.lloyd(x, 3)
        numpy.testing.assert_array_equal(labels, want)
        numpy.testing.assert_allclose(centres, means, 1e-12)

    def test_kmeans_of_each_dtype(self):
        for dtype in WHOLE + REAL + ["bool"]:
            x = self.values(dtype, 3000).reshape(1000, 3)
            labels, centres, result = self.kmeans(x, 5)
            want, means, inertia = self.lloyd(x.astype("float64"), 5)
            numpy.testing.assert_array_equal(labels, want, dtype)
            numpy.testing.assert_allclose(centres, means, 1e-12,
                                          1e-14 * abs(means).max(), dtype)
            self.assertAlmostEqual(float(result["inertia"]) / inertia, 1, 9)

    def test_kmeans_wherever_doubles_are(self):
        """Where squares are no doubles, and where coordinates are denormal."""
        x = self.values("float64", 3000).reshape(1000, 3)
        want, means, _ = self.lloyd(x, 4)
        for scale in 2.0 ** -600, 2.0 ** 600, 2.0 ** 1020:
            labels, centres, _ = self.kmeans(x * scale, 4)
            numpy.testing.assert_array_equal(labels, want)
            numpy.testing.assert_allclose(centres / scale, means, 1e-12, 1e-14)
        x = self.random.integers(-2 ** 40, 2 ** 40, (1000, 3)) * 5e-324
        want, means, _ = self.lloyd(x * 2.0 ** 1000, 4)
        labels, centres, _ = self.kmeans(x, 4)
        numpy.testing.assert_array_equal(labels, want)
        numpy.testing.assert_allclose(centres * 2.0 ** 1000, means, 1e-10)
        for most in 1.7976931348623157e308, 5e-324, 0.0:
            _, centres, _ = self.kmeans(numpy.full((2000, 2), most), 1)
            numpy.testing.assert_array_equal(centres, [[most, most]])

    def test_kmeans_of_no_points(self):
        """No labels; no centre is a number, as the mean of nothing."""
        labels, centres, result = self.kmeans(numpy.zeros((0, 2)), 3)
        self.assertEqual(labels.shape, (0,))
        self.assertEqual(centres.shape, (3, 2))
        self.assertTrue(numpy.isnan(centres).all())
        self.assertEqual(float(result["inertia"]), 0)

    def test_kmeans_wants_numbers(self):
        for wrong in numpy.nan, numpy.inf, -numpy.inf:
            x = numpy.ones((8, 2))
            x[3, 1] = wrong
            words = self.run_kernel("kmeans", "k=2", "--input",
                                    self.file("in", x), code=3)
            self.assertIn("infinite, or not a number", words)

    def test_kmeans_of_other_points_than_given(self):
        words = self.run_kernel("kmeans", "k=2", "points=9", "--input",
                                self.file("in", numpy.ones((8, 2))), code=1)
        self.assertIn("points=9, but the array given has 8", words)


if __name__ == "__main__":
    unittest.main()
