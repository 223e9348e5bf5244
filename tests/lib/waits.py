# SPDX-License-Identifier: MIT
"""Waiting for what must come, for the tests in Python.

No test judges by the time that something took: a loaded machine may stop a process
for a minute.  A wait ends when the condition holds; the time limit of `meson test`
is the one that a hanging test meets, and then the words below are in the log.
"""
import sys
import time

TELL_S = 10


def until(condition, what):
    """Wait until condition() is true; say once what a long wait is for.  Returns
    what the condition gave."""
    begun, told = time.monotonic(), False
    while not (given := condition()):
        if not told and time.monotonic() - begun > TELL_S:
            print("still waiting:", what, file=sys.stderr, flush=True)
            told = True
        time.sleep(0.005)
    return given
