# SPDX-License-Identifier: MIT
"""In the guest: Python makes a segment on one node, and runrig reverses it.

Python stays attached, so the kernel must move pages that two have mapped.
"""
import multiprocessing.shared_memory
import os
import subprocess

COUNT = 2_000_000

os.sched_setaffinity(0, {0})
segment = multiprocessing.shared_memory.SharedMemory(
    create=True, size=8 * COUNT)
segment.buf[:] = bytes(8 * COUNT)
os.sched_setaffinity(0, range(os.cpu_count()))
done = subprocess.run(
    ["runrig", "run", "reverse", "--segment", segment.name, "--dtype", "<f8",
     "--count", str(COUNT), "--map", "--json"], check=False)
segment.close()
segment.unlink()
raise SystemExit(done.returncode)
