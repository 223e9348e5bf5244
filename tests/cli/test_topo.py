#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""test_topo.py - runrig topo: the picture in text and as SVG, and the JSON, of
machines of many shapes.
"""
import fcntl
import json
import os
import pathlib
import pty
import random
import re
import struct
import subprocess
import tempfile
import termios
import unittest
import xml.etree.ElementTree as ElementTree

RUNRIG = os.environ["RUNRIG"]
ROOT = pathlib.Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs/pictures/topo.svg"

# The machine of the picture in docs/placement.md: packages, nodes, cores, threads.
SHOWN = ["-n", "8", "--topology", "package:2 numa:2 l3:1 core:8 pu:2"]

MACHINES = [
    "pu:1",
    "core:3 pu:2",
    "package:1 l3:4 core:2 pu:1",
    "package:2 numa:2 l3:1 core:8 pu:2",
    "package:2 numa:1 l3:1 core:20 pu:1",
    "package:2 [numa][numa] l3:2 core:3 pu:2",
    "[numa(memory=4GB)] package:2 [numa] core:2 pu:1",
    "numa:2 package:2 core:2 pu:1",
    "package:8 numa:1 core:32 pu:1",
]

CORE = """<object type="Core" os_index="{0}" cpuset="{1:#x}"
 complete_cpuset="{1:#x}" nodeset="0x1" complete_nodeset="0x1" gp_index="{2}">
<object type="PU" os_index="{0}" cpuset="{1:#x}" complete_cpuset="{1:#x}"
 nodeset="0x1" complete_nodeset="0x1" gp_index="{3}"/></object>"""

# Four cores; the second is not to be used, and the last two are fast.
MIXED = f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE topology SYSTEM "hwloc2.dtd">
<topology version="2.0">
<object type="Machine" os_index="0" cpuset="0xf" complete_cpuset="0xf"
 allowed_cpuset="0xd" nodeset="0x1" complete_nodeset="0x1"
 allowed_nodeset="0x1" gp_index="1">
<object type="NUMANode" os_index="0" cpuset="0xf" complete_cpuset="0xf"
 nodeset="0x1" complete_nodeset="0x1" gp_index="2" local_memory="8000000000"/>
{"".join(CORE.format(i, 1 << i, 3 + 2 * i, 4 + 2 * i) for i in range(4))}
</object>
<cpukind cpuset="0x3" forced_efficiency="1"/>
<cpukind cpuset="0xc" forced_efficiency="2"/>
</topology>
"""


# Two packages of three threads; only the first has memory.
HALF = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE topology SYSTEM "hwloc2.dtd">
<topology version="2.0">
<object type="Machine" os_index="0" cpuset="0x3f" complete_cpuset="0x3f"
 allowed_cpuset="0x3f" nodeset="0x1" complete_nodeset="0x1"
 allowed_nodeset="0x1" gp_index="90">
<object type="Package" os_index="0" cpuset="0x7" complete_cpuset="0x7"
 nodeset="0x1" complete_nodeset="0x1" gp_index="91">
<object type="NUMANode" os_index="0" cpuset="0x7" complete_cpuset="0x7"
 nodeset="0x1" complete_nodeset="0x1" gp_index="92" local_memory="8000000000"/>
%s</object>
<object type="Package" os_index="1" cpuset="0x38" complete_cpuset="0x38"
 nodeset="0x0" complete_nodeset="0x0" gp_index="93">
%s</object></object>
</topology>
""" % tuple("".join(CORE.format(i, 1 << i, 3 + 2 * i, 4 + 2 * i)
                    for i in cores) for cores in (range(3), range(3, 6)))


def topo(*words):
    env = dict(os.environ, LC_ALL="C.UTF-8")
    env.pop("RUNRIG_PLACE", None)
    return subprocess.run([RUNRIG, "topo", *words], check=True, env=env,
                          capture_output=True, text=True).stdout


def on_terminal(columns, *words, **variables):
    """The output on a terminal of a width."""
    pid, terminal = pty.fork()
    if pid == 0:
        # The parent sets the size before the child goes on.
        os.read(0, 1)
        os.execve(RUNRIG, [RUNRIG, "topo", *words],
                  dict(os.environ, LC_ALL="C.UTF-8", TERM="xterm",
                       **variables))
    fcntl.ioctl(terminal, termios.TIOCSWINSZ,
                struct.pack("HHHH", 50, columns, 0, 0))
    os.write(terminal, b"\n")
    text = b""
    try:
        while chunk := os.read(terminal, 65536):
            text += chunk
    except OSError:
        pass
    os.close(terminal)
    assert os.waitpid(pid, 0)[1] == 0
    return text.decode().replace("\r", "")


def boxes(text):
    return [line for line in text.splitlines() if line and line[0] in "│┌└"]


def json_of(*words):
    return json.loads(topo("--json", *words))


class Description(unittest.TestCase):
    """A file that describes no machine, or a strange machine."""

    def file_of(self, text):
        file = tempfile.NamedTemporaryFile("w", suffix=".xml")
        self.addCleanup(file.close)
        file.write(text)
        file.flush()
        return file.name

    def test_cores_without_a_node_have_none(self):
        path = self.file_of(HALF)
        text = topo("--topology", path)
        self.assertIn(" package 1 ", text)
        self.assertIn(" no NUMA node ", text)
        self.assertEqual({len(line) for line in boxes(text)}, {78})
        plan = json_of("--topology", path, "--place", "numa", "-n", "2")
        self.assertEqual([core["node"] for core in plan["cores"]],
                         [0, 0, 0, -1, -1, -1])
        self.assertEqual([(worker["node"], worker["cores"])
                          for worker in plan["workers"]], [(0, 3), (-1, 3)])
        self.assertEqual(plan["memory"][0]["cores"], 3)
        self.assertIn(">no NUMA node<",
                      topo("--topology", path, "--format", "svg"))

    def test_a_damaged_file_ends_nothing(self):
        """For any change of a byte or a number: a table, or one line."""
        rng = random.Random(29)
        for _ in range(3000 if "RUNRIG_LONG" in os.environ else 40):
            text = bytearray(rng.choice((MIXED, HALF)).encode())
            for _ in range(rng.choice((1, 1, 2, 4))):
                at = rng.randrange(len(text))
                text[at:at + rng.randrange(3)] = rng.choice((
                    b"", b"9", b"-1", b"0xf...f", b"4294967296",
                    bytes([rng.randrange(256)])))
            with tempfile.NamedTemporaryFile(suffix=".xml") as file:
                file.write(text)
                file.flush()
                done = subprocess.run(
                    [RUNRIG, "topo", "--topology", file.name],
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
            self.assertIn(done.returncode, (0, 1, 5), text)
            if done.returncode:
                self.assertIn(b"runrig: ", done.stderr)

    def test_what_has_no_end_is_refused(self):
        endless = MIXED.replace('cpuset="0xf"', 'cpuset="0xf...f"')
        for machine in (self.file_of(endless), "package:1000 core:1000 pu:16"):
            told = subprocess.run([RUNRIG, "topo", "-n", "1", "--topology",
                                   machine], capture_output=True, text=True)
            self.assertEqual((told.returncode, told.stdout, told.stderr), (
                1, "", "runrig: topology: a CPU numbered beyond 4095, the "
                "most this library handles\n"))


class Text(unittest.TestCase):
    def test_every_box_is_closed_where_it_ends(self):
        for machine in MACHINES:
            lines = boxes(topo("--topology", machine))
            self.assertEqual({len(line) for line in lines}, {78}, machine)
            self.assertEqual(sum(line.count("┌") for line in lines),
                             sum(line.count("└") for line in lines))

    def test_each_core_stands_in_it_once(self):
        for machine in MACHINES:
            cores = json_of("--topology", machine)["cores"]
            text = "\n".join(boxes(topo("--topology", machine)))
            seen = [int(n) for n in re.findall(r"(?<!L3)  ?(\d+) [r.x]", text)]
            self.assertEqual(sorted(seen), list(range(len(cores))), machine)

    def test_nodes_without_cores_are_boxes(self):
        text = topo("--topology", "package:2 [numa(memory=1GB)]"
                    "[numa(memory=64GB)] core:2 pu:1")
        self.assertIn("NUMA node 1, memory only, 64.0 GB", text)
        self.assertIn("NUMA node 3, memory only, 64.0 GB", text)
        self.assertIn("4 NUMA nodes", text)
        # A box beside all packages stands below the packages.
        lines = boxes(topo("--topology",
                           "[numa(memory=4GB)] package:2 [numa] core:1 pu:1"))
        self.assertRegex(lines[-2], r"^┌ NUMA node \d, memory only, 4.00 GB")

    def test_forbidden_and_slow_cores_are_marked(self):
        with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
            file.write(MIXED)
            file.flush()
            text = topo("--topology", file.name, "-n", "2")
            self.assertRegex(text, r"0e \.  +1e x  +2 r0  +3 r1")
            self.assertIn("e slower", text)
            self.assertIn("3 cores usable", text)
            grey = on_terminal(80, "--topology", file.name)
            self.assertRegex(grey, "\033\\[2m1e x *\033\\[0m")
            plain = on_terminal(80, "--topology", file.name, NO_COLOR="1")
            self.assertNotIn("\033", plain)
            kinds = json_of("--topology", file.name)
            self.assertEqual([core["kind"] for core in kinds["cores"]],
                             [0, 0, 1, 1])
            self.assertEqual(kinds["cores"][1]["usable"], [])
        self.assertNotIn("e slower", topo("--topology", "core:2 pu:1"))

    def test_it_is_as_wide_as_the_terminal(self):
        for columns, width in ((60, 60), (132, 132), (20, 40), (500, 200)):
            lines = boxes(on_terminal(columns, *SHOWN))
            self.assertEqual({len(line) for line in lines}, {width}, columns)

    def test_objects_are_told_by_all_their_cores(self):
        text = topo("--place", "numa", "--topology",
                    "package:1 numa:2 core:4 pu:2")
        self.assertRegex(text, r"0 r0 +1 r0 +2 r0 +3 r0")
        self.assertRegex(text, r"(?m)^   1        0     1       4-7  8-15$")
        across = topo("--place", "package", "--topology",
                      "package:1 numa:2 core:2 pu:1")
        self.assertRegex(across, r"(?m)^   0        0     -       0-3  0-3$")


class Format(unittest.TestCase):
    def test_it_says_what_is_printed(self):
        self.assertEqual(topo(*SHOWN, "--format", "text"), topo(*SHOWN))
        self.assertEqual(topo(*SHOWN, "--format=svg"),
                         PICTURE.read_text(encoding="utf-8"))
        plan = json.loads(topo(*SHOWN, "--format=json"))
        plan["planned_ns"] = 0
        self.assertEqual(plan, dict(json_of(*SHOWN), planned_ns=0))

    def test_files_are_written_beside_it(self):
        with tempfile.TemporaryDirectory() as folder:
            json_file = pathlib.Path(folder, "topo.json")
            svg_file = pathlib.Path(folder, "topo.svg")
            self.assertEqual(topo(*SHOWN, "--format=text", f"--svg={svg_file}",
                                  f"--json={json_file}"), topo(*SHOWN))
            self.assertEqual(svg_file.read_text(), PICTURE.read_text())
            self.assertEqual(len(json.loads(json_file.read_text())["workers"]),
                             8)

    def test_another_is_refused(self):
        done = subprocess.run([RUNRIG, "topo", "--format", "png"], text=True,
                              capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (
            1, "", "runrig: topo: --format png: use text, json or svg\n"))


class Json(unittest.TestCase):
    def test_it_has_the_machine_and_the_plan(self):
        plan = json_of(*SHOWN)
        self.assertEqual(len(plan["cores"]), 32)
        self.assertEqual(len(plan["memory"]), 4)
        self.assertEqual([worker["node"] for worker in plan["workers"]],
                         [0, 0, 1, 1, 2, 2, 3, 3])
        self.assertEqual(plan["memory"][3]["package"], 1)
        self.assertEqual({core["l3"] for core in plan["cores"]},
                         {0, 1, 2, 3})

    def test_cpus_are_within_their_cores(self):
        for place in ("core", "pu", "numa", "spread", "compact", "core:2"):
            plan = json_of(*SHOWN, "--place", place)
            for worker in plan["workers"]:
                mine = set(worker["cpus"])
                cores = [core for core in plan["cores"]
                         if mine & set(core["cpus"])]
                self.assertEqual(len(cores), worker["cores"])
                self.assertEqual(cores[0]["core"], worker["core"])


class Svg(unittest.TestCase):
    def svg(self, *words):
        with tempfile.NamedTemporaryFile(suffix=".svg") as file:
            topo("--svg", file.name, *words)
            return pathlib.Path(file.name).read_text(encoding="utf-8")

    def inside(self, outer, inner):
        return (outer[0] <= inner[0] and outer[1] <= inner[1] and
                inner[0] + inner[2] <= outer[0] + outer[2] and
                inner[1] + inner[3] <= outer[1] + outer[3])

    def rects(self, text, *classes):
        root = ElementTree.fromstring(text)
        return [tuple(int(rect.get(at)) for at in
                      ("x", "y", "width", "height"))
                for rect in root.iter("{http://www.w3.org/2000/svg}rect")
                if rect.get("class") in classes]

    def test_boxes_stand_in_boxes(self):
        nesting = [("package",), ("node",), ("l3",), ("busy", "idle", "off")]
        for machine in MACHINES:
            text = self.svg("--topology", machine)
            root = ElementTree.fromstring(text)
            outer = [(0, 0, int(root.get("width")), int(root.get("height")))]
            for classes in nesting:
                inner = self.rects(text, *classes)
                if not inner:
                    continue
                for one in inner:
                    self.assertEqual(
                        sum(self.inside(box, one) for box in outer), 1,
                        (machine, classes, one))
                for i, one in enumerate(inner):
                    for two in inner[:i]:
                        self.assertTrue(
                            one[0] >= two[0] + two[2] or
                            two[0] >= one[0] + one[2] or
                            one[1] >= two[1] + two[3] or
                            two[1] >= one[1] + one[3], (machine, one, two))
                outer = inner

    def test_cores_and_workers_are_in_it(self):
        text = self.svg(*SHOWN)
        self.assertEqual(len(self.rects(text, "busy")), 8)
        self.assertEqual(len(self.rects(text, "idle")), 24)
        self.assertEqual(len(self.rects(text, "has")), 16)
        self.assertEqual(len(self.rects(text, "l3")), 4)
        for rank in range(8):
            self.assertEqual(text.count(f">rank {rank}<"), 1)
        self.assertIn("prefers-color-scheme:dark", text)

    def test_memory_alone_is_a_box(self):
        text = self.svg("--topology", "package:2 [numa][numa] core:1 pu:1")
        self.assertEqual(len(self.rects(text, "memory")), 2)

    def test_the_picture_in_the_readme_is_what_it_draws(self):
        self.assertEqual(PICTURE.read_text(encoding="utf-8"),
                         self.svg(*SHOWN))


if __name__ == "__main__":
    unittest.main()
