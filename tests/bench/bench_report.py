# SPDX-License-Identifier: MIT
"""rigbench from outside: JSON, CSV, pages and figures, and two results compared."""
import json
import os
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

from bench_lib import (RIGBENCH, HANG_S, rigbench, obeys_schema,
                       quietly, measured, page, well_formed_and_alone,
                       has_points)


class Files(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = os.path.join(cls.folder.name, "run.json")
        cls.csv = os.path.join(cls.folder.name, "run.csv")
        quietly("ipc", "transports=seg-inplace,pipe,null",
                "sizes=64,4096,65536", "patterns=pingpong,stream,setup",
                "--launches", "6", "--openings", "1", "--blocks", "2", "--warmup", "0",
                "--peer", "none", "--batch", "0.0001",
                "--json=" + cls.path, "--csv", cls.csv)
        with open(cls.path, encoding="utf-8") as file:
            cls.result = json.load(file)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_json_obeys_its_schema(self):
        obeys_schema(self, self.result)
        broken = dict(self.result, schema="runrig-bench/2")
        with self.assertRaises(Exception):
            obeys_schema(self, broken)

    def test_csv_has_every_sample(self):
        with open(self.csv, encoding="utf-8") as file:
            lines = file.read().splitlines()
        samples = sum(cell["n"] for cell in self.result["cells"])
        self.assertEqual(len(lines) - 1, samples)
        summary = self.csv.replace(".csv", "-summary.csv")
        with open(summary, encoding="utf-8") as file:
            self.assertEqual(len(file.read().splitlines()) - 1,
                             len(self.result["cells"]))

    def test_figures_are_the_numbers(self):
        """Undo the axes: the pixels of a figure are the JSON's medians."""
        text = page(self.folder.name, self.path)
        well_formed_and_alone(self, text)
        cells = [cell for cell in self.result["cells"]
                 if cell["name"] == cell["axes"]["transport"]]
        for pattern, figure in (("pingpong", "latency"),
                                ("stream", "bandwidth"), ("setup", "setup")):
            wanted = []
            for cell in cells:
                if cell["axes"]["pattern"] != pattern:
                    continue
                p50 = cell["summary"]["p50"]
                value = {"latency": p50 / 2e3, "setup": p50 / 1e3,
                         "bandwidth": cell["bytes_per_operation"] / p50}
                wanted.append((float(cell["axes"]["size"]), value[figure]))
            self.assertGreaterEqual(len(wanted), 6, figure)
            has_points(self, text, figure, wanted)
        for cell in cells:
            if cell["tail"]:
                self.assertIn('<figure id="percentiles"', text)

    def test_a_figure_alone(self):
        path = os.path.join(self.folder.name, "latency.svg")
        done = rigbench("report", self.path, "-o", path, check=None)
        if done.returncode == 5:
            self.skipTest("gnuplot is not installed")
        self.assertEqual(done.returncode, 0, done.stderr)
        root = xml.etree.ElementTree.parse(path).getroot()
        self.assertTrue(root.tag.endswith("svg"))
        with open(path, encoding="utf-8") as file:
            self.assertIn("prefers-color-scheme:dark", file.read())

    def test_gnuplot_that_fails_is_not_one_that_is_not_there(self):
        here = os.path.join(self.folder.name, "bin")
        os.mkdir(here)
        fake = os.path.join(here, "gnuplot")
        for script, said in ((None, "gnuplot is not installed"),
                             ("exit 1", "gnuplot failed"),
                             ("exit 0", "gnuplot failed"),
                             ("echo '<svg>'; exit 1", "gnuplot failed")):
            if script:
                with open(fake, "w", encoding="utf-8") as file:
                    file.write(f"#!/bin/sh\n{script}\n")
                os.chmod(fake, 0o755)
            for name, code, without in (
                    ("latency.svg", 5, "no picture"),
                    ("page.html", 0, "a page without (all its )?pictures")):
                path = os.path.join(here, name)
                done = subprocess.run(
                    [RIGBENCH, "report", self.path, "-o", path],
                    env=dict(os.environ, PATH=here), capture_output=True,
                    text=True, timeout=HANG_S, check=False)
                self.assertEqual(done.returncode, code, script)
                self.assertRegex(done.stderr,
                                 rf"\Arigbench: {said}: {without}\n\Z")
                if code:
                    self.assertFalse(os.path.exists(path))
                    continue
                with open(path, encoding="utf-8") as file:
                    self.assertIn(f"<p>{said}: no picture.</p>", file.read())

    def test_a_figure_that_is_not_there(self):
        path = os.path.join(self.folder.name, "speedup.svg")
        done = rigbench("report", self.path, "-o", path, check=1)
        self.assertIn("no figure speedup", done.stderr)
        self.assertFalse(os.path.exists(path))

    def test_kernels_as_a_table_for_a_readme(self):
        with open(self.path, encoding="utf-8") as file:
            result = json.load(file)
        peers = [{"name": "OpenMP libgomp", "ratio": 1.2, "low": 1.1,
                  "high": 1.3}, {"name": "OpenMP libomp", "ratio": 1.04,
                                 "low": None, "high": None},
                 {"name": "numpy.sort", "ratio": 3.0, "low": 2.5, "high": 4},
                 {"name": "std::sort", "ratio": 2.0, "low": 1.5, "high": 3},
                 {"name": "Open MPI, shared window", "reason": "not here"}]
        row = {"kernel": "sort", "parameters": "length=5", "verified": True,
               "against": "all neighbours; and more", "ns": 2e6,
               "bytes_moved": 0, "flops": 4e6, "peers": peers}
        result["kernels"] = [row, dict(row, verified=False, flops=0),
                             dict(row, flops=0, items=5e5, item="keys")]
        made = os.path.join(self.folder.name, "table.json")
        with open(made, "w", encoding="utf-8") as file:
            json.dump(result, file)
        path = os.path.join(self.folder.name, "kernels.md")
        rigbench("report", made, "-o", path)
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        self.assertEqual(lines[2], "| `sort length=5` | all neighbours | "
                         "2 Gflop/s | 1.04 |  | 3.00 [2.50, 4.00] "
                         "numpy.sort; 2.00 [1.50, 3.00] std::sort |")
        self.assertIn("| 2 ms, **not verified** |", lines[3])
        self.assertIn("| 250 M keys/s |", lines[4])
        os.remove(path)
        with open(made, "w", encoding="utf-8") as file:
            json.dump(dict(result, kernels=[], cells=[]), file)
        done = rigbench("report", made, "-o", path, check=1)
        self.assertIn("no table of kernels", done.stderr)
        self.assertFalse(os.path.exists(path))

    def crossover(self, pattern, other):
        """(largest size with no difference shown, size from which sharing is
        faster), out of the comparisons."""
        same = first = None
        for cell in self.result["cells"]:
            if (cell["axes"]["pattern"] != pattern
                    or cell["name"] != "seg-inplace" or not cell["n"]
                    or (cell["again"] or 0) > 1.2):
                continue
            size = cell["axes"]["size"]
            (ours,) = [c for c in self.result["comparisons"]
                       if c["a"] == cell["id"]
                       and c["b"] == cell["contest"] + "/" + other]
            if not ours["ci95"]:
                continue
            if ours["verdict"] != "A faster":
                same, first = size, None
            else:
                first = first or size
        return same, first

    def test_the_answer_is_what_the_comparisons_say(self):
        answer = self.result["answer"]
        self.assertEqual(len(answer["sentences"]), len(answer["crossovers"]))
        # Nothing is said of what was not measured.
        self.assertEqual([c["pattern"] for c in answer["crossovers"]],
                         ["pingpong", "stream"])
        for said, text in zip(answer["crossovers"], answer["sentences"]):
            self.assertEqual(
                (said["same_bytes"], said["from_bytes"]),
                self.crossover(said["pattern"], said["transport"]))
            self.assertEqual(said["transport"], "pipe")
            self.assertIn("through a pipe", text)
            self.assertEqual("at no size is sharing shown" in text,
                             not said["from_bytes"])
            if said["from_bytes"]:
                self.assertIn(f"{said['least']['ratio']:.3g} ["
                              f"{said['least']['low']:.3g}, ", text)
        for even in answer["break_even"]:
            self.assertGreaterEqual(even["round_trips"], 1)
        text = page(self.folder.name, self.path)
        for sentence in answer["sentences"]:
            self.assertIn(sentence, text)

    def test_tables_for_papers(self):
        made = {}
        for end in ("md", "tex", "csv"):
            path = os.path.join(self.folder.name, "table." + end)
            rigbench("report", self.path, "-o", path)
            with open(path, encoding="utf-8") as file:
                made[end] = file.read()
        cells = [cell for cell in self.result["cells"]
                 if "(again)" not in cell["name"]]
        self.assertEqual(len(made["csv"].splitlines()), len(cells) + 1)
        for line, cell in zip(made["csv"].splitlines()[1:], cells):
            row = line.split(",")
            self.assertEqual(row[:2], [cell["axes"]["pattern"],
                                       cell["axes"]["size"]])
            if cell["n"]:
                self.assertAlmostEqual(
                    float(row[5]) / cell["summary"]["p50"], 1, 6)
        self.assertIn("| pingpong | 64 B | 4 KiB | 64 KiB |", made["md"])
        self.assertIn("pingpong & 64 B & 4 KiB & 64 KiB \\\\", made["tex"])
        for text in (made["md"], made["tex"]):
            self.assertEqual(text.count("seg-inplace"), 3)
        self.assertEqual(made["tex"].count("\\begin{tabular}"), 3)
        self.assertNotIn("e+0", made["md"] + made["tex"])

    def test_texts_of_a_result_are_texts_on_the_page(self):
        bad = '<b x="1">&'
        odd = json.loads(json.dumps(self.result))
        odd["warnings"] = [bad, None, 1]
        odd["env"]["noise"]["grade"] = bad
        odd["cells"] = [{**odd["cells"][0], "unit": bad}, None, 7, {}]
        path = os.path.join(self.folder.name, "odd.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(odd, file)
        text = page(self.folder.name, path)
        well_formed_and_alone(self, text)
        self.assertNotIn(bad, text)
        done = rigbench("report", self.path, "-o", "/dev/full", check=5)
        self.assertIn("/dev/full", done.stderr)

    def test_results_that_have_nothing_in_common(self):
        other = dict(self.result, cells=[
            {**cell, "id": "other " + cell["id"]}
            for cell in self.result["cells"]])
        path = os.path.join(self.folder.name, "other.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(other, file)
        done = rigbench("compare", self.path, path, check=1)
        self.assertIn("no measured cell in common", done.stderr)

    def test_compare_with_itself_shows_nothing(self):
        done = rigbench("compare", self.path, self.path)
        self.assertIn("0 are shown slower, 0 faster", done.stdout)


class Compare(unittest.TestCase):
    """Two results that were made up from one."""

    @classmethod
    def setUpClass(cls):
        done = rigbench("ipc", "transports=seg-inplace,pipe,null,memcpy",
                        "sizes=64", "patterns=stream", "--launches", "6",
                        "--blocks", "1", "--warmup", "0", "--batch", "0.0001",
                        "--peer", "none", "--json")
        cls.result = json.loads(done.stdout)
        for cell in cls.result["cells"]:
            # One per cent from launch to launch, whatever the machine did.
            cell["samples"] = [100 * 1.01 ** i for i in range(6)]
            cell["launch"] = list(range(6))
            cell["again"] = 1.01
        for comparison in cls.result["comparisons"]:
            if comparison["aa"]:
                comparison["ci95"] = [0.99, 1.01]

    def compare(self, times, check):
        """`times(name)`: how much longer each takes in the second run."""
        other = json.loads(json.dumps(self.result))
        for cell in other["cells"]:
            cell["samples"] = [times(cell["name"]) * x
                               for x in cell["samples"]]
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, name) for name in ("a", "b")]
            for path, result in zip(paths, (self.result, other)):
                with open(path, "w", encoding="utf-8") as file:
                    json.dump(result, file)
            return rigbench("compare", *paths, check=check).stdout

    def refused(self, spoil, said):
        """`spoil(cell)` changes one cell of a good result."""
        other = json.loads(json.dumps(self.result))
        spoil(other["cells"][1])
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, name) for name in ("a", "b")]
            for path, result in zip(paths, (self.result, other)):
                with open(path, "w", encoding="utf-8") as file:
                    json.dump(result, file)
            for words in (["compare", *paths], ["compare", *paths[::-1]],
                          ["report", paths[1], "-o", paths[1] + ".html"]):
                done = rigbench(*words, check=5)
                self.assertRegex(done.stderr, rf"\Arigbench: \S+: {said}\n\Z")
                self.assertEqual(done.stdout, "")

    def test_numbers_that_no_measurement_leaves_are_refused(self):
        def sample(value):
            return lambda cell: cell["samples"].__setitem__(2, value)

        at = r"cells\[1\]\."
        for value, said in ((0, "0: it has to be more than 0"),
                            (-3.5, "-3.5: it has to be more than 0"),
                            (None, "null: it has to be a number"),
                            ("7", "no number: it has to be a number")):
            self.refused(sample(value), rf"{at}samples\[2\] is {said}")
        self.refused(lambda cell: cell["summary"].update(p50=0),
                     rf"{at}summary.p50 is 0: it has to be more than 0")
        self.refused(lambda cell: cell.update(bytes_per_operation=-1),
                     rf"{at}bytes_per_operation is -1: it has to be 0 or more")
        self.refused(lambda cell: cell["launch"].pop(),
                     r"cells\[1\] has 6 samples, and launches of 5: .*")

    def test_a_contest_that_is_no_result_shows_nothing(self):
        other = json.loads(json.dumps(self.result))
        for cell in other["cells"]:
            cell["samples"] = [2 * x for x in cell["samples"]]
            cell["again"] = 1.3
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, name) for name in ("a", "b")]
            for path, result in zip(paths, (self.result, other)):
                with open(path, "w", encoding="utf-8") as file:
                    json.dump(result, file)
            text = rigbench("compare", *paths).stdout
            self.assertIn("0 are shown slower, 0 faster", text)
            self.assertEqual(text.count("not a result: A/A beyond 1.2"), 5)
            self.assertIn("not a result, A/A beyond 1.2",
                          page(folder, paths[1]))

    def test_one_that_got_slower_is_shown(self):
        text = self.compare(lambda name: 1.2 if name == "pipe" else 1, 4)
        self.assertRegex(text, r"stream 64, hybrid/pipe +1\.200 .* SLOWER")
        self.assertIn("of 5 cells 1 are shown slower, 0 faster", text)

    def test_one_that_got_faster_is_no_regression(self):
        text = self.compare(lambda name: 0.8 if name == "pipe" else 1, 0)
        self.assertIn("0 are shown slower, 1 faster", text)

    def test_what_the_controls_moved_by_too_is_not_shown(self):
        text = self.compare(lambda name: 1.2, 0)
        self.assertIn("controls moved by 20.0 %", text)
        self.assertIn("0 are shown slower, 0 faster", text)

    def test_small_differences_are_not_shown(self):
        text = self.compare(lambda name: 1.02 if name == "pipe" else 1, 0)
        self.assertIn("0 are shown slower, 0 faster", text)
