#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every block of Python in docs/python.md runs as printed.

Each block is a program, in a folder with the kernels of docs/examples/python as
./kernels.so.  A block whose first line is `# NAME.py` is kept under that name, for
the blocks that follow.  A block that imports a package which is not installed is
skipped, and named.  Blocks that neither start processes of Python's nor are ranks
share an interpreter, to save time.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

if "PYTHON_FAULTS" not in os.environ:
    print("the package for Python is not built")
    sys.exit(77)

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "python.md"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.S | re.M)


TOGETHER = """
import sys
for path in sys.argv[1:]:
    with open(path) as file:
        block = compile(file.read(), path, "exec")
    try:
        exec(block, {"__name__": "__main__"})
    except ModuleNotFoundError as error:
        print("without", error.name)
"""


class Cookbook(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        shutil.copy(os.environ["KERNELS"], self.folder + "/kernels.so")

    def run_program(self, *words):
        done = subprocess.run(words, cwd=self.folder, timeout=100,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              text=True)
        missing = re.search(r"^ModuleNotFoundError: .* '(\w+)", done.stderr,
                            re.M)
        if missing and missing[1] != "runrig":
            print("without", missing[1])
            return
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertNotIn("without runrig", done.stdout)
        print(done.stdout, end="")

    def test_each_block(self):
        blocks = BLOCK.findall(PAGE.read_text())
        self.assertGreater(len(blocks), 9)
        before, together = set(os.listdir("/dev/shm")), []
        for number, block in enumerate(blocks):
            named = re.match(r"# (\w+\.py)\n", block)
            path = os.path.join(self.folder,
                                named[1] if named else f"block{number}.py")
            pathlib.Path(path).write_text(block)
            launched = re.search(r"# runrig exec -n (\d+)", block)
            if launched:
                self.run_program(os.environ["RUNRIG"], "exec", "-n",
                                 launched[1], "--", sys.executable, path)
            elif "__main__" in block:
                self.run_program(sys.executable, path)
            elif not named:
                together.append(path)
        self.run_program(sys.executable, "-c", TOGETHER, *together)
        self.assertEqual(set(os.listdir("/dev/shm")) - before, set())


if __name__ == "__main__":
    unittest.main()
