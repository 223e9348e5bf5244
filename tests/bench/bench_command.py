# SPDX-License-Identifier: MIT
"""rigbench from outside: the command line, interruption, kernels, Python."""
import json
import os
import pathlib
import re
import signal
import subprocess
import time
import unittest

from bench_lib import (RIGBENCH, SCHEMA, LONG, SHORT, HANG_S, names,
                       rigbench, cells, obeys_schema, quietly,
                       leaves_nothing, on_terminal)


class Python(unittest.TestCase):
    """runrig's lists against CPython's, both as processes of their own."""

    @unittest.skipUnless(LONG, "starts Python thirty times")
    def test_every_form_is_verified(self):
        quick = ["--launches", "1", "--blocks", "1", "--warmup", "0",
                 "--batch", "0.0001", "--seed", "1"]
        done = rigbench("python", "length=501", *quick, "--json")
        result = json.loads(done.stdout)
        obeys_schema(self, result)
        for cell in result["cells"]:
            self.assertEqual(cell["status"], "ok", (cell["id"], cell["reason"]))
            self.assertEqual(cell["verify"]["errors"], 0)
            self.assertGreater(cell["verify"]["passes"], 0, cell["id"])
        contests = {cell["id"].split("/")[0] for cell in result["cells"]}
        self.assertEqual(contests, {
            "list get, 1000", "list set, 1000", "list create, 501",
            "list reverse, 501", "attach segment, 64", "attach list, 10",
            "attach list, 501"})
        targets = {target["target"] for target in result["targets"]}
        self.assertIn("list get >= 100 times CPython's", targets)
        # A promise about a million is none about 501.
        self.assertFalse([t for t in targets if "1 M" in t])

    def test_without_python_there_is_still_runrig(self):
        found = cells(rigbench("python", "length=2", *SHORT, "--json"))
        self.assertTrue(found)
        self.assertFalse([name for name in found if "Python" in name])


class Command(unittest.TestCase):
    def test_usage_errors(self):
        for words in ([], ["nothing"], ["ipc", "sizes=x"],
                      ["ipc", "transports=carrier-pigeon"], ["ipc", "pairs=0"],
                      ["ipc", "home=node:-1"], ["ipc", "patterns="],
                      ["ipc", "pages=8k"], ["ipc", "rate=0"], ["ipc", "faster"],
                      ["kernel", "no-such"], ["sync", "--launches", "0"],
                      ["suite", "huge"], ["compare", "one"], ["c2c", "x"],
                      ["doctor", "x"], ["mem", "x"], ["mem", "sizes="],
                      ["mem", "sizes=1,,2"], ["mem", "sizes=0"],
                      ["scale"], ["scale", "no-such"],
                      ["python", "x"], ["python", "length=1"],
                      ["python", "length=x"], ["cases", "x"],
                      ["selftest", "x"], ["sync", "--peer", "opnmpi"],
                      ["c2c", "--peer", "mpich"],
                      ["scale", "triad", "length=x"]):
            done = rigbench(*words, check=1)
            self.assertTrue(done.stderr, words)
            self.assertEqual(done.stdout, "", words)

    def test_a_wrong_option_is_one_line_that_names_the_right_ones(self):
        for words, said in (
                (["--no-such"], "no option --no-such: there are --peer, .*"
                                "--csv, --help, --version"),
                (["ipc", "-q"], "no option -q: there are --peer, .*"),
                (["ipc", "--launches"], "option --launches wants N"),
                (["ipc", "-o"], "option -o wants PATH"),
                (["--b", "3"],
                 "no option --b: write it in full, --budget or --blocks or "
                 "--batch"),
                (["sync", "--launchs", "3"],
                 r"no option --launchs: did you mean --launches\?"),
                (["ipc", "szies=64"],
                 r'ipc has no "szies=64": did you mean sizes=\?'),
                (["ipc", "transports=seg-inplce"],
                 r'no transport "seg-inplce": did you mean seg-inplace\?'),
                (["ipc", "transports=carrier-pigeon"],
                 'no transport "carrier-pigeon"; `rigbench cases\' lists all'),
                (["kernel", "revrse"],
                 r'no kernel "revrse": did you mean reverse\?'),
                (["snyc"], r"no command snyc: did you mean sync\?"),
                (["sync", "--strict=1"],
                 "option --strict takes nothing after it"),
                (["sync", "--launches", "x"],
                 "--launches x: not a number from 1 to 1000"),
                (["ipc", "--json="], "--json: an empty name of a file"),
                (["ipc", "--csv="], "--csv: an empty name of a file"),
                (["suite", "quick", "-o", ""],
                 "--output: an empty name of a file"),
                ([], "say a command: doctor .*kernel.*"),
                (["x"] * 1000, r"more than \d+ words")):
            done = rigbench(*words, check=1)
            self.assertRegex(done.stderr, rf"\Arigbench: {said}\n\Z")
            self.assertEqual(done.stdout, "", words)

    def test_the_help_of_a_command_has_its_words(self):
        overview = quietly("--help").stdout
        said = rigbench(check=1).stderr
        commands = said[said.index(":", len("rigbench: ")) + 1:].split()
        self.assertGreater(len(commands), 15)
        told = {}
        for command in commands:
            self.assertRegex(overview, rf"(?m)^  {command} +\S")
            for words in ([command, "--help"], ["--help", command],
                          ["help", command], [command, "-h"],
                          ["--seed", "1", command, "-?"]):
                text = quietly(*words).stdout
                told.setdefault(command, text)
                self.assertEqual(text, told[command])
            self.assertRegex(text, r"\AUsage: rigbench \[OPTION...\] "
                                   rf"{command}\b.*\n{command}: ")
            self.assertIn("--launches=N", text)
            if rigbench(command, "x", check=None).stderr.endswith(
                    "takes no words\n"):
                self.assertIn("It takes no words.", text)
            else:
                self.assertNotIn("It takes no words.", text)
        # The help has every word of the answer to a mistake.
        wanted = {
            "ipc": rigbench("ipc", "x", check=1).stderr.split("among ")[1],
            "coll": rigbench("coll", "x", check=1).stderr.split("are ")[1],
            "kernel": "reverse triad sort", "scale": "reverse triad sort",
            "suite": "quick normal", "mem": "sizes=", "python": "length=",
            "report": "-o .md .html .svg", "compare": "--json=FILE"}
        for command, words in wanted.items():
            for word in words.split():
                self.assertIn(word, told[command], command)

    def test_absent_and_foreign_files(self):
        rigbench("compare", "/nonexistent", "/nonexistent", check=5)
        rigbench("report", str(SCHEMA), check=5)
        done = rigbench("compare", "/nonexistent", "/nonexistent", check=5)
        self.assertNotIn("-1", done.stderr)

    def test_the_wrong_word_is_named(self):
        for word in ("sizes=64Gi", "patterns=sizes", "faster"):
            done = rigbench("ipc", word, check=1)
            self.assertIn(f"ipc {word}: ", done.stderr)
        done = rigbench("sync", "--peer=libgomp,opnmpi", check=1)
        self.assertRegex(done.stderr, '"opnmpi"; there are: .*libgomp')

    def test_where_nothing_can_be_written_nothing_is_measured(self):
        for option in ("--json=/nonexistent/x", "--csv=/dev"):
            done = rigbench("ipc", "--launches", "1000", option, check=5)
            self.assertIn("cannot write", done.stderr)
            self.assertEqual(done.stdout, "")
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run(
                [RIGBENCH, "c2c", *SHORT], stdout=full, text=True,
                stderr=subprocess.PIPE, timeout=HANG_S, check=False)
        self.assertEqual(done.returncode, 5)
        self.assertIn("No space left", done.stderr)

    def test_cases_names_what_measures_the_machine(self):
        done = rigbench("cases")
        for name in ("c2c", "mem", "scale", "doctor"):
            self.assertRegex(done.stdout, rf"(?m)^{name} +(yes|no: )")

    def test_the_selftest_catches_every_fault(self):
        """A short form: noise may hide what is a tenth slower, and nothing
        else."""
        done = rigbench("selftest", "--budget", "2", check=None)
        line = done.stdout.splitlines()[-1]
        self.assertIn(done.returncode, (0, 4), line)
        for fault in ("corruption", "half a message", "a message not read",
                      "a message not sent"):
            caught = re.search(rf"{fault} caught in (\d+) of (\d+)", line)
            self.assertEqual(caught[1], caught[2], line)
            self.assertGreaterEqual(int(caught[2]), 1)
        self.assertNotIn("which does its work", done.stdout)

    def test_a_kernel_is_verified(self):
        done = rigbench("kernel", "reverse", "length=100003", *SHORT, "--json")
        cell = cells(done)["kernel reverse/runrig"]
        self.assertEqual(cell["status"], "ok")
        self.assertEqual(cell["verify"], {"passes": 1, "errors": 0})

    @unittest.skipUnless(LONG, "starts every peer of ten kernels")
    def test_peers_of_kernels_are_verified(self):
        done = rigbench(
            "kernel", "nstream", "length=10007", "iterations=2",
            "stencil", "n=67", "transpose", "n=70", "iterations=3",
            "synch-p2p", "m=50", "n=40", "reduce", "length=5003",
            "random", "log=10", "sparse", "log=5", "global", "length=101",
            "dgemm", "n=66", "sort", "length=30011", *SHORT[:-2], "--json")
        result = json.loads(done.stdout)
        said = {target["target"] for target in result["targets"]}
        for kernel in ("nstream", "stencil", "transpose", "synch-p2p",
                       "reduce", "random", "sparse", "global", "dgemm"):
            self.assertIn(kernel + " >= 0.97 of OpenMP's rate, reaching 1",
                          said)
        self.assertIn("sort >= 1.6 of NumPy's", said)
        seen = 0
        for cell in result["cells"]:
            if not cell["peer"]:
                continue
            self.assertIn(cell["status"], ("ok", "skipped"), cell)
            if cell["status"] == "ok":
                self.assertEqual(cell["verify"], {"passes": 1, "errors": 0})
                seen += 1
        self.assertGreaterEqual(seen, 9)

    @unittest.skipUnless(LONG, "moves gigabytes")
    def test_placing_is_held_against_its_targets(self):
        result = json.loads(rigbench("place", *SHORT, "--json").stdout)
        obeys_schema(self, result)
        judged = {target["target"]: target["verdict"]
                  for target in result["targets"]}
        self.assertEqual(set(judged), {
            "1 GiB by 2 workers <= 0.65 of one process"} | {
                f"plan {place} for 8 nodes, 256 cores <= 5 ms"
                for place in ("core", "pu", "l3", "numa", "spread",
                              "compact")})
        for target, verdict in judged.items():
            # Where /dev/shm is small there is nothing to populate.
            said = {"met", "MISSED"} | (
                {"not judged"} if "GiB" in target else set())
            self.assertIn(verdict, said, target)

    def test_a_peer_with_other_parameters_is_none(self):
        done = rigbench("kernel", "stencil", "n=67", "radius=3", *SHORT[:-2],
                        "--json")
        self.assertFalse([cell for cell in json.loads(done.stdout)["cells"]
                          if cell["peer"]])

    def interrupted(self, *words):
        """A run stopped in its third launch; its JSON."""
        before = names()
        process = on_terminal(*words, "--json", until=b"launch 3")
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=HANG_S)
        self.assertEqual(process.returncode, 130)
        result = json.loads(out)
        self.assertTrue(result["plan"]["interrupted"])
        self.assertGreater(result["cells"][0]["n"], 0)
        leaves_nothing(self, before)
        return result

    def test_interruption_leaves_partial_results_and_no_segments(self):
        short = ["--warmup", "0", "--batch", "0.0001"]
        self.interrupted("ipc", "transports=seg-inplace,pipe", "sizes=64",
                         *short)
        if not LONG:
            return
        obeys_schema(self, self.interrupted("c2c", *short))
        obeys_schema(self, self.interrupted("mem", "sizes=24Ki", *short))
        scaled = self.interrupted("scale", "triad", "length=1000", *short)
        obeys_schema(self, scaled)
        self.assertEqual(len(scaled["fits"]), 2)

    def test_a_kill_leaves_no_process(self):
        process = on_terminal("ipc", "transports=pipe", "sizes=64",
                              until=b"launch 2")
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/"
                                "children").read_text().split()
        process.kill()
        process.communicate(timeout=HANG_S)
        while any(os.path.exists(f"/proc/{pid}") for pid in children):
            time.sleep(0.01)
