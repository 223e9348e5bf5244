# SPDX-License-Identifier: MIT
"""rigbench from outside: transports at their limits, and what others would use."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

from bench_lib import (RIGBENCH, LONG, SHORT, HANG_S, SOME, BYTES_ONLY,
                       ABSENT, rigbench, limits)


class Transports(unittest.TestCase):
    """Verified payloads at every size around a limit."""

    def measure(self, *words):
        done = rigbench("ipc", *words, *SHORT, "--json")
        return json.loads(done.stdout)["cells"]

    def moved(self, cell):
        """The transport carried the messages, or says that the transport cannot."""
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
                                 "sizes=0,4097",
                                 "patterns=pingpong,stream" if LONG else
                                 "patterns=pingpong"):
            self.moved(cell)

    def test_around_the_pipe_and_beyond(self):
        for cell in self.measure(SOME,
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
        for cell in self.measure(SOME,
                                 "sizes=8,262145" if LONG else "sizes=262145",
                                 "patterns=pingpong,stream",
                                 "disturb=signals", "wait=block"):
            self.moved(cell)

    def test_maps_are_done(self):
        for cell in self.measure(SOME, "sizes=8,65544",
                                 "patterns=map"):
            self.moved(cell)
        # Larger than a ring of several slots may be, and a walk through slots:
        # the array comes back where it lay.
        for words in (["sizes=16Mi"], ["sizes=4Ki", "rotate=64Ki"]):
            for cell in self.measure("transports=seg-inplace,seg-copyboth,pipe",
                                     "patterns=map", *words):
                self.assertEqual(cell["status"], "ok", cell["reason"])
                self.moved(cell)

    def test_links_are_set_up(self):
        for cell in self.measure(SOME, "sizes=8",
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
        if not LONG:
            told, never = {"pipe", "tcp", "pool"}, {"seg-inplace", "futex"}
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

    def test_one_to_many_and_many_to_one(self):
        for cell in self.measure("transports=seg-inplace,pipe,mq-posix,byref",
                                 "sizes=4097", "pairs=1,3",
                                 "patterns=fan-out,fan-in"):
            if cell["axes"]["pairs"] == "1":
                self.assertIn("one to one is a stream", cell["reason"])
                continue
            self.assertEqual(len(cell["binding"]), 4)
            self.assertEqual(cell["bytes_per_operation"], 3 * 4097)
            self.assertNotEqual(cell["name"], "byref")
            self.moved(cell)

    def test_cases_says_what_is_here_and_why_not(self):
        text = rigbench("cases").stdout
        for line in ("seg-inplace     default", "io_uring        on request",
                     "pages           4k         yes",
                     "place           pu         yes", "crash rate fan-out"):
            self.assertIn(line, text)
        # A missing row says why.
        self.assertNotRegex(text, r"no: *$")

    def test_spinners_do_not_share_a_pu(self):
        for cell in self.measure("transports=seg-inplace,pipe", "sizes=64",
                                 "patterns=pingpong", "wait=spin", "place=pu"):
            self.assertEqual(cell["status"], "skipped")
            self.assertIn("spin", cell["reason"])

    def test_every_way_to_wait(self):
        done = rigbench("ipc", "sizes=64", "wait=spin,hybrid,block",
                        *([] if LONG else ["transports=seg-inplace,pipe,"
                                           "mq-posix,seg-copyboth"]),
                        "patterns=pingpong,stream", *SHORT, "--json")
        for cell in json.loads(done.stdout)["cells"]:
            self.assertEqual(cell["status"], "ok", (cell["id"], cell["reason"]))

    def test_sides_are_bound_where_they_were_asked_to_be(self):
        done = rigbench("ipc", "transports=pipe", "sizes=64",
                        "patterns=pingpong", *SHORT, "--json")
        (cell,) = json.loads(done.stdout)["cells"]
        self.assertEqual([w["cpus"] for w in cell["binding"]], [1, 1])


class Peers(unittest.TestCase):
    """Transports in common use, in the same run, or a row that says why not."""

    def cells(self, peer, *words, env=None):
        words = list(words) + SHORT[:-1] + [peer, "--json"]
        done = subprocess.run([RIGBENCH, "ipc", "transports=pipe", *words],
                              capture_output=True, text=True, timeout=HANG_S,
                              env=env)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [cell for cell in json.loads(done.stdout)["cells"]
                if cell["peer"]]

    def test_python_moves_verified_payloads(self):
        found = self.cells("python", "sizes=4097", "patterns=pingpong,"
                           + ("stream,map" if LONG else "map"))
        self.assertEqual(len(found), 6 if LONG else 4)
        for cell in found:
            self.assertEqual(cell["status"], "ok", (cell["id"], cell["reason"]))
            self.assertEqual(cell["verify"], {"passes": 1, "errors": 0})
            self.assertIn("/usr/bin/python3 python_pair.py", cell["settings"])

    def test_a_missing_peer_is_a_row_that_says_why(self):
        for cell in self.cells("openmpi,mpich", "sizes=64",
                               "patterns=pingpong", env={"PATH": "/nonexistent"}):
            self.assertEqual(cell["status"], "skipped")
            self.assertRegex(cell["reason"], "is not installed|was not built")


class Own(unittest.TestCase):
    """A transport of the user's, out of a shared object."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        done = subprocess.run([RIGBENCH, "new", "contender", "own"],
                              capture_output=True, text=True, check=True,
                              cwd=cls.folder.name, timeout=HANG_S)
        cls.build = done.stdout.split("\n\n")[1].splitlines()[0].strip()
        with open(os.path.join(cls.folder.name, "own.c"),
                  encoding="utf-8") as file:
            cls.example = file.read()

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def measure(self, *words, text=None, check=0):
        """The cells of the example, or of what `text` makes of it."""
        with open(os.path.join(self.folder.name, "own.c"), "w",
                  encoding="utf-8") as file:
            file.write(text or self.example)
        subprocess.run(self.build + " -Wall -Werror", shell=True, check=True,
                       cwd=self.folder.name, timeout=HANG_S)
        done = rigbench(
            "ipc", "transports=pipe", *words, *SHORT, "--json",
            "--contender=" + os.path.join(self.folder.name, "own.so"),
            check=check)
        return [cell for cell in json.loads(done.stdout)["cells"]
                if cell["name"] == "own"]

    def test_the_example_is_short_and_right_in_every_pattern(self):
        self.assertLessEqual(len(self.example.splitlines()), 60)
        found = self.measure("sizes=0,8,65537", "patterns=pingpong,stream,"
                             "map,setup,crash,rate", "rate=20000",
                             "wait=hybrid,block", "disturb=signals")
        self.assertGreaterEqual(len(found), 30)
        for cell in found:
            size = int(cell["axes"]["size"])
            if size == 0 and cell["axes"]["pattern"] != "crash":
                self.assertEqual(cell["status"], "skipped", cell["id"])
                continue
            if size == 0:
                continue
            self.assertEqual(cell["status"], "ok",
                             (cell["id"], cell["reason"]))
            if cell["axes"]["pattern"] in ("pingpong", "stream", "map"):
                self.assertEqual(cell["verify"], {"passes": 1, "errors": 0})

    def test_axes_that_are_not_its_own_say_so(self):
        for cell in self.measure("sizes=64", "patterns=pingpong",
                                 "pages=4k,thp", "pairs=1,2"):
            if cell["axes"]["pages"] == "thp":
                self.assertEqual(cell["status"], "skipped")
                self.assertIn("not ours to choose", cell["reason"])
            else:
                self.assertEqual(cell["status"], "ok", cell["reason"])

    def test_one_that_copies_less_or_reads_nothing_is_caught(self):
        less = self.example.replace(
            "(char *)link->in + at, link->bytes - at",
            "(char *)(at ? link->out : link->in), "
            "at ? link->bytes - at : (link->bytes + 1) / 2")
        nothing = self.example.replace("return link->in;",
                                       "return link->out;")
        for text in (less, nothing):
            self.assertNotEqual(text, self.example)
            (cell,) = self.measure("sizes=4096", "patterns=stream", text=text,
                                   check=2)
            self.assertEqual(cell["status"], "failed")
            self.assertIn("not what was sent", cell["reason"])

    def test_what_is_no_contender_is_one_line(self):
        wrong = self.example.replace("RIGBENCH_CONTENDER_VERSION,", "77,")
        named = self.example.replace('.name = "own"', '.name = "pipe"')
        self.assertNotIn(self.example, (wrong, named))
        for text, said in ((wrong, "its version is not .*"),
                           (named, "its name is a transport of rigbench's")):
            with open(os.path.join(self.folder.name, "own.c"), "w",
                      encoding="utf-8") as file:
                file.write(text)
            subprocess.run(self.build, shell=True, check=True,
                           cwd=self.folder.name, timeout=HANG_S)
            done = rigbench("ipc", "--contender=" + os.path.join(
                self.folder.name, "own.so"), check=1)
            self.assertRegex(done.stderr, rf"\Arigbench: --contender: \S+: "
                                          rf"{said}\n\Z")
        done = rigbench("ipc", "--contender=/nonexistent.so", check=1)
        self.assertRegex(done.stderr, r"\Arigbench: --contender: .*\n\Z")

    def test_a_file_that_is_there_is_kept(self):
        done = subprocess.run([RIGBENCH, "new", "contender", "own"],
                              capture_output=True, text=True, check=False,
                              cwd=self.folder.name, timeout=HANG_S)
        self.assertEqual(done.returncode, 5)
        self.assertIn("own.c: is there already", done.stderr)
        for words in ([], ["kernel"], ["contender", "../x"],
                      ["contender", "a", "b"], ["contender", ".py"]):
            rigbench("new", *words, check=1)


class Program(unittest.TestCase):
    """A transport of the user's that is a program of its own."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        subprocess.run([RIGBENCH, "new", "contender", "own.py"], check=True,
                       capture_output=True, cwd=cls.folder.name,
                       timeout=HANG_S)
        cls.path = os.path.join(cls.folder.name, "own.py")
        with open(cls.path, encoding="utf-8") as file:
            cls.example = file.read()

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def measure(self, *words, text=None, check=0):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text or self.example)
        done = rigbench("ipc", "transports=pipe", *words, *SHORT, "--json",
                        "--contender=cmd:/usr/bin/python3 " + self.path,
                        check=check)
        return [cell for cell in json.loads(done.stdout)["cells"]
                if cell["name"] == "own"]

    def test_the_example_is_right_in_every_pattern(self):
        patterns = "pingpong,stream,map,setup,crash,rate"
        found = self.measure("sizes=8,65537" if LONG else "sizes=4097",
                             "patterns=" + patterns, "rate=2000")
        self.assertEqual({cell["axes"]["pattern"] for cell in found},
                         set(patterns.split(",")))
        for cell in found:
            self.assertEqual(cell["status"], "ok",
                             (cell["id"], cell["reason"]))
            self.assertEqual(cell["verify"], {"passes": 1, "errors": 0}
                             if cell["axes"]["pattern"] != "crash" else
                             cell["verify"])

    def test_axes_are_its_own_or_say_so(self):
        for cell in self.measure("sizes=64", "patterns=pingpong",
                                 "pages=4k,thp", "pairs=1,2", "wait=block"):
            if cell["axes"]["pages"] == "thp":
                self.assertIn("not ours to choose", cell["reason"])
            else:
                self.assertEqual(cell["status"], "ok", cell["reason"])
        (cell,) = self.measure("sizes=64", "patterns=stream",
                               "disturb=signals")
        self.assertIn("no program but its own", cell["reason"])

    def test_each_kind_of_liar_fails_in_words(self):
        half = self.example.replace("send_bytes(data)", "send_bytes(data[:2000])")
        stale = self.example.replace(
            "return self.ends[link.side].recv_bytes()",
            "self.ends[link.side].recv_bytes(); return bytes(link.bytes)")
        sums = self.example.replace(
            "rigbench_contender.main(Mine)",
            "rigbench_contender.Side.consume = lambda side, seq: "
            "(side.get(), side.contender.done(side.link))\n"
            "rigbench_contender.main(Mine)")
        for text, said in ((half, "a message of 2000 bytes, not 4096"),
                           (stale, "is not what was sent"),
                           (sums, "is not what was sent: a sum of 0")):
            self.assertNotEqual(text, self.example)
            (cell,) = self.measure("sizes=4096", "patterns=stream", text=text,
                                   check=2)
            self.assertEqual(cell["status"], "failed")
            self.assertIn(said, cell["reason"])

    def test_a_right_sum_of_wrong_bytes_is_caught(self):
        """Two words change places on the way: the sum is the same."""
        swapped = self.example.replace(
            "return self.ends[link.side].recv_bytes()",
            "data = self.ends[link.side].recv_bytes()\n"
            "        return data[8:16] + data[:8] + data[16:]")
        (cell,) = self.measure("sizes=64", "patterns=pingpong", text=swapped,
                               check=2)
        self.assertIn("byte 0 of 64 is wrong at side 1", cell["reason"])

    def test_what_is_no_contender_is_one_line(self):
        for words, said in (
                ("/nonexistent/x", "/nonexistent/x is not installed .*"),
                ("/bin/echo hello", 'it says "hello describe", not .*'),
                ("/bin/true", "it ended without a word")):
            done = rigbench("ipc", "--contender=cmd:" + words, check=1)
            self.assertRegex(done.stderr, r"\Arigbench: --contender: "
                             rf"cmd:{words}: {said}\n\Z")

    def test_one_that_dies_is_a_row_that_says_so(self):
        dies = self.example.replace(
            "        self.ends[link.side].send_bytes(data)",
            "        import os\n        os.kill(os.getppid(), 9)")
        (cell,) = self.measure("sizes=64", "patterns=stream", text=dies,
                               check=3)
        self.assertEqual(cell["status"], "failed")
        self.assertIn("it has ended", cell["reason"])


class Field(unittest.TestCase):
    """Transports that others use: right, or a row that says why it is not here."""

    def test_each_is_right_or_says_why_not(self):
        some = "field" if LONG else ("zeromq-ipc,nng-ipc,boost-queue,sd-bus,"
                                     "python-queue")
        done = rigbench("ipc", "transports=" + some, "sizes=4097",
                        "patterns=pingpong,stream" if LONG else
                        "patterns=pingpong", *SHORT, "--json")
        found = json.loads(done.stdout)["cells"]
        self.assertGreaterEqual(len(found), 5)
        for cell in found:
            if cell["status"] == "skipped":
                self.assertRegex(cell["reason"], "was not built: .* was not "
                                 "there|cannot open shared|is not installed|"
                                 "has no")
            else:
                self.assertEqual(cell["status"], "ok",
                                 (cell["id"], cell["reason"]))
                self.assertEqual(cell["verify"], {"passes": 1, "errors": 0})

    def test_a_missing_one_is_a_row(self):
        """A copy of rigbench that stands alone has no helpers beside it."""
        with tempfile.TemporaryDirectory() as folder:
            alone = os.path.join(folder, "rigbench")
            shutil.copy(RIGBENCH, alone)
            build = os.path.dirname(os.path.dirname(RIGBENCH))
            libraries = [os.path.join(build, name)
                         for name in ("runtime", "kernels", "runner")]
            done = subprocess.run(
                [alone, "ipc", "transports=pipe,nng-ipc,redis,python-pipe",
                 "sizes=64", "patterns=pingpong", *SHORT, "--json"],
                capture_output=True, text=True, check=True, timeout=HANG_S,
                env=dict(os.environ, LD_LIBRARY_PATH=":".join(libraries)))
        status = {cell["name"]: (cell["status"], cell["reason"])
                  for cell in json.loads(done.stdout)["cells"]}
        self.assertEqual(status["pipe"][0], "ok")
        for name in ("nng-ipc", "redis", "python-pipe"):
            self.assertEqual(status[name][0], "skipped")
            self.assertIn("was not built", status[name][1])
