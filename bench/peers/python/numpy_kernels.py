#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""numpy_kernels.py CLOCK FORM NUMBER...: what NumPy's users would call instead.

  sum, min, max, norm, dot, scan LENGTH   one call over that many doubles
  histogram LENGTH BINS                   of numbers from 0 to 1
  matvec ROWS COLUMNS                     a matrix times a vector
  sort LENGTH                             in place; the copy before it is untimed

Results go into memory that is there already, where NumPy has a way to say so.
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
    """One number of an array: what it is, and what it should be."""
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


def form(name, numbers):
    """What is called, what its result should be, and what is done before."""
    if name in ("sum", "min", "max", "norm", "dot"):
        return total(name, *numbers)
    return {"scan": scan, "histogram": histogram, "matvec": matvec,
            "sort": sort}[name](*numbers)


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
