#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""numpy_data.py CLOCK wall|cpu WHO WHAT LENGTH [WORD...]: numbers in a file.

  WHO   numpy    the work alone, in this process, numpy imported before
        python   a program that imports numpy, does the work and prints
        runrig   the command `runrig run`, with the WORDs behind
  WHAT  sum | histogram    of LENGTH doubles in a .npy file, mapped
        scan               of the file into another file

The file is in memory (the page cache), in the folder $RIGBENCH_FOLDER: the first
helper makes the file for all, and rigbench removes the folder in the end.  `wall` is
the time by the clock, `cpu` that of all processes.  Speaks the protocol of peer.h.
"""
import atexit
import ctypes
import fcntl
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import time

import numpy
from numpy.lib.format import write_array_header_1_0

PIECE = 1 << 20
PR_SET_CHILD_SUBREAPER = 36
PROGRAMS = {
    "sum": "print(numpy.load({0!r}, mmap_mode='r').sum())",
    "histogram": "print(numpy.histogram(numpy.load({0!r}, mmap_mode='r'), 256, "
                 "(0, 1))[0].sum())",
    "scan": "numpy.save({1!r}, numpy.cumsum(numpy.load({0!r}, mmap_mode='r')))",
}
WORDS = {"sum": [], "histogram": ["bins=256", "low=0", "high=1"], "scan": []}


def command():
    """The command: beside rigbench as built, as installed, or any."""
    here = pathlib.Path(sys.argv[0]).resolve().parent
    for path in (here / "../../cli/runrig", here / "../../bin/runrig"):
        if path.exists():
            return str(path.resolve())
    return shutil.which("runrig")


def make(folder, length):
    """Write the file as numpy.save writes it, unless another helper has."""
    path = folder / ("x%d.npy" % length)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            write(path.with_suffix(".part"), length)
            os.rename(path.with_suffix(".part"), path)
    return str(path)


def write(path, length):
    rng = numpy.random.default_rng(8)
    with open(path, "wb") as file:
        write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False,
                                      "shape": (length,)})
        for i in range(0, length, PIECE):
            file.write(rng.random(min(PIECE, length - i)).data)


def run_all(line):
    """A command with all its processes; the processes of a pool have no parent here."""
    subprocess.run(line, check=True, stdout=subprocess.DEVNULL)
    try:
        while True:
            os.wait()
    except ChildProcessError:
        pass


def work_of(who, what, path, out, words):
    program = PROGRAMS[what].format(path, out)
    if who == "numpy":
        code = compile(program, what, "exec")
        return lambda: exec(code, {"numpy": numpy, "print": lambda x: None})
    line = [sys.executable, "-c", "import numpy; " + program]
    if who == "runrig":
        line = [command(), "run", what, *WORDS[what], "--input", path, "-n",
                "2", *words]
        line += ["--output", "x=" + out] if what == "scan" else []
    return lambda: run_all(line)


def cpu_ns():
    used = [resource.getrusage(who) for who in
            (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return int(sum(u.ru_utime + u.ru_stime for u in used) * 1e9)


def right(what, path, out, who, words):
    x = numpy.load(path, mmap_mode="r")
    if what == "scan":
        return numpy.allclose(numpy.load(out, mmap_mode="r"), numpy.cumsum(x))
    if who != "runrig" or what != "sum":
        return True
    said = subprocess.run([command(), "run", what, "--input", path, "-n", "2",
                           *words], check=True, capture_output=True, text=True)
    found = next(float(line.split("=")[1]) for line in said.stdout.splitlines()
                 if "sum = " in line)
    return bool(numpy.isclose(found, x.sum(), 1e-12))


def main():
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    clock = int(sys.argv[1])
    measure, who, what, length, *words = sys.argv[2:]
    if who == "runrig" and not command():
        print("cannot the command runrig is not found", flush=True)
        return
    folder = pathlib.Path(os.environ["RIGBENCH_FOLDER"])
    path, out = make(folder, int(length)), folder / ("y%d.npy" % os.getpid())
    atexit.register(out.unlink, missing_ok=True)
    out = str(out)
    work = work_of(who, what, path, out, words)
    read = cpu_ns if measure == "cpu" else \
        lambda: time.clock_gettime_ns(clock)
    print("ready", os.getpid(), flush=True)
    for line in sys.stdin:
        order = line.split()
        count = int(order[1]) if order[0] == "run" else 1
        begin = read()
        for _ in range(count):
            work()
        spent = read() - begin
        if order[0] == "run":
            print("measured %.17g" % (spent / count), flush=True)
        else:
            fine = right(what, path, out, who, words)
            print("verified" if fine else "wrong result", flush=True)


main()
