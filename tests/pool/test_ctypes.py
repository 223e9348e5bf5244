#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every ctypes description of a public struct has the fields where the struct has
them: a field added to a header is read past the end of a description that lacks
it.
"""
import ast
import ctypes
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def described(path):
    """The ctypes classes of a program, without running the rest of it."""
    tree = ast.parse(path.read_text())
    tree.body = [node for node in tree.body
                 if isinstance(node, ast.ClassDef)
                 and any(getattr(base, "attr", None) in ("Structure", "Union")
                         for base in node.bases)
                 or isinstance(node, ast.Assign)
                 and re.fullmatch(r"c(types)?\.c_\w+( \* \d+)?",
                                  ast.unparse(node.value))]
    names = {"ctypes": ctypes, "c": ctypes}
    exec(compile(tree, path, "exec"), names)
    return {node.name: names[node.name] for node in tree.body
            if isinstance(node, ast.ClassDef)}


def in_c(name):
    """PoolOptions is struct rig_pool_options."""
    return "rig" + re.sub("([A-Z])", r"_\1", name).lower()


class Layout(unittest.TestCase):
    def test_as_in_c(self):
        listed = ROOT / "tests" / "public" / "layout.txt"
        right = {name: int(number) for name, number in
                 map(str.split, listed.read_text().splitlines())}
        seen = 0
        for path in [*ROOT.glob("tests/*/test_*.py"),
                     *ROOT.glob("tests/lib/rigctypes.py")]:
            for name, what in described(path).items():
                if not issubclass(what, ctypes.Structure):
                    continue
                seen += 1
                struct = in_c(name)
                with self.subTest(file=path.name, struct=name):
                    self.assertEqual(ctypes.sizeof(what), right[struct])
                for field, *_ in what._fields_:
                    with self.subTest(file=path.name, struct=name, field=field):
                        # A union without a name has its members in C.
                        union = {"payload": "integer"}.get(field, field)
                        self.assertEqual(getattr(what, field).offset,
                                         right[f"{struct}.{union}"])
        self.assertGreater(seen, 4)


if __name__ == "__main__":
    unittest.main()
