#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The package for Python beside NumPy, numexpr and concurrent.futures.

Contenders take turns, round after round, in one process; a figure is the median of
the rounds, with the quartiles.  PYTHONPATH leads to the package, KERNELS to the
kernels of docs/examples/python.

Usage: package_speed.py [ROUNDS [runs|expressions|sorts|tasks|fleets|crossings...]]
"""
import concurrent.futures
import multiprocessing
import os
import platform
import statistics
import sys
import time

import numpy as np
import runrig

ROUNDS = int(sys.argv[1]) if sys.argv[1:] else 5


def timed(function, count=1):
    begin = time.perf_counter()
    for _ in range(count):
        function()
    return (time.perf_counter() - begin) / count


def contest(title, contenders, count=1, rounds=ROUNDS):
    """Take turns; the first contender is runrig's, the last column a ratio."""
    times = {name: [] for name in contenders}
    for function in contenders.values():
        function()
    for _ in range(rounds):
        for name, function in contenders.items():
            times[name].append(timed(function, count))
    first = statistics.median(next(iter(times.values())))
    print(title)
    for name, all_of in times.items():
        low, middle, high = statistics.quantiles(all_of, n=4)
        print(f"  {name:<34}{1e6 * middle:>12.1f} us  "
              f"[{1e6 * low:.1f}, {1e6 * high:.1f}]  "
              f"runrig / this = {first / middle:.3f}", flush=True)


def nothing(_):
    return None


def add(a):
    return a.sum()


def add_named(task):
    name, begin = task
    shared = attached(name)
    return shared[begin:begin + 1000].sum()


_kept = {}


def attached(name):
    """An array over a SharedMemory, attached once a process."""
    from multiprocessing import shared_memory
    if name not in _kept:
        memory = shared_memory.SharedMemory(name)
        _kept[name] = memory, np.ndarray(10 ** 6, float, memory.buf)
    return _kept[name][1]


def runs(pool):
    x = runrig.array(np.ones(2))
    kernel = os.environ["KERNELS"] + ":twice"
    with multiprocessing.Pool(2) as other:
        contest("an empty run, 2 workers", {
            "Pool.run": lambda: pool.run(kernel, x),
            "multiprocessing.Pool.map of 2": lambda: other.map(nothing, (1, 2)),
        }, 500)


def blocks(a, x, b, out):
    step = 1 << 15
    for i in range(0, len(x), step):
        part = out[i:i + step]
        np.multiply(x[i:i + step], a, part)
        np.add(part, b, part)


def expressions(count):
    x, out = runrig.array(np.random.rand(count)), runrig.empty(count)
    names = {"a": 2.0, "b": 0.5, "x": x}
    contenders = {
        "evaluate(\"a*x + b\", out=)": lambda: runrig.evaluate(
            "a*x + b", names, {}, out=out),
        "NumPy in blocks": lambda: blocks(2.0, x, 0.5, out)}
    try:
        import numexpr
        numexpr.set_num_threads(2)
        contenders["numexpr, 2 threads"] = lambda: numexpr.evaluate(
            "a*x + b", names, {}, out=out)
    except ImportError:
        pass
    contest(f"a*x + b, {count} doubles", contenders, max(1, 10 ** 7 // count))


def sorts(count):
    a = runrig.array(np.random.rand(count))
    contest(f"sort, {count} doubles, a copy", {
        "sort": lambda: runrig.sort(a), f"NumPy {np.__version__}":
        lambda: np.sort(a)}, max(1, 10 ** 6 // count))


def tasks():
    x = runrig.array(np.random.rand(10 ** 6))
    name = runrig._arrays.locate(x).name
    begins = [(name, 1000 * (i % 1000)) for i in range(10 ** 4)]
    parts = [x[begin:begin + 1000] for _, begin in begins]

    def all_of(executor, function, items):
        for future in [executor.submit(function, item) for item in items]:
            future.result()

    with runrig.Executor(2) as ours, \
            concurrent.futures.ProcessPoolExecutor(2) as theirs:
        for executor in ours, theirs:
            all_of(executor, add_named, begins[:100])
        rounds = max(2, min(3, ROUNDS))
        contest("10000 tasks that sum 1000 items, submit, name by hand", {
            "Executor": lambda: all_of(ours, add_named, begins),
            "ProcessPoolExecutor": lambda: all_of(theirs, add_named, begins),
        }, rounds=rounds)
        contest("the same, map(chunksize=100)", {
            "Executor": lambda: list(ours.map(add_named, begins, chunksize=100)),
            "ProcessPoolExecutor": lambda: list(
                theirs.map(add_named, begins, chunksize=100)),
        }, rounds=rounds)
        contest("the same, slices as arguments, submit", {
            "Executor": lambda: all_of(ours, add, parts),
            "ProcessPoolExecutor": lambda: all_of(theirs, add, parts),
        }, rounds=rounds)


def fleets():
    """Pools of processes for Python functions, with arrays as arguments."""
    import joblib
    x = runrig.array(np.random.rand(10 ** 6))
    parts = [x[1000 * i:1000 * (i + 1)] for i in range(1000)]
    private = [np.array(part) for part in parts]
    with runrig.Executor(2) as ours, multiprocessing.Pool(2) as pool, \
            joblib.Parallel(n_jobs=2) as parallel:
        contest("1000 tasks that sum 1000 items, map", {
            "Executor, chunks of 125": lambda: list(
                ours.map(add, parts, chunksize=125)),
            "Executor": lambda: list(ours.map(add, parts)),
            "joblib " + joblib.__version__: lambda: parallel(
                joblib.delayed(add)(part) for part in private),
            "multiprocessing.Pool, chunks of 125": lambda: pool.map(
                add, private, chunksize=125),
        })


def crossings():
    """From how many bytes on a verb is faster than NumPy."""
    print("runrig / NumPy by size, in a segment; SIZES of _verbs.py")
    sizes = dict(runrig._verbs.SIZES)
    for name in sizes:
        runrig._verbs.SIZES[name] = runrig._verbs.Size(0, 0)
    for verb in ("sort", "sum", "max", "mean", "var", "cumsum", "histogram"):
        ratios = []
        for bits in (16, 18, 20, 22, 24, 26):
            a = runrig.array(np.random.rand((1 << bits) // 8))
            ours, theirs = getattr(runrig, verb), getattr(np, verb)
            ours(a)
            pairs = [(timed(lambda: ours(a)), timed(lambda: theirs(a)))
                     for _ in range(3)]
            ratios.append(f"{(1 << bits) >> 10}Ki: " + "%.2f" %
                          statistics.median(p / q for p, q in pairs))
        print(f"  {verb:<10}" + "  ".join(ratios), flush=True)
    runrig._verbs.SIZES.update(sizes)


def main():
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, "
          f"{len(os.sched_getaffinity(0))} CPUs, {ROUNDS} rounds; medians and "
          "quartiles")
    chosen = sys.argv[2:] or ["runs", "expressions", "sorts", "tasks", "fleets",
                              "crossings"]
    if "runs" in chosen:
        runs(runrig.default_pool())
    for count in 10 ** 6, 10 ** 7:
        if "expressions" in chosen:
            expressions(count)
        if "sorts" in chosen:
            sorts(count)
    for name, part in (("tasks", tasks), ("fleets", fleets),
                       ("crossings", crossings)):
        if name in chosen:
            part()


if __name__ == "__main__":
    main()
