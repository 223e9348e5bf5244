#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every ctypes description of a public struct is as large as the struct: a field
added to a header is read past the end of a description that lacks it.
"""
import ast
import ctypes
import os
import pathlib
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def described(path):
    """The ctypes classes of a program, without running the rest of it."""
    tree = ast.parse(path.read_text())
    tree.body = [node for node in tree.body if isinstance(node, ast.ClassDef)
                 and any(getattr(base, "attr", None) in ("Structure", "Union")
                         for base in node.bases)]
    names = {"ctypes": ctypes, "c": ctypes}
    exec(compile(tree, path, "exec"), names)
    return {node.name: names[node.name] for node in tree.body}


class Sizes(unittest.TestCase):
    def test_as_in_c(self):
        answer = subprocess.run([os.environ["SIZES"]], check=True, text=True,
                                stdout=subprocess.PIPE).stdout
        right = {name: int(size) for name, size in
                 (line.split() for line in answer.splitlines())}
        seen = set()
        for path in [*ROOT.glob("tests/*/*.py"),
                     *ROOT.glob("docs/examples/python/*.py")]:
            for name, what in described(path).items():
                if issubclass(what, ctypes.Structure):
                    with self.subTest(file=path.name, struct=name):
                        self.assertEqual(ctypes.sizeof(what), right[name])
                    seen.add(name)
        self.assertEqual(seen, set(right))


if __name__ == "__main__":
    unittest.main()
