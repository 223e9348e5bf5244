#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Boot a Debian kernel with several NUMA nodes under QEMU's emulation, and show
inside that placement is real.

The guest's whole system is an initramfs made here: busybox, the built programs, the
libraries and Python modules that the programs need, and `init`.  The kernel is
$NUMA_VM_KERNEL, else /boot's, else unpacked (not installed) from the package that
Debian's linux-image-cloud-amd64 names, which takes the network once; the kernel stays
in the work folder.

Skipped (77), with the reason, where there is no QEMU, busybox, cpio or kernel.

Usage: numa_vm.py WORK_FOLDER GUEST_PROGRAM ROOM_PROGRAM LOOK_KERNEL
RUNRIG, in the environment, is the built command.
"""
import gzip
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
WORK, GUEST, ROOM, LOOK = (pathlib.Path(word) for word in sys.argv[1:5])
SKIPPED = 77

# Nodes of the guest: one guest, or in the long form two guests at once.
WANTED = [2, 4] if "RUNRIG_LONG" in os.environ else [4]

# Against hanging: a boot and the checks take about 20 seconds.
LIMIT_S = 250

# The part of each array in the guest that must lie at home.
LOCAL = 0.99


def skip(reason):
    print("numa vm: skipped:", reason)
    sys.exit(SKIPPED)


def tool(name):
    """The path of a program, which may be in sbin."""
    path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    return path or skip(f"no {name}")


def unpack_kernel():
    """The kernel from its Debian package, or None."""
    try:
        depends = subprocess.run(
            ["apt-cache", "depends", "linux-image-cloud-amd64"], check=True,
            capture_output=True, text=True).stdout
        package = re.search(r"Depends: (linux-image-\S+)", depends).group(1)
        with tempfile.TemporaryDirectory(dir=WORK) as folder:
            subprocess.run(["apt-get", "download", package], check=True,
                           cwd=folder, capture_output=True, timeout=60)
            archive = next(pathlib.Path(folder).glob("*.deb"))
            subprocess.run(["dpkg", "-x", archive, folder], check=True)
            image = next(pathlib.Path(folder).glob("boot/vmlinuz-*"))
            os.replace(image, WORK / "vmlinuz")
    except (OSError, AttributeError, StopIteration, subprocess.SubprocessError):
        return None
    return WORK / "vmlinuz"


def find_kernel():
    given = os.environ.get("NUMA_VM_KERNEL")
    if given:
        return pathlib.Path(given)
    if (WORK / "vmlinuz").exists():
        return WORK / "vmlinuz"
    for image in sorted(pathlib.Path("/boot").glob("vmlinuz-*"), reverse=True):
        if os.access(image, os.R_OK):
            return image
    return unpack_kernel() or skip(
        "no kernel: none in /boot, and linux-image-cloud-amd64 cannot be had")


# ---- the initramfs ----

def libraries(program):
    """Paths of the shared objects a program or module needs."""
    text = subprocess.run(["ldd", program], check=False, capture_output=True,
                          text=True).stdout
    return re.findall(r"(/\S+) \(0x", text)


def python_files():
    """Python and the modules that python_made.py imports, by path."""
    listing = subprocess.run(
        ["/usr/bin/python3", "-c",
         "import sys, os, encodings.utf_8, encodings.ascii, "
         "encodings.latin_1, subprocess, _posixshmem, "
         "multiprocessing.shared_memory, multiprocessing.resource_tracker, "
         "multiprocessing.spawn\n"
         "for m in list(sys.modules.values()):\n"
         "    print(getattr(m, '__file__', None) or '')\n"
         "print(os.__file__)"],
        check=True, capture_output=True, text=True).stdout.split()
    return sorted({os.path.realpath("/usr/bin/python3"), *listing})


def fill(root, busybox):
    for folder in ("bin", "lib", "lib64"):
        (root / folder).mkdir()
    programs = {"busybox": busybox, "guest": GUEST, "room": ROOM,
                "runrig": os.environ["RUNRIG"]}
    needed = set()
    for name, path in programs.items():
        shutil.copy(path, root / "bin" / name)
        needed.update(libraries(path))
    for path in python_files():
        to = root / path.lstrip("/")
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, to)
        needed.update(libraries(path))
    for path in needed:
        loader = "/ld-linux" in path
        shutil.copy(path, root / ("lib64" if loader else "lib"))
    for name in ("sh", "env"):
        (root / "bin" / name).symlink_to("busybox")
    (root / "bin" / "python3").symlink_to(
        os.path.realpath("/usr/bin/python3"))
    shutil.copy(HERE / "init", root / "init")
    (root / "init").chmod(0o755)
    shutil.copy(HERE / "python_made.py", root)
    shutil.copy(LOOK, root / "look.so")
    make_npy(root / "x.npy", 2_000_000)


def make_npy(path, count):
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (%d,), }" % count
    header += " " * (-(len(header) + 11) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") +
                   header.encode())
        file.truncate(10 + len(header) + 8 * count)


def make_initramfs():
    busybox, cpio = tool("busybox"), tool("cpio")
    if libraries(busybox):
        skip("busybox is not a static one (Debian: busybox-static)")
    with tempfile.TemporaryDirectory(dir=WORK) as folder:
        root = pathlib.Path(folder)
        fill(root, busybox)
        names = "\n".join(str(p.relative_to(root)) for p in root.rglob("*"))
        archive = subprocess.run(
            [cpio, "-o", "-H", "newc", "--quiet"], input=names.encode(),
            cwd=root, check=True, capture_output=True).stdout
    image = WORK / "initramfs.gz"
    image.write_bytes(gzip.compress(archive, 1))
    return image


# ---- the guest ----

class Guest:
    """One boot: the output and the status of each check."""

    NODE_MB = 384

    def __init__(self, nodes, cores, threads, cpus):
        per_node = cores * threads
        self.log = WORK / f"console-{nodes}.txt"
        command = [
            tool("qemu-system-x86_64"), "-accel", "tcg,thread=multi",
            "-cpu", "max,vendor=GenuineIntel", "-m", str(nodes * self.NODE_MB),
            "-smp", f"{nodes * per_node},sockets={nodes},cores={cores},"
                    f"threads={threads}",
            "-kernel", str(KERNEL), "-initrd", str(INITRAMFS),
            "-append", "console=ttyS0 quiet panic=-1 "
                       f"NUMA_VM_CPUS={sum(1 << c for c in cpus):x} "
                       f"NUMA_VM_LIST={','.join(map(str, cpus))}",
            "-display", "none", "-serial", f"file:{self.log}",
            "-monitor", "none", "-nic", "none", "-no-reboot"]
        for node in range(nodes):
            first = node * per_node
            command += [
                "-object",
                f"memory-backend-ram,id=m{node},size={self.NODE_MB}M",
                "-numa", f"node,nodeid={node},memdev=m{node},"
                         f"cpus={first}-{first + per_node - 1}"]
            for other in range(node):
                command += ["-numa", f"dist,src={other},dst={node},val=21"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)

    def finish(self):
        """Wait for the end, and read the output."""
        try:
            said, _ = self.process.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            said, _ = self.process.communicate()
        self.console = said + self.log.read_text(
            errors="replace").replace("\r", "")
        self.shown = {
            name: (int(status), text)
            for name, text, status in re.findall(
                r"^@begin (\S+)\n(.*?)^@end \1 (\d+)$", self.console,
                re.M | re.S)}


def json_of(text):
    """The JSON object in the output of a command, among warnings."""
    return json.loads(text[text.index("{\n"):text.rindex("}") + 1])


class Shown:
    """The checks of each guest; `nodes` names the guest."""

    @classmethod
    def setUpClass(cls):
        if cls.nodes not in WANTED:
            raise unittest.SkipTest("the long form has this guest")
        cls.guest = GUESTS[cls.nodes]
        cls.guest.finish()

    def said(self, name):
        if name not in self.guest.shown:
            self.fail(f"the guest showed no {name}:\n"
                      f"{self.guest.console[-3000:]}")
        status, text = self.guest.shown[name]
        self.assertEqual(status, 0, text)
        return text

    def homes(self, name, arrays):
        """The map of the arrays, which are all arrays of the run."""
        maps = json_of(self.said(name))["map"]
        self.assertEqual([array["array"] for array in maps], arrays)
        for array in maps:
            self.assertEqual(array["bytes_not_in_memory"], 0, array)
            self.assertEqual(len(array["bytes_on_nodes"]), self.nodes)
            self.assertGreater(sum(array["bytes_on_nodes"]), 1_000_000)
        return maps

    def with_its_owners(self, name, arrays):
        for array in self.homes(name, arrays):
            self.assertEqual({rank["node"] for rank in array["ranks"]},
                             set(range(self.nodes)))
            for rank in array["ranks"]:
                self.assertGreater(rank["owns"], 100_000)
                self.assertGreaterEqual(rank["local"], LOCAL * rank["owns"],
                                        (array["array"], rank))

    def checks(self, name):
        text = self.said(name)
        self.assertRegex(text, r"100%: Checks: [1-9]\d*, Failures: 0")

    def test_workers_run_on_their_cores(self):
        self.checks("cores")

    def test_memory_is_where_it_belongs(self):
        self.checks("memory")

    def test_a_cpuset_is_kept_to(self):
        self.checks("cpuset")

    def test_out_of_memory_is_told(self):
        self.checks("room")
        self.assertNotIn("skipped", self.said("room"))

    def test_who_asks_gets_huge_pages(self):
        self.checks("collapse")
        self.checks("huge")

    def test_what_is_loaded_lies_with_its_owners(self):
        self.with_its_owners("loaded", ["x"])
        self.said("loaded-look")

    def test_what_python_made_is_brought_to_its_owners(self):
        self.with_its_owners("python", ["x"])
        self.said("python-look")

    def test_what_kernels_make_lies_with_its_owners(self):
        self.with_its_owners("triad", ["a", "b", "c"])
        self.with_its_owners("stencil", ["in", "out"])

    def test_interleaved_goes_round(self):
        for array in self.homes("interleave", ["a", "b", "c"]):
            share = sum(array["bytes_on_nodes"]) / self.nodes
            for node_bytes in array["bytes_on_nodes"]:
                self.assertAlmostEqual(node_bytes, share, delta=3 * 4096)

    def test_a_kernel_reads_copies_and_is_right(self):
        self.assertTrue(json_of(self.said("replicate"))["verified"])

    def test_the_picture_has_the_nodes(self):
        text = self.said("topo")
        self.assertIn(f"{self.nodes} NUMA nodes", text)


class TwoNodes(Shown, unittest.TestCase):
    nodes = 2


class FourNodes(Shown, unittest.TestCase):
    nodes = 4


if __name__ == "__main__":
    if platform.machine() != "x86_64":
        skip("the guest is an x86-64 one")
    WORK.mkdir(parents=True, exist_ok=True)
    tool("qemu-system-x86_64")
    KERNEL = find_kernel()
    INITRAMFS = make_initramfs()
    # Nodes, cores and threads of each, and the CPUs of the control group.
    GUESTS = {guest[0]: Guest(*guest) for guest in
              [(2, 2, 2, (1, 2, 3, 6)), (4, 2, 1, (1, 2, 3, 7))]
              if guest[0] in WANTED}
    unittest.main(argv=sys.argv[:1])
