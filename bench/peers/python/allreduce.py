#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Allreduce of two ranks in Python: runrig's beside mpi4py's, launched in turns.

Usage: allreduce.py RUNRIG [ROUNDS]

RUNRIG is the command; PYTHONPATH leads to the package, and to mpi4py where it is not
installed.  Debian's mpi4py is built for Open MPI alone.  Each launch prints the median of
its blocks, in nanoseconds, for each length; a figure is the median of the launches, with
the quartiles.
"""
import os
import statistics
import subprocess
import sys
import time

LENGTHS = (1, 131072)  # doubles: 8 B and 1 MiB
BLOCKS = 21


def rank(package):
    import numpy as np
    if package == "runrig":
        from runrig import MPI
    else:
        from mpi4py import MPI
    cpus = sorted(os.sched_getaffinity(0))
    comm = MPI.COMM_WORLD
    os.sched_setaffinity(0, {cpus[comm.Get_rank() % len(cpus)]})
    for length in LENGTHS:
        ours, total = np.ones(length), np.empty(length)
        count = 20000 if length == 1 else 100
        times = []
        for _ in range(BLOCKS):
            comm.Barrier()
            begin = time.perf_counter_ns()
            for _ in range(count):
                comm.Allreduce(ours, total)
            times.append((time.perf_counter_ns() - begin) / count)
        assert (total == comm.Get_size()).all()
        if comm.Get_rank() == 0:
            print(statistics.median(times), flush=True)


def launch(words):
    found = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
    return [float(line) for line in found.stdout.split()]


def main(runrig, rounds="9"):
    me = [sys.executable, os.path.abspath(__file__), "rank"]
    ways = {
        "runrig exec": [runrig, "exec", "-n", "2", "--", *me, "runrig"],
        "mpi4py, Open MPI": ["mpirun.openmpi", "--allow-run-as-root",
                             "--bind-to", "none", "-n", "2", *me, "mpi4py"]}
    found = {name: [] for name in ways}
    for _ in range(int(rounds)):
        for name, words in ways.items():
            found[name].append(launch(words))
    for at, length in enumerate(LENGTHS):
        print(f"Allreduce of {8 * length} bytes, 2 ranks")
        first = statistics.median(numbers[at] for numbers in
                                  found["runrig exec"])
        for name, numbers in found.items():
            low, middle, high = statistics.quantiles(
                [each[at] for each in numbers], n=4)
            print(f"  {name:<34}{middle / 1e3:>12.2f} us  "
                  f"[{low / 1e3:.2f}, {high / 1e3:.2f}]  "
                  f"runrig / this = {first / middle:.3f}", flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "rank":
        rank(sys.argv[2])
    else:
        main(*sys.argv[1:])
