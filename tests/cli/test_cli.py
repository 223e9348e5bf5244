#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The command `runrig` as users meet the command: wrong command lines, runs and their
reports, the demo.  RUNRIG names the program.
"""
import fcntl
import json
import os
import re
import signal
import struct
import subprocess
import termios

import jsonschema
import numpy

import command_case
from command_case import (
    LIMIT_S, RUN, RUNRIG, SCHEMA, SYSTEM, USAGE, Case, Terminal, group_members,
    mounts_allowed, names, own_mount, runrig)
from waits import until


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
        """USAGE is for the user's words: a name that no segment can have.  A name that
        no segment has now is the system's affair."""
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
        # Words behind --help are not looked at.
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
        # Every epoch of a bare pthread barrier is a blocking epoch.
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
        # Beyond 2^53 many readers would round the number.
        self.assertEqual(said["result"]["sum"],
                         str((50001 * 2 ** 60 + 50001 * 25000) % 2 ** 64))

    def test_rates_of_what_a_kernel_counts(self):
        for words, items, item in (
                (("ep",), 2 ** 25, "numbers"),
                (("is",), 11 * 2 ** 16, "keys"),
                (("sort", "length=100k"), 100000, "items"),
                (("mandelbrot", "side=30"), 900, "points"),
                # The number of sweeps is known only at the end of the run.
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
                # The report tells the choice of auto.
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
            # A shell shows the status as 130.
            self.assertEqual(process.wait(LIMIT_S), -signal.SIGINT)
            self.nothing_left()
            until(lambda: not group_members(process.pid),
                  "the run's processes to end")

    def test_progress_on_a_terminal(self):
        """A line with the progress; Ctrl-C still ends all processes."""
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
        if not mounts_allowed():
            self.skipTest("no mount namespaces here")
        done = runrig("demo", preexec_fn=lambda: own_mount("/dev/shm",
                                                           "size=64m"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout,
                         r"Not 40 million doubles but [\d,]+: /dev/shm is "
                         r"small")
        self.assertIn("Verified", done.stdout)

    def test_no_topology(self):
        if not mounts_allowed():
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
    command_case.main()
