#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Kernels that `runrig` loads from a file of the user's.  RUNRIG names the
program.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import jsonschema
import numpy

import command_case
from command_case import (
    LIMIT_S, ROOT, RUN, RUNRIG, SANITIZED, SCHEMA, SYSTEM, UNVERIFIED, USAGE,
    Case, Terminal, runrig)

HERE = pathlib.Path(__file__).resolve().parent


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
        subprocess.run([*cls.build, str(HERE / "cli_kernel.c"), "-o",
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
        # The kernel has not reported a share yet.
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
        """Functions that the command calls, with harmless defaults; and a worker's crash
        stays the worker's."""
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
        """The command that builds the kernel is for a shell."""
        folder = self.folder / "it's $HOME; odd"
        (folder / "bin").mkdir(parents=True)
        shutil.copytree(ROOT / "runtime" / "include",
                        folder / "include")
        program = shutil.copy(RUNRIG, folder / "bin")
        commands = pathlib.Path(RUNRIG).parent / "commands.so"
        shutil.copy(commands, folder / "bin")
        libraries = re.findall(r"=> (\S+)/librunrig", subprocess.run(
            ["ldd", commands], capture_output=True, text=True,
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


if __name__ == "__main__":
    command_case.main()
