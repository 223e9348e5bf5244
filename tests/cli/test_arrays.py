#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Arrays for `runrig`, and arrays from `runrig`: files of NumPy, good and bad, and
segments.  RUNRIG names the program.
"""
import json
import os
import pwd
import re
import resource

import numpy

import command_case
from command_case import SHM, SYSTEM, USAGE, Case, names, runrig


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
        """The old file stays, and no half-written file."""
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
        """Every array that a user may give, one byte into a segment: the answer is the
        same as for an aligned array, or a refusal."""
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
        """The items that a kernel with windows of 24 items finds and leaves."""
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


if __name__ == "__main__":
    command_case.main()
