#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""pool_map.py CLOCK WORKERS CHUNK: Pool.map of a function that does nothing.

An operation is an item; the pool is warm.  CHUNK 0 is Pool.map's own choice.
Speaks the protocol of peer.h.
"""
import multiprocessing
import os
import sys
import time


def do_nothing(_item):
    pass


def double(item):
    return 2 * item


def start(cores):
    """In a worker: pin, a core each."""
    with cores.get_lock():
        mine = cores.value
        cores.value += 1
    usable = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {usable[mine % len(usable)]})


def serve(pool, clock, chunk):
    for line in sys.stdin:
        words = line.split()
        if words[0] == "run":
            begin = time.clock_gettime_ns(clock)
            pool.map(do_nothing, range(int(words[1])), chunk)
            print("timing", begin, time.clock_gettime_ns(clock), flush=True)
        else:
            right = pool.map(double, range(1000)) == [
                2 * i for i in range(1000)]
            print("verified" if right else "wrong results", flush=True)


def main():
    clock, workers, chunk = (int(word) for word in sys.argv[1:4])
    context = multiprocessing.get_context("fork")
    with context.Pool(workers, start, (context.Value("i", 0),)) as pool:
        pool.map(do_nothing, range(workers), 1)
        children = multiprocessing.active_children()
        print("ready", os.getpid(), *(child.pid for child in children),
              flush=True)
        serve(pool, clock, chunk or None)


if __name__ == "__main__":
    main()
