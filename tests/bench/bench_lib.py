# SPDX-License-Identifier: MIT
"""Running rigbench, reading the output, and undoing a picture's axes.

No test looks at how long anything took.  With RUNRIG_LONG in the environment
more sizes are measured: `.ci/run long` does.
"""
import html.parser
import json
import math
import os
import pathlib
import re
import subprocess
import tempfile
import time
import unittest

RIGBENCH = os.environ["RIGBENCH"]

SANITIZED = unittest.skipIf(os.environ.get("SANITIZED", "none") != "none",
                            "a sanitizer has memory of its own")
SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "bench/schema/runrig-bench-1.json"
LONG = "RUNRIG_LONG" in os.environ
SHORT = ["--launches", "1", "--blocks", "1", "--warmup", "0",
         "--batch", "0.0001", "--seed", "1", "--peer", "none"]
# A program that runs longer hangs.  No test looks at the time otherwise.
HANG_S = 900
# A transport of each kind, where all transports would take long.
SOME = "transports=" + ("all" if LONG else
                        "seg-inplace,pipe,tcp,mq-posix,shm-posix,cma-read,"
                        "vmsplice,futex,memfd")
# Streams of bytes have no empty message, nor has a mapping; and an empty message of
# SOCK_SEQPACKET looks like the end.
BYTES_ONLY = {"pipe", "unix-stream", "unix-seqpacket", "tcp", "tcp:nagle",
              "fifo", "vmsplice", "splice", "memfd", "io_uring"}
# Not in every kernel, container or folder.
ABSENT = re.compile("io_uring_setup|no folder on a disk|process_vm_readv")


def names():
    return {name for name in os.listdir("/dev/shm") if name.startswith("rig")}


def rigbench(*words, check=0):
    done = subprocess.run([RIGBENCH, *words], capture_output=True, text=True,
                          timeout=HANG_S)
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
    """The output of a short run, and the JSON."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "run.json")
        done = quietly(*words, *SHORT, "--json=" + path)
        with open(path, encoding="utf-8") as file:
            return done.stdout, json.load(file)


def leaves_nothing(test, before):
    """Other programs' names come and go; one of ours would stay, and the test
    would hang until its time is up."""
    del test
    left = names() - before
    while left & names():
        time.sleep(0.01)


def page(folder, *results):
    path = os.path.join(folder, "page.html")
    done = rigbench("report", *results, "-o", path)
    # gnuplot's warnings, of points that gnuplot cannot draw, would be seen here.
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

    drawn = [(undo((float(x) / width - 0.1) / 0.64, float(found[1]),
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

    # Bytes that the kernel adds to a message in a socket's buffer; the kernel rounds.
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
