#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Programs as ranks against a forked pool and against MPICH's launcher, and queues
of many processes against those of others: the table of bench/results/ranks.txt.

Usage: ranks.py BUILD [ROUNDS]

BUILD is the build folder, built with -Dbench=enabled.  The contenders take turns.  A
row has the median and the quartiles of the rounds, and the median and the quartiles of
the rounds' ratios to the first row, so that a slow round counts for both.
"""
import os
import shutil
import statistics
import subprocess
import sys
import time

import queue_many

VERBS = ("barrier, ns", "allreduce 8 B, ns", "64 B there and back, ns",
         "allreduce 64 KiB, ns")


def text_of(*words):
    return subprocess.run(words, stdout=subprocess.PIPE, text=True,
                          check=True).stdout


def named(program, turn):
    """Two that meet, each on a core as a pool's worker."""
    name = f"rigbench-ranks-{os.getpid()}-{turn}"
    both = [subprocess.Popen(["taskset", "-c", str(cpu), program, "name", name],
                             stdout=subprocess.PIPE, text=True)
            for cpu in (0, 1)]
    texts = [process.communicate()[0] for process in both]
    assert all(process.returncode == 0 for process in both)
    return "".join(texts)


def wall_ms(*words):
    begin = time.monotonic_ns()
    subprocess.run(words, stdout=subprocess.DEVNULL, check=True)
    return (time.monotonic_ns() - begin) / 1e6


def row(name, found, reference, digits=1):
    low, middle, high = statistics.quantiles(found, n=4)
    below, ratio, above = statistics.quantiles(
        [own / other for own, other in zip(found, reference)], n=4)
    print(f"  {name:34} {middle:10.{digits}f}  "
          f"[{low:.{digits}f}, {high:.{digits}f}]".ljust(72)
          + f"{ratio:.3f} x [{below:.3f}, {above:.3f}]", flush=True)


def table(title, ways, rounds, digits):
    """`ways`: name -> a function of the round that gives numbers.  The first goes first
    in one round, and last in the next."""
    found = {name: [] for name in ways}
    for turn in range(rounds):
        for name, way in list(ways.items())[::-1 if turn % 2 else 1]:
            found[name].append(way(turn))
    for at, heading in enumerate(title):
        print(heading)
        reference = [numbers[at] for numbers in next(iter(found.values()))]
        for name, numbers in found.items():
            row(name, [n[at] for n in numbers], reference, digits)


def verbs(runrig, program, library, rounds):
    def numbers(text):
        return [float(word) for word in text.split()]
    table(VERBS, {
        "a forked pool": lambda _: numbers(text_of(program, "fork", library)),
        "a forked pool, again":
            lambda _: numbers(text_of(program, "fork", library)),
        "RIG_EXEC": lambda _: numbers(text_of(program, "exec", library)),
        "runrig exec": lambda _: numbers(
            text_of(runrig, "exec", "-n", "2", "--", program, "join")),
        "join by name": lambda turn: numbers(named(program, turn)),
    }, rounds, 1)


def lives(program, rounds):
    def life(start, mib):
        # The first life has the discovery of the machine.
        words = text_of(program, "life", start, str(mib)).split()
        return [statistics.median(float(word) / 1e6 for word in words[1:])]
    table(["a pool of 2 made and destroyed, ms"], {
        "fork, a small caller": lambda _: life("fork", 1),
        "fork, a caller of 1 GiB": lambda _: life("fork", 1024),
        "RIG_EXEC, a small caller": lambda _: life("exec", 1),
        "RIG_EXEC, a caller of 1 GiB": lambda _: life("exec", 1024),
    }, rounds, 2)


def launches(runrig, rounds):
    mpirun = shutil.which("mpirun.mpich")
    ways = {"runrig exec -n 2 -- true":
            lambda _: [wall_ms(runrig, "exec", "-n", "2", "--", "true")]}
    if mpirun:
        ways = {"mpirun.mpich -n 2 true":
                lambda _: [wall_ms(mpirun, "-n", "2", "true")], **ways}
    table(["a whole command, ms"], ways, rounds, 1)


def main(build, rounds="9"):
    rounds = int(rounds)
    build = os.path.abspath(build)
    peers = os.path.join(build, "bench", "peers")
    runrig = os.path.join(build, "cli", "runrig")
    program = os.path.join(peers, "rigbench-ranks")
    launches(runrig, 3 * rounds)
    lives(program, max(3, rounds // 2))
    verbs(runrig, program, program + ".so", rounds)
    many = os.path.join(peers, "rigbench-queue-many")
    if os.path.exists(many):
        queue_many.main(many, rounds)


if __name__ == "__main__":
    main(*sys.argv[1:])
