#!/usr/bin/python3
"""Python makes the data, runrig crunches it in place, Python sees the result.

Usage: crunch.py, with the program runrig on PATH (or named by RUNRIG)
"""
import os
import subprocess
from multiprocessing import shared_memory

import numpy as np

RUNRIG = os.environ.get("RUNRIG", "runrig")

data = np.arange(1_000_000, dtype=np.float64)
shm = shared_memory.SharedMemory(create=True, size=data.nbytes)
try:
    shared = np.ndarray(data.shape, data.dtype, buffer=shm.buf)
    shared[:] = data
    subprocess.run([RUNRIG, "run", "reverse", "--segment", shm.name,
                    "--dtype", str(data.dtype)], check=True)
    print("reversed:", bool((shared == data[::-1]).all()))
    del shared  # NumPy holds no export: let go before close()
finally:
    shm.close()
    shm.unlink()
