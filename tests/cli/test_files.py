#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Files that `runrig run` edits in place, writes by all ranks, or cannot use.

RUNRIG is the command.  With RUNRIG_LONG=1 (and rights to make control groups) a file
of 1 GiB is summed and sorted in a group of 256 MiB.
"""
import fcntl
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import jsonschema
import numpy

import command_case

RUNRIG = os.environ["RUNRIG"]
USAGE, RUN, SYSTEM = 1, 3, 5
LIMIT_S = 300
LONG = os.environ.get("RUNRIG_LONG")
GROUPS = pathlib.Path("/sys/fs/cgroup/memory")


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def path(self, name):
        return self.folder / name

    def save(self, name, array):
        numpy.save(self.path(name), array)
        return self.path(name)

    def run_it(self, *words, **options):
        return subprocess.run([RUNRIG, "run", *map(str, words), "-n", "2"],
                              check=False, capture_output=True, text=True,
                              timeout=LIMIT_S, **options)

    def does(self, *words, **options):
        done = self.run_it(*words, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def refuses(self, code, pattern, *words, **options):
        before = self.contents()
        done = self.run_it(*words, **options)
        self.assertEqual(done.returncode, code, done)
        self.assertRegex(done.stderr, r"\Arunrig: [^\n]+\n\Z")
        self.assertRegex(done.stderr, pattern)
        self.assertEqual(self.contents(), before)

    def contents(self):
        """The files and what is in them: nothing is left, nothing changed."""
        return {path.name: hashlib.sha1(path.read_bytes()).hexdigest()
                for path in self.folder.iterdir() if path.is_file()}

    def test_in_place(self):
        a = numpy.random.default_rng(7).random((300, 700))
        data = self.save("a.npy", a)
        inode = data.stat().st_ino
        out = self.does("sort", "--inplace", data)
        self.assertIn("in place in", out)
        self.assertRegex(out, "verified  in full")
        b = numpy.load(data)
        self.assertEqual(b.shape, a.shape)
        self.assertTrue((b.ravel() == numpy.sort(a.ravel())).all())
        self.assertEqual(data.stat().st_ino, inode)
        said = json.loads(self.does("scan", "--inplace", f"x={data}", "--json"))
        with open(command_case.SCHEMA) as file:
            jsonschema.validate(said, json.load(file))
        self.assertTrue(said["arrays"][0]["inplace"])
        self.assertEqual(said["disk_bytes"], 0)
        self.assertTrue(numpy.allclose(numpy.load(data).ravel(),
                                       numpy.cumsum(b)))
        self.assertEqual(set(self.contents()), {"a.npy"})

    def test_files_of_several_pieces_are_read_and_written_by_all(self):
        for count in (131072, 131073, 500001):
            a = numpy.arange(count, dtype="i8")
            data, out = self.save("a.npy", a), self.path("b.npy")
            self.does("reverse", "--input", data, "--output", out)
            self.assertTrue((numpy.load(out) == a[::-1]).all())
            self.assertTrue((numpy.load(data) == a).all())

    def test_ranks_work_in_the_file_that_becomes_the_output(self):
        a = numpy.random.default_rng(4).random(400000)
        data, out = self.save("a.npy", a), self.path("b.npy")
        options = {}
        if command_case.mounts_allowed():  # neither array has room elsewhere
            options = {"preexec_fn": lambda: command_case.own_mount(
                "/dev/shm", "size=1m") or os._exit(77)}
        for level in "none", "sample", "full":
            said = json.loads(self.does(
                "scan", "--input", data, "--output", out, "--json",
                "--verify=" + level, **options))
            self.assertEqual(said["disk_bytes"], 0)
            self.assertTrue(numpy.allclose(numpy.load(out), numpy.cumsum(a)))
        said = json.loads(self.does(
            "evaluate", "expr=2*x - 1", "--input", data, "--output",
            f"out={out}", "--json", **options))
        self.assertEqual(said["disk_bytes"], 0)
        self.assertTrue((numpy.load(out) == 2 * a - 1).all())
        self.assertTrue((numpy.load(data) == a).all())
        # Over the input, too.
        self.does("reverse", "--input", data, "--output", data)
        self.assertTrue((numpy.load(data) == a[::-1]).all())

    def test_later_runs_and_failed_runs_leave_the_output_alone(self):
        a = numpy.random.default_rng(5).random(200000)
        data, out = self.save("a.npy", a), self.path("b.npy")
        self.does("scan", "--input", data, "--output", out, "--repeat", 3)
        self.assertTrue(numpy.allclose(numpy.load(out), numpy.cumsum(a)))
        swapped = self.save("a.npy", a.astype(">f8"))
        self.does("scan", "--input", swapped, "--output", out)
        self.assertTrue(numpy.allclose(numpy.load(out), numpy.cumsum(a)))
        whole = self.save("a.npy", numpy.full(200000, -1))
        self.refuses(RUN, "negative power", "evaluate", "expr=x**x",
                     "--input", whole, "--output", f"out={out}")

    def test_a_file_that_another_run_edits(self):
        data = self.save("a.npy", numpy.arange(10.0))
        with open(data) as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            self.refuses(SYSTEM, "another run is editing", "sort", "--inplace",
                         data)
        self.does("sort", "--inplace", data)

    def test_what_in_place_cannot_be(self):
        data = self.save("a.npy", numpy.arange(10.0))
        fifo = self.path("fifo")
        os.mkfifo(fifo)
        for code, pattern, words in (
                (USAGE, "no inplace|none", ("sum", "--inplace", data)),
                (USAGE, "one of them", ("sort", "--inplace", data, "--output",
                                        self.path("b.npy"))),
                (USAGE, "given twice", ("sort", "--inplace", data, "--input",
                                        data)),
                (USAGE, "one run", ("sort", "--inplace", data, "--repeat", 2)),
                (SYSTEM, "regular file", ("sort", "--inplace", fifo)),
                (SYSTEM, "regular file", ("sum", "--input", fifo)),
                (SYSTEM, "No such file", ("sort", "--inplace",
                                          self.path("none.npy")))):
            self.refuses(code, pattern, *words)
        # An output may be the file of the input.
        self.does("sort", "--input", data, "--output", data)

    def test_a_small_or_full_or_read_only_disk(self):
        if not command_case.mounts_allowed():
            self.skipTest("mounts are not allowed")
        data = self.save("a.npy", numpy.arange(262144.0)[::-1])
        disk = self.path("disk")
        disk.mkdir()

        def small(where, options):
            return lambda: command_case.own_mount(where, options) or os._exit(77)

        # 2 MiB of result on 1 MiB of disk: refused before there is a pool.
        self.refuses(SYSTEM, "No space left", "sort", "--input", data,
                     "--output", disk / "b.npy",
                     preexec_fn=small(disk, "size=1m"))
        self.refuses(SYSTEM, "Read-only file system", "sort", "--input", data,
                     "--output", disk / "b.npy",
                     preexec_fn=small(disk, "ro"))
        # A hole in the file has no room on a full disk.
        script = (
            "import os, subprocess, sys, numpy\n"
            "os.chdir(sys.argv[1])\n"
            "numpy.save('a.npy', numpy.zeros(16))\n"
            "head = open('a.npy', 'rb').read()[:128].replace(b'(16,), ', "
            "b'(262144,), ')[:118] + b' ' * 9 + b'\\n'\n"
            "open('a.npy', 'wb').write(head)\n"
            "os.truncate('a.npy', 128 + 8 * 262144)\n"
            "sys.exit(subprocess.run([os.environ['RUNRIG'], 'run', 'sort', "
            "'--inplace', 'a.npy', '-n', '2']).returncode)\n")
        done = subprocess.run([sys.executable, "-c", script, disk],
                              check=False, capture_output=True, text=True,
                              timeout=LIMIT_S,
                              preexec_fn=small(disk, "size=1m"))
        self.assertEqual(done.returncode, SYSTEM, done)
        self.assertRegex(done.stderr, r"\Arunrig: a.npy: No space left")

    def test_arrays_lie_on_disk_where_shared_memory_is_small(self):
        if not command_case.mounts_allowed():
            self.skipTest("mounts are not allowed")
        a = numpy.random.default_rng(3).random(400000)
        data = self.save("a.npy", a)
        options = {"preexec_fn": lambda: command_case.own_mount(
            "/dev/shm", "size=2m") or os._exit(77)}
        out = self.does("sort", "--inplace", data, **options)
        self.assertRegex(out, r"disk +3\.2.* MB .*" + str(self.folder))
        self.assertTrue((numpy.load(data) == numpy.sort(a)).all())
        data = self.save("a.npy", a)
        self.does("sort", "--input", data, "--output", self.path("b.npy"),
                  **options)
        self.assertTrue((numpy.load(self.path("b.npy")) == numpy.sort(a)).all())
        self.assertEqual(set(self.contents()), {"a.npy", "b.npy"})
        self.refuses(SYSTEM, "/dev/shm has room", "sort", "length=400K",
                     **options)

    @unittest.skipUnless(LONG, "RUNRIG_LONG=1")
    def test_a_file_larger_than_the_memory_of_its_control_group(self):
        group = GROUPS / f"runrig-test-{os.getpid()}"
        try:
            group.mkdir()
            (group / "memory.limit_in_bytes").write_text(str(256 << 20))
        except OSError as error:
            self.skipTest(f"no control groups: {error}")
        self.addCleanup(group.rmdir)
        count = 1 << 27
        path = self.path("large.npy")
        a = numpy.lib.format.open_memmap(path, mode="w+", dtype="f8",
                                         shape=(count,))
        rng = numpy.random.default_rng(5)
        for i in range(0, count, 1 << 20):
            a[i:i + (1 << 20)] = rng.random(1 << 20)
        total = a.sum()
        a.flush()
        del a
        options = {"preexec_fn": lambda: (group / "cgroup.procs").write_text(
            str(os.getpid()))}
        said = json.loads(self.does("sum", "--input", path, "--json",
                                    **options))
        self.assertAlmostEqual(said["result"]["sum"] / total, 1, places=12)
        said = json.loads(self.does("sort", "--inplace", path, "--json",
                                    **options))
        self.assertGreaterEqual(said["disk_bytes"], 1 << 30)
        self.assertTrue(said["verified"])
        a = numpy.load(path, mmap_mode="r")
        self.assertTrue((a[1:] >= a[:-1]).all())
        self.assertAlmostEqual(a.sum() / total, 1, places=9)
        used = int((group / "memory.max_usage_in_bytes").read_text())
        self.assertLessEqual(used, 256 << 20)
        print("at most", used, "bytes in the group;", said["wall_ns"] / 1e9,
              "s to sort", file=sys.stderr)


if __name__ == "__main__":
    unittest.main()
