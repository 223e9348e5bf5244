#!/usr/bin/python3
"""C makes a segment, Python reads and writes it, and C's name stays.

Up to Python 3.12 whoever attaches is taken for an owner: its resource tracker
removes the name when this Python exits.  Python 3.13 has track=False; before it,
take the name back from the tracker.

Usage: read.py, with the program runrig on PATH (or named by RUNRIG)
"""
import os
import subprocess
import sys
from multiprocessing import resource_tracker, shared_memory

RUNRIG = os.environ.get("RUNRIG", "runrig")
NAME = f"example-{os.getpid()}"


def attach(name):
    if sys.version_info >= (3, 13):
        return shared_memory.SharedMemory(name, track=False)
    shm = shared_memory.SharedMemory(name)
    resource_tracker.unregister(shm._name, "shared_memory")
    return shm


subprocess.run([RUNRIG, "create", NAME, "10"], check=True)
try:
    shm = attach(NAME)
    print("bytes:", shm.size, list(shm.buf))
    shm.buf[:] = bytes(range(10))
    shm.close()
    shm = attach(NAME)
    print("again:", list(shm.buf))
    shm.close()
finally:
    subprocess.run([RUNRIG, "rm", NAME], check=True)
