#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Where the results of a kernel go: files of the exact dtype, pictures, and
segments that Python made, in which a kernel works in place.

RUNRIG is the command.
"""
import struct
import unittest
import zlib
from multiprocessing import shared_memory

import numpy

from data_case import Data


class Results(Data):
    def test_results_fit_exactly(self):
        """A window of another size than the results: refused before anything is
        written, inside the window or beyond."""
        segment = shared_memory.SharedMemory(create=True, size=80000)
        try:
            segment.buf[:] = b"\7" * 80000
            for words, array, dtype, count in (
                    (["histogram", "length=1000", "bins=256"], "counts",
                     "uint64", 3),
                    (["nstream", "length=1000"], "a", "float64", 3),
                    (["cg", "class=S"], "vectors", "float64", 10000),
                    (["pi", "points=10"], "answer", "uint64", 1),
                    (["nbody"], "state", "float64", 3),
                    (["heat", "n=129"], "u", "float64", 100),
                    (["random", "log=10"], "table", "uint64", 8),
                    (["transpose", "n=2000"], "b", "float64", 9),
                    (["matvec", "rows=9", "columns=9"], "y", "float64", 10),
                    (["sum", "length=9"], "result", "float64", 2),
                    (["kmeans", "points=1000"], "labels", "uint32", 3)):
                why = self.run_kernel(*words, "--segment",
                                      array + "=" + segment.name, "--dtype",
                                      dtype, "--count", count, code=1)
                self.assertRegex(why, "%d elements are given|no whole matrix" %
                                 count)
            self.assertEqual(bytes(segment.buf), b"\7" * len(segment.buf))
            self.run_kernel("histogram", "length=1000", "bins=256",
                            "--segment", "counts=" + segment.name, "--dtype",
                            "uint64", "--count", 256)
            self.assertEqual(bytes(segment.buf[2048:]),
                             b"\7" * (len(segment.buf) - 2048))
            counts = numpy.ndarray(256, "u8", segment.buf)
            self.assertEqual(counts.sum(), 1000)
            del counts
        finally:
            segment.close()
            segment.unlink()

    def test_pictures(self):
        picture = self.folder / "out.pgm"
        self.run_kernel("heat", "n=33", "--output", "u=%s" % picture)
        header, _, body = picture.read_bytes().partition(b"\n255\n")
        self.assertEqual(header, b"P5\n33 33")
        axis = numpy.linspace(0, 1, 33)
        want = numpy.rint(255 * (axis ** 2 - axis[:, None] ** 2 + 1) / 2)
        found = numpy.frombuffer(body, "u1").reshape(33, 33)
        self.assertLessEqual(abs(found - want).max(), 1)
        x = numpy.arange(12, dtype="int16").reshape(3, 4)
        self.run_kernel("reverse", "--input", self.file("in", x), "--output",
                        picture)
        self.assertEqual(picture.read_bytes()[:11], b"P5\n4 3\n255\n")
        picture.unlink()
        for name in ("out.jpg", "out.ppm", "out.csv"):
            words = self.run_kernel("heat", "n=33", "--output",
                                    self.folder / name, code=1)
            self.assertIn(".pgm", words)
        words = self.run_kernel("reverse", "length=5", "--output", picture,
                                code=1)
        self.assertIn("no square", words)
        self.assertFalse(picture.exists())

    def png(self, items, *options):
        """The picture of an array: the points, as colours."""
        path = self.folder / "out.png"
        self.run_kernel("evaluate", "expr=x", "--input",
                        "x=%s" % self.file("in", items), "--output", path,
                        *options)
        data = path.read_bytes()
        path.unlink()
        self.assertEqual(data[:8], b"\x89PNG\r\n\x1a\n")
        wide, high, depth, kind = struct.unpack(">IIBB", data[16:26])
        self.assertEqual((depth, kind), (8, 2))
        rows, at = b"", 8
        while at < len(data):
            length, name = struct.unpack(">I4s", data[at:at + 8])
            self.assertEqual(zlib.crc32(data[at + 4:at + 8 + length]),
                             *struct.unpack_from(">I", data, at + 8 + length))
            rows += data[at + 8:at + 8 + length] if name == b"IDAT" else b""
            at += 12 + length
        rows = numpy.frombuffer(zlib.decompress(rows), "u1").reshape(
            high, 1 + 3 * wide)
        points = numpy.zeros((high, wide, 3), "u1")
        for y, row in enumerate(rows):
            line = points[y].reshape(-1)
            above = points[y - 1].reshape(-1) if y else line * 0
            for i, byte in enumerate(row[1:].tolist()):
                left = int(line[i - 3]) if i > 2 else 0
                up = int(above[i])
                corner = int(above[i - 3]) if i > 2 else 0
                paeth = min((left, up, corner),
                            key=lambda v: abs(left + up - corner - v))
                line[i] = (byte + [0, left, up, (left + up) // 2,
                                   paeth][row[0]]) & 255
        return points

    def test_pictures_in_colours(self):
        gray = "--colors", "gray"
        x = numpy.arange(64.).reshape(8, 8)
        found = self.png(x, *gray)
        self.assertEqual(found.shape, (512, 512, 3))
        shades = found[::64, ::64, 0].astype(int)
        self.assertLessEqual(abs(shades - numpy.rint(x * 255 / 63)).max(), 2)
        self.assertTrue((found[:64, :64] == found[0, 0]).all())
        x = 10.0 ** numpy.arange(-3, 6).reshape(3, 3)
        x[1, 1] = numpy.nan
        shades = self.png(x, "--log", *gray)[::170, ::170, 0][:3, :3]
        self.assertEqual(shades.reshape(-1).tolist()[:3], [0, 32, 64])
        self.assertEqual(shades[1, 1], 0)
        self.assertEqual(shades[2, 2], 255)
        row = numpy.zeros((3, 2, 2), "u1")
        row[1] = 1
        found = self.png(row)
        self.assertEqual(found.shape, (170, 526, 3))
        self.assertEqual(found[0, ::89].tolist(),
                         [[0, 0, 4]] * 2 + [[252, 255, 164]] * 2 +
                         [[0, 0, 4]] * 2)
        words = self.run_kernel("evaluate", "length=5", "--output",
                                self.folder / "a.png", code=1)
        self.assertIn("no picture", words)
        self.run_kernel("evaluate", "length=4", "--colors", "pink", code=1)
        words = self.run_kernel("evaluate", "length=4", "--repeat", 2,
                                "--output", self.folder / "a.png", code=1)
        self.assertIn("no --repeat", words)
        self.assertFalse((self.folder / "a.png").exists())

    def test_a_result_in_a_segment_is_of_its_own_dtype(self):
        x = self.file("in", numpy.arange(1, 5))
        for name, words, want in (("sum", [], 10), ("dot", ["--input",
                                                     "y=%s" % x], 30)):
            segment = shared_memory.SharedMemory(create=True, size=8)
            try:
                for dtype, code in ("float64", 1), ("uint64", 1), ("int64", 0):
                    said = self.run_kernel(
                        name, "--input", "x=%s" % x, *words, "--segment",
                        "result=%s" % segment.name, "--dtype", dtype,
                        "--count", 1, code=code)
                    if code:
                        self.assertIn("of these items it is int64", said)
                self.assertEqual(numpy.frombuffer(segment.buf, "i8", 1), want)
            finally:
                segment.close()
                segment.unlink()

    def test_segments_in_place(self):
        for kernel, want in (("sort", numpy.sort), ("scan", numpy.cumsum),
                             ("reverse", numpy.flip)):
            x = self.values("int64", 3001)
            segment = shared_memory.SharedMemory(create=True, size=x.nbytes)
            try:
                view = numpy.ndarray(x.shape, x.dtype, segment.buf)
                view[:] = x
                found = self.run_kernel(
                    kernel, "--segment", "x=" + segment.name, "--dtype",
                    "int64", "--count", 3001, "--repeat", 3)
                self.assertTrue(found["verified"])
                with numpy.errstate(over="ignore"):
                    numpy.testing.assert_array_equal(view, want(x))
                del view
            finally:
                segment.close()
                segment.unlink()

    def test_segments_from_any_byte_on(self):
        """As NumPy's arrays, elements may lie anywhere in a buffer."""
        x = self.values("float64", 300001)
        for kernel, want in (("sort", numpy.sort), ("scan", None),
                             ("reverse", numpy.flip), ("sum", None)):
            segment = shared_memory.SharedMemory(create=True,
                                                 size=x.nbytes + 3)
            try:
                view = numpy.ndarray(x.shape, x.dtype, segment.buf, offset=3)
                view[:] = x
                self.assertTrue(self.run_kernel(
                    kernel, "--segment", "x=" + segment.name, "--dtype",
                    "float64", "--offset", 3)["verified"])
                if want:
                    numpy.testing.assert_array_equal(view, want(x))
                del view
            finally:
                segment.close()
                segment.unlink()

    def test_windows_of_two_segments(self):
        """The words about the second are not about the first."""
        x = numpy.arange(20.0)
        segment = shared_memory.SharedMemory(create=True, size=x.nbytes)
        named = ["--segment", "x=" + segment.name], ["--segment",
                                                     "y=" + segment.name]
        dtype, ten = ["--dtype", "float64"], ["--count", 10]
        try:
            segment.buf[:x.nbytes] = x.tobytes()
            for words, first, second in (
                    ([*named[0], *dtype, *ten, *named[1], *dtype, *ten,
                      "--offset", 80], x[:10], x[10:]),
                    ([*named[0], *ten, *named[1], "--offset", 80, *dtype],
                     x[:10], x[10:]),
                    ([*named[0], *named[1], *dtype, *ten, "--offset", 80],
                     x[10:], x[10:]),
                    ([*dtype, *ten, *named[0], *named[1]], x[:10], x[:10])):
                found = self.run_kernel("dot", *words)
                self.assertEqual(found["result"]["dot"], first @ second, words)
        finally:
            segment.close()
            segment.unlink()

    def test_no_file_is_written_twice(self):
        path = self.folder / "out.npy"
        said = self.run_kernel("sort", "length=10", "--output", path,
                               "--trace", path, code=1)
        self.assertIn("named twice", said)
        self.assertFalse(path.exists())

    def test_segments_that_are_read(self):
        x = self.values("float32", 3000)
        segment = shared_memory.SharedMemory(create=True, size=x.nbytes)
        try:
            view = numpy.ndarray(x.shape, x.dtype, segment.buf)
            view[:] = x
            for words in (["sum"], ["max"], ["kmeans", "dims=3"],
                          ["histogram"]):
                array = "points=" if words[0] == "kmeans" else "x="
                self.run_kernel(*words, "--segment", array + segment.name,
                                "--dtype", "float32", "--count", 3000)
            numpy.testing.assert_array_equal(view, x)
            del view
        finally:
            segment.close()
            segment.unlink()


if __name__ == "__main__":
    unittest.main()
