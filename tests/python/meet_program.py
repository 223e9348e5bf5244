# SPDX-License-Identifier: MIT
"""meets NAME, or outlives NAME: a rank of three that nobody launched."""
import errno
import os
import signal
import sys

import numpy as np
import runrig


def meets(name):
    """As docs/examples/programs/meet.c, which is one of the three."""
    comm = runrig.join(name=name, size=3)
    pids, total = np.zeros(3, "i8"), np.zeros(1, "i8")
    comm.Allgather(np.full(1, os.getpid(), "i8"), pids)
    comm.Allreduce(np.full(1, comm.rank, "i8"), total)
    print(f"rank {comm.rank} of {comm.size}: process {os.getpid()} has met "
          f"process {pids[(comm.rank + 1) % 3]}; the sum of the ranks is "
          f"{total[0]}")


def outlives(name):
    comm = runrig.join(name=name, size=3)
    if comm.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    for _ in range(2):
        try:
            comm.Barrier()
        except OSError as error:
            assert error.errno == errno.EOWNERDEAD, error
            assert "rank 1" in str(error), error
        else:
            raise AssertionError("no error after a death")
    runrig.leave()
    comm = runrig.join(name=name, size=2)
    comm.Barrier()
    print(f"met again: {comm.size} of us")


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2])
