#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""hosts_program under the mpirun of an MPI: each process is a host.

Usage: test_hosts.py PROGRAM MPI [LAUNCHER]

RUNRIG_LONG=1: more hosts and ranks.
"""
import os
import pathlib
import shutil
import subprocess
import sys

LAUNCHERS = {
    "openmpi": ["mpirun.openmpi", "--allow-run-as-root", "--oversubscribe",
                "--mca", "mpi_yield_when_idle", "1"],
    "mpich": ["mpiexec.mpich"],
}
# Workers of each host, and what they are to do.
SHORT = [("1,2", "all"), ("1,0", "no_pool"), ("1,1", "killed")]
LONG = [("1,1", "all"), ("3,1,2", "all"), ("2,2,2", "all"), ("9,8", "verbs"),
        ("2,3", "faults")]


def names():
    return sorted(p.name for p in pathlib.Path("/dev/shm").iterdir()
                  if p.name.startswith("rig-"))


def workers_of(program):
    """Processes of the program, or of its pools, that are left."""
    left = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            exe = os.readlink(entry / "exe") if entry.name.isdigit() else ""
        except OSError:
            continue
        if exe == os.path.realpath(program):
            status = (entry / "status").read_text().split("\n")
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


def main():
    program, mpi = sys.argv[1:3]
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
    return wrong != 0


if __name__ == "__main__":
    sys.exit(main())
