#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""rigbench from outside.  The tests are in bench_*.py, a file for each kind of
command; words of the command line choose among them, bench_ipc.Peers for one.
"""
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent


def load_tests(loader, standard, pattern):
    """The function that unittest calls: all files of the folder."""
    del standard, pattern
    return loader.loadTestsFromNames(
        sorted(file.stem for file in HERE.glob("bench_*.py")))


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    if len(sys.argv) > 1:
        unittest.main(module=None)
    unittest.main()
