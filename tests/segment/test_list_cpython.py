#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""CPython's own tests of shared memory, with runrig on one side of each.

Once runrig creates and CPython attaches, once the other way round.  The tests come
with the running Python (Debian: libpython3.11-testsuite) and with every other Python
on the machine; without any tests the program skips.
"""
import importlib
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from pythons import other_pythons

EXIT_SKIPPED = 77
CLASS = "WithProcessesTestSharedMemory"


def pythons_tests():
    """The class of this Python's tests, or None."""
    for module in ("test.test_multiprocessing_fork.test_processes",
                   "test.test_multiprocessing_fork"):
        try:
            return getattr(importlib.import_module(module), CLASS)
        except (ImportError, AttributeError, unittest.SkipTest):
            continue
    return None


def run_side(side):
    """Run the tests with runrig on `side`, in a separate process."""
    import rigshm
    tests = pythons_tests()
    if tests is None:
        return EXIT_SKIPPED
    rigshm.install(side)
    before = set(os.listdir("/dev/shm"))
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(tests)
    result = unittest.TextTestRunner().run(suite)
    left = {name for name in set(os.listdir("/dev/shm")) - before
            if name in rigshm.ours_made}
    print(side, "ran", result.testsRun, "on", len(rigshm.ours_made), "names")
    if left:
        print("left behind:", left)
    # Has the test used runrig at all?
    return not (result.wasSuccessful() and not left and result.testsRun and
                len(rigshm.ours_made) > 4)


def run_both_sides(python):
    """0, EXIT_SKIPPED or not."""
    for side in ("create", "attach"):
        run = subprocess.run([python, os.path.abspath(__file__), side],
                             timeout=110, check=False)
        if run.returncode:
            return run.returncode
    return 0


def main():
    if sys.argv[1:]:
        return run_side(sys.argv[1])
    statuses = {}
    # 3.8 has another layout.
    others = [(version, path) for version, path in other_pythons()
              if not version.startswith("3.8.")]
    for version, python in [("this", sys.executable)] + others:
        print("Python", version, flush=True)
        statuses[version] = run_both_sides(python)
    skipped = [v for v, status in statuses.items() if status == EXIT_SKIPPED]
    print("without test.test_multiprocessing_fork:", *skipped or ["none"])
    if len(skipped) == len(statuses):
        return EXIT_SKIPPED
    return any(status not in (0, EXIT_SKIPPED) for status in statuses.values())


if __name__ == "__main__":
    sys.exit(main())
