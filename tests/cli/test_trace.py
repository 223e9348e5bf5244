#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""runrig run --trace: spans that nest, add up, and lie where the waits were; in runs
that end well and in runs that fail."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
from xml.etree import ElementTree

RUNRIG = os.environ["RUNRIG"]
TESTS = pathlib.Path(__file__).resolve().parent
ROOT = TESTS.parents[1]


def run(*words, check=0):
    done = subprocess.run([RUNRIG, "run", *words], capture_output=True,
                          text=True, timeout=100)
    if done.returncode != check:
        raise AssertionError(f"{words}: {done.returncode}\n{done.stderr}")
    return done


def trace(*words, check=0):
    """The output of the run, and the lanes: tid to spans."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "trace.json")
        done = run(*words, "--trace", path, check=check)
        with open(path, encoding="utf-8") as file:
            events = json.load(file)["traceEvents"]
    lanes = {}
    for event in events:
        if event["ph"] == "M":
            if event["name"] == "thread_name":
                lanes[event["tid"]] = []
            continue
        assert event["ph"] == "X", event
        lanes[event["tid"]].append(event)
    return done, lanes


def end(span):
    return span["ts"] + span["dur"]


# Microseconds by which rounding to a nanosecond may differ.
ROUNDING = 0.002


class Trace(unittest.TestCase):
    def check_lane(self, spans, runs):
        """Time never goes back, spans nest, and the spans of a run add up."""
        open_spans = []
        before = 0
        for span in spans:
            self.assertGreaterEqual(span["ts"], before)
            self.assertGreaterEqual(span["dur"], 0)
            before = span["ts"]
            while open_spans and end(open_spans[-1]) <= span["ts"] + ROUNDING:
                open_spans.pop()
            if open_spans:
                self.assertLessEqual(end(span), end(open_spans[-1]) + ROUNDING)
            open_spans.append(span)
        for index, one in enumerate(runs):
            total = sum(span["dur"] for span in spans
                        if span["args"]["run"] == index
                        and span["cat"] not in ("wait", "run"))
            self.assertAlmostEqual(total / one["dur"], 1, delta=0.01)

    def check_all(self, lanes, workers):
        self.assertEqual(sorted(lanes), list(range(workers + 1)))
        runs = lanes[0]
        self.assertTrue(runs)
        for tid in range(1, workers + 1):
            self.check_lane(lanes[tid], runs)

    def test_waits_are_where_they_were(self):
        done, lanes = trace("heat", "n=33", "-n", "3", "--json")
        self.check_all(lanes, 3)
        result = json.loads(done.stdout)
        (index,) = [i for i, one in enumerate(lanes[0])
                    if one["name"] == "heat"]
        for tid in (1, 2, 3):
            waits = [span for span in lanes[tid] if span["cat"] == "wait"
                     and span["args"]["run"] == index]
            (kernel,) = [span for span in lanes[tid]
                         if span["cat"] == "kernel"
                         and span["args"]["run"] == index]
            self.assertEqual(kernel["name"], "heat")
            barriers = [span for span in waits if span["name"] == "barrier"]
            self.assertTrue(barriers)
            for span in waits:
                self.assertGreaterEqual(span["ts"], kernel["ts"])
                self.assertLessEqual(end(span), end(kernel) + ROUNDING)
                self.assertTrue(span["args"]["where"], span)
        self.assertEqual(result["workers"] if isinstance(result["workers"], int)
                         else len(result["workers"]), 3)

    def test_ranks_have_as_many_barriers(self):
        _, lanes = trace("reverse", "length=1000", "-n", "4")
        self.check_all(lanes, 4)
        counts = {len([span for span in lanes[tid]
                       if span["name"] == "barrier"])
                  for tid in range(1, 5)}
        self.assertEqual(len(counts), 1)

    @unittest.skipUnless(shutil.which("cc"), "no compiler")
    def test_a_death_is_in_it(self):
        with tempfile.TemporaryDirectory() as folder:
            probe = os.path.join(folder, "probe.so")
            subprocess.run(["cc", "-shared", "-fPIC", "-D_GNU_SOURCE",
                            str(TESTS / "cli_kernel.c"), "-o", probe,
                            f"-I{ROOT}/runtime/include"], check=True)
            done, lanes = trace(probe, "mode=crash", "-n", "2", check=3)
        self.assertIn("SIGSEGV", done.stderr)
        self.check_all(lanes, 2)
        unfinished = [span for tid in (1, 2) for span in lanes[tid]
                      if span["args"].get("unfinished")]
        self.assertTrue(unfinished)

    def test_a_picture(self):
        done = run("reverse", "length=100000", "-n", "2", "--trace", "-")
        lines = done.stdout.splitlines()
        at = next(i for i, line in enumerate(lines) if line.startswith("rank"))
        self.assertRegex(lines[at], r"rank  reverse: [\d.]+ ms +computes$")
        for rank in (0, 1):
            self.assertRegex(lines[at + 1 + rank],
                             rf"^ +{rank} \|[ #.a]+\| +\d+ %$")
            self.assertLessEqual(len(lines[at + 1 + rank]), 80)
        self.assertIn("# kernel", lines[at + 3])

    def test_a_picture_of_lanes(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "lanes.svg")
            run("stencil", "n=300", "-n", "3", "--trace", path)
            root = ElementTree.parse(path).getroot()
        space = "{http://www.w3.org/2000/svg}"
        boxes = [box.attrib for box in root.iter(space + "rect")]
        texts = [text.text for text in root.iter(space + "text")]
        self.assertEqual([t for t in texts if t.startswith("rank")],
                         ["rank 0", "rank 1", "rank 2"])
        self.assertTrue(texts[0].startswith("stencil: "))
        lanes = sorted({int(box["y"]) for box in boxes
                        if box["class"] == "kernel"})
        self.assertGreaterEqual(len(lanes), 4)
        for box in boxes:
            self.assertLessEqual(int(box["x"]) + int(box["width"]),
                                 int(root.attrib["width"]))

    def test_where_it_cannot_be_written_nothing_is_run(self):
        for path, why in (("/no/such/folder/t.json", "No such file"),
                          ("/tmp", "Is a directory")):
            for option in (("--trace", path), (f"--json={path}",)):
                done = run("reverse", "length=10", *option, check=5)
                self.assertEqual(done.stdout, "", (option, path))
                self.assertRegex(done.stderr,
                                 rf"\Arunrig: {path}: [^\n]*{why}"
                                 r"[^\n]*\n\Z")


if __name__ == "__main__":
    unittest.main()
