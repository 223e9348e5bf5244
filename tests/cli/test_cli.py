#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The command `runrig` as its users meet it: files, segments, bad input.

Where mount namespaces are allowed, all of it runs with a /dev/shm of its own,
so that what other programs do there does not disturb.  RUNRIG names the program.
"""
import ctypes
import fcntl
import json
import os
import pathlib
import pwd
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest
from multiprocessing import shared_memory

import jsonschema
import numpy

from waits import until

RUNRIG = os.environ["RUNRIG"]

# Its words come before ours.
SANITIZED = unittest.skipIf(os.environ.get("SANITIZED", "none") != "none",
                            "a sanitizer tells crashes itself")
TESTS = pathlib.Path(__file__).resolve().parent
ROOT = TESTS.parents[1]
SCHEMA = ROOT / "docs" / "run.schema.json"
SHM = pathlib.Path("/dev/shm")

# Against hanging only.
LIMIT_S = 60

USAGE, UNVERIFIED, RUN, SYSTEM = 1, 2, 3, 5

CLONE_NEWNS, CLONE_NEWUSER = 0x20000, 0x10000000
MS_REC, MS_PRIVATE = 0x4000, 1 << 18


def own_mount(where, options):
    """In a child-to-be: a tmpfs of our own over `where`.  False: not allowed."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) < 0 and \
            libc.unshare(CLONE_NEWNS | CLONE_NEWUSER) < 0:
        return False
    return libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) == 0 \
        and libc.mount(b"tmpfs", os.fsencode(where), b"tmpfs", 0,
                       options.encode()) == 0


def mounts_allowed():
    probe = "import test_cli, sys; sys.exit(not test_cli.own_mount(" \
        "'/dev/shm', 'size=1m'))"
    return subprocess.run([sys.executable, "-c", probe], cwd=TESTS,
                          check=False).returncode == 0


def runrig(*words, **options):
    return subprocess.run([RUNRIG, *map(str, words)], check=False,
                          capture_output=True, text=True, timeout=LIMIT_S,
                          **options)


def names():
    return sorted(path.name for path in SHM.iterdir())


def group_members(pgid):
    """Processes of a group that are not dead."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            after = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(after[2]) == pgid and after[0] != "Z":
            found.append(int(stat.parent.name))
    return found


class Terminal:
    """A command whose stderr is a terminal, and what that shows."""

    def __init__(self, test, *words, **options):
        self.test = test
        self.ours, theirs = os.openpty()
        test.addCleanup(os.close, self.ours)
        self.process = subprocess.Popen(
            [RUNRIG, *map(str, words)], start_new_session=True, stderr=theirs,
            stdout=subprocess.DEVNULL, **options)
        test.addCleanup(self.process.wait)
        test.addCleanup(self.process.kill)
        os.close(theirs)
        self.said = b""

    def read(self):
        try:
            self.said += os.read(self.ours, 1000)
        except OSError:  # its other end is closed
            return False
        return True

    def shows(self, pattern):
        """Wait for it, in what has not been looked at yet."""
        while not re.search(pattern, self.said):
            self.test.assertTrue(self.read(), self.said)
        self.said = b""

    def rest(self):
        while self.read():
            pass
        return self.said


class Case(unittest.TestCase):
    """Each test has a folder, and leaves /dev/shm as it was."""

    def setUp(self):
        self.before = names()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(self.nothing_left)
        self.folder = pathlib.Path(folder.name)

    def nothing_left(self):
        until(lambda: names() == self.before, "names in /dev/shm to go")

    def path(self, name):
        return str(self.folder / name)

    def save(self, name, array):
        path = self.path(name)
        numpy.save(path, array)
        return path

    def does(self, *words, **options):
        done = runrig(*words, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def refuses(self, code, pattern, *words, **options):
        """Exit code, one line on stderr that says it, nothing on stdout."""
        done = runrig(*words, **options)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertRegex(done.stderr, r"\Arunrig: [^\n]+\n\Z")
        self.assertRegex(done.stderr, pattern)
        self.assertEqual(done.stdout, "")
        return done.stderr

    def segment(self, **options):
        made = shared_memory.SharedMemory(create=True, **options)
        self.addCleanup(made.unlink)
        self.addCleanup(made.close)
        return made


class Files(Case):
    def test_numpy_finds_the_file_reversed(self):
        a = numpy.random.default_rng(1).random(1_000_003).astype("float32")
        given = self.save("a.npy", a)
        for workers in (1, 2, 3, 5):
            for method in "swap", "copy":
                out = self.path("out.npy")
                text = self.does("run", "reverse", f"method={method}", "-n",
                                 workers, "--input", given, "--output", out)
                self.assertRegex(text, r"(?m)^  verified ")
                b = numpy.load(out)
                self.assertEqual(b.dtype, a.dtype)
                self.assertTrue((b == a[::-1]).all())
        self.assertTrue((numpy.load(given) == a).all())

    def test_every_dtype_in_both_byte_orders(self):
        raw = numpy.random.default_rng(2).integers(0, 256, 32 * 105,
                                                   dtype="uint8")
        codes = ["b1"] + [k + str(n) for k in "iu" for n in (1, 2, 4, 8)] + \
            ["f2", "f4", "f8", "f16", "c8", "c16", "c32"]
        for code in codes:
            for order in "<>":
                dtype = numpy.dtype(order + code)
                a = raw[:105 * dtype.itemsize]
                a = (a & 1 if code == "b1" else a).view(dtype).reshape(3, 5, 7)
                out = self.path("out.npy")
                self.does("run", "reverse", "-n", 2, "--input",
                          self.save("a.npy", a), "--output", out)
                b = numpy.load(out)
                self.assertEqual(b.dtype.str, a.dtype.str)
                self.assertEqual(b.shape, a.shape)
                self.assertEqual(
                    b.tobytes(), a.reshape(-1)[::-1].tobytes(), dtype)

    def test_every_shape(self):
        for shape in ((), (0,), (1,), (2,), (1, 1), (0, 3), (3, 0), (5, 1, 3),
                      (2,) * 20):
            a = numpy.arange(numpy.prod(shape, dtype=int),
                             dtype="int64").reshape(shape)
            out = self.path("out.npy")
            self.does("run", "reverse", "-n", 3, "--input",
                      self.save("a.npy", a), "--output", out)
            b = numpy.load(out)
            self.assertEqual(b.shape, a.shape)
            self.assertTrue((b.reshape(-1) == a.reshape(-1)[::-1]).all())

    def test_a_slice_leaves_the_rest_alone(self):
        a = numpy.arange(1000, dtype="uint16")
        out = self.path("out.npy")
        for begin, end in ((0, 1000), (100, 900), (7, 8), (5, 5), (999, 1000)):
            for method in "swap", "copy":
                self.does("run", "reverse", f"begin={begin}", f"end={end}",
                          f"method={method}", "-n", 3, "--input",
                          self.save("a.npy", a), "--output", out)
                want = a.copy()
                want[begin:end] = a[begin:end][::-1]
                self.assertTrue((numpy.load(out) == want).all())

    def test_output_may_be_the_input(self):
        a = numpy.arange(1001)
        given = self.save("a.npy", a)
        os.chmod(given, 0o640)
        self.does("run", "reverse", "--input", given, "--output", given)
        self.assertTrue((numpy.load(given) == a[::-1]).all())
        self.assertEqual(os.stat(given).st_mode & 0o777, 0o640)
        self.assertEqual(os.listdir(self.folder), ["a.npy"])

    def test_output_follows_a_link(self):
        a = numpy.arange(10)
        given = self.save("a.npy", a)
        link = self.path("link.npy")
        os.symlink("a.npy", link)
        self.does("run", "reverse", "--input", given, "--output", link)
        self.assertTrue(os.path.islink(link))
        self.assertTrue((numpy.load(given) == a[::-1]).all())

    def test_output_follows_a_link_to_nothing(self):
        (self.folder / "there").mkdir()
        link = self.path("link.npy")
        os.symlink("there/new.npy", link)
        self.does("run", "reverse", "length=5", "--output", link)
        self.assertTrue(os.path.islink(link))
        self.assertEqual(len(numpy.load(self.path("there/new.npy"))), 5)

    def test_names_give_a_terminal_no_orders(self):
        out = self.path("a\n\x1b[31m.npy")
        text = self.does("run", "reverse", "length=5", "--output", out)
        self.assertIn(r"a\x0a\x1b[31m.npy", text)
        self.assertNotIn("\x1b", text)
        self.assertEqual(len(numpy.load(out)), 5)

    def test_repeating_applies_the_kernel_once(self):
        a = numpy.arange(1001)
        out = self.path("out.npy")
        for repeat in (1, 2, 3):
            self.does("run", "reverse", "--repeat", repeat, "--input",
                      self.save("a.npy", a), "--output", out)
            self.assertTrue((numpy.load(out) == a[::-1]).all())

    def test_triad_of_files(self):
        rng = numpy.random.default_rng(3)
        b, c = rng.random(10_007), rng.random(10_007)
        b[17] = numpy.nan
        out = self.path("a.npy")
        text = self.does("run", "triad", "s=-2.5", "-n", 3, "--input",
                         "b=" + self.save("b.npy", b), "--input",
                         "c=" + self.save("c.npy", c), "--output", out)
        self.assertRegex(text, r"(?m)^  verified ")
        numpy.testing.assert_array_equal(numpy.load(out), b + -2.5 * c)

    def test_generated_data_can_be_written(self):
        out = self.path("out.npy")
        self.does("run", "reverse", "length=1000", "begin=10", "--output", out)
        want = numpy.arange(1000.0)
        want[10:] = want[10:][::-1]
        self.assertTrue((numpy.load(out) == want).all())

    def test_a_file_with_an_equals_sign(self):
        a = numpy.arange(5)
        given = self.save("k=v.npy", a)
        out = self.path("out.npy")
        self.does("run", "reverse", "--input", given, "--output", "x=" + out)
        self.does("run", "reverse", "--input", "k=v.npy", "--output", out,
                  cwd=self.folder)
        self.assertTrue((numpy.load(out) == a[::-1]).all())


class BadFiles(Case):
    def refuses_file(self, pattern, path):
        stamp = os.stat(path)
        self.refuses(SYSTEM, pattern, "run", "reverse", "--input", path,
                     "--output", self.path("out.npy"))
        self.assertFalse(os.path.exists(self.path("out.npy")))
        self.assertEqual(os.stat(path).st_mtime_ns, stamp.st_mtime_ns)

    def test_truncated(self):
        path = self.save("a.npy", numpy.arange(1000))
        size = os.path.getsize(path)
        for cut in (size - 1, 200, 100, 11, 5, 0):
            os.truncate(path, cut)
            self.refuses_file("truncated|no .npy file", path)

    def test_more_than_one_array(self):
        path = self.save("a.npy", numpy.arange(10))
        with open(path, "ab") as file:
            numpy.save(file, numpy.arange(3))
        self.refuses_file("follow the array", path)

    def test_fortran_order_where_the_order_does_not_matter(self):
        a = numpy.asfortranarray(
            numpy.random.default_rng(4).normal(size=(211, 97)))
        path = self.save("f.npy", a)
        for kernel, want in (("sum", a.sum()), ("min", a.min()),
                             ("norm", numpy.linalg.norm(a))):
            said = json.loads(self.does("run", kernel, "--input", path,
                                        "--json", "--verify=full"))
            self.assertAlmostEqual(said["result"][kernel], want, places=9)
            self.assertEqual(said["arrays"][0]["shape"], [211, 97])

    def test_fortran_order_and_the_other_byte_order(self):
        a = numpy.asfortranarray(numpy.arange(6.0)[::-1].reshape(2, 3))
        out = self.path("out.npy")
        for b in a, a.astype(">f8"), a.T.astype(">f8"):
            self.does("run", "sort", "--input", self.save("a.npy", b),
                      "--output", out)
            found = numpy.load(out)
            self.assertTrue(found.flags.c_contiguous and found.dtype.isnative)
            self.assertTrue((found == numpy.sort(b, None).reshape(
                b.shape)).all())

    def test_object_structured_date_and_text(self):
        path = self.path("a.npy")
        numpy.save(path, numpy.array([1, None]), allow_pickle=True)
        self.refuses_file("object", path)
        self.refuses_file("fields", self.save("b.npy", numpy.zeros(
            3, dtype=[("a", "f8"), ("b", "i4", (2, 2))])))
        self.refuses_file("view", self.save("c.npy", numpy.zeros(
            3, dtype="M8[ns]")))
        self.refuses_file("<U2", self.save("d.npy", numpy.array(["ab"])))

    def test_not_a_file(self):
        self.refuses_file("regular file", str(self.folder))
        self.refuses_file("regular file", "/dev/zero")
        pipe = self.path("pipe")
        os.mkfifo(pipe)
        self.refuses_file("regular file", pipe)
        self.refuses(SYSTEM, "No such file", "run", "reverse", "--input",
                     self.path("none.npy"))

    def test_larger_than_dev_shm_and_disk(self):
        count = 1 << 20
        for folder in SHM, self.folder:
            room = os.statvfs(folder)
            count += room.f_bavail * room.f_frsize
        path = self.path("a.npy")
        header = "{'descr': '|u1', 'fortran_order': False, 'shape': " \
            f"({count},), }}\n"
        with open(path, "wb") as file:
            file.write(b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") +
                       header.encode())
            file.truncate(10 + len(header) + count)
        self.refuses_file("No space left|there is room for", path)

    def test_classes_beyond_any_machine(self):
        for kernel in ("ft class=F", "cg class=F", "is class=E", "mg class=F"):
            if kernel == "is class=E" and os.sysconf("SC_PHYS_PAGES") > 1 << 26:
                continue
            self.refuses(SYSTEM, r"arrays take [\d.]+ [GT]B, and "
                         r"(/dev/shm|memory) has room for [\d.]+ ", "run",
                         *kernel.split())

    def test_output_that_cannot_be_written(self):
        a = numpy.arange(10)
        given = self.save("a.npy", a)
        for out in (self.path("none/out.npy"), str(self.folder), "/dev/full",
                    "/proc/out.npy"):
            self.refuses(SYSTEM, re.escape(out), "run", "reverse", "--input",
                         given, "--output", out)
            self.assertTrue((numpy.load(given) == a).all())
            self.assertEqual(os.listdir(self.folder), ["a.npy"])

    def test_a_segment_stays_where_the_output_cannot_be_written(self):
        memory = self.segment(size=10)
        memory.buf[:] = bytes(range(10))
        self.refuses(SYSTEM, "No such file", "run", "reverse", "--segment",
                     memory.name, "--dtype", "uint8", "--output",
                     self.path("none/out.npy"))
        self.assertEqual(bytes(memory.buf), bytes(range(10)))

    def test_output_beyond_the_file_size_limit(self):
        memory = self.segment(size=10000)
        self.refuses(SYSTEM, "File too large", "run", "reverse", "--segment",
                     memory.name, "--dtype", "uint8", "--output",
                     self.path("out.npy"), preexec_fn=limit_files)
        self.assertEqual(os.listdir(self.folder), [])


    def test_json_beyond_the_file_size_limit(self):
        """What was there stays, and nothing half written."""
        path = self.folder / "old.json"
        path.write_text("old")
        done = runrig("kernels", "--json=old.json", cwd=self.folder,
                      preexec_fn=limit_files)
        self.assertEqual(done.returncode, SYSTEM)
        self.assertRegex(done.stderr, r"old\.json: File too large\n\Z")
        self.assertEqual(path.read_text(), "old")
        self.assertEqual(os.listdir(self.folder), ["old.json"])

    def test_one_file_of_two_names(self):
        a = numpy.arange(5)
        given = self.save("a.npy", a)
        os.symlink("new.npy", self.path("link.npy"))
        os.link(given, self.path("twin"))
        os.symlink(self.folder, self.path("here"))
        for words, pattern in (
                (("kmeans", "k=1", "points=9", "--output", "labels=new.npy",
                  "--output", "centres=./new.npy"), "named twice"),
                (("kmeans", "k=1", "points=9", "--output", "labels=new.npy",
                  "--output", "centres=link.npy"), "named twice"),
                (("reverse", "length=5", "--output", "new.npy",
                  "--json=here/new.npy"), "named twice"),
                (("reverse", "length=5", "--output", "new.npy",
                  "--trace=./new.npy"), "named twice"),
                (("reverse", "--input", "a.npy", "--json=./a.npy"), "is read"),
                (("reverse", "--input", "a.npy", "--trace=twin"), "is read"),
                (("sum", "length=5", "--json", "--trace", "-"),
                 "both go to stdout")):
            self.refuses(USAGE, pattern, "run", *words, cwd=self.folder)
            self.assertTrue((numpy.load(given) == a).all())
            self.assertFalse(os.path.exists(self.path("new.npy")))


def limit_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (8000, 8000))


class Segments(Case):
    def test_a_segment_of_python_in_place(self):
        memory = self.segment(size=10)
        memory.buf[:] = bytes(range(10))
        text = self.does("run", "reverse", "--segment", memory.name, "--dtype",
                         "uint8", "-n", 3)
        self.assertRegex(text, r"(?m)^  verified ")
        self.assertEqual(list(memory.buf), list(range(9, -1, -1)))
        self.does("clean")
        self.assertIn(memory.name, names())

    def test_a_slice_of_a_window(self):
        memory = self.segment(size=8 * 1000 + 3)
        a = numpy.ndarray(998, dtype=">f8", buffer=memory.buf, offset=19)
        a[:] = numpy.arange(998)
        memory.buf[:19] = b"x" * 19
        before = a.copy()
        self.does("run", "reverse", "begin=100", "end=900", "--segment",
                  memory.name, "--dtype", ">f8", "--offset", 19, "--count",
                  998, "-n", 2)
        before[100:900] = before[100:900][::-1]
        self.assertTrue((a == before).all())
        self.assertEqual(bytes(memory.buf[:19]), b"x" * 19)
        del a

    def test_windows_that_begin_at_any_byte(self):
        """Every array that a user may give, one byte into its segment: the
        answer is that of an aligned one, or it is refused."""
        dtypes = {"float64", "float32", "int32", "uint64"}
        for kernel in json.loads(self.does("kernels", "--json"))["kernels"]:
            arrays = [a for a in kernel["arrays"] if a["input"] or a["output"]]
            inputs = [a for a in arrays if a["input"]]
            odd = {a["name"]: a["any_byte"] for a in arrays}
            for array in arrays:
                if odd[array["name"]] or \
                        numpy.dtype(array["dtype"]).itemsize == 1:
                    continue
                memory = self.segment(size=80)
                self.refuses(USAGE, "begins at byte 1 of .* multiples of",
                             "run", kernel["name"], "--segment",
                             f"{array['name']}={memory.name}", "--dtype",
                             array["dtype"], "--offset", 1, "--count", 2)
            if not inputs or not odd[inputs[0]["name"]]:
                continue
            whole = kernel["name"] == "bincount"
            for dtype in sorted({"int32", "uint64"} if whole else
                                dtypes if inputs[0]["any_dtype"]
                                else {"float64"}):
                found = [self.one_byte_in(kernel["name"], inputs, dtype, at)
                         for at in (0, 1)]
                self.assertEqual(found[0], found[1], (kernel["name"], dtype))

    def one_byte_in(self, kernel, inputs, dtype, offset):
        """What a kernel of 24 items a window finds, and leaves of them."""
        shapes = {"matvec": {"a": "4,6", "x": "6"},
                  "kmeans": {"points": "12,2"}}
        words, windows = [], []
        for array in inputs:
            shape = shapes.get(kernel, {}).get(array["name"], "24")
            count = numpy.prod([int(n) for n in shape.split(",")])
            memory = self.segment(size=8 * 24 + 1)
            window = numpy.ndarray(count, dtype, memory.buf, offset)
            window[:] = numpy.arange(count) * 7 % 11
            words += ["--segment", f"{array['name']}={memory.name}",
                      "--dtype", dtype, "--offset", offset, "--shape", shape]
            windows.append(window)
        said = json.loads(self.does("run", kernel, *words, "-n", 2, "--json"))
        self.assertTrue(said["verified"])
        left = [window.tolist() for window in windows]
        # A view keeps the segment.
        del window, windows
        return said["result"], left

    def test_shape_goes_to_the_output(self):
        memory = self.segment(size=24)
        out = self.path("out.npy")
        self.does("run", "reverse", "--segment", memory.name, "--dtype",
                  "int32", "--shape", "2,3", "--output", out)
        self.assertEqual(numpy.load(out).shape, (2, 3))

    def test_repeating_applies_the_kernel_once(self):
        memory = self.segment(size=1000)
        memory.buf[:] = bytes(i % 251 for i in range(1000))
        for repeat in (2, 3):
            want = bytes(memory.buf)[::-1]
            text = self.does("run", "reverse", "--segment", memory.name,
                             "--dtype", "uint8", "--repeat", repeat)
            self.assertEqual(bytes(memory.buf), want)
            self.assertIn("on a copy", text)

    def test_triad_over_segments(self):
        memories = {name: self.segment(size=8000) for name in "abc"}
        x = {name: numpy.ndarray(1000, buffer=memory.buf)
             for name, memory in memories.items()}
        x["b"][:] = numpy.arange(1000)
        x["c"][:] = 0.5
        words = [word for name, memory in memories.items()
                 for word in ("--segment", f"{name}={memory.name}")]
        self.does("run", "triad", "s=4", *words, "-n", 2)
        self.assertTrue((x["a"] == x["b"] + 2).all())
        x.clear()

    def test_what_is_not_there_or_not_ours(self):
        segment = "--segment"
        self.refuses(SYSTEM, "none of that name", "run", "reverse", segment,
                     "nobody", "--dtype", "int8")
        memory = self.segment(size=80)
        for words, pattern in (
                (("--count", 11), "more than its 80 bytes"),
                (("--shape", "3,4"), "more than its 80 bytes"),
                (("--offset", 73, "--count", 1), "more than its 80 bytes"),
                (("--offset", 81), "beyond its 80 bytes"),
                (("--offset", 3), "no whole number"),
                (("--count", "2E"), "more than its 80 bytes")):
            self.refuses(SYSTEM, pattern, "run", "reverse", segment,
                         memory.name, "--dtype", "float64", *words)
        self.assertEqual(bytes(memory.buf), bytes(80))

    def test_another_users(self):
        memory = self.segment(size=8)
        try:
            os.chown(SHM / memory.name, pwd.getpwnam("nobody").pw_uid, -1)
        except (OSError, KeyError):
            self.skipTest("cannot give a file to another user")
        self.refuses(SYSTEM, "belongs to user", "run", "reverse", "--segment",
                     memory.name, "--dtype", "int8")
        self.refuses(SYSTEM, "belongs to user", "rm", memory.name)

    def test_overlapping_arrays(self):
        memory = self.segment(size=8000)
        self.refuses(USAGE, "overlap", "run", "triad", "--segment",
                     f"a={memory.name}", "--segment", f"b={memory.name}",
                     "--segment", f"c={memory.name}")

    def test_create_list_and_remove(self):
        text = self.does("create", "test-kept", "64Ki")
        self.assertIn("65,536 bytes", text)
        self.assertEqual((SHM / "test-kept").stat().st_size, 65536)
        self.refuses(SYSTEM, "taken", "create", "test-kept", 10)
        self.assertRegex(self.does("segments"),
                         r"(?m)^test-kept +65,536 +\S.*\bkept\b")
        found = json.loads(self.does("segments", "--json"))["segments"]
        found = [one for one in found if one["name"] == "test-kept"]
        self.assertEqual([(one["bytes"], one["life"]) for one in found],
                         [(65536, "kept")])
        self.does("clean")
        self.assertIn("test-kept", names())
        self.does("rm", "test-kept")
        self.refuses(SYSTEM, "none of that name", "rm", "test-kept")

    def test_rm_goes_on_after_one_that_is_not_there(self):
        self.does("create", "test-a", 1)
        self.refuses(SYSTEM, "test-none", "rm", "test-none", "test-a")

    def test_create_refuses(self):
        for words, code in ((("a/b", 10), USAGE), ((".x", 10), USAGE),
                            (("x", "ten"), USAGE), (("x", "-5"), USAGE),
                            (("x", 0), USAGE), (("x",), USAGE),
                            (("x", "1E"), SYSTEM), (("y" * 256, 1), USAGE)):
            self.refuses(code, "NAME|segment|no size", "create", *words)


class Usage(Case):
    def test_unknown_words_name_the_right_ones(self):
        for words, pattern in (
                ((), "demo, .*run"),
                (("jump",), "demo, .*run"),
                (("run",), "kernels"),
                (("run", "sideways"), "reverse.*triad"),
                (("run", "reverse", "size=3"), "length, method, begin, end"),
                (("run", "reverse", "-5"), "length, method, begin, end"),
                (("run", "reverse", "length"), "length=40M"),
                (("run", "reverse", "method=jump"), "swap copy"),
                (("run", "reverse", "--barrier", "x"), "adaptive or pthread"),
                (("run", "reverse", "--place", "x"), "core, pu, l2, l3, numa, package"),
                (("run", "triad", "--input", "x.npy"), "b, c"),
                (("run", "triad", "--input", "x=x.npy"), "b, c"),
                (("run", "triad", "--input", "a=x.npy"), "no input"),
                (("run", "triad", "--output", "b=x.npy"), "no output"),
                (("segments", "x"), "no words"),
                (("clean", "x"), "runrig rm")):
            self.refuses(USAGE, pattern, *words)

    def test_one_fault_has_one_code_in_every_command(self):
        """USAGE is for what the user typed: a name that no segment can have.  A
        name that none has now is the system's affair."""
        memory = self.segment(size=64)
        faults = (
            (USAGE, ("", "a/b", "sem.x", "x" * 256)),
            (SYSTEM, ("rig-there-is-none",)),
        )
        commands = (("run", "reverse", "--dtype", "uint8", "--segment", "{}"),
                    ("rm", "{}"),
                    ("list", "show", "{}"), ("list", "get", "{}", "0"),
                    ("list", "set", "{}", "0", "1"))
        for code, wrong in faults:
            for name in wrong:
                for words in commands:
                    with self.subTest(name=name, words=words):
                        done = runrig(*[word.format(name) for word in words])
                        self.assertEqual(done.returncode, code, done.stderr)
                        self.assertEqual(done.stderr.count("\n"), 1)
        for words in (("create", "{}", "8"), ("list", "create", "--name", "{}",
                                             "1")):
            for name in faults[0][1]:
                done = runrig(*[word.format(name) for word in words])
                self.assertEqual(done.returncode, USAGE, (name, done.stderr))
            done = runrig(*[word.format(memory.name) for word in words])
            self.assertEqual(done.returncode, SYSTEM, done.stderr)

    def test_values_out_of_range_say_the_range(self):
        for words, pattern in (
                (("-n", 0), "1 to 1024"), (("-n", -3), "1 to 1024"),
                (("-n", 100000), "1 to 1024"), (("-n", "two"), "whole number"),
                (("--repeat", 0), "1 to"), (("--repeat", "1e-1"), "whole"),
                (("--limit", 0), "seconds"), (("--limit", "x"), "seconds"),
                (("--limit", -1), "seconds"),
                (("length=-1",), "0 to"), (("length=99E",), "0 to"),
                (("length=1.5e0",), "40M"), (("begin=-5",), "0 to"),
                (("length=10", "end=11"), "has 10 elements"),
                (("length=10", "begin=11"), "beyond end"),
                (("begin=5", "end=4"), "beyond end"),
                (("--place", "9999"), "usable: 0")):
            self.refuses(USAGE, pattern, "run", "reverse", *words)
        self.refuses(USAGE, r"s=x is not a number", "run", "triad", "s=x")
        self.refuses(USAGE, r"s=1e999 is out of range", "run", "triad",
                     "s=1e999")

    def test_dtypes_of_two_meanings(self):
        memory = self.segment(size=8)
        for word, pattern in (("i8", "int8 .*int64"), ("u8", "uint8 .*uint64"),
                              ("f16", "float16 .*float128"),
                              ("f32", "float32"), ("i4", "int32"),
                              ("int", "float64|complex64"), ("", "uint8"),
                              ("<f3", "code"), ("|f8", "code"),
                              ("object", "code")):
            self.refuses(USAGE, pattern, "run", "reverse", "--segment",
                         memory.name, "--dtype", word)
        self.refuses(USAGE, "needs --dtype", "run", "reverse", "--segment",
                     memory.name)

    def test_options_that_do_not_fit_together(self):
        a = self.save("a.npy", numpy.arange(10))
        b = self.save("b.npy", numpy.arange(10.0))
        for words, pattern in (
                (("reverse", "--dtype", "int8"), "describe a --segment"),
                (("reverse", "--input", a, "--input", b), "given twice"),
                (("reverse", "--input", a, "--segment", "x"), "given twice"),
                (("triad", "s=1", "length=10", "s=2"), "s is given twice"),
                (("reverse", "--output", "x="), "empty name"),
                (("reverse", "length=5", "--input", a), "has 10 elements"),
                (("triad", "--input", "b=" + b), "c is missing"),
                (("triad", "--input", "b=" + b, "--input", "c=" + a),
                 "c is int64: triad takes float64")):
            self.refuses(USAGE, pattern, "run", *words)

    def test_a_file_without_a_name(self):
        for command, options in (
                (("run", "reverse"), ("json", "trace", "input", "output",
                                      "segment")),
                (("topo",), ("json", "svg")),
                (("kernels",), ("json",)),
                (("segments",), ("json",))):
            for option in options:
                self.refuses(USAGE, rf"\Arunrig: --{option}: an empty name of "
                             "a (file|segment)\n", *command, f"--{option}=")
        for option in "--input", "--output":
            self.refuses(USAGE, f"{option} -: arrays are files: name one",
                         "run", "reverse", option, "-")

    def test_a_wrong_option_is_one_line_that_names_the_right_ones(self):
        for word in ("demo", "topo", "kernels", "run", "new", "list",
                     "segments", "create", "rm", "clean"):
            self.refuses(USAGE, f"{word}: no option --sideways: there are "
                         "(-.*, |)--help, --version\n", word, "--sideways")
            self.refuses(USAGE, f"{word}: no option -q: there are", word, "-q")
            done = runrig(word, "--version")
            self.assertEqual((done.returncode, done.stdout),
                             (0, runrig("--version").stdout))
        for words, pattern in (
                (("run", "reverse", "--sideways=3"),
                 "no option --sideways: there are --workers, --place, "),
                (("run", "reverse", "--place"), "option --place wants PLACE"),
                (("run", "reverse", "-n"), "option -n wants N"),
                (("run", "reverse", "--no-verify=3"),
                 "option --no-verify takes nothing after it"),
                (("run", "--m=x", "reverse"),
                 "no option --m: write it in full, --memory or --map\n"),
                (("run", "reverse", "--worker", "1"),
                 "no option --worker: write it in full, --workers\n"),
                (("run", "reverse", "--worekrs", "1"),
                 r"no option --worekrs: did you mean --workers\?\n"),
                (("run", "reverse", "--n", "1"),
                 r"no option --n: did you mean -n\?\n"),
                (("topo", "-n"), "option -n wants N"),
                (("topo", "--x", "3"), "no option --x: there are -n, .*\n")):
            self.refuses(USAGE, f": {words[0]}: {pattern}", *words)
        # What follows --help is not looked at.
        self.assertEqual(runrig("run", "--help", "--x").returncode, 0)

    def test_help_and_version(self):
        self.assertIn("segments", self.does("--help"))
        self.assertRegex(self.does("--version"), r"^runrig \d")
        for command in ("demo", "run", "kernels", "segments", "create", "rm",
                        "clean", "list"):
            self.assertIn("Usage: runrig " + command,
                          self.does(command, "--help"))

    def test_kernels(self):
        text = self.does("kernels")
        self.assertRegex(text, r"(?m)^reverse: ")
        self.assertRegex(text, r"(?m)^  length=40M ")
        kernels = json.loads(self.does("kernels", "--json"))["kernels"]
        by_name = {kernel["name"]: kernel for kernel in kernels}
        self.assertLessEqual({"reverse", "triad"}, set(by_name))
        method = [p for p in by_name["reverse"]["parameters"]
                  if p["name"] == "method"]
        self.assertEqual(method[0]["choices"], "swap copy")

    def test_stdout_that_is_full(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([RUNRIG, "kernels"], stdout=full,
                                  stderr=subprocess.PIPE, text=True,
                                  check=False)
        self.assertEqual(done.returncode, SYSTEM)
        self.assertRegex(done.stderr, "No space left")

    def test_what_nobody_was_told_of_goes(self):
        for words in (("create", "test-untold", "10"),
                      ("list", "create", "--name", "test-untold", "1")):
            with open("/dev/full", "w") as full:
                done = subprocess.run([RUNRIG, *words], stdout=full,
                                      stderr=subprocess.PIPE, check=False)
            self.assertEqual(done.returncode, SYSTEM)
            self.assertNotIn("test-untold", names())


class Runs(Case):
    def test_json_says_what_was_done(self):
        path = self.path("run.json")
        text = self.does("run", "reverse", "length=100k", "-n", 2, "--repeat",
                         4, "--barrier", "pthread", f"--json={path}")
        self.assertRegex(text, r"(?m)^  verified ")
        with open(path) as file:
            said = json.load(file)
        self.assertEqual(said["kernel"], "reverse")
        self.assertEqual(said["parameters"]["length"], 100000)
        self.assertEqual(said["arrays"][0]["shape"], [100000])
        self.assertEqual([w["rank"] for w in said["workers"]], [0, 1])
        self.assertEqual(len(said["times_ns"]), 4)
        self.assertEqual(said["first_ns"], said["times_ns"][0])
        # Every epoch of a bare pthread barrier is one of it.
        self.assertEqual(said["barrier"]["epochs"], 4)
        self.assertEqual(said["barrier"]["blocked"], 4)
        self.assertTrue(said["verified"])
        self.assertEqual(json.loads(self.does(
            "run", "reverse", "length=10", "--json", "--no-verify"))
            ["verified"], False)

    def test_json_is_what_its_schema_says(self):
        with open(SCHEMA) as file:
            schema = json.load(file)
        jsonschema.Draft202012Validator.check_schema(schema)
        data = self.save("large.npy", numpy.arange(
            50001, dtype=numpy.uint64) + numpy.uint64(2 ** 60))
        for words, level in (
                (("sum", "--input", data), "sample"),
                (("sum", "--input", data, "--verify=full", "--map"), "full"),
                (("sum", "--input", data, "--verify=none"), "none"),
                (("scan", "--input", data, "--repeat", 3, "--seed", 7),
                 "sample"),
                (("dgemm", "n=20", "--huge"), "full"),
                (("heat", "n=12"), "full"),
                (("reverse", "length=0"), "full")):
            said = json.loads(self.does("run", *words, "-n", 2, "--json"))
            jsonschema.validate(said, schema)
            self.assertEqual(said["verification"]["level"], level, words)
            self.assertEqual(said["verification"]["passed"],
                             None if level == "none" else True)
            self.assertIsNone(said["failed"])
        said = json.loads(self.does("run", "sum", "--input", data, "--json"))
        # Beyond 2^53 many readers would round it.
        self.assertEqual(said["result"]["sum"],
                         str((50001 * 2 ** 60 + 50001 * 25000) % 2 ** 64))

    def test_rates_of_what_a_kernel_counts(self):
        for words, items, item in (
                (("ep",), 2 ** 25, "numbers"),
                (("is",), 11 * 2 ** 16, "keys"),
                (("sort", "length=100k"), 100000, "items"),
                (("mandelbrot", "side=30"), 900, "points"),
                # Its sweeps are known only when it is at rest.
                (("heat", "n=12", "sweeps=1", "tolerance=1"), 100, "points"),
                (("triad", "length=10"), 0, None)):
            path = self.path("run.json")
            text = self.does("run", *words, "-n", 2, f"--json={path}")
            with open(path) as file:
                said = json.load(file)
            self.assertEqual((said["items"], said["item"]), (items, item))
            self.assertEqual(bool(item), bool(re.search(
                rf"(?m)^  time .* [\d.]+ ([kMG] )?{item}/s$", text)), text)

    def test_the_result_is_that_of_the_first_run(self):
        for words in ("is",), ("life", "side=64", "generations=100"):
            found = [json.loads(self.does("run", *words, "--repeat", repeat,
                                          "--json"))["result"]
                     for repeat in (1, 3)]
            self.assertTrue(found[0])
            self.assertEqual(found[0], found[1])

    def test_dgemm_says_which_method_ran(self):
        for word in "own", "auto", "openblas":
            done = runrig("run", "dgemm", "n=20", f"method={word}", "--json")
            if done.returncode == RUN:
                # What auto then ran is no secret.
                self.assertEqual((word, ran), ("openblas", "own loop"))
                continue
            ran = json.loads(done.stdout)["result"]["method"]
            self.assertIn(ran, ("own loop",) if word == "own" else
                          ("OpenBLAS",) if word == "openblas" else
                          ("OpenBLAS", "own loop"))

    def test_not_verified_is_said(self):
        text = self.does("run", "reverse", "length=10", "--no-verify")
        self.assertRegex(text, r"(?m)^  not verified")

    def test_more_workers_than_elements_and_cpus(self):
        cpus = len(os.sched_getaffinity(0))
        done = runrig("run", "reverse", "length=3", "-n", 2 * cpus + 1)
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stderr, r"\Arunrig: warning: [^\n]*\n\Z")

    def test_interrupted(self):
        """Ctrl-C goes to all of the terminal's foreground processes."""
        with subprocess.Popen([RUNRIG, "run", "reverse", "length=1M",
                               "--repeat", "1000000"], text=True,
                              start_new_session=True,
                              stdout=subprocess.DEVNULL) as process:
            until(lambda: names() != self.before, "the run to begin")
            os.killpg(process.pid, signal.SIGINT)
            # A shell shows this as 130.
            self.assertEqual(process.wait(LIMIT_S), -signal.SIGINT)
            self.nothing_left()
            until(lambda: not group_members(process.pid),
                  "the run's processes to end")

    def test_progress_on_a_terminal(self):
        """A line that says how far it is; Ctrl-C still ends all of it."""
        terminal = Terminal(self, "run", "life", "side=256",
                            "generations=100000000")
        terminal.shows(rb"life: running [\d.]+ m?s, \d+ % done, "
                       rb"[\d.]+ [kMGT]?B/s, [\d.]+ s left")
        os.killpg(terminal.process.pid, signal.SIGINT)
        self.assertEqual(terminal.process.wait(LIMIT_S), -signal.SIGINT)
        self.nothing_left()

    def test_progress_fits_a_narrow_terminal(self):
        terminal = Terminal(self, "run", "life", "side=256",
                            "generations=100000000")
        fcntl.ioctl(terminal.ours, termios.TIOCSWINSZ,
                    struct.pack("4H", 24, 20, 0, 0))
        terminal.shows(rb"\r\x1b\[Klife: running [^\r]{5}\r")
        os.killpg(terminal.process.pid, signal.SIGINT)
        self.assertEqual(terminal.process.wait(LIMIT_S), -signal.SIGINT)

    def test_killed(self):
        out = self.save("a.npy", numpy.arange(1000))
        with subprocess.Popen([RUNRIG, "run", "reverse", "--input", out,
                               "--output", out, "--repeat", "1000000"],
                              start_new_session=True,
                              stdout=subprocess.DEVNULL) as process:
            until(lambda: names() != self.before, "the run to begin")
            process.kill()
            process.wait(LIMIT_S)
            self.nothing_left()
            until(lambda: not group_members(process.pid),
                  "the run's processes to end")
            self.assertEqual(os.listdir(self.folder), ["a.npy"])


class Plugins(Case):
    """Kernels from a file of the user's, which may do anything."""

    @classmethod
    def setUpClass(cls):
        cls.built = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.built.cleanup)
        cls.probe = os.path.join(cls.built.name, "probe.so")
        compiler = shutil.which("cc")
        if not compiler:
            raise unittest.SkipTest("no C compiler")
        cls.build = [compiler, "-shared", "-fPIC", "-D_GNU_SOURCE", "-I",
                     str(ROOT / "runtime" / "include"), "-x", "c"]
        subprocess.run([*cls.build, str(TESTS / "cli_kernel.c"), "-o",
                        cls.probe], check=True)

    def run_probe(self, *words):
        return runrig("run", self.probe, "-n", 2, *words)

    def test_right(self):
        out = self.path("out.npy")
        done = self.run_probe("--output", out)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^  verified ")
        self.assertTrue((numpy.load(out) == numpy.ones(1000, "u1")).all())
        done = runrig("run", "probe.so", "-n", 2, cwd=self.built.name)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_json_says_how_a_run_failed(self):
        with open(SCHEMA) as file:
            schema = json.load(file)
        for mode, code, phase, rank in (
                ("crash", RUN, "running", 1),
                ("wrong", UNVERIFIED, "verifying", None)):
            done = self.run_probe("mode=" + mode, "--json")
            self.assertEqual(done.returncode, code, done.stderr)
            said = json.loads(done.stdout)
            jsonschema.validate(said, schema)
            self.assertEqual(said["failed"]["phase"], phase)
            self.assertTrue(said["failed"]["why"])
            self.assertTrue(said["failed"]["report"])
            if rank is not None:
                self.assertEqual(said["failed"]["rank"], rank)
            self.assertFalse(said["verified"])

    def test_wrong_results_are_not_written(self):
        out = self.path("out.npy")
        self.refuses(UNVERIFIED, "element 999 is 2, expected 1", "run",
                     self.probe, "mode=wrong", "--output", out)
        self.assertFalse(os.path.exists(out))
        done = self.run_probe("mode=wrong", "--no-verify", "--output", out)
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"(?m)^  not verified")

    def gated(self, *words):
        """On a terminal, with a gate before each phase."""
        return Terminal(self, "run", self.probe, "-n", 2, *words,
                        env=dict(os.environ, PROBE_GATES=str(self.folder)))

    def open_gate(self, name):
        (self.folder / name).touch()

    def test_progress_names_the_phase(self):
        terminal = self.gated()
        time_said = rb"[\d.]+ m?s"
        terminal.shows(rb"probe: preparing " + time_said + rb"\r")
        self.open_gate("prepare")
        # It has not said a share yet.
        terminal.shows(rb"probe: running " + time_said + rb"\r")
        self.open_gate("begin")
        terminal.shows(rb"probe: running " + time_said + rb", 25 % done, "
                       rb"[\d.]+ k?marks/s, " + time_said + rb" left\r")
        self.open_gate("run")
        terminal.shows(rb"probe: verifying " + time_said + rb"\r")
        self.open_gate("verify")
        # Nothing of the line is left.
        self.assertTrue(terminal.rest().endswith(b"\r\x1b[K"))
        self.assertEqual(terminal.process.wait(LIMIT_S), 0)

    def test_progress_makes_way_for_what_goes_wrong(self):
        terminal = self.gated("mode=wrong")
        for gate in "prepare", "begin", "run":
            self.open_gate(gate)
        terminal.shows(rb"probe: verifying ")
        self.open_gate("verify")
        self.assertRegex(terminal.rest(), rb"\r\x1b\[Krunrig: [^\r\n]*element "
                                          rb"999 is 2, expected 1\r\n\Z")
        self.assertEqual(terminal.process.wait(LIMIT_S), UNVERIFIED)

    def test_a_kernel_that_fails(self):
        self.refuses(RUN, "told to fail", "run", self.probe, "mode=fail",
                     "-n", 2)

    def test_a_kernel_that_ends_the_command(self):
        for mode in ("leave", "leave-at-once", "leave-quickly"):
            self.refuses(SYSTEM, "calls exit", "run", self.probe,
                         "mode=" + mode)

    def test_deaths_deadlocks_and_limits_are_reported(self):
        for words, pattern in ((("mode=crash",), "rank 1 .*SIGSEGV"),
                               (("mode=exit",), "rank 1 .*exit"),
                               (("mode=stuck",), "rank 1 .*barrier"),
                               (("mode=sleep", "--limit", "0.2"), "limit"),
                               (("mode=doubt", "--limit", "0.2"), "limit")):
            done = self.run_probe(*words)
            self.assertEqual(done.returncode, RUN, done.stderr)
            self.assertRegex(done.stderr, r"\Arunrig: ")
            self.assertRegex(done.stderr, "(?s)" + pattern)
            self.assertEqual(done.stdout, "")

    def test_files_that_are_no_kernel(self):
        empty = self.path("empty.so")
        subprocess.run([*self.build, "/dev/null", "-o", empty], check=True)
        self.refuses(SYSTEM, "runrig_kernel", "run", empty)
        other = self.path("other.c")
        pathlib.Path(other).write_text("const long runrig_kernel[3] = {1};\n")
        subprocess.run([*self.build, other, "-o", empty], check=True)
        self.refuses(SYSTEM, "another runrig/kernel.h", "run", empty)
        machine = pathlib.Path(empty).read_bytes()
        for at, byte in ((4, 1), (5, 2), (18, 183)):
            pathlib.Path(empty).write_bytes(
                machine[:at] + bytes([byte]) + machine[at + 1:])
            self.refuses(SYSTEM, "another kind of machine", "run", empty)
        self.refuses(SYSTEM, "none.so", "run", "./none.so")
        self.refuses(SYSTEM, "ELF|magic|short|invalid", "run", other)
        self.refuses(SYSTEM, "not a file", "run", "%s/" % self.folder)

    @SANITIZED
    def test_files_that_crash_or_leave(self):
        begin = "#include <unistd.h>\n__attribute__((constructor)) " \
            "static void begin(void) { "
        path, source = self.path("bad.so"), self.path("bad.c")
        for text, pattern in (
                (begin + "*(volatile int *)0 = 1; }", "crashes"),
                (begin + "_exit(0); }", "ends the program"),
                ("#include <runrig/kernel.h>\nconst struct rig_kernel "
                 "runrig_kernel = { .version = RIG_KERNEL_VERSION, "
                 ".name = (char *)8 };", "crashes"),
                ("#include <runrig/kernel.h>\n"
                 "static int run(struct rig_team *t) { (void)t; return 0; }\n"
                 "static int check(void *a, char *w, size_t n) { (void)a; "
                 "(void)w; (void)n; return *(volatile int *)4; }\n"
                 "static const struct rig_array_spec arrays[] = { "
                 "{ .name = \"a\", .dtype = RIG_UINT8 }, { 0 } };\n"
                 "const struct rig_kernel runrig_kernel = { "
                 ".version = RIG_KERNEL_VERSION, .name = \"k\", "
                 ".run = run, .check = check, .args_bytes = sizeof(struct "
                 "rig_kernel_args), .arrays = arrays };", "crashes"),
                ("void nowhere(void); void f(void) { nowhere(); }",
                 "nowhere|runrig_kernel")):
            pathlib.Path(source).write_text(text + "\n")
            subprocess.run([*self.build, source, "-o", path], check=True)
            self.refuses(SYSTEM, pattern, "run", path)

    @SANITIZED
    def test_files_that_crash_with_some_values(self):
        """What the command itself calls, where the defaults are harmless; and
        a worker's crash stays the worker's."""
        path, source = self.path("bad.so"), self.path("bad.c")
        whole = """
            #include <stdlib.h>
            #include <runrig/kernel.h>
            struct args { struct rig_kernel_args header; size_t x; };
            static const struct rig_param params[] = {
                { .name = "x", .help = "x", .kind = RIG_PARAM_SIZE,
                  .offset = offsetof(struct args, x), .fallback = "1",
                  .max = 9 }, { 0 } };
            static size_t x_of(const void *a)
            { return ((const struct args *)a)->x; }
            static size_t bad(size_t x)
            { if (x == 2) abort(); return 8 / x; }
            static size_t deep(size_t x)
            { volatile char there[4096]; there[0] = 0;
              return x == 3 ? deep(x) + there[0] : 0; }
            static int run(struct rig_team *t)
            { (void)t; return %(run)s; }
            static uint64_t count(const void *a)
            { (void)a; return 8 + %(count)s; }
            static int check(void *a, char *w, size_t n)
            { (void)a; (void)w; (void)n; return 0 * %(check)s; }
            static void result(const void *a, void *const d[], char *t,
                               size_t n)
            { (void)a; (void)d; (void)n; *t = 0 * %(result)s; }
            static const struct rig_array_spec arrays[] = {
                { .name = "a", .dtype = RIG_UINT8, .count = count }, { 0 } };
            const struct rig_kernel runrig_kernel = {
                .version = RIG_KERNEL_VERSION,
                .name = "k", .run = run, .check = check, .result = result,
                .params = params, .args_bytes = sizeof(struct args),
                .arrays = arrays };
            """
        usual = {"run": "0", "count": "0", "check": "0", "result": "0"}
        for place in ("count", "check", "result"):
            pathlib.Path(source).write_text(
                whole % {**usual, place: "bad(x_of(a)) + deep(x_of(a))"})
            subprocess.run([*self.build, source, "-o", path], check=True)
            done = runrig("run", path, "-n", 2)
            self.assertEqual(done.returncode, 0, done.stderr)
            for value in "x=0", "x=2", "x=3":
                self.refuses(SYSTEM, "bad.so: it crashes with these values",
                             "run", path, value, "-n", 2)
        pathlib.Path(source).write_text(
            whole % {**usual, "run": "abort(), 0"})
        subprocess.run([*self.build, source, "-o", path], check=True)
        done = runrig("run", path, "-n", 2)
        self.assertEqual(done.returncode, RUN, done.stderr)
        self.assertRegex(done.stderr, "SIGABRT")

    def test_kernels_that_are_not_as_the_header_says(self):
        whole = """
            #include <runrig/kernel.h>
            static uint64_t count(const void *a) { (void)a; return 10; }
            static int run(struct rig_team *t) { (void)t; return 0; }
            static int owns(const void *a, int i, size_t b, int rank, int n,
                            struct rig_span *s)
            { (void)a; (void)i; (void)n; *s = %(span)s; return 1; }
            static const struct rig_array_spec arrays[] = {
                { .name = "a", .dtype = %(dtype)s, .role = %(role)s,
                  .count = count }, { 0 } };
            const struct rig_kernel runrig_kernel = {
                .version = %(version)s,
                .name = %(name)s, .run = run,
                .args_bytes = sizeof(struct rig_kernel_args), .owns = owns,
                .arrays = arrays };
            """
        usual = {"name": '"mine"', "dtype": "RIG_UINT8",
                 "role": "RIG_OUTPUT", "version": "RIG_KERNEL_VERSION", "span":
                 "(struct rig_span){ rank ? 5 : 0, rank ? b : 5 }"}
        path, source = self.path("odd.so"), self.path("odd.c")
        for change, pattern in (
                ({}, None),
                ({"dtype": "99"}, "odd.so: .*array a is 99"),
                ({"role": "9"}, "odd.so: .*role of array a is 9"),
                ({"version": "2"}, "odd.so: built against another"),
                ({"name": '"two\\nlines"'}, "odd.so: .*a-z 0-9 -"),
                ({"name": '"reverse"'}, "odd.so: .*called reverse.*another"),
                ({"span": "(struct rig_span){ 0, b }"},
                 "mine: array a: owns gives byte 0 twice"),
                ({"span": "(struct rig_span){ 4, 3 }"}, "4 to 3"),
                ({"span": "(struct rig_span){ 5 + rank, 100 }"}, "5 to 100")):
            pathlib.Path(source).write_text(whole % {**usual, **change})
            subprocess.run([*self.build, source, "-o", path], check=True)
            if pattern:
                self.refuses(SYSTEM, pattern, "run", path, "-n", 2)
                continue
            done = runrig("run", path, "-n", 2)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("not verified: the kernel has no verify",
                          done.stdout)

    def test_a_new_kernel(self):
        done = runrig("new", "mine-2", cwd=self.folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        build = done.stdout.splitlines()[2].split()
        self.assertEqual(build[0], "cc")
        subprocess.run([*build, "-Wall", "-Wextra", "-Werror"], check=True,
                       cwd=self.folder)
        done = runrig("run", "./mine-2.so", "x=3", "n=1001", "-n", 3,
                      "--repeat", 2, "--output", "a.npy", cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^  result    last = 3000$")
        self.assertRegex(done.stdout, r"(?m)^  verified ")
        self.assertTrue((numpy.load(self.path("a.npy")) ==
                         3.0 * numpy.arange(1001)).all())
        for name, code, pattern in (("mine-2", SYSTEM, "exists"),
                                    ("Mine", USAGE, "a-z"),
                                    ("sum", USAGE, "comes with runrig"),
                                    ("", USAGE, "a-z"),
                                    ("../x", USAGE, "a-z")):
            done = runrig("new", name, cwd=self.folder)
            self.assertEqual(done.returncode, code)
            self.assertRegex(done.stderr, r"\Arunrig: .*" + pattern)
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([RUNRIG, "new", "untold"], stdout=full,
                                  stderr=subprocess.PIPE, cwd=self.folder,
                                  check=False)
        self.assertEqual(done.returncode, SYSTEM)
        self.assertFalse(os.path.exists(self.path("untold.c")))

    def test_a_new_kernel_in_a_program_that_loaded_the_library_itself(self):
        """dlopen() with RTLD_LOCAL lends nobody the library's symbols."""
        done = runrig("new", "lent", cwd=self.folder)
        subprocess.run(done.stdout.splitlines()[2], shell=True, check=True,
                       cwd=self.folder)
        program = (
            "import ctypes, os\n"
            "ctypes.CDLL(os.environ['LIBRUNRIG_KERNELS'], os.RTLD_LOCAL)\n"
            "own = ctypes.CDLL('./lent.so', os.RTLD_NOW | os.RTLD_LOCAL)\n"
            "print(ctypes.c_uint32.in_dll(own, 'runrig_kernel').value)\n")
        done = subprocess.run([sys.executable, "-c", program],
                              cwd=self.folder, capture_output=True, text=True,
                              check=False)
        self.assertEqual((done.stdout, done.stderr), ("1\n", ""))

    def test_a_new_kernel_where_a_folder_has_an_odd_name(self):
        """The command that builds it is for a shell."""
        folder = self.folder / "it's $HOME; odd"
        (folder / "bin").mkdir(parents=True)
        shutil.copytree(ROOT / "runtime" / "include",
                        folder / "include")
        program = shutil.copy(RUNRIG, folder / "bin")
        libraries = re.findall(r"=> (\S+)/librunrig", subprocess.run(
            ["ldd", RUNRIG], capture_output=True, text=True,
            check=True).stdout)
        env = dict(os.environ)
        if libraries:
            env["LD_LIBRARY_PATH"] = ":".join(libraries)
        done = subprocess.run([program, "new", "mine"], env=env, check=True,
                              cwd=self.folder, capture_output=True, text=True)
        build = done.stdout.splitlines()[2]
        self.assertIn("odd", build)
        subprocess.run(build, shell=True, check=True, cwd=self.folder)
        done = runrig("run", "./mine.so", cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)


class Demo(Case):
    def test_prints_what_the_article_says(self):
        done = runrig("demo", "length=100k")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")
        for line in ("0, 1, 2, 3, 4, 5, 6, 7, 8, 9,",
                     "10, 9, 8, 7, 6, 5, 4, 3, 2, 1,",
                     "ShareableList([1, 2, 3], name='", "1, 99, 102,",
                     "9, 8, 7, 6, 5, 5, 6, 7, 8, 9,",
                     "9, 8, 7, 6, 5, 4, 3, 2, 1, 0,", "100,000 doubles",
                     "Verified", "through pipes"):
            self.assertIn(line, done.stdout)

    def test_small_dev_shm(self):
        if not MOUNTS:
            self.skipTest("no mount namespaces here")
        done = runrig("demo", preexec_fn=lambda: own_mount("/dev/shm",
                                                           "size=64m"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout,
                         r"Not 40 million doubles but [\d,]+: /dev/shm is "
                         r"small")
        self.assertIn("Verified", done.stdout)

    def test_no_topology(self):
        if not MOUNTS:
            self.skipTest("no mount namespaces here")

        def hide():
            if not own_mount("/sys", "size=1m"):
                os._exit(77)
        done = runrig("run", "reverse", "length=1000", preexec_fn=hide)
        # hwloc may still find the CPUs elsewhere.
        if done.returncode:
            self.assertEqual(done.returncode, SYSTEM)
            self.assertRegex(done.stderr, r"\Arunrig: [^\n]*topology[^\n]*\n\Z")
        else:
            self.assertRegex(done.stdout, r"(?m)^  verified ")


if __name__ == "__main__":
    MOUNTS = mounts_allowed()
    # One mount for all, before any thread or child of ours.
    if MOUNTS and not own_mount("/dev/shm", "size=512m"):
        sys.exit("a mount namespace was promised")
    unittest.main()
