#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""numpy_kernels.py CLOCK FORM NUMBER...: the calls of NumPy's users.

  sum, min, max, norm, dot, scan LENGTH   one call over LENGTH doubles
  histogram LENGTH BINS                   of numbers from 0 to 1
  matvec ROWS COLUMNS                     a matrix times a vector
  sort LENGTH                             in place; the copy before is untimed
  sort-axis LENGTH COLUMNS AXIS           the same of each line of a matrix
  argsort, median, quantile LENGTH        of numbers from -1 to 1
  unique LENGTH DIFFERENT                 values and counts
  mean, var, cumprod LENGTH               one call over LENGTH doubles
  sum-axis LENGTH COLUMNS AXIS            of each line of a matrix

Results go into memory that is there already, where NumPy has an argument `out`.
Speaks the protocol of peer.h.
"""
import os
import sys
import time

import numpy

PERIOD = 1000  # of the numbers 0, 1, ... in an array


def ramp(length, period=PERIOD):
    return numpy.arange(length, dtype=float) % period


def total(name, length):
    """One number of an array: the number found, and the number expected."""
    x = ramp(length)
    whole, rest = divmod(length, PERIOD)
    once = numpy.arange(PERIOD)
    y = numpy.full(length, 2.0) if name == "dot" else None
    added = [int(whole * once.sum() + once[:rest].sum()),
             int(whole * (once**2).sum() + (once[:rest]**2).sum())]
    call, want = {
        "sum": (lambda: numpy.sum(x), added[0]),
        "min": (lambda: numpy.min(x), 0),
        "max": (lambda: numpy.max(x), min(length, PERIOD) - 1),
        "norm": (lambda: numpy.linalg.norm(x), added[1]**.5),
        "dot": (lambda: numpy.dot(x, y), 2 * added[0]),
    }[name]
    return call, lambda found: numpy.isclose(found, want, 1e-12)


def scan(length):
    x = ramp(length)
    found = numpy.zeros(length)
    return (lambda: numpy.cumsum(x, out=found),
            lambda y: (numpy.diff(y) == x[1:]).all() and y[0] == x[0])


def histogram(length, bins):
    x = numpy.random.default_rng(8).uniform(0, 1, length)
    edges = numpy.arange(bins + 1) / bins
    return (lambda: numpy.histogram(x, bins, (0, 1))[0],
            lambda counts: (counts == numpy.diff(
                numpy.searchsorted(numpy.sort(x), edges))).all())


def matvec(rows, columns):
    a = ramp(rows * columns, 13).reshape(rows, columns)
    x = ramp(columns, 7)
    found = numpy.zeros(rows)
    return (lambda: numpy.dot(a, x, out=found),
            lambda y: numpy.allclose(y, (a * x).sum(axis=1), 1e-12))


def sort(length):
    given = numpy.random.default_rng(8).uniform(-1, 1, length)
    found = given.copy()

    def call():
        found.sort()
        return found

    return (call, lambda y: (numpy.diff(y) >= 0).all(),
            lambda: numpy.copyto(found, given))


def ordered(name, length):
    x = numpy.random.default_rng(8).uniform(-1, 1, length)
    middle = numpy.sort(x)[[(length - 1) // 2, length // 2]].mean()
    return {
        "argsort": (lambda: numpy.argsort(x),
                    lambda y: (numpy.diff(x[y]) >= 0).all()),
        "median": (lambda: numpy.median(x),
                   lambda y: numpy.isclose(y, middle)),
        "quantile": (lambda: numpy.quantile(x, 0.5),
                     lambda y: numpy.isclose(y, middle)),
    }[name]


def unique(length, different):
    x = numpy.random.default_rng(8).integers(0, different, length) - 7.0
    return (lambda: numpy.unique(x, return_counts=True),
            lambda found: found[1].sum() == length)


def moment(name, length):
    x = ramp(length)
    if name == "cumprod":
        x = 1 + (x - PERIOD / 2) * 2.0**-30
        to = numpy.empty(length)
        return (lambda: numpy.cumprod(x, out=to),
                lambda y: numpy.isclose(y[1:], y[:-1] * x[1:]).all())
    due = x.mean() if name == "mean" else (x**2).mean() - x.mean()**2
    return ((lambda: numpy.mean(x)) if name == "mean" else
            (lambda: numpy.var(x)), lambda y: numpy.isclose(y, due))


def sum_axis(length, columns, axis):
    x = ramp(length).reshape(-1, columns)
    to = numpy.empty(x.shape[1 - axis])
    return (lambda: numpy.sum(x, axis=axis, out=to),
            lambda y: numpy.isclose(y.sum(), x.sum()))


def sort_axis(length, columns, axis):
    given = numpy.random.default_rng(8).uniform(-1, 1, length).reshape(
        -1, columns)
    found = given.copy()

    def call():
        found.sort(axis=axis)
        return found

    return (call, lambda y: (numpy.diff(y, axis=axis) >= 0).all(),
            lambda: numpy.copyto(found, given))


def form(name, numbers):
    """The call, the expected result, and the work before the call."""
    if name in ("sum", "min", "max", "norm", "dot"):
        return total(name, *numbers)
    if name in ("argsort", "median", "quantile"):
        return ordered(name, *numbers)
    if name in ("mean", "var", "cumprod"):
        return moment(name, *numbers)
    return {"scan": scan, "histogram": histogram, "matvec": matvec,
            "sort": sort, "unique": unique, "sum-axis": sum_axis,
            "sort-axis": sort_axis}[name](*numbers)


def main():
    clock, name = int(sys.argv[1]), sys.argv[2]
    call, right, *before = form(name, [int(word) for word in sys.argv[3:]])
    print("ready", os.getpid(), flush=True)
    for line in sys.stdin:
        words = line.split()
        spent = 0
        count = int(words[1]) if words[0] == "run" else 1
        for _ in range(count):
            for prepare in before:
                prepare()
            begin = time.clock_gettime_ns(clock)
            found = call()
            spent += time.clock_gettime_ns(clock) - begin
        if words[0] == "run":
            print("measured %.17g" % (spent / count), flush=True)
        else:
            print("verified" if right(found) else "wrong result", flush=True)


main()
