#!/usr/bin/python3
"""One list, edited from both sides.

Usage: both.py, with the program runrig on PATH (or named by RUNRIG)
"""
import os
import subprocess
from multiprocessing import shared_memory

RUNRIG = os.environ.get("RUNRIG", "runrig")


def runrig(*words):
    return subprocess.run([RUNRIG, *map(str, words)], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.strip()


shared = shared_memory.ShareableList([1, 2.5, True, None, "text", b"bytes"])
try:
    name = shared.shm.name
    print(runrig("list", "get", name, 4))
    runrig("list", "set", name, 0, -99)
    runrig("list", "set", name, -2, "'h\u00e9'")
    shared[3] = "four"
    print(list(shared))
    print(runrig("list", "show", name) == repr(shared))
    runrig("run", "list-reverse", "--segment", name)
    print(list(shared))
finally:
    shared.shm.close()
    shared.shm.unlink()
