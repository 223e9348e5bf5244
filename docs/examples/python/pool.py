#!/usr/bin/python3
"""A pool of pinned workers under a threaded NumPy program, over ctypes.

The array lies in shared memory; the kernels are C, in a library that the workers
load (kernels.c beside this file).  A worker is killed in the middle of a run:
that is an exception here, the array is as it was left, and the next run has a
fresh team.

Usage: pool.py LIBRUNRIG.so KERNELS.so
"""
import ctypes
import os
import signal
import sys
import threading
import time

import numpy as np

c = ctypes
rig = c.CDLL(sys.argv[1])
KERNELS = sys.argv[2]
rig.rig_why.restype = rig.rig_segment_name.restype = c.c_char_p
rig.rig_segment_data.restype = c.c_void_p


class Handed(c.Structure):
    _fields_ = [("name", c.c_char_p), ("offset", c.c_size_t),
                ("bytes", c.c_size_t), ("read_only", c.c_bool),
                ("reserved", c.c_uint64 * 8)]


class Job(c.Structure):
    _fields_ = [("kernel", c.c_void_p), ("name", c.c_char_p),
                ("segments", Handed * 16),
                ("args", c.c_void_p), ("args_bytes", c.c_size_t),
                ("result", c.c_void_p), ("result_bytes", c.c_size_t),
                ("limit_ns", c.c_uint64), ("owns", c.c_void_p),
                ("reserved", c.c_uint64 * 8)]


class PoolOptions(c.Structure):
    _fields_ = [("workers", c.c_int), ("place", c.c_char_p),
                ("barrier", c.c_int), ("trace", c.c_size_t),
                ("start", c.c_int),
                ("reserved", c.c_uint64 * 8)]


class Worker(c.Structure):
    _fields_ = [("pid", c.c_int), ("package", c.c_int), ("node", c.c_int),
                ("core", c.c_int), ("pu", c.c_int), ("pus", c.c_int),
                ("as_planned", c.c_bool)]


class RigError(OSError):
    pass


def checked(code):
    if code < 0:
        raise RigError(-code, rig.rig_why().decode())


class Pool:
    def __init__(self, workers):
        self.handle = c.c_void_p()
        checked(rig.rig_pool_create(c.byref(self.handle),
                                    c.byref(PoolOptions(workers))))

    def run(self, kernel, segment):
        job = Job(name=f"{KERNELS}:{kernel}".encode())
        job.segments[0].name = rig.rig_segment_name(segment)
        checked(rig.rig_pool_run(self.handle, c.byref(job)))

    def pid(self, rank):
        worker = Worker()
        checked(rig.rig_pool_worker(self.handle, rank, c.byref(worker)))
        return worker.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        rig.rig_pool_destroy(self.handle)


def killed_run(pool, segment, x):
    """Run linger in a thread, kill rank 1 under it, return what it raised."""
    caught = []

    def run():
        try:
            pool.run("linger", segment)
        except RigError as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while x[0] != -1:  # until the kernel is at it
        time.sleep(0.001)
    os.kill(pool.pid(1), signal.SIGKILL)
    thread.join()
    return caught[0]


# Threads before the pool: those of NumPy's BLAS, and one of Python's own.  Only
# while the pool is made none may be *inside* BLAS: OpenBLAS ends its threads at
# any fork, and a call in progress would wait for them for ever.
a = np.random.default_rng(1).random((300, 300))
np.linalg.inv(a)
done = threading.Event()
ticker = threading.Thread(target=done.wait, daemon=True)
ticker.start()

with Pool(2) as pool:
    n = 1_000_003
    segment = c.c_void_p()
    checked(rig.rig_segment_create(c.byref(segment), None,
                                   c.c_size_t(8 * n), None))
    x = np.frombuffer((c.c_double * n).from_address(
        rig.rig_segment_data(segment)))
    x[:] = np.arange(n)
    pool.run("twice", segment)
    print("twice:", bool((x == 2 * np.arange(n)).all()))

    error = killed_run(pool, segment, x)
    print("killed:", type(error).__name__, os.strerror(error.errno))

    x[:] = np.arange(n)
    pool.run("twice", segment)
    print("again:", bool((x == 2 * np.arange(n)).all()))
    del x
    rig.rig_segment_destroy(segment)

np.linalg.inv(a)
done.set()
ticker.join()
