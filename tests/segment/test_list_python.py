#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""runrig's lists against the ShareableList of every CPython on the machine.

For seeded random lists: the bytes in memory are the same for each creator, each side
reads the other side's items, and after interleaved sets from both sides the list is
equal to a third twin in pure Python, byte for byte.

Run by a Python, the program runs again with every other Python; with --here only with
the same.
"""
import math
import os
import random
import struct
import subprocess
import sys
import unittest
from multiprocessing import resource_tracker, shared_memory

if __name__ == "__main__":
    sys.path.insert(0, os.path.join(
        os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import rigctypes
from pythons import other_pythons
from rigctypes import List, RigError, value_repr

SEED = int(os.environ.get("RIG_SEED", "20190830"))
HERE = sys.argv[1:2] == ["--here"]
LISTS = 250 if HERE else 2500
OLD = sys.version_info < (3, 9)

# Attaching makes CPython's tracker an owner; here `finally` owns the names.
for module in (resource_tracker, shared_memory):
    for name in ("register", "unregister"):
        if hasattr(module, name):
            setattr(module, name, lambda *_: None)


def python_slot_bytes(value):
    """CPython counts characters."""
    return 8 * (len(value) // 8 + 1) if isinstance(value, (str, bytes)) else 8


def slot_bytes(value):
    """CPython's slot where the bytes fit it."""
    raw = encoded(value)
    if raw is None or len(raw) <= python_slot_bytes(value):
        return python_slot_bytes(value)
    return 8 * (len(raw) // 8 + 1)


def encoded(value):
    if isinstance(value, str):
        return value.encode()
    return value if isinstance(value, bytes) else None


def as_read(value):
    """The value that comes back: the layout loses trailing NULs."""
    if isinstance(value, str):
        return value.rstrip("\0")
    return value.rstrip(b"\0") if isinstance(value, bytes) else value


def same(a, b):
    """Equal, of the same type, nan like nan, and -0.0 not like 0.0."""
    if isinstance(a, float) and isinstance(b, float):
        return struct.pack("d", a) == struct.pack("d", b) or \
            (math.isnan(a) and math.isnan(b))
    return type(a) is type(b) and a == b


class Twin:
    """The layout of CPython 3.9 and later, in plain Python."""

    FORMAT = {int: b"q", float: b"d", bool: b"xxxxxxx?",
              type(None): b"xxxxxx?x"}
    CODE = {str: 1, bytes: 2, type(None): 3}

    def __init__(self, values):
        self.slots = [bytearray(slot_bytes(v)) for v in values]
        self.formats = [b""] * len(values)
        self.codes = bytearray(len(values))
        self.values = [None] * len(values)
        for index, value in enumerate(values):
            self.set(index, value)

    def fits(self, index, value):
        raw = encoded(value)
        return raw is None or len(raw) <= len(self.slots[index])

    def set(self, index, value):
        slot, raw = self.slots[index], encoded(value)
        if raw is not None:
            slot[:] = raw.ljust(len(slot), b"\0")
            self.formats[index] = b"%ds" % len(slot)
        else:
            self.formats[index] = self.FORMAT[type(value)]
            packed = (struct.pack("q", value) if type(value) is int else
                      struct.pack("d", value) if type(value) is float else
                      bytes(7) + bytes([value is True]))
            slot[:8] = packed
        self.codes[index] = self.CODE.get(type(value), 0)
        self.values[index] = as_read(value)

    def bytes(self):
        offsets = [0]
        for slot in self.slots:
            offsets.append(offsets[-1] + len(slot))
        return (struct.pack("%dq" % (len(offsets) + 1), len(self.slots),
                            *offsets) + b"".join(self.slots) +
                b"".join(f.ljust(8, b"\0") for f in self.formats) +
                bytes(self.codes))


def memory_of(name):
    with open("/dev/shm/" + name, "rb") as file:
        return file.read()


ALPHABET = "aZ09 '\"\\\t\n\r\0\x01\x7f\x80\xad\u00e9\u0394\u200b\u2028\u65e5" \
           "\ufeff\uffff\U0001f600\U000e0001\U0010ffff"


def random_text(rng):
    """Short ones mostly, around every multiple of 8."""
    length = rng.choice([0, 1, 6, 7, 8, 9, 15, 16, 17, rng.randrange(64)])
    letters = ALPHABET if rng.random() < 0.6 else "abcdefgh"
    return "".join(rng.choice(letters) for _ in range(length))


def random_value(rng):
    kind = rng.randrange(8)
    if kind == 0:
        return rng.choice([0, 1, -1, 2**63 - 1, -2**63, rng.getrandbits(63)])
    if kind == 1:
        return rng.choice([0.0, -0.0, 1.5, math.inf, -math.inf, math.nan,
                           5e-324, 1e16, 1e-5, rng.uniform(-1e9, 1e9)])
    if kind == 2:
        return rng.random() < 0.5
    if kind == 3:
        return None
    text = random_text(rng)
    return text if kind < 6 else text.encode()


def random_values(rng):
    return [random_value(rng) for _ in range(rng.choice(
        [0, 1, 2, 3, 7, 8, 9, rng.randrange(40)]))]


def python_keeps(values):
    """Does CPython give each text a slot that it fits?"""
    return all(python_slot_bytes(v) == slot_bytes(v) for v in values)


class Differential(unittest.TestCase):
    def assert_same(self, list_, values):
        self.assertEqual(len(list_), len(values))
        for index, value in enumerate(values):
            self.assertTrue(same(list_[index], value),
                            f"[{index}] {list_[index]!r}, not {value!r}")
            self.assertTrue(same(list_[index - len(values)], value))

    def assert_bounds(self, list_):
        for index in (len(list_), -len(list_) - 1, -2 * len(list_) - 1,
                      2**62, -2**63, 2**63 - 1):
            with self.assertRaises(IndexError):
                list_[index]
            with self.assertRaises(IndexError):
                list_[index] = 77

    def assert_speaks_alike(self, ours, theirs, values):
        """repr, format, count and index are Python's."""
        self.assertEqual(repr(ours), repr(theirs))
        self.assertEqual(ours.format, theirs.format)
        for value in values[:5] + [1, 1.0, True, None, "", b""]:
            self.assertEqual(ours.count(value), theirs.count(value))
            try:
                expected = theirs.index(value)
            except ValueError:
                with self.assertRaises(ValueError):
                    ours.index(value)
            else:
                self.assertEqual(ours.index(value), expected)

    @unittest.skipIf(OLD, "of another layout")
    def test_ours_is_read_by_python(self):
        rng = random.Random(SEED)
        for number in range(LISTS):
            values = random_values(rng)
            ours = List(values)
            try:
                before = memory_of(ours.name)
                self.assertEqual(before, Twin(values).bytes(), values)
                theirs = shared_memory.ShareableList(name=ours.name)
                read = [as_read(value) for value in values]
                self.assert_same(theirs, read)
                self.assert_same(ours, read)
                if number % 8 == 0:
                    self.assert_speaks_alike(ours, theirs, read)
                self.assert_bounds(ours)
                self.assertEqual(memory_of(ours.name), before)
                theirs.shm.close()
            finally:
                ours.destroy()

    @unittest.skipIf(OLD, "of another layout")
    def test_pythons_is_read_by_us(self):
        rng = random.Random(SEED + 1)
        for _ in range(LISTS):
            values = random_values(rng)
            if not python_keeps(values):
                continue
            theirs = shared_memory.ShareableList(values)
            try:
                name = theirs.shm.name
                self.assertEqual(memory_of(name), Twin(values).bytes(), values)
                ours = List(name=name)
                self.assert_same(ours, [as_read(value) for value in values])
                self.assert_bounds(ours)
                ours.destroy()
                self.assertTrue(os.path.exists("/dev/shm/" + name))
            finally:
                theirs.shm.close()
                theirs.shm.unlink()

    @unittest.skipIf(OLD, "of another layout")
    def test_interleaved_sets(self):
        for seed in range(2 if HERE else 6):
            rng = random.Random(SEED + 2 + seed)
            values = [random_value(rng) for _ in range(23)]
            twin = Twin(values)
            ours = List(values)
            theirs = shared_memory.ShareableList(name=ours.name)
            try:
                for _ in range(1000):
                    self.set_one(rng, twin, rng.choice([ours, theirs]))
                    index = rng.randrange(len(values))
                    self.assertTrue(same(ours[index], twin.values[index]))
                    self.assertTrue(same(theirs[index], twin.values[index]))
                self.assertEqual(memory_of(ours.name), twin.bytes())
            finally:
                theirs.shm.close()
                ours.destroy()

    def set_one(self, rng, twin, list_):
        index, value = rng.randrange(len(twin.values)), random_value(rng)
        if twin.fits(index, value):
            list_[index] = value
            twin.set(index, value)
        else:
            with self.assertRaises((ValueError, RigError)):
                list_[index] = value

    @unittest.skipIf(OLD, "of another layout")
    def test_text_python_would_cut_survives(self):
        values = ["\u00e9" * 7, "\u65e5" * 3, "\U0001f600" * 8, "end"]
        ours = List(values)
        theirs = shared_memory.ShareableList(name=ours.name)
        try:
            self.assertEqual(list(theirs), values)
            self.assertEqual(repr(theirs), repr(ours))
        finally:
            theirs.shm.close()
            ours.destroy()

    @unittest.skipIf(OLD, "of another layout")
    def test_text_python_has_cut_is_an_error_and_no_more(self):
        theirs = shared_memory.ShareableList(["\u65e5" * 3, 5])
        ours = List(name=theirs.shm.name)
        try:
            with self.assertRaises(RigError) as caught:
                ours[0]
            self.assertIn("UTF-8", caught.exception.words)
            self.assertEqual(ours[1], 5)
            ours[0] = "fine"
            self.assertEqual(theirs[0], "fine")
        finally:
            ours.destroy()
            theirs.shm.close()
            theirs.shm.unlink()

    @unittest.skipUnless(OLD, "of Python 3.8")
    def test_the_layout_of_3_8_is_refused_by_name(self):
        rng = random.Random(SEED)
        for values in [[], [1], [1, 2, 3], ["x" * 99, None]] + \
                [random_values(rng) for _ in range(200)]:
            theirs = shared_memory.ShareableList(values)
            before = memory_of(theirs.shm.name)
            try:
                with self.assertRaises(RigError) as caught:
                    List(name=theirs.shm.name)
                self.assertIn("Python 3.8", caught.exception.words)
                self.assertEqual(memory_of(theirs.shm.name), before)
            finally:
                theirs.shm.close()
                theirs.shm.unlink()


class Repr(unittest.TestCase):
    def test_floats(self):
        rng = random.Random(SEED + 10)
        numbers = [0.0, -0.0, 0.1, 1e15, 1e16, 123456789012345680.0, 1e22,
                   1e23, 1e-4, 1e-5, 2**-44, 9007199254740993.0, 1.7e308]
        for power in range(-1074, 1024):
            number = math.ldexp(1.0, power)
            numbers += [number, -number]
            if power > -1074:
                numbers += [number * (1 + 2**-52), number * (1 - 2**-53)]
        numbers += [struct.unpack("d", struct.pack("Q", rng.getrandbits(64)))[0]
                    for _ in range(2000 if HERE else 30000)]
        numbers += [struct.unpack("d", struct.pack("Q", rng.getrandbits(52)))[0]
                    for _ in range(200)]
        for number in numbers:
            self.assertEqual(value_repr(number), repr(number))

    def test_every_character(self):
        import unicodedata
        if unicodedata.unidata_version != "14.0.0":
            self.skipTest("Unicode " + unicodedata.unidata_version)
        for begin in range(0, 0x110000, 0x400):
            if 0xd800 <= begin < 0xe000:
                continue
            text = "".join(map(chr, range(begin, begin + 0x400)))
            self.assertEqual(value_repr(text), repr(text))

    def test_bytes_and_quotes(self):
        rng = random.Random(SEED + 11)
        for value in [bytes(range(256)), b"'", b'"', b"'\"", "'", '"', "'\"",
                      "", b""] + [random_value(rng) for _ in range(2000)]:
            self.assertEqual(value_repr(value), repr(value))

    def test_text_that_is_not_utf8(self):
        with self.assertRaises(RigError) as caught:
            List(["fine", "a\ud800"])
        self.assertIn("item 1", caught.exception.words)
        self.assertIn("UTF-8", caught.exception.words)


class Others(unittest.TestCase):
    def test_other_pythons(self):
        others = other_pythons()
        if not others:
            self.skipTest("no other CPython on this machine")
        for version, path in others:
            with self.subTest(version):
                run = subprocess.run(
                    [path, os.path.abspath(__file__), "--here"],
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                    timeout=300)
                self.assertEqual(run.returncode, 0, run.stdout.decode())
                print("with", version, flush=True)


if __name__ == "__main__":
    if HERE:
        del sys.argv[1], Others
    unittest.main()
