#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""expressions.py CLOCK FORM LENGTH WORKERS EXPRESSION: an expression over arrays.

  numexpr   numexpr.evaluate(), its threads
  blocks    NumPy in blocks that stay in the cache, a thread a worker, each ufunc
            into memory that is there already; a sum of products is numpy.dot

The arrays x and y have LENGTH doubles.  Speaks the protocol of peer.h.
"""
import concurrent.futures
import os
import sys
import time

import numpy

BLOCK = 16384


def scaled(x, y, out, spare):
    numpy.multiply(x, 2.5, out=out)
    numpy.add(out, 1, out=out)


def wave(x, y, out, spare):
    numpy.sin(y, out=spare)
    numpy.multiply(x, 2, out=out)
    numpy.add(out, spare, out=out)


def positive(x, y, out, spare):
    numpy.copyto(out, 0)
    numpy.copyto(out, x, where=x > 0)


FORMS = {"2.5*x+1": scaled, "2*x+sin(y)": wave, "where(x>0,x,0)": positive}


def other(text):
    names = {name: getattr(numpy, name) for name in numpy.__all__}

    def form(x, y, out, spare):
        out[:] = eval(text, {**names, "x": x, "y": y})

    return form


def blocks(text, workers, x, y, out):
    if text == "sum(x*y)":
        return lambda: numpy.dot(x, y)
    form = FORMS.get(text) or other(text)
    pool = concurrent.futures.ThreadPoolExecutor(workers)
    ends = [len(x) * k // workers for k in range(workers + 1)]
    spares = [numpy.empty(BLOCK) for _ in range(workers)]

    def strip(k):
        for at in range(ends[k], ends[k + 1], BLOCK):
            end = min(at + BLOCK, ends[k + 1])
            form(x[at:end], y[at:end], out[at:end], spares[k][:end - at])

    def call():
        for _ in pool.map(strip, range(workers)):
            pass
        return out

    return call


def numexpr_form(text, workers, x, y, out):
    import numexpr
    numexpr.set_num_threads(workers)
    given = {"x": x, "y": y}
    if text.startswith("sum("):
        return lambda: numexpr.evaluate(text, given)

    def call():
        numexpr.evaluate(text, given, out=out)
        return out

    return call


def main():
    clock, form, length, workers = (
        int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    text = "".join(sys.argv[5:])
    rng = numpy.random.default_rng(8)
    x, y = (rng.integers(-1000, 1001, length) / 64 for _ in range(2))
    call = (blocks if form == "blocks" else numexpr_form)(
        text, workers, x, y, numpy.zeros(length))
    print("ready", os.getpid(), flush=True)
    for line in sys.stdin:
        words = line.split()
        count = int(words[1]) if words[0] == "run" else 1
        begin = time.clock_gettime_ns(clock)
        for _ in range(count):
            found = call()
        spent = time.clock_gettime_ns(clock) - begin
        if words[0] == "run":
            print("measured %.17g" % (spent / count), flush=True)
            continue
        want = eval(text, {"x": x, "y": y, "sum": numpy.sum, "sin": numpy.sin,
                           "where": numpy.where})
        print("verified" if numpy.allclose(found, want, 1e-12) else
              "wrong result", flush=True)


main()
