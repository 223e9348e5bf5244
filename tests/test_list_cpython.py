#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""CPython's own tests of shared memory, with runrig on one side of each.

Once runrig creates what CPython attaches, once the other way round.  The tests
are those of the running Python (Debian: libpython3.11-testsuite); where there
are none it skips.
"""
import importlib
import os
import subprocess
import sys
import unittest

EXIT_SKIPPED = 77
CLASS = "WithProcessesTestSharedMemory"


def pythons_tests():
    """The class of tests of this Python, or None."""
    for module in ("test.test_multiprocessing_fork.test_processes",
                   "test.test_multiprocessing_fork"):
        try:
            return getattr(importlib.import_module(module), CLASS)
        except (ImportError, AttributeError, unittest.SkipTest):
            continue
    return None


def run_side(side):
    """Run the tests with runrig on `side`; in a process of its own."""
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
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
    # Was runrig in it at all?
    return not (result.wasSuccessful() and not left and result.testsRun and
                len(rigshm.ours_made) > 10)


def main():
    if sys.argv[1:]:
        return run_side(sys.argv[1])
    status = 0
    for side in ("create", "attach"):
        run = subprocess.run([sys.executable, os.path.abspath(__file__), side],
                             timeout=110, check=False)
        if run.returncode == EXIT_SKIPPED:
            print("skipped: this Python has no test.test_multiprocessing_fork")
            return EXIT_SKIPPED
        status = status or run.returncode
    return status


if __name__ == "__main__":
    sys.exit(main())
