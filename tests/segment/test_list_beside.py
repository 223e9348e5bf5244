#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Where lists and segments get strange: runrig beside the real CPython.

Each test does the same with both and compares: the results are equal where Python is
right, and where Python is wrong, the test has Python's result and runrig's.  RUNRIG_LARGE in the environment: how many items a large list has.
"""
import ctypes
import errno
import math
import os
import random
import struct
import subprocess
import sys
import threading
import unittest
from multiprocessing import resource_tracker, shared_memory

sys.path.insert(0, os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import rigctypes
from rigctypes import List, RigError, SegmentOptions, Value, checked, rig

RUNRIG = os.environ["RUNRIG"]
LARGE = int(os.environ.get("RUNRIG_LARGE", "300000"))
SHM = "/dev/shm/"

rigctypes.declare("rig_segment_named", ctypes.c_int, ctypes.c_void_p)
rigctypes.declare("rig_list_segment", ctypes.c_void_p, ctypes.c_void_p)

# Attaching makes CPython's tracker an owner; here cleanups own the names.
for module in (resource_tracker, shared_memory):
    for function in ("register", "unregister"):
        if hasattr(module, function):
            setattr(module, function, lambda *_: None)


def code_of(function, *arguments):
    """The code of a call that fails; 0: the call does not fail."""
    try:
        function(*arguments)
    except RigError as error:
        return error.code
    return 0


class Beside(unittest.TestCase):
    def ours(self, values, **options):
        list_ = List(values, **options)
        self.addCleanup(list_.destroy)
        return list_

    def attach(self, name, **options):
        list_ = List(name=name, **options)
        self.addCleanup(list_.destroy)
        return list_

    def theirs(self, values=None, name=None):
        list_ = shared_memory.ShareableList(values, name=name)
        self.addCleanup(list_.shm.close)
        if values is not None:
            self.addCleanup(self.remove, list_.shm.name)
        return list_

    @staticmethod
    def remove(name):
        try:
            os.unlink(SHM + name)
        except FileNotFoundError:
            pass

    def both(self, values):
        """The same list by either, each read by either."""
        ours, theirs = self.ours(values), self.theirs(values)
        return [ours, self.theirs(name=ours.name), theirs,
                self.attach(theirs.shm.name)]


class Values(Beside):
    def test_trailing_nuls_are_lost_and_inner_ones_are_not(self):
        values = ["a\0", "\0", "\0a", "a\0b\0\0", "", "\u00e9\0", b"a\0", b"\0",
                  b"\0a", b"a\0b\0\0", b"", bytes(8), "12345678\0"]
        for list_ in self.both(values):
            self.assertEqual([list_[i] for i in range(len(values))],
                             [v.rstrip(type(v)("\0") if isinstance(v, str)
                                       else b"\0") for v in values])

    def test_text_ends_where_its_slot_does(self):
        for fill in ("12345678", b"12345678"):
            for list_ in self.both([fill[:4]]):
                list_[0] = fill  # no room for a NUL, and none is needed
                self.assertEqual(list_[0], fill)
        ours, theirs = self.ours(["1234"]), self.theirs(["1234"])
        self.assertEqual(code_of(ours.__setitem__, 0, "123456789"),
                         -errno.EOVERFLOW)
        with self.assertRaises(ValueError):
            theirs[0] = "123456789"
        self.assertEqual((ours[0], theirs[0]), ("1234", "1234"))

    def test_surrogates_are_no_text(self):
        self.assertEqual(code_of(List, ["\ud800"]), -errno.EILSEQ)
        names = []
        make_filename = shared_memory._make_filename

        def remember():
            names.append(make_filename())
            return names[-1]

        shared_memory._make_filename = remember
        try:
            with self.assertRaises(UnicodeEncodeError):
                self.theirs(["\ud800"])
        finally:
            shared_memory._make_filename = make_filename
        for name in names:  # left behind, half made
            self.remove(name.lstrip("/"))
        ours, theirs = self.ours(["ab"]), self.theirs(["ab"])
        self.assertEqual(code_of(ours.__setitem__, 0, "\udfff"), -errno.EILSEQ)
        with self.assertRaises(UnicodeEncodeError):
            theirs[0] = "\udfff"
        self.assertEqual((ours[0], theirs[0]), ("ab", "ab"))

    def test_ints_at_the_limits(self):
        for list_ in self.both([-2**63, 2**63 - 1, 0, -1]):
            self.assertEqual([list_[i] for i in range(4)],
                             [-2**63, 2**63 - 1, 0, -1])
        for beyond in (2**63, -2**63 - 1):
            theirs = self.theirs([5, 6.0])
            for index, was in ((0, 5), (1, 6.0)):
                with self.assertRaises(struct.error):
                    theirs[index] = beyond
                self.assertEqual(theirs[index], 0)  # the old value is lost
            name = self.theirs([5, 6.0]).shm.name
            done = subprocess.run([RUNRIG, "list", "set", name, "1", "--",
                                   str(beyond)], capture_output=True,
                                  check=False, timeout=60)
            self.assertEqual(done.returncode, 1)
            self.assertEqual(repr(self.attach(name)[1]), "6.0")

    def test_floats_keep_every_bit(self):
        values = [math.nan, -math.nan, math.inf, -math.inf, -0.0, 0.0, 5e-324,
                  1.7976931348623157e308, 0.1]
        for list_ in self.both(values):
            seen = [list_[i] for i in range(len(values))]
            self.assertEqual(list(map(repr, seen)), list(map(repr, values)))
            self.assertEqual(struct.pack("9d", *seen), struct.pack("9d", *values))
            self.assertEqual(list_.count(0.0), 2)  # -0.0 == 0.0
            self.assertEqual(list_.count(math.nan), 0)
            with self.assertRaises(ValueError):
                list_.index(math.nan)

    def test_equal_is_pythons(self):
        for list_ in self.both([True, 1, 1.0, "1", b"1", None, False, 0]):
            for value in (True, 1, 1.0, "1", b"1", None, 0, 2, "x"):
                plain = [True, 1, 1.0, "1", b"1", None, False, 0]
                self.assertEqual(list_.count(value), plain.count(value))
                if value in plain:
                    self.assertEqual(list_.index(value), plain.index(value))


class Indices(Beside):
    def test_below_the_least(self):
        """Python reads offsets there, and writes formats."""
        values = [1, 2, 3]
        ours, theirs = self.ours(values), self.theirs(values)
        broken = 0
        for index in range(-12, -3):
            before = bytes(theirs.shm.buf)
            try:
                theirs[index] = 77
            except Exception:
                pass
            broken += bytes(theirs.shm.buf) != before
            theirs.shm.buf[:len(before)] = before
            mine = self.theirs(name=ours.name)
            before = bytes(mine.shm.buf)
            with self.assertRaises(IndexError):
                ours[index] = 77
            with self.assertRaises(IndexError):
                ours[index]
            self.assertEqual(bytes(mine.shm.buf), before)
        if sys.version_info >= (3, 9):
            self.assertGreater(broken, 0)  # else Python has been mended

    def test_at_the_ends(self):
        for list_ in self.both([1, 2, 3]):
            self.assertEqual([list_[-3], list_[-1], list_[2]], [1, 3, 3])
            for index in (3, 2**40):
                with self.assertRaises(IndexError):
                    list_[index]
                with self.assertRaises(IndexError):
                    list_[index] = 1
        ours = self.ours([1])
        for index in (-2**63, 2**63 - 1, -2, 1):
            with self.assertRaises(IndexError):
                ours[index]

    def test_an_empty_list(self):
        for list_ in self.both([]):
            self.assertEqual((len(list_), list_.format), (0, ""))
            self.assertEqual(list_.count(1), 0)
            with self.assertRaises(IndexError):
                list_[0]
        self.assertEqual(repr(self.ours([]))[:18], "ShareableList([], ")
        with self.assertRaises(IndexError):
            self.ours([])[-1]
        with self.assertRaises(Exception) as caught:  # ValueError, of unpack
            self.theirs([])[-1]
        self.assertNotIsInstance(caught.exception, AssertionError)


class Names(Beside):
    def test_unlinked_twice(self):
        ours, theirs = self.ours([1]), self.theirs([1])
        ours.unlink()
        ours.unlink()  # twice is once
        theirs.shm.unlink()
        with self.assertRaises(FileNotFoundError):
            theirs.shm.unlink()
        self.assertEqual((ours[0], theirs[0]), (1, 1))  # usable all the same

    def test_unlinked_by_the_other(self):
        ours, theirs = self.ours([1]), self.theirs([1])
        self.theirs(name=ours.name).shm.unlink()
        self.attach(theirs.shm.name).unlink()
        ours.unlink()
        with self.assertRaises(FileNotFoundError):
            theirs.shm.unlink()
        for list_ in (ours, theirs):
            list_[0] = 5
            self.assertEqual(list_[0], 5)

    def test_a_name_made_anew_is_not_the_old_one(self):
        ours = self.ours([1], name=f"beside-{os.getpid()}")
        segment = rig.rig_list_segment(ours.handle)
        self.assertEqual(rig.rig_segment_named(segment), 1)
        os.unlink(SHM + ours.name)
        self.assertEqual(rig.rig_segment_named(segment), 0)
        new = shared_memory.ShareableList([2, 3], name=ours.name)
        self.addCleanup(new.shm.close)
        self.addCleanup(self.remove, ours.name)
        self.assertEqual(rig.rig_segment_named(segment), 0)
        self.assertEqual((ours[0], len(ours)), (1, 1))
        ours.unlink()  # of a name that is another's now: left alone
        self.assertTrue(os.path.exists(SHM + ours.name))
        self.assertEqual(self.attach(ours.name)[1], 3)

    def test_odd_names(self):
        """Python makes such names; runrig uses, shows (tame) and removes the names, and
        makes none."""
        for name in ("with space", "a:b", "line\nend", "\x1b[31mred", "\u00e9",
                     ".hidden", "x" * 255):
            with open(SHM + name, "wb") as file:
                file.write(bytes(16))
            self.addCleanup(self.remove, name)
            self.assertEqual(code_of(lambda n=name: List(name=n)),
                             -errno.EACCES)
            self.assertEqual(code_of(lambda n=name: List([1], name=n)),
                             -errno.EEXIST if name[0] == "x"
                             else -errno.EINVAL)
            os.chmod(SHM + name, 0o600)
            self.assertEqual(len(List(name=name)), 0)
            os.chmod(SHM + name, 0o644)
            subprocess.run([RUNRIG, "rm", name], check=True, timeout=60)
            self.assertFalse(os.path.exists(SHM + name))
            with open(SHM + name, "wb") as file:
                file.write(bytes(16))
        # A name with = is no name of an array.
        theirs = shared_memory.SharedMemory("job=3", create=True, size=5)
        self.addCleanup(self.remove, "job=3")
        theirs.buf[:] = bytes(range(5))
        subprocess.run([RUNRIG, "run", "reverse", "--dtype", "uint8", "--count",
                        "5", "--segment", "job=3"], check=True, timeout=60,
                       stdout=subprocess.DEVNULL)
        self.assertEqual(bytes(theirs.buf)[:5], bytes(range(4, -1, -1)))
        theirs.close()
        for name in ("/psm_x", "a/b", "sem.x", "x" * 256):
            for words in (["rm", name], ["create", name, "8"],
                          ["run", "reverse", "--dtype", "uint8", "--segment",
                           name]):
                done = subprocess.run([RUNRIG, *words], capture_output=True,
                                      timeout=60)
                self.assertEqual((words, done.returncode), (words, 1))
        raw = b"\xff\xfe-%d" % os.getpid()
        with open(SHM.encode() + raw, "wb") as file:
            file.write(bytes(16))
        self.addCleanup(os.unlink, SHM.encode() + raw)
        for words in (["segments"], ["segments", "--json"]):
            done = subprocess.run([RUNRIG, *words], capture_output=True,
                                  check=True, timeout=60)
            text = done.stdout.decode()  # UTF-8, whatever the names are
            self.assertNotIn("\x1b", text)
            self.assertIn("xff", text)
            self.assertIn("with space", text)
        for name in ("", "a/b", ".", ".."):
            self.assertEqual(code_of(lambda n=name: List([1], name=n)),
                             -errno.EINVAL)


class Readers(Beside):
    def test_a_reader_writes_nothing_and_owns_nothing(self):
        theirs = self.theirs([1, "two"])
        reader = self.attach(theirs.shm.name, read_only=True)
        self.assertEqual([reader[0], reader[1]], [1, "two"])
        before = bytes(theirs.shm.buf)
        for value in (5, "x", None):
            self.assertEqual(code_of(reader.__setitem__, 0, value),
                             -errno.EACCES)
        self.assertEqual(code_of(reader.swap, 0, 1), -errno.EACCES)
        self.assertEqual(bytes(theirs.shm.buf), before)
        theirs[0] = 6
        self.assertEqual(reader[0], 6)
        reader.detach()
        self.assertTrue(os.path.exists(SHM + theirs.shm.name))
        self.assertEqual(code_of(reader.__getitem__, 0), -errno.EINVAL)

    def test_a_failed_attach_removes_nothing(self):
        shm = shared_memory.SharedMemory(create=True, size=100)
        self.addCleanup(shm.close)
        self.addCleanup(self.remove, shm.name)
        shm.buf[:8] = b"\xff" * 8
        self.assertEqual(code_of(lambda: List(name=shm.name)), -errno.EPROTO)
        os.truncate(SHM + shm.name, 0)
        self.assertEqual(code_of(lambda: List(name=shm.name)), -errno.ENODATA)
        with self.assertRaises(ValueError):  # and cannot be got rid of there
            shared_memory.SharedMemory(shm.name)
        self.assertTrue(os.path.exists(SHM + shm.name))
        done = subprocess.run([RUNRIG, "rm", shm.name], check=False, timeout=60)
        self.assertEqual(done.returncode, 0)
        self.assertFalse(os.path.exists(SHM + shm.name))


    @unittest.skipIf("asan" in os.environ.get("LD_PRELOAD", ""),
                     "AddressSanitizer needs more memory than it leaves")
    def test_no_memory_to_map(self):
        """An attach that fails half way: Python removes the name."""
        cramped = """if True:
            import ctypes, os, resource, sys
            from multiprocessing import shared_memory
            shared_memory._USE_POSIX
            if sys.argv[1] == "runrig":
                sys.path.insert(0, sys.argv[3])
                from rigctypes import List, RigError
            resource.setrlimit(resource.RLIMIT_AS, (1 << 29, 1 << 29))
            try:
                if sys.argv[1] == "runrig":
                    List(name=sys.argv[2])
                else:
                    shared_memory.SharedMemory(sys.argv[2])
            except (OSError, RigError if "List" in globals() else OSError) as e:
                sys.exit(7)
            """
        here = os.path.join(os.path.dirname(
            os.path.abspath(__file__)), "..", "lib")
        for who, stays in (("runrig", True), ("python", False)):
            name = f"beside-{who}-{os.getpid()}"
            with open(SHM + name, "wb") as file:
                os.truncate(SHM + name, 1 << 30)  # no page of it is touched
                os.fchmod(file.fileno(), 0o600)
            self.addCleanup(self.remove, name)
            done = subprocess.run([sys.executable, "-c", cramped, who, name,
                                   here], capture_output=True, text=True,
                                  check=False, timeout=60)
            self.assertEqual(done.returncode, 7, done.stderr)
            if stays or sys.version_info < (3, 14):  # later it may be mended
                self.assertEqual(os.path.exists(SHM + name), stays, who)


class Damage(Beside):
    def test_whatever_is_in_it(self):
        """A list of runrig's, damaged at random by a Python."""
        rng = random.Random(7)
        ours = self.ours([1, 2.5, True, None, "text", b"bytes"])
        theirs = self.theirs(name=ours.name)
        whole = bytes(theirs.shm.buf)
        allowed = {0, -errno.EPROTO, -errno.ENODATA, -errno.EILSEQ,
                   -errno.EAGAIN, -errno.EOVERFLOW}
        for _ in range(3000):
            for _ in range(rng.randrange(1, 4)):
                at = rng.randrange(len(whole))
                theirs.shm.buf[at] = rng.randrange(256)
            for index in range(-6, 6):
                self.assertIn(code_of(ours.__getitem__, index), allowed)
                value = rng.choice([5, 1.5, None, "x", b"y"])
                self.assertIn(code_of(ours.__setitem__, index, value), allowed)
            self.assertIn(code_of(lambda: repr(ours)), allowed)
            self.assertIn(code_of(lambda: ours.format), allowed)
            self.assertIn(code_of(lambda: List(name=ours.name).destroy()),
                          allowed)
            theirs.shm.buf[:] = whole

    def test_names_that_come_and_go(self):
        """Attaching, while another process makes, sizes, fills and removes the list."""
        name = f"beside-{os.getpid()}"
        self.addCleanup(self.remove, name)
        done = threading.Event()

        def flicker():
            rng = random.Random(1)
            while not done.is_set():
                made = shared_memory.ShareableList([7] * rng.randrange(1, 9),
                                                   name=name)
                made.shm.close()
                made.shm.unlink()

        other = threading.Thread(target=flicker)
        other.start()
        seen = set()
        try:
            for _ in range(4000):
                try:
                    list_ = List(name=name)
                except RigError as error:
                    seen.add(error.code)
                    continue
                self.assertIn(code_of(list_.__getitem__, 0),
                              (0, -errno.ENODATA))
                list_.destroy()
        finally:
            done.set()
            other.join()
        # Not there, not sized, not filled; never damaged, nor anything else.
        self.assertLessEqual(seen, {-errno.ENOENT, -errno.ENODATA})

    def test_a_large_list(self):
        array = (Value * LARGE)()  # all None
        handle = ctypes.c_void_p()
        try:
            checked(rig.rig_list_create(handle, None, array, LARGE,
                                        SegmentOptions()))
        except RigError as error:
            if error.code == -errno.ENOSPC:
                self.skipTest(str(error))
            raise
        del array
        self.addCleanup(rig.rig_list_destroy, handle)
        ours = self.attach(rig.rig_list_name(handle).decode())
        for index in (0, LARGE // 2, -1):
            ours[index] = index
        theirs = self.theirs(name=ours.name)
        self.assertEqual(len(theirs), LARGE)
        self.assertEqual([theirs[0], theirs[LARGE // 2], theirs[-1], theirs[1]],
                         [0, LARGE // 2, -1, None])
        self.assertEqual(theirs.shm.size, 16 + 25 * LARGE)


if __name__ == "__main__":
    unittest.main()
