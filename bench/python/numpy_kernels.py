#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""numpy_sort.py CLOCK LENGTH: numpy.sort of random doubles, in place.

An operation copies the unsorted numbers, untimed, and sorts them.  Speaks the
protocol of peer.h.
"""
import os
import sys
import time

import numpy


def main():
    clock, length = int(sys.argv[1]), int(sys.argv[2])
    given = numpy.random.default_rng(8).uniform(-1, 1, length)
    found = given.copy()
    print("ready", os.getpid(), flush=True)
    for line in sys.stdin:
        words = line.split()
        total = 0
        count = int(words[1]) if words[0] == "run" else 1
        for _ in range(count):
            found[:] = given
            begin = time.clock_gettime_ns(clock)
            found.sort()
            total += time.clock_gettime_ns(clock) - begin
        if words[0] == "run":
            print("gauge %.17g" % (total / count), flush=True)
        elif (numpy.diff(found) >= 0).all():
            print("verified", flush=True)
        else:
            print("wrong order", flush=True)


main()
