#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Headers of .npy files: headers that NumPy reads and writes, and wrong headers.

The program under test is `runrig run reverse` (RUNRIG), with one worker that is
not pinned: the program reads a header, and writes a header.
"""
import io
import os
import pathlib
import random
import subprocess
import tempfile
import unittest

import numpy
from numpy.lib import format as npy_format

RUNRIG = os.environ["RUNRIG"]
SEED = int(os.environ.get("RIG_SEED", "8"))
MAGIC = b"\x93NUMPY"
SYSTEM = 5
LIMIT_S = 60

GOOD = "{'descr': '<i4', 'fortran_order': False, 'shape': (3,), }"
DATA = numpy.arange(3, dtype="<i4").tobytes()


def file_of(header, data=DATA, version=1):
    if isinstance(header, str):
        header = header.encode("utf8")
    width = 2 if version == 1 else 4
    return MAGIC + bytes((version, 0)) + \
        len(header).to_bytes(width, "little") + header + data


class Headers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def reverse(self, content):
        given, out = self.folder / "a.npy", self.folder / "b.npy"
        given.write_bytes(content)
        if out.exists():
            out.unlink()
        done = subprocess.run(
            [RUNRIG, "run", "reverse", "-n", "1", "--place", "none", "--input",
             given, "--output", out],
            check=False, capture_output=True, text=True, timeout=LIMIT_S)
        return done, out

    def accepts(self, content, like):
        done, out = self.reverse(content)
        self.assertEqual(done.returncode, 0, (done.stderr, content[:200]))
        b = numpy.load(out)
        self.assertEqual((b.dtype.str, b.shape), (like.dtype.str, like.shape))
        self.assertEqual(b.tobytes(), like.reshape(-1)[::-1].tobytes())
        return out

    def refuses(self, content, pattern):
        done, out = self.reverse(content)
        self.assertEqual(done.returncode, SYSTEM, (done, content[:200]))
        self.assertRegex(done.stderr, r"\Arunrig: [^\n]+\n\Z")
        self.assertRegex(done.stderr, pattern)
        self.assertFalse(out.exists())

    def test_every_version(self):
        a = numpy.arange(3, dtype="i4")
        for version in ((1, 0), (2, 0), (3, 0)):
            file = io.BytesIO()
            npy_format.write_array(file, a, version=version)
            self.accepts(file.getvalue(), a)
        self.refuses(file_of(GOOD, version=4), "format version")
        self.refuses(file_of(GOOD, version=0), "format version")

    def test_what_is_written_is_aligned_and_plain(self):
        out = self.accepts(file_of(GOOD), numpy.arange(3, dtype="i4"))
        written = out.read_bytes()
        self.assertEqual(written[:8], MAGIC + b"\1\0")
        length = int.from_bytes(written[8:10], "little")
        self.assertEqual((10 + length) % 64, 0)
        self.assertEqual(written[9 + length:10 + length], b"\n")
        with open(out, "rb") as file:
            npy_format.read_magic(file)
            self.assertEqual(npy_format.read_array_header_1_0(file),
                             ((3,), False, numpy.dtype("<i4")))
            self.assertEqual(file.tell(), 10 + length)

    def test_the_same_dict_in_other_words(self):
        like = numpy.arange(3, dtype="i4")
        for text in (
                GOOD + " " * 100 + "\n",
                "{'descr':'<i4','fortran_order':False,'shape':(3,)}",
                ' {"shape" : ( 3 , ) , "descr" : "<i4" ,\n'
                '"fortran_order" : False } \n',
                "{'descr': '=i4', 'fortran_order': False, 'shape': (3,), }",
                "{'descr': '<i4', 'fortran_order': False, 'shape': (3L,), }",
                # One dimension lies the same in both orders.
                "{'descr': '<i4', 'fortran_order': True, 'shape': (3,), }"):
            self.accepts(file_of(text), like)
        for shape in ("(3, 1)", "(1, 3, 1)"):
            text = "{'descr': '<i4', 'fortran_order': True, 'shape': %s}"
            self.accepts(file_of(text % shape), like.reshape(eval(shape)))
        text = "{'descr': '<i4', 'fortran_order': True, 'shape': (0, 3)}"
        self.accepts(file_of(text, b""), numpy.zeros((0, 3), "i4"))

    def test_malformed(self):
        for text in (
                "", "{}", "{", "}", "[]", "None", GOOD[:-1], GOOD[1:],
                GOOD + "x", GOOD + GOOD, "\0" + GOOD, GOOD + "\0",
                GOOD.replace("False", "0"), GOOD.replace("False", "false"),
                GOOD.replace("'shape'", "'shapes'"),
                GOOD.replace("'shape'", "shape"),
                GOOD.replace("'shape'", "'descr'"),
                GOOD.replace(", }", ", 'extra': 1}"),
                GOOD.replace(", }", ",, }"), GOOD.replace(": (", ", ("),
                GOOD.replace("(3,)", "(3)"), GOOD.replace("(3,)", "3"),
                GOOD.replace("(3,)", "[3]"), GOOD.replace("(3,)", "(,)"),
                GOOD.replace("(3,)", "(-3,)"), GOOD.replace("(3,)", "(3.,)"),
                GOOD.replace("(3,)", "(3 3,)"), GOOD.replace("(3,)", "(0x3,)"),
                GOOD.replace("(3,)", "(03,)"),
                GOOD.replace("(3,)", "(99999999999999999999,)"),
                GOOD.replace("(3,)", "(0, 18446744073709551615)"),
                GOOD.replace("(3,)", "(" + "1," * 65 + ")"),
                GOOD.replace("'<i4'", "\"<i4'"), GOOD.replace("'<i4'", "<i4"),
                GOOD.replace("'<i4'", "'\\x3ci4'"),
                GOOD.replace("'<i4'", "[('a', '<i4')")):
            self.refuses(file_of(text), "header is malformed")

    def test_dtypes_that_are_none_of_ours(self):
        for descr, pattern in (
                ("'|O'", "object"), ("'<M8[ns]'", "view"), ("'<m8'", "view"),
                ("'<U3'", "<U3"), ("'|S3'", "number"), ("'|V8'", "number"),
                ("'i4'", "number"), ("'int32'", "number"), ("''", "number"),
                ("'<i3'", "number"), ("'|i4'", "number"), ("'<f80'", "number"),
                ("[('a', '<i4'), ('b', '<f8', (2, 2))]", "fields"),
                ("[]", "fields")):
            self.refuses(file_of(GOOD.replace("'<i4'", descr)), pattern)

    def test_sizes_that_do_not_agree(self):
        huge = "(4611686018427387904, 4)"
        for shape, pattern in (
                ("(4,)", "truncated"), ("(2,)", "follow the array"),
                ("()", "follow the array"), ("(0,)", "follow the array"),
                (huge, "more elements than there can be"),
                ("(9223372036854775807,)", "truncated")):
            self.refuses(file_of(GOOD.replace("(3,)", shape)), pattern)
        # Nothing of anything is nothing.
        text = GOOD.replace("(3,)", "(0, %s)" % huge[1:-1])
        done, _ = self.reverse(file_of(text, b""))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.refuses(MAGIC + b"\2\0\xff\xff\xff\xff" + GOOD.encode(),
                     "header is too long")
        self.refuses(MAGIC + b"\1\0\xff\xff" + GOOD.encode() + DATA,
                     "truncated in its header")

    def test_damage_is_refused_or_harmless(self):
        """For any change of a byte: an error or an array, never a crash, and an array
        only where NumPy reads the same array."""
        rng = random.Random(SEED)
        content = file_of(GOOD)
        for _ in range(5000 if "RUNRIG_LONG" in os.environ else 200):
            damaged = bytearray(content)
            for _ in range(rng.choice((1, 1, 2, 4))):
                at = rng.randrange(len(content) - len(DATA))
                damaged[at] = rng.choice((rng.randrange(256), 0x20, 0x27, 0x2c,
                                          0x30 + rng.randrange(10)))
            done, out = self.reverse(bytes(damaged))
            self.assertIn(done.returncode, (0, SYSTEM), (done, damaged))
            if done.returncode == 0:
                a = numpy.load(io.BytesIO(bytes(damaged)))
                b = numpy.load(out)
                self.assertEqual((a.dtype, a.shape), (b.dtype, b.shape))
                self.assertEqual(a.reshape(-1)[::-1].tobytes(), b.tobytes())


if __name__ == "__main__":
    unittest.main()
