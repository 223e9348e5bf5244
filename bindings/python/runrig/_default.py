# SPDX-License-Identifier: MIT
"""The pool of the verbs, made at first need."""
from __future__ import annotations

import os
import sys
import threading
import time
from typing import Optional

from ._pool import Pool

_pool: Optional[Pool] = None
_pool_maker = 0
_lock = threading.Lock()


def others_load() -> float:
    """How many cores other programs have kept busy, by the last minute."""
    try:
        load = os.getloadavg()[0]
    except OSError:
        return 0.0
    own = time.process_time() / max(time.monotonic() - _began, 1.0)
    return load - own


_began = time.monotonic() - 1.0
# Looks at the run queue before the load of the last minute is believed, and the
# seconds between two looks.
LOOKS, LOOK_SECONDS = 8, 0.002


def _others_now() -> float:
    """How many threads of other programs want a core, in some milliseconds."""
    wanting = 0
    for _ in range(LOOKS):
        time.sleep(LOOK_SECONDS)
        try:
            with open("/proc/loadavg", encoding="ascii") as file:
                wanting += int(file.read().split()[3].split("/")[0]) - 1
        except (OSError, IndexError, ValueError):
            return 1.0
    return wanting / LOOKS


def others_are_busy() -> bool:
    """Do other programs keep cores busy?  The load of the last minute is left over
    also where their work has just ended, so the run queue is looked at too."""
    return others_load() > 0.5 and _others_now() > 0.25


def _is_a_helper() -> bool:
    """Is the process a helper of a pool of Python's?"""
    mp = sys.modules.get("multiprocessing.process")
    return (mp is not None and mp.parent_process() is not None) or \
        "joblib.externals.loky.process_executor" in sys.modules and \
        "LOKY_WORKER" in os.environ


def default_pool() -> Pool:
    """The pool of the verbs: a worker a core.

    On a machine that other programs use the workers are not pinned.  A process
    of multiprocessing's or joblib's pools gets a single worker: its siblings
    have the other cores.
    """
    global _pool, _pool_maker, _lock
    if _pool is not None and _pool_maker == os.getpid() and not _pool._closed:
        return _pool
    if _pool_maker not in (0, os.getpid()):
        _lock = threading.Lock()  # a fork: whoever had the lock is not here
        _pool = None
    with _lock:
        if _pool is None or _pool._closed:
            if _is_a_helper():
                _pool = Pool(1, place="none")
            else:
                _pool = Pool(place="none" if others_are_busy() else None)
            _pool_maker = os.getpid()
        return _pool
