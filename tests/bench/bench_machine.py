# SPDX-License-Identifier: MIT
"""rigbench from outside: core to core, roofs, scaling, the doctor."""
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from bench_lib import (RIGBENCH, SANITIZED, SHORT, HANG_S, names, rigbench,
                       obeys_schema, measured, leaves_nothing, page,
                       well_formed_and_alone, has_points)


class CoreToCore(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.text, cls.result = measured("c2c")

    @unittest.skipIf(len(os.sched_getaffinity(0)) < 2, "one PU")
    def test_every_pair_once(self):
        result = self.result
        obeys_schema(self, result)
        pus = os.sched_getaffinity(0)
        pairs = [{int(cell["axes"]["from"]), int(cell["axes"]["to"])}
                 for cell in result["cells"] if "again" not in cell["name"]]
        self.assertEqual(len(pairs), len(pus) * (len(pus) - 1) // 2)
        self.assertEqual(len({tuple(sorted(pair)) for pair in pairs}),
                         len(pairs))
        for cell in result["cells"]:
            self.assertEqual(cell["status"], "ok", cell["reason"])
            self.assertEqual(cell["verify"], {"passes": 1, "errors": 0})
            self.assertEqual([side["cpu"] for side in cell["binding"]],
                             [int(cell["axes"]["from"]),
                              int(cell["axes"]["to"])])
            self.assertEqual([side["cpus"] for side in cell["binding"]],
                             [1, 1])

    @unittest.skipIf(len(os.sched_getaffinity(0)) < 2, "one PU")
    def test_the_matrix_is_the_medians(self):
        cell = self.result["cells"][0]
        row = re.search(rf"^P#{cell['axes']['to']} +(\d+)", self.text, re.M)
        self.assertEqual(int(row[1]), round(cell["summary"]["p50"]))

    def test_the_map_is_the_medians(self):
        """A made-up machine of six PUs in two packages."""
        result = dict(self.result, cells=[])
        cell = self.result["cells"][0]
        wanted = []
        for i in range(6):
            for k in range(i + 1, 6):
                near = i // 3 == k // 3
                value = 40 + 10 * i + k + (0 if near else 100)
                result["cells"].append(dict(
                    cell, name=f"P#{i} to P#{k}", id=f"c2c/P#{i} to P#{k}",
                    axes={"from": str(i), "to": str(k), "distance":
                          "same L3" if near else "other package"},
                    summary=dict(cell["summary"] or {}, p50=value, ci95=None)))
                wanted.append((k - 1, i, value))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "c2c.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump(result, file)
            text = page(folder, path)
        well_formed_and_alone(self, text)
        figure = re.search(r'<figure id="c2c" .*?>(.*?)</figure>', text,
                           re.S)[1]
        if "<svg" not in figure:
            self.skipTest("gnuplot is not installed")
        width, height = (float(n) for n in re.search(
            r'viewBox="0 0 (\d+) (\d+)"', figure).groups())
        labels = [(int(n), (float(x) / width - 0.1) / 0.64 * 5,
                   (float(y) / height - 0.05) / 0.82 * 5)
                  for x, y, n in re.findall(
                      r'translate\(([\d.]+),([\d.]+)\)"[^>]*>\s*<text>'
                      r"<tspan[^>]*>\s*(\d+)</tspan>", figure)]
        for row, column, value in wanted:
            self.assertTrue(any(
                n == value and abs(x - column - 0.5) < 0.2 and
                abs(y - row - 0.5) < 0.2 for n, x, y in labels),
                (row, column, value, labels))
        self.assertIn(">P#5<", figure)

    def test_one_pu_has_nobody_to_talk_to(self):
        pu = min(os.sched_getaffinity(0))
        done = subprocess.run(
            ["taskset", "-c", str(pu), RIGBENCH, "c2c", *SHORT, "--json"],
            capture_output=True, text=True, timeout=HANG_S, check=True)
        result = json.loads(done.stdout)
        obeys_schema(self, result)
        (cell,) = result["cells"]
        self.assertEqual(cell["status"], "skipped")
        self.assertIn("one usable PU", cell["reason"])


class Roofs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.text, cls.result = measured("mem", "sizes=1,24Ki,2M")

    def test_every_loop_is_verified_at_every_size(self):
        result = self.result
        obeys_schema(self, result)
        counts = {1, len(os.sched_getaffinity(0))}
        seen = set()
        for cell in result["cells"]:
            axes = cell["axes"]
            self.assertEqual(cell["status"], "ok", cell["reason"])
            self.assertEqual(cell["verify"], {"passes": 1, "errors": 0})
            self.assertEqual(cell["bytes_per_operation"],
                             int(axes["size"]) * int(axes["workers"]))
            seen.add((axes["roof"], axes["workers"], axes["size"]))
        # A size is rounded to what all loops can be cut into.
        self.assertEqual({size for _, _, size in seen},
                         {"3072", "24576", "1999872"})
        self.assertEqual({roof for roof, _, _ in seen},
                         {"read", "write", "write-nt", "copy", "triad"})
        self.assertGreaterEqual(len(seen), 5 * 3 * min(len(counts), 1))

    def test_the_table_is_the_rates(self):
        rows = [re.sub("±\\S+", "", line).split()[3:]
                for line in self.text.splitlines()
                if line.startswith("  24.0 KiB")]
        cells = [cell for cell in self.result["cells"]
                 if cell["axes"]["size"] == "24576" and
                 "again" not in cell["name"]]
        self.assertEqual(len(rows) * 10, len(cells) * 2)
        for text, cell in zip(zip(*[iter(sum(rows, []))] * 2), cells):
            self.assertEqual(text, tuple(
                "%.4g" % (cell["bytes_per_operation"] / cell["summary"][key])
                for key in ("p50", "min")), cell["id"])

    def test_figure_and_roof_are_the_numbers(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "mem.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump(self.result, file)
            ipc = os.path.join(folder, "ipc.json")
            rigbench("ipc", "transports=seg-inplace", "sizes=65536",
                     "patterns=stream", *SHORT, "--json=" + ipc)
            text = page(folder, path, ipc)
            with open(ipc, encoding="utf-8") as file:
                lying = json.load(file)
            for cell in lying["cells"]:
                cell["summary"]["p50"] /= 1e3
            with open(ipc, "w", encoding="utf-8") as file:
                json.dump(lying, file)
            lied = page(folder, path, ipc)
        well_formed_and_alone(self, text)
        has_points(self, text, "roofs", [
            (int(cell["axes"]["size"]),
             cell["bytes_per_operation"] / cell["summary"]["p50"])
            for cell in self.result["cells"]
            if "again" not in cell["name"]])
        for cache in self.result["env"]["cpu"]["caches"]:
            if 24 << 10 < cache["bytes"] < 2 << 20:
                self.assertTrue(f">L{cache['level']}<" in text, cache)
        self.assertTrue("one core reads" in text)
        self.assertFalse("implausible" in text)
        self.assertTrue("implausible:</strong> stream" in lied)

    def test_more_than_the_memory_is_a_row_that_says_so(self):
        result = json.loads(rigbench("mem", "sizes=1P", *SHORT,
                                     "--json").stdout)
        for cell in result["cells"]:
            self.assertEqual(cell["status"], "skipped")
            self.assertIn("available", cell["reason"])


class Scale(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        path = os.path.join(cls.folder.name, "scale.json")
        cls.text = rigbench("scale", "triad", "length=30000", "cg", *SHORT,
                            "--json=" + path).stdout
        with open(path, encoding="utf-8") as file:
            cls.result = json.load(file)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def rows(self, contest):
        return {cell["name"]: cell for cell in self.result["cells"]
                if cell["contest"] == contest}

    def test_every_count_is_verified(self):
        obeys_schema(self, self.result)
        rows = self.rows("scale triad, strong")
        for cell in rows.values():
            workers = int(cell["axes"]["workers"])
            self.assertEqual(cell["status"], "ok", cell["reason"])
            self.assertEqual(cell["verify"], {"passes": 1, "errors": 0})
            self.assertEqual(len(cell["binding"]), workers)
            self.assertEqual("oversubscribed" in cell["name"],
                             cell["axes"]["cores"] == "shared")
        cores = [int(cell["axes"]["workers"]) for cell in rows.values()
                 if cell["axes"]["cores"] == "own"]
        self.assertIn(1, cores)
        if len(os.sched_getaffinity(0)) < 4:
            self.assertIn("shared", [cell["axes"]["cores"]
                                     for cell in rows.values()])

    def test_weak_grows_the_work_with_the_workers(self):
        for cell in self.rows("scale triad, weak").values():
            self.assertEqual(cell["axes"]["parameters"], "length=%d" %
                             (30000 * int(cell["axes"]["workers"])))
        for cell in self.rows("scale cg, weak").values():
            self.assertEqual(cell["status"], "skipped")
            self.assertIn("no size", cell["reason"])

    @SANITIZED
    def test_memory_is_counted_once(self):
        """The arrays are shared: their pages are not counted per worker."""
        arrays = 3 * 8 * 30000
        for cell in self.rows("scale triad, strong").values():
            own = 2e6 * int(cell["axes"]["workers"])
            self.assertGreater(cell["pss_bytes"], arrays)
            self.assertLess(cell["pss_bytes"], arrays + own)

    def test_a_law_is_fitted_or_said_not_to_be(self):
        fits = {(fit["contest"], fit["law"]): fit
                for fit in self.result["fits"]}
        counts = {cell["axes"]["workers"]
                  for cell in self.rows("scale triad, strong").values()
                  if cell["axes"]["cores"] == "own"}
        for law, needed, names in (("amdahl", 3, ["serial"]),
                                   ("usl", 4, ["contention", "coherency"])):
            fit = fits["scale triad, strong", law]
            self.assertEqual(fit["points"], len(counts))
            if len(counts) < needed:
                self.assertIn(f"needs {needed} counts", fit["reason"])
                self.assertEqual(fit["parameters"], [])
                self.assertIn("no fit", self.text)
            else:
                self.assertIsNone(fit["reason"])
                self.assertEqual([p["name"] for p in fit["parameters"]],
                                 names)

    def test_figures_are_the_numbers(self):
        text = page(self.folder.name,
                    os.path.join(self.folder.name, "scale.json"))
        well_formed_and_alone(self, text)
        ratios = {c["b"]: c["estimate"] for c in self.result["comparisons"]}
        for mode, figure in (("strong", "speedup"), ("weak", "weak")):
            rows = self.rows("scale triad, " + mode)
            has_points(self, text, figure, [
                (int(cell["axes"]["workers"]), 1 / ratios[cell["id"]])
                for name, cell in rows.items()
                if name not in ("1 worker", "1 worker (again)")])
        has_points(self, text, "pss", [
            (int(cell["axes"]["workers"]), cell["pss_bytes"] / 1e6)
            for name, cell in self.rows("scale triad, strong").items()
            if "again" not in name])

    def test_no_room_is_said_before_anything_is_made(self):
        before = names()
        done = rigbench("scale", "reverse", "length=1T", *SHORT, check=1)
        self.assertRegex(done.stderr, r"MB are free: choose a smaller length=")
        leaves_nothing(self, before)


class Doctor(unittest.TestCase):
    def test_every_check_says_what_it_found(self):
        result = json.loads(rigbench("doctor", "--json").stdout)
        obeys_schema(self, result)
        checks = {check["name"]: check for check in result["checks"]}
        self.assertEqual(len(checks), len(result["checks"]))
        for check in checks.values():
            self.assertTrue(check["found"] and check["effect"]
                            and check["cure"], check)
        grade = result["env"]["noise"]["grade"]
        self.assertEqual(checks["noise"]["state"],
                         {"A": "fine", "B": "note", "C": "bad"}[grade])
        self.assertIn("grade " + grade, checks["noise"]["found"])
        load = float(re.search(r"load average ([\d.]+)",
                               checks["load"]["found"])[1])
        self.assertGreaterEqual(load, 0)
        aslr = pathlib.Path("/proc/sys/kernel/randomize_va_space")
        if aslr.exists():
            off = aslr.read_text(encoding="ascii").strip() == "0"
            self.assertEqual(checks["address randomising"]["state"],
                             "note" if off else "fine")

    def test_strict_exits_as_the_grade_says(self):
        with tempfile.TemporaryDirectory() as folder:
            path, csv = (os.path.join(folder, name)
                         for name in ("doctor.json", "doctor.csv"))
            done = rigbench("doctor", "--strict", "--json=" + path, "--csv",
                            csv, check=None)
            with open(path, encoding="utf-8") as file:
                result = json.load(file)
            with open(csv, encoding="utf-8") as file:
                rows = file.read().splitlines()
        self.assertEqual(len(rows) - 1, len(result["checks"]))
        grade = result["env"]["noise"]["grade"]
        steal = next(check for check in result["checks"]
                     if check["name"] == "steal")["state"]
        self.assertEqual(done.returncode,
                         4 if grade == "C" or steal == "bad" else 0)
        self.assertTrue(done.stdout.startswith(f"Grade {grade}: "))
        for check in result["checks"]:
            cured = "cure: " + check["cure"] in done.stdout
            self.assertEqual(cured, check["state"] in ("note", "bad"),
                             check["name"])
