#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The examples that have an MPI form print what it prints.

EXAMPLES is where the built ones are (docs/ of the build folder); the MPI forms
are compiled here, with whichever MPI there is; without one, skipped.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

MPIS = [
    ("mpicc.openmpi",
     ["mpirun.openmpi", "--allow-run-as-root", "--oversubscribe"]),
    ("mpicc.mpich", ["mpirun.mpich"]),
]
SOURCES = pathlib.Path(__file__).resolve().parents[2] / "docs" / "examples" / "mpi"


def output(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60,
                          check=False)
    if done.returncode:
        sys.exit(f"{command}: exit {done.returncode}\n{done.stderr}")
    return done.stdout


def main():
    for compiler, launcher in MPIS:
        if shutil.which(compiler) and shutil.which(launcher[0]):
            break
    else:
        print("no MPI is installed")
        return 77
    workers = str(len(os.sched_getaffinity(0)))
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for source in sorted(SOURCES.glob("*.c")):
            program = pathlib.Path(folder) / source.stem
            output([compiler, "-std=c17", "-O2", "-o", str(program),
                    str(source)])
            theirs = output([*launcher, "-n", workers, str(program)])
            ours = output([os.path.join(os.environ["EXAMPLES"],
                                        "example_" + source.stem)])
            if ours != theirs:
                print(f"{source.stem}: {ours!r}, and in MPI {theirs!r}")
                wrong = 1
    return wrong


if __name__ == "__main__":
    sys.exit(main())
