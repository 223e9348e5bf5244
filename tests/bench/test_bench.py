#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""rigbench from outside: every transport at its limits, JSON against its
schema, a page that needs nothing else, interruption, exit statuses.

Nothing here looks at how long anything took.  With RUNRIG_BENCH in the
environment more sizes are measured: .ci/run does.
"""
import html.parser
import json
import math
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree

RIGBENCH = os.environ["RIGBENCH"]

SANITIZED = unittest.skipIf(os.environ.get("SANITIZED", "none") != "none",
                            "a sanitizer has memory of its own")
SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "bench/schema/runrig-bench-1.json"
LONG = "RUNRIG_BENCH" in os.environ
SHORT = ["--launches", "1", "--blocks", "1", "--warmup", "0",
         "--batch", "0.0001", "--seed", "1", "--peer", "none"]
# Streams of bytes have no empty message, and neither has SOCK_SEQPACKET one
# that is told from its end, nor has a mapping.
BYTES_ONLY = {"pipe", "unix-stream", "unix-seqpacket", "tcp", "tcp:nagle",
              "fifo", "vmsplice", "splice", "memfd", "io_uring"}
# Not in every kernel, container or folder.
ABSENT = re.compile("io_uring_setup|no folder on a disk|process_vm_readv")


def names():
    return {name for name in os.listdir("/dev/shm") if name.startswith("rig")}


def rigbench(*words, check=0):
    done = subprocess.run([RIGBENCH, *words], capture_output=True, text=True,
                          timeout=100)
    if check is not None and done.returncode != check:
        raise AssertionError(f"{words}: {done.returncode}\n{done.stderr}"
                             f"{done.stdout[-2000:]}")
    return done


def cells(done):
    return {cell["id"]: cell for cell in json.loads(done.stdout)["cells"]}


def obeys_schema(test, result):
    try:
        import jsonschema
    except ImportError:
        test.skipTest("python3-jsonschema is not installed")
    with open(SCHEMA, encoding="utf-8") as file:
        jsonschema.validate(result, json.load(file))


def quietly(*words):
    """As rigbench(): nothing went wrong, and progress is for terminals."""
    done = rigbench(*words)
    if done.stderr:
        raise AssertionError(f"{words}: on stderr: {done.stderr!r}")
    return done


def measured(*words):
    """What a short run prints, and its JSON."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "run.json")
        done = quietly(*words, *SHORT, "--json=" + path)
        with open(path, encoding="utf-8") as file:
            return done.stdout, json.load(file)


def leaves_nothing(test, before):
    """Other programs' names come and go; one of ours would stay."""
    left = names() - before
    deadline = time.monotonic() + 20
    while left & names():
        test.assertLess(time.monotonic(), deadline, left)
        time.sleep(0.01)


def page(folder, *results):
    path = os.path.join(folder, "page.html")
    done = rigbench("report", *results, "-o", path)
    # gnuplot's warnings, of points it cannot draw, would be seen here.
    if done.stderr and "gnuplot is not installed" not in done.stderr:
        raise AssertionError(done.stderr)
    with open(path, encoding="utf-8") as file:
        return file.read()


def well_formed_and_alone(test, text):
    open_tags, ids = [], []
    void = {"meta", "br"}

    class Balance(html.parser.HTMLParser):
        def handle_starttag(self, tag, attrs):
            ids.extend(value for name, value in attrs if name == "id")
            if tag not in void:
                open_tags.append(tag)

        def handle_startendtag(self, tag, attrs):
            ids.extend(value for name, value in attrs if name == "id")

        def handle_endtag(self, tag):
            assert open_tags.pop() == tag, tag

    Balance().feed(text)
    test.assertEqual(open_tags, [])
    test.assertEqual(len(ids), len(set(ids)), "an id twice")
    # A namespace is a name, not a place to fetch from.
    rest = text.replace("http://www.w3.org/2000/svg", "").replace(
        "http://www.w3.org/1999/xlink", "")
    outside = re.search(r"https?://|<link|<script|<img|<image|url\(", rest)
    test.assertIsNone(outside)
    test.assertTrue("prefers-color-scheme:dark" in text)


def has_points(test, text, figure, wanted):
    """Is each (x, y) drawn, by undoing the axes of the picture?"""
    found = re.search(rf'<figure id="{figure}" data-xmin="(.*?)" '
                      r'data-xmax="(.*?)" data-ymin="(.*?)" '
                      r'data-ymax="(.*?)" data-xscale="(.*?)" '
                      r'data-yscale="(.*?)">(.*?)</figure>', text, re.S)
    test.assertTrue(found, figure)
    if "<svg" not in found[7]:
        test.skipTest("gnuplot is not installed")
    width, height = (float(n) for n in re.search(
        r'viewBox="0 0 (\d+) (\d+)"', found[7]).groups())

    def undo(share, low, high, scale):
        if scale == "linear":
            return low + share * (high - low)
        return low * (high / low) ** share

    drawn = [(undo((float(x) / width - 0.1) / 0.68, float(found[1]),
                   float(found[2]), found[5]),
              undo((1 - float(y) / height - 0.13) / 0.82, float(found[3]),
                   float(found[4]), found[6]))
             for x, y in re.findall(
                 r"<use xlink:href='#\w+-gpPt\d+' "
                 r"transform='translate\(([\d.]+),([\d.]+)\)", found[7])]
    for x, y in wanted:
        test.assertTrue(any(math.isclose(x, a, rel_tol=0.03) and
                            math.isclose(y, b, rel_tol=0.03)
                            for a, b in drawn), (figure, x, y, drawn))
def limits():
    """The largest message of each transport that has one, as the kernel has
    it: (largest, words of the refusal)."""
    def number(path):
        with open("/proc/sys/" + path, encoding="ascii") as file:
            return int(file.read())

    # What the kernel adds to a message in a socket's buffer; it rounds.
    sndbuf = number("net/core/wmem_default")
    return {
        "mq-posix": (number("fs/mqueue/msgsize_max"), "msgsize_max"),
        "mq-sysv": (min(number("kernel/msgmax"), number("kernel/msgmnb")),
                    "msgmax"),
        "udp": (65507, "SO_SNDBUF"),
        "unix-seqpacket": (sndbuf - 32, "SO_SNDBUF"),
        "unix-dgram": (sndbuf - 32, "SO_SNDBUF"),
    }


def on_terminal(*words, until):
    """rigbench with a terminal as stderr, which has said `until`."""
    terminal, far = os.openpty()
    process = subprocess.Popen(
        [RIGBENCH, *words, "--launches", "1000", "--peer", "none"],
        stdout=subprocess.PIPE, stderr=far, text=True)
    os.close(far)
    said = b""
    while until not in said:
        said += os.read(terminal, 4096)
    # The rest has no reader: what is written there fails, and is not missed.
    os.close(terminal)
    return process


class Transports(unittest.TestCase):
    """Verified payloads at every size around a limit."""

    def measure(self, *words):
        done = rigbench("ipc", *words, *SHORT, "--json")
        return json.loads(done.stdout)["cells"]

    def moved(self, cell):
        """It carried what it was asked to, or cannot and says so."""
        name, size = cell["axes"]["transport"], int(cell["axes"]["size"])
        if size == 0 and name in BYTES_ONLY:
            self.assertEqual(cell["status"], "skipped", cell["id"])
            self.assertIn("empty", cell["reason"])
        elif name == "signal-value" and size != 8:
            self.assertEqual(cell["status"], "skipped", cell["id"])
        elif name in limits() and size > limits()[name][0]:
            self.assertEqual(cell["status"], "skipped", cell["id"])
            self.assertIn(f"{size} bytes", cell["reason"])
            self.assertIn(limits()[name][1], cell["reason"])
        elif cell["status"] == "skipped":
            self.assertRegex(cell["reason"], ABSENT)
        else:
            self.assertEqual(cell["status"], "ok",
                             (cell["id"], cell["reason"]))
            self.assertEqual(cell["verify"], {"passes": 1, "errors": 0})

    def test_small_and_around_a_page(self):
        for cell in self.measure("transports=all",
                                 "sizes=0,1,8,4095,4096,4097" if LONG else
                                 "sizes=0,1,4097",
                                 "patterns=pingpong,stream"):
            self.moved(cell)

    def test_around_the_pipe_and_beyond(self):
        for cell in self.measure("transports=all",
                                 "sizes=65537", "patterns=pingpong"):
            self.moved(cell)

    def test_a_message_of_the_maximum_and_no_more(self):
        for name, (most, _) in limits().items():
            cells = self.measure("transports=" + name,
                                 f"sizes={most},{most + 1}",
                                 "patterns=pingpong,stream")
            self.assertEqual([cell["status"] for cell in cells],
                             ["ok", "skipped"] * 2, name)
            for cell in cells:
                self.moved(cell)

    def test_interrupted_and_cut_short(self):
        """A signal every 200 us, and more bytes than any buffer holds."""
        for cell in self.measure("transports=all",
                                 "sizes=8,262145" if LONG else "sizes=262145",
                                 "patterns=pingpong,stream",
                                 "disturb=signals", "wait=block"):
            self.moved(cell)

    def test_maps_are_done(self):
        for cell in self.measure("transports=all", "sizes=8,65544",
                                 "patterns=map"):
            self.moved(cell)

    def test_links_are_set_up(self):
        for cell in self.measure("transports=all", "sizes=8",
                                 "patterns=setup"):
            if cell["status"] == "skipped":
                self.assertRegex(cell["reason"], "bytes|" + ABSENT.pattern)
            else:
                self.assertEqual(cell["status"], "ok", cell["reason"])
                self.assertGreater(cell["n"], 0)

    def test_a_death_is_told_by_those_that_can(self):
        told = {"pipe", "fifo", "unix-stream", "unix-seqpacket", "tcp",
                "tcp:nagle", "memfd", "pool"}
        never = {"seg-inplace", "shm-sysv", "mq-posix", "futex", "eventfd"}
        for cell in self.measure("transports=" + ",".join(told | never),
                                 "sizes=64", "patterns=crash"):
            if cell["name"] in told:
                self.assertEqual(cell["status"], "ok", cell["reason"])
            else:
                self.assertEqual(cell["status"], "skipped", cell["id"])
                self.assertIn("never", cell["reason"])

    def test_an_open_loop(self):
        for cell in self.measure("transports=seg-inplace,pipe,udp,cma-read",
                                 "sizes=8", "rate=20000", "patterns=rate"):
            self.moved(cell)
            self.assertEqual(cell["axes"]["rate"], "20000")
            if cell["status"] == "ok":
                self.assertEqual(cell["operations_per_sample"], 101)
                self.assertEqual(cell["tail"]["n"], 101)

    def test_pages_and_homes_are_what_the_kernel_says(self):
        for cell in self.measure("transports=seg-inplace,seg-copyboth,pipe",
                                 "sizes=65536", "patterns=pingpong",
                                 "pages=4k,thp,2m", "home=writer,node:0"):
            pages, home = cell["axes"]["pages"], cell["axes"]["home"]
            if cell["name"] == "pipe":
                usual = (pages, home) == ("4k", "writer")
                self.assertEqual(cell["status"], "ok" if usual else "skipped")
                self.assertIsNone(cell["memory"])
            elif cell["status"] == "skipped":
                self.assertNotEqual(pages, "4k")
                self.assertRegex(cell["reason"], "shmem_enabled|nr_hugepages")
            else:
                self.assertEqual(cell["memory"]["page_bytes"],
                                 4096 if pages == "4k" else 2 << 20)
                on_node = cell["memory"]["pages_on_node"]
                self.assertGreater(sum(on_node), 0)
                if home == "node:0":
                    self.assertEqual(len(on_node), 1)

    def test_places(self):
        for cell in self.measure("transports=pipe", "sizes=64",
                                 "patterns=pingpong", "place=pu,smt,l3,other"):
            cpus = [worker["cpu"] for worker in cell["binding"]]
            if cell["axes"]["place"] == "pu":
                self.assertEqual(len(set(cpus)), 1)
            elif cell["status"] == "ok":
                self.assertEqual(len(set(cpus)), 2)
            else:
                self.assertRegex(cell["reason"], "usable")

    def test_pairs_at_once(self):
        one, three = self.measure("transports=pipe", "sizes=4096",
                                  "patterns=stream", "pairs=1,3")
        self.assertEqual(len(three["binding"]), 6)
        self.assertEqual(three["bytes_per_operation"],
                         3 * one["bytes_per_operation"])
        self.moved(three)

    def test_cases_says_what_is_here_and_why_not(self):
        text = rigbench("cases").stdout
        for line in ("seg-inplace     default", "io_uring        on request",
                     "pages           4k         yes",
                     "place           pu         yes", "crash rate"):
            self.assertIn(line, text)
        # What is absent says why.
        self.assertNotRegex(text, r"no: *$")

    def test_spinners_do_not_share_a_pu(self):
        for cell in self.measure("transports=seg-inplace,pipe", "sizes=64",
                                 "patterns=pingpong", "wait=spin", "place=pu"):
            self.assertEqual(cell["status"], "skipped")
            self.assertIn("spin", cell["reason"])

    def test_every_way_to_wait(self):
        done = rigbench("ipc", "sizes=64", "wait=spin,hybrid,block",
                        "patterns=pingpong,stream", *SHORT, "--json")
        for cell in json.loads(done.stdout)["cells"]:
            self.assertEqual(cell["status"], "ok", (cell["id"], cell["reason"]))

    def test_sides_are_bound_where_they_were_asked_to_be(self):
        done = rigbench("ipc", "transports=pipe", "sizes=64",
                        "patterns=pingpong", *SHORT, "--json")
        (cell,) = json.loads(done.stdout)["cells"]
        self.assertEqual([w["cpus"] for w in cell["binding"]], [1, 1])


class Collectives(unittest.TestCase):
    """Every verb, private, in a segment and lent, right at the last call."""

    def test_ours_are_right(self):
        done = rigbench("coll", "bcast", "scan", "send", "iallreduce",
                        "allreduce_init", *SHORT, "--json")
        found = json.loads(done.stdout)
        obeys_schema(self, found)
        for cell in found["cells"]:
            self.assertEqual(cell["status"], "ok",
                             (cell["id"], cell.get("reason")))
            self.assertGreater(cell["verify"]["passes"], 0, cell["id"])
        names = {cell["name"] for cell in found["cells"]}
        self.assertLessEqual({"runrig", "runrig, segment", "runrig, lent"},
                             names)

    def test_mpi_is_right_too(self):
        done = rigbench("coll", "gather", "allreduce_init", *SHORT[:-1],
                        "openmpi,mpich", "--json")
        found = json.loads(done.stdout)["cells"]
        self.assertEqual({cell["contest"].split(",")[0] for cell in found},
                         {"gather", "allreduce_init"})
        for cell in found:
            self.assertIn(cell["status"], ("ok", "skipped"),
                          (cell["id"], cell.get("reason")))
            if cell["status"] == "skipped":
                self.assertRegex(cell["reason"], "not (built|installed)|"
                                                 "no persistent collectives")

    def test_no_such_verb(self):
        done = rigbench("coll", "yell", check=1)
        self.assertRegex(done.stderr, r"\Arigbench: coll: no verb yell; "
                                      r"there are barrier .*\n\Z")


class Peers(unittest.TestCase):
    """What others would use, in the same run, or a row that says why not."""

    def cells(self, peer, *words, env=None):
        words = list(words) + SHORT[:-1] + [peer, "--json"]
        done = subprocess.run([RIGBENCH, "ipc", "transports=pipe", *words],
                              capture_output=True, text=True, timeout=100,
                              env=env)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [cell for cell in json.loads(done.stdout)["cells"]
                if cell["peer"]]

    def test_python_moves_verified_payloads(self):
        found = self.cells("python", "sizes=8,4097",
                           "patterns=pingpong,stream,map")
        self.assertEqual(len(found), 12)
        for cell in found:
            self.assertEqual(cell["status"], "ok", (cell["id"], cell["reason"]))
            self.assertEqual(cell["verify"], {"passes": 1, "errors": 0})
            self.assertIn("/usr/bin/python3 python_pair.py", cell["settings"])

    def test_a_missing_peer_is_a_row_that_says_why(self):
        for cell in self.cells("openmpi,mpich", "sizes=64",
                               "patterns=pingpong", env={"PATH": "/nonexistent"}):
            self.assertEqual(cell["status"], "skipped")
            self.assertRegex(cell["reason"], "is not installed|was not built")


class Files(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = os.path.join(cls.folder.name, "run.json")
        cls.csv = os.path.join(cls.folder.name, "run.csv")
        quietly("ipc", "transports=seg-inplace,pipe,null",
                "sizes=64,4096,65536", "patterns=pingpong,stream,setup",
                "--launches", "2", "--blocks", "3", "--warmup", "0",
                "--peer", "none", "--batch", "0.0002",
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
                    text=True, timeout=100, check=False)
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
        done = rigbench("report", self.path, "-o", path, check=1)
        self.assertIn("no table of kernels", done.stderr)
        self.assertFalse(os.path.exists(path))

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
        labels = [(int(n), (float(x) / width - 0.1) / 0.68 * 5,
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
            capture_output=True, text=True, timeout=100, check=True)
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


class Python(unittest.TestCase):
    """runrig's lists against CPython's, both as processes of their own."""

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
                                "--csv, --help, --usage, --version"),
                (["ipc", "-q"], "no option -q: there are --peer, .*"),
                (["ipc", "--launches"], "option --launches wants N"),
                (["ipc", "-o"], "option -o wants PATH"),
                (["--b", "3"],
                 "option --b is the beginning of --budget, --blocks, --batch"),
                (["sync", "--strict=1"],
                 "option --strict takes nothing after it"),
                (["sync", "--launches", "x"],
                 "--launches x: not a number from 1 to 1000"),
                (["ipc", "--json="], "--json: an empty name of a file"),
                (["ipc", "--csv="], "--csv: an empty name of a file"),
                (["suite", "quick", "-o", ""],
                 "--output: an empty name of a file"),
                ([], "say a command: ipc .*kernel.*"),
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
        # What a mistake is answered with is all in the help.
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
                stderr=subprocess.PIPE, timeout=100, check=False)
        self.assertEqual(done.returncode, 5)
        self.assertIn("No space left", done.stderr)

    def test_cases_names_what_measures_the_machine(self):
        done = rigbench("cases")
        for name in ("c2c", "mem", "scale", "doctor"):
            self.assertRegex(done.stdout, rf"(?m)^{name} +(yes|no: )")

    def test_a_kernel_is_verified(self):
        done = rigbench("kernel", "reverse", "length=100003", *SHORT, "--json")
        cell = cells(done)["kernel reverse/runrig"]
        self.assertEqual(cell["status"], "ok")
        self.assertEqual(cell["verify"], {"passes": 1, "errors": 0})

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
        out, _ = process.communicate(timeout=60)
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
        process.communicate(timeout=60)
        deadline = time.monotonic() + 20
        while any(os.path.exists(f"/proc/{pid}") for pid in children):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(unittest.main())
