# SPDX-License-Identifier: MIT
"""Parallel computing with processes that share memory.

    import numpy as np, runrig

    a = runrig.array(np.random.rand(10**7))   # an array that processes share
    b = runrig.sort(a)                        # a sorted copy, by all cores
    with runrig.Pool(2) as pool:              # workers of your own
        pool.run("sort", a)                   # in place; no byte is copied
        pool.run("./m.so:f", a)               # a function in C, on each worker

Memory: Segment, ShareableList, SharedMemoryManager (as multiprocessing has them),
empty, zeros, array, attach, load (NumPy arrays in segments).
Workers: Pool, Run, Outcome, kernels; Executor, for functions in Python.
NumPy's verbs in parallel: sort, argsort, unique, sum, prod, mean, var, std, min,
max, argmin, argmax, quantile, median, cumsum, cumprod, histogram, bincount, dot,
matvec, evaluate.
Programs as ranks of `runrig exec`: join, leave, Comm, and the module runrig.MPI,
which has mpi4py's names.
How a run may end: RunError, WorkerDied, Deadlock, Mismatch, VerifyError.
docs/python.md is the guide, with a cookbook.
"""
from ._arrays import array, attach, empty, load, zeros
from ._default import default_pool
from ._errors import (Deadlock, Mismatch, RankReport, Report, RunError,
                      VerifyError, WorkerDied)
from ._evaluate import evaluate
from ._executor import Executor
from ._pool import Outcome, Pool, Run, Worker, kernels
from ._ranks import Cartcomm, Comm, join, leave
from ._runrig import memory_available, shm_available
from ._runrig import remove as remove
from ._runrig import version as _version
from ._segment import (Segment, ShareableList, SharedMemory,
                       SharedMemoryManager)
from ._verbs import (argmax, argmin, argsort, bincount, cumprod, cumsum, dot,
                     histogram, matvec, max, mean, median, min, prod, quantile,
                     sort, std, sum, unique, var)

__version__ = "%d.%d.%d" % (_version() // 10000, _version() // 100 % 100,
                            _version() % 100)

__all__ = [
    "Cartcomm", "Comm", "Deadlock", "Executor", "Mismatch", "Outcome", "Pool", "RankReport", "Report", "Run",
    "RunError", "Segment", "ShareableList", "SharedMemory",
    "SharedMemoryManager", "VerifyError", "Worker", "WorkerDied", "argmax", "argmin",
    "argsort", "array",
    "attach", "bincount", "cumprod", "cumsum", "default_pool", "dot", "empty", "evaluate", "histogram",
    "join", "kernels", "leave", "load", "matvec", "max", "mean", "median", "memory_available", "min", "prod",
    "quantile", "remove", "shm_available", "sort", "std", "sum", "unique", "var", "zeros",
]
