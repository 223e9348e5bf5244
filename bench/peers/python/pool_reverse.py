#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""pool_reverse.py CLOCK LENGTH WORKERS FORM: reverse in place in Python.

LENGTH doubles lie in one SharedMemory that every worker of a warm
multiprocessing.Pool holds as a NumPy array, made once when the worker starts.  A task
is a strip of the lower half, which is swapped with the mirror image:

  views   as a whole, by way of one copy: the first form of most programs
  blocks  through a small buffer in the cache, block by block, so each element
          crosses the memory bus as seldom as NumPy allows

Workers are pinned, a core each.  Speaks the protocol of peer.h.
"""
import multiprocessing
import os
import sys
import time
from multiprocessing import shared_memory

import numpy

BLOCK = 32768  # doubles: two of these fit the second-level cache

shared = None
whole = None


def start(name, length, cores):
    """In a worker: attach, and pin."""
    global shared, whole
    with cores.get_lock():
        mine = cores.value
        cores.value += 1
    usable = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {usable[mine % len(usable)]})
    shared = shared_memory.SharedMemory(name)
    whole = numpy.ndarray(length, numpy.float64, shared.buf)


def swap_views(strip):
    begin, end = strip
    length = len(whole)
    left = whole[begin:end]
    right = whole[length - end:length - begin]
    keep = left.copy()
    left[:] = right[::-1]
    right[:] = keep[::-1]


def swap_blocks(strip):
    begin, end = strip
    length = len(whole)
    held = numpy.empty(BLOCK)
    for low in range(begin, end, BLOCK):
        high = min(low + BLOCK, end)
        left = whole[low:high]
        right = whole[length - high:length - low]
        keep = held[:high - low]
        keep[:] = left
        left[:] = right[::-1]
        right[:] = keep[::-1]


def strips(length, workers):
    half = length // 2
    edges = [half * rank // workers for rank in range(workers + 1)]
    return list(zip(edges[:-1], edges[1:]))


def serve(pool, swap, array, workers, clock):
    plan = strips(len(array), workers)
    for line in sys.stdin:
        words = line.split()
        if words[0] == "run":
            begin = time.clock_gettime_ns(clock)
            for _ in range(int(words[1])):
                pool.map(swap, plan, 1)
            print("timing", begin, time.clock_gettime_ns(clock), flush=True)
        else:
            array[:] = numpy.arange(len(array))
            pool.map(swap, plan, 1)
            right = numpy.array_equal(
                array, numpy.arange(len(array) - 1, -1, -1.0))
            print("verified" if right else "wrong elements", flush=True)


def main():
    clock, length, workers = (int(word) for word in sys.argv[1:4])
    swap = {"views": swap_views, "blocks": swap_blocks}[sys.argv[4]]
    segment = shared_memory.SharedMemory(create=True, size=max(1, 8 * length))
    try:
        array = numpy.ndarray(length, numpy.float64, segment.buf)
        array[:] = numpy.arange(length)
        context = multiprocessing.get_context("fork")
        with context.Pool(workers, start, (segment.name, length,
                                           context.Value("i", 0))) as pool:
            pool.map(swap, strips(length, workers), 1)
            children = multiprocessing.active_children()
            print("ready", os.getpid(), *(child.pid for child in children),
                  flush=True)
            serve(pool, swap, array, workers, clock)
        del array
    finally:
        segment.unlink()


if __name__ == "__main__":
    main()
