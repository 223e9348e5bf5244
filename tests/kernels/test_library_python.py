#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A C program sorts an array of its own and a live segment of Python's.

EXAMPLES is the folder with the compiled docs/examples.
"""
import os
import pathlib
import subprocess
import unittest
from multiprocessing import shared_memory

import numpy

EXAMPLE = pathlib.Path(os.environ["EXAMPLES"]) / "example_sort"


class Library(unittest.TestCase):
    def test_a_live_segment_is_sorted_in_place(self):
        values = numpy.random.default_rng(3).normal(size=50021)
        memory = shared_memory.SharedMemory(create=True, size=values.nbytes)
        try:
            array = numpy.ndarray(values.shape, values.dtype, memory.buf)
            array[:] = values
            done = subprocess.run([EXAMPLE, memory.name], timeout=60,
                                  capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(done.stdout.split(),
                             "1 1 2 3 4 5 6 9".split())
            numpy.testing.assert_array_equal(array, numpy.sort(values))
            del array
        finally:
            memory.close()
            memory.unlink()

    def test_a_segment_that_is_none_is_said(self):
        done = subprocess.run([EXAMPLE, "nobody"], timeout=60,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, "sort: segment nobody: there is none of "
                                      "that name\n")


if __name__ == "__main__":
    unittest.main()
