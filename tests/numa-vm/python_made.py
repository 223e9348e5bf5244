# SPDX-License-Identifier: MIT
"""In the guest: Python makes a segment on one node, and runrig runs a kernel on it.

Python stays attached, so the kernel must move pages that two processes have mapped.

Usage: python_made.py KERNEL [OPTION...]
"""
import multiprocessing.shared_memory
import os
import subprocess
import sys

COUNT = 2_000_000

os.sched_setaffinity(0, {0})
segment = multiprocessing.shared_memory.SharedMemory(
    create=True, size=8 * COUNT)
segment.buf[:] = bytes(8 * COUNT)
os.sched_setaffinity(0, range(os.cpu_count()))
done = subprocess.run(
    ["runrig", "run", sys.argv[1], "--segment", segment.name, "--dtype", "<f8",
     "--count", str(COUNT), *sys.argv[2:]], check=False)
segment.close()
segment.unlink()
raise SystemExit(done.returncode)
