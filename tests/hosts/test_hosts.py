#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""hosts_program and `runrig run --hosts` under an MPI: each process is a host.

Usage: test_hosts.py PROGRAM RUNRIG MPI

RUNRIG_LONG=1: more hosts and ranks.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

LAUNCHERS = {
    "openmpi": ["mpirun.openmpi", "--allow-run-as-root", "--oversubscribe",
                "--mca", "mpi_yield_when_idle", "1"],
    "mpich": ["mpiexec.mpich"],
}
# Workers of each host, and what they are to do.
SHORT = [("1,2", "all"), ("1,0", "no_pool"), ("1,1", "killed")]
LONG = [("1,1", "all"), ("3,1,2", "all"), ("2,2,2", "all"), ("9,8", "verbs"),
        ("2,3", "faults"), ("1,2,1,1,2", "verbs"), ("1,1,1,1,1,1,1", "verbs")]
# Kernels of several hosts, each of which proves all of the result.
KERNELS = ["heat n=9", "pi points=100k", "dot length=5000",
           "reverse length=10001", "reverse length=777 method=copy begin=5"]
LONG_KERNELS = ["ep", "heat n=65", "reverse length=1M", "heat n=3", "heat n=1",
                "dot length=1", "reverse length=0"]


def names():
    return sorted(p.name for p in pathlib.Path("/dev/shm").iterdir()
                  if p.name.startswith("rig-"))


# In the environment of all that this test starts: another MPI's test may run the same
# program at the same time.
MARK = f"RUNRIG_TEST_HOSTS={os.getpid()}"


def workers_of(program):
    """Processes of the program, or of its pools, that are left."""
    left = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            exe = os.readlink(entry / "exe") if entry.name.isdigit() else ""
        except OSError:
            continue
        if exe == os.path.realpath(program):
            try:
                mine = MARK.encode() in (entry / "environ").read_bytes()
                status = (entry / "status").read_text().split("\n")
            except OSError:
                continue
            if not mine:
                continue
            left.append([entry.name, *status[:3], *status[6:7]])
    return left


def run(program, mpi, ranks, case):
    hosts = str(len(ranks.split(",")))
    command = [*LAUNCHERS[mpi], "-n", hosts, program, ranks, case]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240,
                          check=False)
    well = done.returncode != 0 if case == "killed" else done.returncode == 0
    if not well:
        print(f"{' '.join(command)}: exit {done.returncode}")
        print(done.stdout, done.stderr, sep="\n")
    return well


def launch(mpi, hosts, words):
    command = [*LAUNCHERS[mpi], "-n", str(hosts), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120,
                          check=False)


def expect(right, words, done):
    if not right:
        print(f"{' '.join(words)}: exit {done.returncode}", done.stdout,
              done.stderr, sep="\n")
    return not right


def trace(runrig, mpi):
    """A lane a rank of every host: the kernel of each rank within the run of its caller,
    and all runs at the same time."""
    words = [runrig, "run", "heat", "n=9", "--hosts", "-n", "2", "--trace"]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "trace.json")
        done = launch(mpi, 2, words + [str(path)])
        text = path.read_text() if path.exists() else "{}"
    events = json.loads(text).get("traceEvents", [])
    names = sorted((e["pid"], e["tid"], e["args"]["name"].split(",")[0])
                   for e in events if e["name"] == "thread_name")
    kernels = {e["tid"]: e for e in sorted(
        (e for e in events if e.get("cat") == "kernel"), key=lambda e: e["dur"])}
    runs = [e for e in events if e.get("cat") == "run"]

    def within(kernel):
        return any(run["pid"] == kernel["pid"] and run["ts"] <= kernel["ts"] and
                   kernel["ts"] + kernel["dur"] <= run["ts"] + run["dur"] + 1
                   for run in runs)

    right = (names == [(1, 1, "rank 0"), (1, 2, "rank 1"), (1, 5, "caller"),
                       (2, 3, "rank 2"), (2, 4, "rank 3"), (2, 6, "caller")] and
             set(kernels) == {1, 2, 3, 4} and
             all(within(e) for e in kernels.values()) and
             min(e["ts"] for e in events if "ts" in e) == 0)
    # The ranks meet in the kernel: by the clock of host 0, each rank is in its longest
    # kernel before any rank leaves.
    right = right and (max(e["ts"] for e in kernels.values()) <
                       min(e["ts"] + e["dur"] for e in kernels.values()))
    if not right:
        print(names, *kernels.values(), *runs, sep="\n")
    return expect(done.returncode == 0 and right, words, done)


def commands(runrig, mpi, kernels):
    """`runrig run --hosts`: host 0 prints, and what cannot be is refused."""
    wrong = 0
    for i, kernel in enumerate(kernels):
        words = [runrig, "run", *kernel.split(), "--hosts", "-n", str(1 + i % 2)]
        done = launch(mpi, 2 + i % 2, words)
        wrong += expect(done.returncode == 0 and
                        done.stdout.count("verified") == 1 and
                        f"hosts     {2 + i % 2}" in done.stdout, words, done)
    words = [runrig, "topo", "--hosts", "--json"]
    done = launch(mpi, 2, words)
    wrong += expect(done.returncode == 0 and
                    done.stdout.count('"workers"') >= 2 and
                    len(json.loads(done.stdout)["hosts"]) == 2, words, done)
    wrong += trace(runrig, mpi)
    for words, line in [
            (["run", "heat", "n=9"], "say --hosts"),
            (["run", "triad", "--hosts"], "triad runs on one host only"),
            (["run", "heat", "--hosts", "n=9", "--trace", "-"],
             "--trace takes a file for JSON"),
            (["run", "heat", "--hosts", "n=nine"], "n=nine")]:
        done = launch(mpi, 2, [runrig, *words])
        said = [one for one in done.stderr.split("\n") if line in one]
        wrong += expect(done.returncode != 0 and said and
                        (len(said) == 1 or "--hosts" not in words), words, done)
    return wrong


def main():
    program, runrig, mpi = sys.argv[1:4]
    os.environ.update([MARK.split("=")])
    if not shutil.which(LAUNCHERS[mpi][0]):
        print(f"no {LAUNCHERS[mpi][0]}")
        return 77
    wrong = 0
    before = names()
    for ranks, case in SHORT + (LONG if os.environ.get("RUNRIG_LONG") else []):
        wrong += not run(program, mpi, ranks, case)
        # A warden ends as soon as its caller has: no longer than a run takes.
        for _ in range(400):
            if not workers_of(program):
                break
            subprocess.run(["sleep", "0.05"], check=True)
        left = workers_of(program), [n for n in names() if n not in before]
        if any(left):
            print(f"{ranks} {case}: left: processes {left[0]}, names {left[1]}")
            wrong += 1
    wrong += commands(runrig, mpi, KERNELS +
                      (LONG_KERNELS if os.environ.get("RUNRIG_LONG") else []))
    return wrong != 0


if __name__ == "__main__":
    sys.exit(main())
