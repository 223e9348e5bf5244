# SPDX-License-Identifier: MIT
"""Tasks of test_python_executor.py, in a module that the workers import."""
import os
import time

import runrig

STATE = {}


def remember(value):
    STATE["value"] = value


def remembered():
    return STATE.get("value")


def add(a, b=1):
    return a + b


def total(a):
    return a.sum()


def write(a, value):
    a[...] = value


def filled(count, value):
    made = runrig.empty(count)
    made[...] = value
    return made


def the_same_twice():
    if "made" not in STATE:
        STATE["made"] = filled(5, 3)
    return STATE["made"], STATE["made"][1:]


def ones(count):
    import numpy  # where an array is wanted: a worker starts sooner without
    return numpy.ones(count)


def itself(x):
    return x


def where(a):
    place = runrig._arrays.locate(a)
    return place.name if place else None


def raises():
    raise KeyError("the key")


def raises_strangely():
    class Strange(Exception):
        pass
    raise Strange("words")


def dies(number):
    runrig.empty(10)
    os.kill(os.getpid(), number)
    time.sleep(60)


def exits(status):
    os._exit(status)


def pid():
    return os.getpid()


def cpus():
    return os.sched_getaffinity(0)


def waits_for(path):
    deadline = time.monotonic() + 60
    while not os.path.exists(path) and time.monotonic() < deadline:
        time.sleep(0.001)
    return os.path.exists(path)


def touch(path):
    with open(path, "w", encoding="utf-8"):
        pass


def sleeps(seconds):
    time.sleep(seconds)


def fails_to_begin():
    raise RuntimeError("no beginning")
