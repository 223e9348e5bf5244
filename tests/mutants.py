#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""mutants.py - the bugs such a runtime usually has, put in on purpose, one at a
time: each must make the test fail that is there for it.

A mutant is a few words of one file of runtime/ changed in a copy.  Usage:

    mutants.py SOURCE_ROOT [NAME...]

Bugs 2 and 18 (the epoch switch, memory order) have their mutants in
tests/checker; 7 (OpenMP before the pool) and 15 (spinning on a shared CPU) are
no wrong result and have none.
"""

import collections
import concurrent.futures
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

Mutant = collections.namedtuple("Mutant", "name bug file old new test")

MUTANTS = [
    Mutant("death unseen", 1, "warden.c",
           "w->workers[i].pid ? w->workers[i].fd : -1", "-1", "death"),
    Mutant("nothing reserved", 3, "shmfile.c",
           "\twhile (r == 0 && begin < end) {",
           "\twhile (r == 0 && begin < end && !name && begin > end) {",
           "room"),
    Mutant("names outlive their maker", 4, "ledger.c",
           "\tif (ledger)\n\t\texecute(ledger);",
           "\tif (ledger && !ledger->pid)\n\t\texecute(ledger);", "sweep"),
    Mutant("live names swept", 5, "sweep.c",
           "flock(fd, LOCK_EX | LOCK_NB) < 0", "fd < 0", "sweep"),
    Mutant("mapped names swept", 5, "sweep.c",
           " || anyone_maps(identity)", " || (0 && anyone_maps(identity))",
           "sweep"),
    Mutant("the caller's exit handlers run", 6, "worker.c",
           "\t(void)on_exit(leave_at_once, NULL);",
           "\tif (rank < 0)\n\t\t(void)on_exit(leave_at_once, NULL);",
           "death"),
    Mutant("pthread_exit leaves threads", 6, "worker.c",
           "\t(void)arg;\n\t_exit(EXIT_SUCCESS);", "\t(void)arg;", "death"),
    Mutant("half a team", 8, "warden.c",
           "\t\tif (r == 0)\n\t\t\tcontinue;",
           "\t\tif (r == 0 || i > 0)\n\t\t\tcontinue;", "room"),
    Mutant("a corpse stays in the barrier", 9, "attach.c",
           "if (barrier && team->rank == 0)",
           "if (barrier && team->rank < 0)", "death"),
    Mutant("workers outlive the warden", 10, "worker.c",
           "(void)prctl(PR_SET_PDEATHSIG, SIGKILL)",
           "(void)prctl(PR_SET_PDEATHSIG, 0)", "death"),
    Mutant("a zombie for the host", 11, "pool.c",
           "while (pid > 0 && waitpid(", "while (pid < 0 && waitpid(",
           "pool"),
    Mutant("lengths trusted", 12, "layout.c",
           "trailer_file_bytes(trailer->bytes) != file_bytes",
           "trailer_file_bytes(trailer->bytes) == 1", "segment"),
    Mutant("no deadline", 13, "wait.c",
           "deadline_ns == RIG_FOREVER ? NULL : &until",
           "until.tv_nsec < 0 ? &until : NULL", "pool"),
    Mutant("no answer", 14, "warden.c",
           "\tif (w->answer)\n", "\tif (w->answer && w->starting)\n", "pool"),
    Mutant("deadlock where there is none", 16, "team.c",
           "if (target & AT_JOBS)", "if (target & AT_JOBS & 2)", "deadlock"),
    Mutant("deadlock unseen", 16, "team.c",
           "\tif (!waiting)\n", "\tif (waiting)\n", "deadlock"),
    Mutant("descriptors kept", 17, "pool.c",
           "\tclose_if_open(&birth->ready);", "", "pool"),
    Mutant("the caller's segments kept", 17, "inherit.c",
           'strncmp(path, "/dev/shm/", 9) == 0',
           'strncmp(path, "/dev/shm/", 9) == 1000', "pool"),
    Mutant("a job done twice", 19, "warden.c",
           "} else if (in_flight || w->answer) {", "} else if (w->answer) {",
           "death"),
    Mutant("modes ignored", 20, "shmfile.c",
           "if (status->st_mode & 077)", "if (status->st_mode & 0)",
           "segment"),
    Mutant("owners ignored", 20, "shmfile.c",
           "if (status->st_uid != geteuid())",
           "if (status->st_uid == (uid_t)-1)", "segment"),
    Mutant("handed files forgotten late", 17, "segment.c",
           "\tpools_forget(segment->facts.identity);\n\trelease",
           "\trelease", "pool"),
]

FLAGS = ["-std=c17", "-D_GNU_SOURCE", "-O1", "-g", "-w", "-fPIC"]
LIBRARIES = ["-rdynamic", "-lhwloc", "-lcheck", "-lsubunit", "-lm", "-lrt",
             "-lpthread", "-ldl"]
LATE_S = 90


def sources(root):
    """The files of the library, as its meson.build lists them."""
    with open(root + "/runtime/meson.build") as build:
        listed = re.search(r"runtime_sources = files\((.*?)\)", build.read(),
                           re.S).group(1)
    return re.findall(r"'([^']*\.c)'", listed)


class Bench:
    """Where mutants are built."""

    def __init__(self, root, folder):
        self.root, self.folder = root, folder
        self.cc = os.environ.get("CC", "cc").split()

    def compile(self, source, target, *also):
        runtime = self.root + "/runtime"
        subprocess.run(self.cc + FLAGS + list(also) +
                       ["-I" + runtime + "/include", "-I" + runtime,
                        "-I" + self.root + "/tests", "-c", source, "-o",
                        target], check=True)
        return target

    def prepare(self, stems):
        """Objects of all that stays as it is."""
        jobs = [(self.root + "/runtime/" + name, name)
                for name in sources(self.root)]
        jobs += [(self.root + "/tests/" + name + ".c", name + ".c")
                 for name in ["harness", "puppet", "tally"] +
                 ["test_" + stem for stem in stems]]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(lambda job: self.compile(
                job[0], self.folder + "/" + job[1] + ".o"), jobs))

    def link(self, name, test, instead, target):
        objects = [self.folder + "/" + source + ".o"
                   for source in sources(self.root) +
                   ["harness.c", "puppet.c", "tally.c",
                    "test_" + test + ".c"]
                   if source != name]
        subprocess.run(self.cc + objects + instead + LIBRARIES +
                       ["-o", target], check=True)
        return target

    def mutate(self, mutant):
        path = self.root + "/runtime/" + mutant.file
        with open(path) as file:
            text = file.read()
        if text.count(mutant.old) != 1:
            raise LookupError("%s: its place in %s is not there once" % (
                mutant.name, mutant.file))
        changed = self.folder + "/changed.c"
        with open(changed, "w") as file:
            file.write(text.replace(mutant.old, mutant.new))
        changed = self.compile(changed, self.folder + "/changed.o")
        return self.link(mutant.file, mutant.test, [changed],
                         self.folder + "/mutant")


def end_session(session):
    """Kill what a run has left: every process of a session that we made."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.getsid(int(pid)) == session:
                os.kill(int(pid), signal.SIGKILL)
        except OSError:
            pass


def run(program):
    """Did it pass?  With a /dev/shm of its own where there can be one."""
    command = [program]
    if os.geteuid() == 0:
        command = ["unshare", "-m", "sh", "-c",
                   "mount -t tmpfs -o size=64m none /dev/shm && exec " +
                   program]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL,
                               start_new_session=True)
    try:
        return process.wait(LATE_S) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        end_session(process.pid)
        process.wait()


def main(root, *names):
    mutants = [m for m in MUTANTS if not names or m.name in names]
    folder = tempfile.mkdtemp(prefix="mutants-")
    alive = 0
    try:
        bench = Bench(root, folder)
        bench.prepare({m.test for m in mutants})
        for stem in sorted({m.test for m in mutants}):
            if not run(bench.link("", stem, [], folder + "/sound")):
                print("test_%s fails without any mutant" % stem)
                alive += 1
        for mutant in mutants:
            caught = not run(bench.mutate(mutant))
            alive += not caught
            print("%-6s bug %2d, %s (test_%s)" % (
                "caught" if caught else "LIVES", mutant.bug, mutant.name,
                mutant.test), flush=True)
    finally:
        shutil.rmtree(folder)
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
