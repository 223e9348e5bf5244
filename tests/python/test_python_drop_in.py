#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""CPython's own tests of shared memory, over runrig's classes alone.

The tests are those of the running Python (Debian: libpython3.11-testsuite); where
the Python has none, the test skips.
"""
import importlib
import itertools
import os
import sys
import unittest
from multiprocessing import managers, shared_memory

EXIT_SKIPPED = 77
CLASS = "WithProcessesTestSharedMemory"

if "PYTHON_FAULTS" not in os.environ:
    print("the package for Python is not built")
    sys.exit(77)
import runrig


def pythons_tests():
    for module in ("test.test_multiprocessing_fork.test_processes",
                   "test.test_multiprocessing_fork"):
        try:
            return getattr(importlib.import_module(module), CLASS)
        except (ImportError, AttributeError, unittest.SkipTest):
            continue
    return None


class SharedMemory(runrig.Segment):
    """With the inner parts of CPython's class that CPython's tests look at."""

    made = 0

    def __init__(self, name=None, create=False, size=0, **more):
        if name is None and create and size > 0:
            # A test puts a function of its own in place of this one.
            for attempt in itertools.count():
                try:
                    super().__init__(shared_memory._make_filename(), create,
                                     size, **more)
                    break
                except FileExistsError:
                    if attempt > 10:
                        raise
        elif getattr(self, "_flags", 0) == os.O_CREAT | os.O_RDWR and \
                os.path.exists("/dev/shm/" + name):
            # A subclass of a test: attach to what exists.
            super().__init__(name)
        else:
            super().__init__(name, create, size, **more)
        SharedMemory.made += 1

    @property
    def _name(self):
        return "/" + self.name


class ShareableList(runrig.ShareableList):
    def _get_packing_format(self, position):
        count = len(self)
        offset = int.from_bytes(self.shm.buf[8 + 8 * count:16 + 8 * count],
                                "little")
        at = 16 + 8 * count + offset + 8 * position
        return bytes(self.shm.buf[at:at + 8]).rstrip(b"\0").decode()


class Manager(runrig.SharedMemoryManager):
    class _Process:
        pid = None

    def start(self):
        super().start()
        self._process = self._Process()
        self._process.pid = self.pid


def main():
    tests = pythons_tests()
    if tests is None:
        print("this Python has no test.test_multiprocessing_fork")
        return EXIT_SKIPPED
    shared_memory.SharedMemory = SharedMemory
    shared_memory.ShareableList = ShareableList
    managers.SharedMemoryManager = Manager
    before = set(os.listdir("/dev/shm"))
    # These start a fresh Python, which has the classes of CPython.
    others = ("cleaned_after_process_termination", "reuses_resource_tracker",
              "untracking", "tracking")
    suite = unittest.TestSuite(
        test for test in unittest.defaultTestLoader.loadTestsFromTestCase(tests)
        if not any(word in test.id() for word in others))
    result = unittest.TextTestRunner().run(suite)
    left = set(os.listdir("/dev/shm")) - before
    print("ran", result.testsRun, "on", SharedMemory.made, "segments;",
          "left behind:", left or "nothing")
    return not (result.wasSuccessful() and not left and result.testsRun > 8
                and SharedMemory.made > 4)


if __name__ == "__main__":
    sys.exit(main())
