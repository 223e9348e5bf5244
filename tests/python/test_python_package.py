#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The package as a whole: the stubs by mypy, and the other Pythons of the machine.

The extension of the build serves each CPython from 3.11 on; with RUNRIG_LONG=1 the
same source is compiled for the older ones too, where their headers are.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

if "PYTHON_FAULTS" not in os.environ:
    print("the package for Python is not built")
    sys.exit(77)
import runrig
from pythons import other_pythons

LONG = bool(os.environ.get("RUNRIG_LONG"))
ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = pathlib.Path(runrig.__file__).parent
EXTENSION = next(PACKAGE.glob("_runrig*.so"))
SMOKE = """
import pickle, runrig
segment = runrig.Segment(create=True, size=10)
pickle.loads(pickle.dumps(segment)).buf[0] = 5
assert segment.buf[0] == 5
assert list(runrig.ShareableList([1, "a", None])) == [1, "a", None]
with runrig.Pool(1, place="none") as pool:
    assert 3 < pool.run("pi", points=1000)["pi"] < 3.3
with runrig.Executor(1, place="none") as executor:
    assert executor.submit(max, 1, 2).result() == 2
"""


def libraries():
    """The folders of librunrig and of librunrig-kernels."""
    return [os.path.dirname(os.environ[name]) for name in
            ("LIBRUNRIG", "LIBRUNRIG_KERNELS")]


class Package(unittest.TestCase):
    def test_stubs(self):
        if not LONG:
            self.skipTest("RUNRIG_LONG=1 asks mypy")
        if subprocess.run([sys.executable, "-m", "mypy", "--version"],
                          capture_output=True, check=False).returncode:
            self.skipTest("mypy is not installed")
        with tempfile.TemporaryDirectory() as cache:
            done = subprocess.run(
                [sys.executable, "-m", "mypy", "--ignore-missing-imports",
                 "--cache-dir", cache, str(PACKAGE)], capture_output=True,
                text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_everything_public_says_what_for(self):
        for name in runrig.__all__:
            self.assertTrue(getattr(runrig, name).__doc__, name)

    def test_other_pythons(self):
        for version, python in other_pythons():
            number = tuple(map(int, version.split(".")[:2]))
            old = number < (3, 11) or ".abi3." not in EXTENSION.name
            if number < (3, 9) or old and not LONG:
                continue
            with self.subTest(version), tempfile.TemporaryDirectory() as folder:
                package = os.path.join(folder, "runrig")
                shutil.copytree(PACKAGE, package, ignore=shutil.
                                ignore_patterns("*.so*", "*.p", "__pycache__"))
                target = os.path.join(package, "_runrig.so" if old
                                      else EXTENSION.name)
                if not old:
                    shutil.copy(EXTENSION, target)
                elif not self.compiled(python, target):
                    continue
                self.smoke(python, folder)

    def compiled(self, python, target):
        headers = subprocess.run(
            [python, "-c", "import sysconfig; "
             "print(sysconfig.get_paths()['include'])"],
            capture_output=True, text=True, check=True).stdout.strip()
        if not os.path.exists(headers + "/Python.h"):
            return False
        done = subprocess.run(
            ["cc", "-shared", "-fPIC", "-std=c17", "-D_GNU_SOURCE", "-Wall",
             "-Wextra", "-Werror", "-isystem", headers,
             f"-I{ROOT}/runtime/include", f"-I{ROOT}/runner/include",
             *map(str, (ROOT / "bindings/python/src").glob("*.c")),
             "-o", target, *[f"-L{path}" for path in libraries()],
             "-lrunrig-kernels", "-lrunrig"],
            capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return True

    def smoke(self, python, folder):
        done = subprocess.run(
            [python, "-c", SMOKE], capture_output=True, text=True, timeout=60,
            env={**os.environ, "PYTHONPATH": folder,
                 "LD_LIBRARY_PATH": ":".join(libraries())}, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
