#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""docs/team.md says which of MPI's calls are which of runrig's.  Each row of the
table is called in runrig and in every MPI that is installed, by three ranks; the
results are the same.  A row that is added to the table is added to the program, or
to APART with a reason.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SOURCES = [HERE / "same_as_mpi.c", HERE / "same_as_mpi_teams.c"]
MPIS = {
    "mpicc.mpich": ["mpirun.mpich"],
    "mpicc.openmpi": ["mpirun.openmpi", "--allow-run-as-root",
                      "--oversubscribe"],
}
# The one-sided calls of the packaged Open MPI crash with its component for RDMA.
ENVIRONMENT = dict(os.environ, OMPI_MCA_osc="^rdma")

# Rows that have no line, by the first of MPI's names.
APART = {
    "Init": "each program begins and ends so",
    "COMM_WORLD": "test_hosts",
    "Comm_rank": "each line has the ranks in order",
    "Abort": "the program would end",
    "Reduce": "MPI leaves the result open",
    "Comm_split_type": "by the machine at hand",
    "UNDEFINED": "the row of Comm_split",
    "INT": "each line has types",
    "a half": "no MPI of Debian has the type",
    "Type_contiguous": "a type of MPI's own making",
    "Win_allocate_shared": "segments are opened by name",
    "Rsend": "the row of Send",
    "Sendrecv_replace": "the row of Sendrecv",
    "ANY_SOURCE": "the row of Recv",
    "Get_count": "the rows of messages have counts",
    "Cart_get": "the row of Cart_create",
    "Cart_sub": "the row of Comm_split",
    "Neighbor_alltoall(v)": "the row of Cart_create",
    "Type_subarray": "a type of MPI's own making",
    "Alloc_mem": "test_heap",
    "Put": "the row of Win_allocate",
    "Fetch_and_op": "the row of Win_allocate",
    "Accumulate": "the row of Win_allocate",
    "Win_lock": "mutual exclusion leaves no result",
    "Win_fence": "the row of Win_allocate",
    "Wtime": "a time",
    "Errhandler_set": "each call is checked",
    "IN_PLACE": "rows with IN_PLACE",
    "Barrier": "a barrier leaves no result",
    "SHORT_INT": "the row of DOUBLE_INT",
    "Barrier_init": "plans are held against the blocking row",
    "Isend": "the rows of Wait",
    "Comm_group": "the row of Comm_split",
    "Start": "plans are held against the blocking row",
    "Comm_size": "each line has the ranks in order",
}


def lines(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60,
                          check=False, env=ENVIRONMENT)
    if done.returncode:
        sys.exit(f"{command}: exit {done.returncode}\n{done.stderr}")
    return dict(line.split(":", 1) for line in done.stdout.splitlines())


def table():
    """The first of MPI's names in each row that runrig has an answer to."""
    for line in (ROOT / "docs/team.md").read_text().splitlines():
        row = re.match(r"\| (.*?) \| (.*) \|$", line)
        if not row or row[1] == "MPI":
            if line == "" and "found" in vars(table):
                return
            continue
        table.found = True
        if not re.match(r"none\b|nothing\b", row[2]):
            yield row[1]


def main():
    ours = lines([os.environ["RUNRIG"], "exec", "-n", "3", "--",
                  os.environ["SAME_AS_MPI"]])
    wrong = 0
    for row in table():
        names = re.findall(r"`([^`]+)`", row) or [row.split(",")[0]]
        first = "a half" if row.startswith("a half") else names[0]
        have = {key.split()[0].lower() for key in ours}
        plain = {re.sub(r"\(.*\)", "", name).lower() for name in names}
        if not plain & have and first not in APART:
            print(f"docs/team.md: {row}: no line in same_as_mpi.c, no reason here")
            wrong = 1
    for name, line in ours.items():
        twin = name.replace("_init", "")
        if ours[twin] != line:
            print(f"{name}:{line}\n{twin}:{ours[twin]}")
            wrong = 1
    found = 0
    with tempfile.TemporaryDirectory() as folder:
        for compiler, launcher in MPIS.items():
            if not shutil.which(compiler) or not shutil.which(launcher[0]):
                continue
            found += 1
            program = f"{folder}/{compiler}"
            subprocess.run([compiler, "-std=c17", "-D_GNU_SOURCE", "-O1",
                            "-DWITH_MPI", "-o", program, *map(str, SOURCES)],
                           check=True)
            theirs = lines([*launcher, "-n", "3", program])
            for name, line in ours.items():
                if name.split()[0].endswith("_init"):
                    continue
                if theirs.get(name) != line:
                    print(f"{name}:{line}\n{launcher[0]}:{theirs.get(name)}")
                    wrong = 1
    if not found:
        print("no MPI is installed")
        return wrong or 77
    return wrong


if __name__ == "__main__":
    sys.exit(main())
