#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""mutants.py - usual bugs of such a runtime, put in on purpose, one at a time: each
bug must make the bug's test fail.

A mutant is a few words of one file of runtime/ changed in a copy.  The first test
that fails catches the mutant, so only a mutant that lives takes the whole time of
the test program.  Usage:

    mutants.py SOURCE_ROOT [NAME...]
    mutants.py --places SOURCE_ROOT    are the mutants' places there?

Bugs 2 and 18 (the epoch switch, memory order) are mutants of tests/checker, which
every `./do test` runs.
"""

import collections
import concurrent.futures
import os
import pathlib
import re
import shutil
import select
import signal
import subprocess
import sys
import tempfile
import time

Mutant = collections.namedtuple("Mutant", "name bug file old new test")

MUTANTS = [
    Mutant("death unseen", 1, "pool/warden.c",
           "w->workers[i].pid ? w->workers[i].fd : -1", "-1", "death"),
    Mutant("nothing reserved", 3, "segment/shmfile.c",
           "\twhile (r == 0 && begin < end) {",
           "\twhile (r == 0 && begin < end && !name && begin > end) {",
           "memory"),
    Mutant("names outlive their maker", 4, "segment/ledger.c",
           "\tif (ledger)\n\t\texecute(ledger);",
           "\tif (ledger && 0)\n\t\texecute(ledger);", "sweep"),
    Mutant("mapped names swept", 5, "segment/sweep.c",
           " || anyone_maps(identity)", " || (0 && anyone_maps(identity))",
           "sweep"),
    Mutant("the caller's exit handlers run", 6, "pool/worker.c",
           "\t(void)on_exit(leave_at_once, NULL);",
           "\tif (rank < 0)\n\t\t(void)on_exit(leave_at_once, NULL);",
           "death"),
    Mutant("pthread_exit leaves threads", 6, "pool/worker.c",
           "\t(void)arg;\n\t_exit(EXIT_SUCCESS);", "\t(void)arg;", "death"),
    Mutant("half a team", 8, "pool/warden.c",
           "\t\tif (r == 0)\n\t\t\tcontinue;",
           "\t\tif (r == 0 || i > 0)\n\t\t\tcontinue;", "limits"),
    Mutant("a corpse stays in the barrier", 9, "pool/attach.c",
           "if (barrier && rank->rank == 0)",
           "if (barrier && rank->rank < 0)", "death"),
    Mutant("workers outlive the warden", 10, "pool/worker.c",
           "(void)prctl(PR_SET_PDEATHSIG, SIGKILL)",
           "(void)prctl(PR_SET_PDEATHSIG, 0)", "ends"),
    Mutant("a zombie for the host", 11, "pool/pool_warden.c",
           "while (pid > 0 && waitpid(", "while (pid < 0 && waitpid(",
           "pool"),
    Mutant("lengths trusted", 12, "objects/layout.c",
           "trailer_file_bytes(trailer->bytes) != file_bytes",
           "trailer_file_bytes(trailer->bytes) == 1", "segment"),
    Mutant("no deadline", 13, "machine/wait.c",
           "deadline_ns == RIG_FOREVER ? NULL : &until",
           "until.tv_nsec < 0 ? &until : NULL", "pool"),
    Mutant("no answer", 14, "pool/warden.c",
           "\tif (w->answer)\n", "\tif (w->answer && w->starting)\n", "pool"),
    Mutant("deadlock where there is none", 16, "team/rank.c",
           "if (target & AT_JOBS)", "if (target & AT_JOBS & 2)", "deadlock"),
    Mutant("deadlock unseen", 16, "team/rank.c",
           "\treturn waiting &&", "\treturn !waiting &&", "deadlock"),
    Mutant("descriptors kept", 17, "pool/pool.c",
           "\tshared_close(&startup->ready);", "", "pool"),
    Mutant("the caller's segments kept", 17, "machine/inherit.c",
           'strncmp(path, "/dev/shm/", 9) == 0',
           'strncmp(path, "/dev/shm/", 9) == 1000', "attach"),
    Mutant("a job done twice", 19, "pool/warden.c",
           "} else if (in_flight || w->answer) {", "} else if (w->answer) {",
           "death"),
    Mutant("modes ignored", 20, "segment/shmfile.c",
           "if (status->st_mode & 077)", "if (status->st_mode & 0)",
           "segment"),
    Mutant("owners ignored", 20, "segment/shmfile.c",
           "if (status->st_uid != geteuid())",
           "if (status->st_uid == (uid_t)-1)", "segment"),
    Mutant("handed files forgotten late", 17, "segment/segment.c",
           "\tforget_in_pools(segment->info.identity);\n\trelease",
           "\trelease", "attach"),
    Mutant("OpenMP's threads taken along", 7, "pool/pool_warden.c",
           "\topenmp_before_fork();\n", "", "openmp"),
    Mutant("spinning where CPUs are shared", 15, "pool/pool.c",
           "if (plan->workers > plan->cpus)",
           "if (plan->workers > plan->cpus + 4096)", "caller"),
]

FLAGS = ["-std=c17", "-D_GNU_SOURCE", "-O1", "-g", "-w", "-fPIC"]
LIBRARIES = ["-rdynamic", "-lhwloc", "-lcheck", "-lsubunit", "-lm", "-lrt",
             "-lpthread", "-ldl"]
LATE_S = 90

# Test programs in OpenMP.
OPENMP = ["openmp"]


def sources(root):
    """The files of the library, from the lists in meson.build files."""
    found = []
    for build in sorted(pathlib.Path(root, "runtime").glob("*/meson.build")):
        listed = re.search(r"runtime_sources \+= files\((.*?)\)",
                           build.read_text(), re.S)
        if listed:
            found += [build.parent.name + "/" + name
                      for name in re.findall(r"'([^']*\.c)'",
                                             listed.group(1))]
    return found


def harness(root):
    """The parts of the tests' harness, from its list in tests/meson.build."""
    listed = re.search(r"static_library\('harness',(.*?)include_directories",
                       pathlib.Path(root, "tests/meson.build").read_text(), re.S)
    return re.findall(r"'lib/(\w+)\.c'", listed[1])


def test_source(root, name):
    """The source of a test program or of a part of the harness."""
    return str(next(pathlib.Path(root, "tests").glob("*/" + name + ".c")))


def changed_text(root, mutant):
    """The file with the mutant in it."""
    with open(root + "/runtime/" + mutant.file) as file:
        text = file.read()
    if text.count(mutant.old) != 1:
        sys.exit("%s: its place in %s is not there once" % (
            mutant.name, mutant.file))
    return text.replace(mutant.old, mutant.new)


class Bench:
    """Where mutants are built."""

    def __init__(self, root, folder):
        self.root, self.folder = root, folder
        self.cc = os.environ.get("CC", "cc").split()

    def compile(self, source, target):
        runtime = self.root + "/runtime"
        subprocess.run(self.cc + FLAGS + self.openmp(source) +
                       ["-I" + runtime + "/include", "-I" + runtime,
                        "-I" + self.root + "/tests", "-c", source, "-o",
                        target], check=True)
        return target

    @staticmethod
    def openmp(test):
        return ["-fopenmp"] * any("test_" + stem in test for stem in OPENMP)

    def prepare(self, stems):
        """Objects of all unchanged files."""
        jobs = [(self.root + "/runtime/" + name, name)
                for name in sources(self.root)]
        jobs += [(test_source(self.root, name), name + ".c")
                 for name in harness(self.root) +
                 ["test_" + stem for stem in stems]]
        for source, name in jobs:
            pathlib.Path(self.folder, name).parent.mkdir(exist_ok=True)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(lambda job: self.compile(
                job[0], self.folder + "/" + job[1] + ".o"), jobs))

    def link(self, name, test, instead, target):
        objects = [self.folder + "/" + source + ".o"
                   for source in sources(self.root) +
                   [name + ".c" for name in harness(self.root)] +
                   ["test_" + test + ".c"]
                   if source != name]
        subprocess.run(self.cc + objects + instead + LIBRARIES +
                       self.openmp("test_" + test) + ["-o", target],
                       check=True)
        return target

    def mutate(self, mutant):
        changed = self.folder + "/changed.c"
        with open(changed, "w") as file:
            file.write(changed_text(self.root, mutant))
        changed = self.compile(changed, self.folder + "/changed.o")
        return self.link(mutant.file, mutant.test, [changed],
                         self.folder + "/mutant")


def end_session(session):
    """Kill the leftovers of a run: every process of a session of this script."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.getsid(int(pid)) == session:
                os.kill(int(pid), signal.SIGKILL)
        except OSError:
            pass


def first_failure(lines, end):
    """The name of the first test that fails, from the TAP output, or the reason why
    there is no name."""
    text = b""
    while True:
        left = end - time.monotonic()
        if left <= 0 or not select.select([lines], [], [], left)[0]:
            return "nothing, for %d s" % LATE_S
        read = os.read(lines.fileno(), 4096)
        if not read:
            return None
        text += read
        failed = re.search(rb"^not ok .*?\.c:\w+:(\w+):", text, re.M)
        if failed:
            return failed.group(1).decode()


def run(program):
    """The test that fails, or None.  With a separate /dev/shm where the system allows
    that."""
    command = [program]
    if os.geteuid() == 0:
        command = ["unshare", "-m", "sh", "-c",
                   "mount -t tmpfs -o size=64m none /dev/shm && exec " +
                   program]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, start_new_session=True,
        env=dict(os.environ, CK_VERBOSITY="silent", CK_TAP_LOG_FILE_NAME="-",
                 HARNESS_HURRY="1"))
    try:
        failed = first_failure(process.stdout, time.monotonic() + LATE_S)
        return failed or (process.wait(LATE_S) and "its end")
    except subprocess.TimeoutExpired:
        return "its end"
    finally:
        end_session(process.pid)
        process.stdout.close()
        process.wait()


def main(root, *names):
    if root == "--places":
        for mutant in MUTANTS:
            changed_text(names[0], mutant)
        return 0
    mutants = [m for m in MUTANTS if not names or m.name in names]
    folder = tempfile.mkdtemp(prefix="mutants-")
    caught = alive = 0
    try:
        bench = Bench(root, folder)
        bench.prepare({m.test for m in mutants})
        for stem in sorted({m.test for m in mutants}):
            failed = run(bench.link("", stem, [], folder + "/sound"))
            if failed:
                print("test_%s fails without any mutant: %s" % (stem, failed))
                alive += 1
        for mutant in sorted(mutants, key=lambda mutant: mutant.bug):
            failed = run(bench.mutate(mutant))
            caught += bool(failed)
            alive += not failed
            print("%-6s bug %2d, %s: test_%s%s" % (
                "caught" if failed else "MISSED", mutant.bug, mutant.name,
                mutant.test, ", " + failed if failed else ""), flush=True)
    finally:
        shutil.rmtree(folder)
    print("%d caught, %d missed" % (caught, alive))
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
