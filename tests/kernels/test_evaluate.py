#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The kernel evaluate beside NumPy.

An expression is Python, so NumPy evaluates the same text.  Arithmetic has the same
bits; a function is at most 4 units in the last place off the value in extended
precision.  NumPy promotes by the rules of version 2 here (NEP 50).

The short form takes one pair of dtypes for each operation; with RUNRIG_LONG=1 all
144 pairs meet all operations.
"""
import os
import re
import unittest

import numpy as np

import rigkernels

LONG = "RUNRIG_LONG" in os.environ
INTS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
FLOATS = ["float16", "float32", "float64"]
REAL = ["bool"] + INTS + FLOATS
COUNT = 1100
if np.__version__.startswith("1."):
    np._set_promotion_state("weak")
np.seterr(all="ignore")

ARITHMETIC = [
    "x + y", "x - y", "x * y", "x / y", "x // y", "x % y", "fmod(x, y)",
    "minimum(x, y)", "maximum(x, y)", "fmin(x, y)", "fmax(x, y)", "x & y",
    "x | y", "x ^ y", "x << y", "x >> y", "where(x > y, x, y)", "x*y + x",
    "x*y - y", "y - x*x", "x + 3", "3 - x", "x * 2.5", "x // 3", "x % 3",
    "7 // x", "x / 4", "-x", "+x", "~x", "abs(x)", "sign(x)", "square(x)",
    "x ** 2", "sqrt(x)", "rint(x)", "copysign(x, y)", "where(x, y, 1)",
    "x + True", "logical_and(x, y)", "logical_or(x, y)", "logical_xor(x, y)",
    "logical_not(x)", "isnan(x)", "isinf(x)", "isfinite(x)",
    "(x < y) | (x >= 2)", "(x == y) & (x <= y)", "(x != y) ^ (x > 1)",
    "float32(x) + y", "x + 100", "x & 5", "1 << (x & 3)", "-(x + y) * 2",
    "(x & 7) ** (y & 3)", "(x + y) - (x - y) * (y + x) / 3",
    "where((x > 0) & (y < 3), x - 1, 2*y)",
]
FUNCTIONS = ["sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh",
             "tanh", "arcsinh", "arccosh", "arctanh", "exp", "exp2", "expm1",
             "log", "log2", "log10", "log1p", "cbrt"]
BINARY = ["hypot", "arctan2", "power"]


def where(test, a, b):
    """NumPy 1's where() knows no Python numbers."""
    dtype = np.result_type(*[v for v in (a, b) if isinstance(v, np.ndarray)])
    if isinstance(a, np.ndarray) != isinstance(b, np.ndarray):
        dtype = (np.empty(1, dtype) + (b if isinstance(a, np.ndarray) else a)
                 ).dtype
    return np.where(test, np.asarray(a).astype(dtype),
                    np.asarray(b).astype(dtype))


NAMES = {name: getattr(np, name) for name in
         """fmod minimum maximum fmin fmax abs sign square sqrt rint copysign
         logical_and logical_or logical_xor logical_not isnan isinf isfinite
         float32 hypot arctan2 power""".split() + FUNCTIONS}
NAMES["where"] = where


def numbers(dtype, count, rng):
    """Small ones and the ends of the range; floats that are no numbers."""
    if dtype == "bool":
        return rng.random(count) < 0.5
    if dtype in INTS:
        info = np.iinfo(dtype)
        items = rng.integers(-9 if info.min else 0, 10, count).astype(dtype)
        ends = [info.min, info.max, 0, 1, info.max // 2]
        items[rng.integers(0, count, 60)] = rng.choice(
            np.array(ends, dtype), 60)
        return items
    info = np.finfo(dtype)
    items = (rng.integers(-400, 400, count) / 16).astype(dtype)
    ends = [0, -0.0, np.inf, -np.inf, np.nan, info.max, info.tiny, info.min,
            info.smallest_subnormal, 0.5, 1]
    items[rng.integers(0, count, 60)] = rng.choice(np.array(ends, dtype), 60)
    return items


def same(a, b):
    """The same bits, but for the sign of a zero and what a NaN carries."""
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.dtype.kind != "f":
        return np.array_equal(a, b)
    return np.array_equal(a, b, equal_nan=True)


class Evaluate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.library = rigkernels.Library(2)

    @classmethod
    def tearDownClass(cls):
        cls.library.close()

    def evaluate(self, text, let="", **arrays):
        settings = {"expr": text}
        if let:
            settings["let"] = let
        found, words = self.library.run("evaluate", arrays, settings)
        self.words = words
        return found["out"]

    def refused(self, text, words, let="", **arrays):
        with self.assertRaises(rigkernels.Refused) as caught:
            self.evaluate(text, let, **arrays)
        self.assertIn(words, str(caught.exception))
        self.assertNotIn("\n", str(caught.exception))

    def compare(self, text, **arrays):
        used = {k: v for k, v in arrays.items()
                if any(k == w for w in re.findall(r"\w+", text))}
        try:
            want = eval(text, {**NAMES, **used})
        except (TypeError, OverflowError, ValueError) as error:
            with self.assertRaises(rigkernels.Refused, msg=(text, error)):
                self.evaluate(text, **used)
            return
        found = self.evaluate(text, **used)
        if same(found, want):
            return
        kinds = {k: v.dtype for k, v in used.items()}
        if found.dtype == want.dtype and found.shape == want.shape:
            at = [i for i in range(found.size)
                  if not same(found[i:i + 1], want[i:i + 1])][0]
            self.fail(f"{text}, {kinds}, element {at}: {found[at]!r}, NumPy "
                      f"{want[at]!r} of "
                      f"{ {k: v[at] for k, v in used.items()} }")
        self.fail(f"{text}, {kinds}: {found.dtype} {found.shape}, NumPy "
                  f"{want.dtype} {want.shape}")

    def test_arithmetic_has_numpys_bits_and_dtypes(self):
        rng = np.random.default_rng(5)
        pairs = [(a, b) for a in REAL for b in REAL]
        data = {d: (numbers(d, COUNT, rng), numbers(d, COUNT, rng))
                for d in REAL}
        at = 0
        for text in ARITHMETIC:
            for k in range(len(pairs) if LONG else 3):
                a, b = pairs[k] if LONG else pairs[at % len(pairs)]
                at += 31
                with np.errstate(all="ignore"):
                    self.compare(text, x=data[a][0], y=data[b][1])

    def test_functions_are_within_four_units(self):
        rng = np.random.default_rng(6)
        for dtype in ("float64", "float32", "float16"):
            x = np.concatenate([
                numbers(dtype, 300, rng),
                (rng.random(1200) * 2 - 1).astype(dtype),
                np.exp(rng.random(1500) * 40 - 20).astype(dtype)])
            y = np.concatenate([rng.permutation(x[:300]), x[300:][::-1]])
            for name in FUNCTIONS + BINARY:
                args = (x, y) if name in BINARY else (x,)
                text = f"{name}({', '.join('xy'[:len(args)])})"
                found = self.evaluate(text, **dict(zip("xy", args)))
                self.assertEqual(found.dtype, np.dtype(dtype))
                exact = NAMES[name](*(a.astype("longdouble") for a in args))
                want = exact.astype(dtype)
                off = np.abs(found.astype("longdouble") - exact)
                unit = np.spacing(np.abs(want).astype(dtype))
                bad = ~((off <= 4.5 * unit) | (found == want) |
                        (np.isnan(found) & np.isnan(want)))
                self.assertFalse(
                    bad.any(), f"{text} {dtype}: {[a[bad][:3] for a in args]} "
                    f"{found[bad][:3]} {want[bad][:3]}")

    def test_functions_of_integers_have_numpys_dtypes(self):
        for dtype in REAL:
            x = np.arange(5).astype(dtype)
            self.assertEqual(self.evaluate("sin(x)", x=x).dtype,
                             np.sin(x).dtype)
            self.assertEqual(self.evaluate("arctan2(x, 1)", x=x).dtype,
                             np.arctan2(x, 1).dtype)

    def test_rows_columns_and_scalars_broadcast(self):
        rng = np.random.default_rng(7)
        m = rng.normal(size=(37, 1, 61))
        for other in (rng.normal(size=61), rng.normal(size=(5, 1)),
                      rng.normal(size=(2, 37, 5, 61)), rng.normal(size=(1,)),
                      np.array(3.5), rng.normal(size=(0, 1))):
            self.assertTrue(same(self.evaluate("m*other - m", m=m, other=other),
                                 m * other - m))
        self.refused("a + b", "(3,) and b is (4,): shapes that do not", a=m[0, 0, :3],
                     b=m[0, 0, :4])

    def test_arrays_as_they_lie(self):
        rng = np.random.default_rng(8)
        x = rng.normal(size=(40, 30))
        big = (x * 100).astype(">i2")
        for a in (x[::2, ::-3], np.asfortranarray(x), x.T, x.astype(">f4"),
                  big):
            b = a.astype(a.dtype.newbyteorder("="))
            self.assertTrue(same(self.evaluate("a*2 + 1", a=a), b * 2 + 1))

    def test_totals(self):
        rng = np.random.default_rng(9)
        x = rng.integers(-99, 99, 70001)
        for dtype in REAL:
            a = x.astype(dtype)
            for name in ("sum", "min", "max"):
                want = getattr(np, name)(a)
                if dtype == "float16" and name == "sum":
                    want = a.astype("f8").sum().astype("f2")
                found = self.evaluate(f"{name}(a)", a=a)
                self.assertEqual(found.dtype, want.dtype, dtype)
                if dtype in FLOATS and name == "sum":
                    np.testing.assert_allclose(found[0], want, rtol=1e-5)
                else:
                    self.assertEqual(found[0], want, (name, dtype))
        f = rng.normal(size=70001)
        np.testing.assert_allclose(self.evaluate("sum(f*g)", f=f, g=f + 1),
                                   [(f * (f + 1)).sum()], rtol=1e-12)
        g = np.arange(100003) % 77 - 0.125  # windows of several streams
        np.testing.assert_allclose(self.evaluate("sum(g*h)", g=g, h=g - 9),
                                   [(g * (g - 9)).sum()], rtol=1e-12)
        self.assertTrue(self.words.startswith("sum = "))
        f[69000] = np.nan
        self.assertTrue(np.isnan(self.evaluate("min(-f)", f=f)[0]))
        self.assertTrue(np.isnan(self.evaluate("max(f)", f=f)[0]))
        self.assertEqual(self.evaluate("sum(f)", f=f[:0])[0], 0)
        self.refused("max(f)", "no elements", f=f[:0])

    def test_whole_numbers_never_trap(self):
        least = np.iinfo("int64").min
        x = np.array([least, -7, 7, least, 0, 5], "int64")
        y = np.array([-1, 0, 0, 0, 0, -1], "int64")
        self.assertEqual(self.evaluate("x//y", x=x, y=y).tolist(),
                         [least, 0, 0, 0, 0, -5])
        self.assertEqual(self.evaluate("x%y", x=x, y=y).tolist(), [0] * 6)
        s = np.array([63, 64, -1, 1000], "int64")
        self.assertEqual(self.evaluate("1*s*0 + 1 << s", s=s).tolist(),
                         [least, 0, 0, 0])
        self.assertEqual(self.evaluate("s*0 - 1 >> s", s=s).tolist(), [-1] * 4)
        self.refused("x**y", "negative power", x=x, y=y)
        f = np.array([np.nan, np.inf, -np.inf, 1e300, -3.9, 3.9])
        self.assertEqual(self.evaluate("int8(f)", f=f).tolist(),
                         [0, 127, -128, 127, -3, 3])
        self.assertEqual(self.evaluate("uint64(f)", f=f).tolist(),
                         [0, 2**64 - 1, 0, 2**64 - 1, 0, 3])

    def test_whole_numbers_are_compared_as_what_they_are(self):
        x = np.array([-1, 2**62, 2**63 - 1], "int64")
        y = np.array([2**64 - 1, 2**62, 2**63], "uint64")
        for sign in ("<", "<=", ">", ">=", "==", "!="):
            want = [eval(f"{a} {sign} {b}")
                    for a, b in zip(x.tolist(), y.tolist())]
            self.assertEqual(self.evaluate(f"x {sign} y", x=x, y=y).tolist(),
                             want, sign)
        b = np.array([0, 255], "uint8")
        self.assertEqual(self.evaluate("b < 300", b=b).tolist(), [True] * 2)
        self.assertEqual(self.evaluate("b > -1", b=b).tolist(), [True] * 2)

    def test_names_and_numbers(self):
        x = np.arange(5.0)
        self.assertTrue(same(self.evaluate("a*x + b_2", "a=2, b_2=-0.5", x=x),
                             2 * x - 0.5))
        self.assertTrue(same(self.evaluate("X_1 + 0x10 + pi", X_1=x),
                             x + 16 + np.pi))
        i = np.arange(5, dtype="int8")
        self.assertEqual(self.evaluate("i + a", "a=2", i=i).dtype, np.int8)
        self.assertEqual(self.evaluate("i + a", "a=2.", i=i).dtype, np.float64)
        many = {f"v{k}": np.full(3000, k, "f4") for k in range(15)}
        self.assertTrue(same(self.evaluate(" + ".join(many), **many),
                             np.full(3000, 105, "f4")))
        text = "x" + "+x" * 255
        self.assertTrue(same(self.evaluate(text, x=x), 256 * x))

    def test_what_is_no_expression_is_refused_in_a_line(self):
        x = np.arange(3.0)
        for text, words in (
                ("2*x +", "a value is missing, where the ^ is in: 2*x +^"),
                ("(x", "a ) is missing"), ("x)", "closes nothing"),
                ("sin", "sin is a function"), ("sin + x", "is a function"),
                ("f(x)", "no function f"), ("x x", "an operator is missing"),
                ("x = 1", "== compares"), ("1 < x < 2", "do not chain"),
                ("x and x", "write a & b"), ("sum(x) + 1", "stands around"),
                ("x @ x", "no character"), ("2", "names no array"),
                ("x.T", "no character"), ("x & 1.5", "not of floats"),
                ("1e999*x", "out of range"), ("2**65*x", "beyond 64 bits"),
                ("1//0*x", "division by 0"), ("out*2", "name of the result"),
                ("(" * 900 + "x", "nested deeper"), ("-" * 900 + "x", "nested"),
                ("x+" * 900 + "x", "more than 512"),
                ("x+" * 5000 + "x", "too long"), ("x\x01", "printed"),
                ("+".join(f"a{i}" for i in range(16)), "more than 15 arrays"),
                ("where(x)", "takes 3 values"), ("min(x, x)", "minimum")):
            with self.subTest(text=text[:60]):
                self.refused(text, words, x=x)
        self.refused("a*x", "given twice", "a=1, a=2", x=x)
        self.refused("x", "the expression has no a", "a=1", x=x)
        self.refused("x", "is not as in", "a", x=x)
        self.refused("x*y", "array y is missing", x=x)
        self.refused("x", "no array \"y\"", y=x)
        self.refused("x", "evaluate takes bool", x=x.astype("c16"))
        self.refused("int8(x) + 300", "out of the range of int8", x=x)


if __name__ == "__main__":
    unittest.main()
