# SPDX-License-Identifier: MIT
"""Shared by the tests of kernels on the user's own arrays: a run of a kernel, and
arrays in files and in segments.  RUNRIG names the command.
"""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import numpy

RUNRIG = os.environ["RUNRIG"]
LIMIT_S = 60
LONG = "RUNRIG_LONG" in os.environ
WHOLE = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32",
         "uint64"]
REAL = ["float16", "float32", "float64"]


class Data(unittest.TestCase):
    """Each test has a folder, and numbers that are the same each time."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.random = numpy.random.default_rng(8)

    def run_kernel(self, *words, workers=3, code=0):
        done = subprocess.run(
            [RUNRIG, "run", *map(str, words), "-n", str(workers), "--place",
             "none", "--json"],
            check=False, capture_output=True, text=True, timeout=LIMIT_S)
        self.assertEqual(done.returncode, code, (words, done.stderr))
        return json.loads(done.stdout) if code == 0 else done.stderr

    def file(self, name, array=None):
        path = self.folder / (name + ".npy")
        if array is not None:
            numpy.save(path, array)
        return path

    def values(self, dtype, count):
        if dtype == "bool":
            return self.random.integers(0, 2, count).astype(dtype)
        if dtype in REAL:
            return self.random.normal(size=count).astype(dtype)
        info = numpy.iinfo(dtype)
        return self.random.integers(info.min, info.max, count, dtype=dtype,
                                    endpoint=True)

    def kernel(self, name, array, output="x"):
        out = self.file("out")
        found = self.run_kernel(
            name, "--input", "x=%s" % self.file("in", array), "--output",
            "%s=%s" % (output, out))
        self.assertTrue(found["verified"])
        return found, numpy.load(out)
