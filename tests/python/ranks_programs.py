# SPDX-License-Identifier: MIT
"""Programs like those of mpi4py's tutorial, after a change of the import.

Every rank of a launch runs all of them, or the program that is named.
"""
import os
import sys

import numpy as np
from runrig import MPI

comm = MPI.COMM_WORLD
rank = comm.Get_rank()
size = comm.Get_size()


def objects_from_rank_to_rank():
    data = {"a": 7, "b": 3.14}
    if size < 2:
        return
    if rank == 0:
        comm.send(data, dest=1, tag=11)
        request = comm.isend(data, dest=1, tag=12)
        request.wait()
    elif rank == 1:
        status = MPI.Status()
        assert comm.recv(source=MPI.ANY_SOURCE, tag=11, status=status) == data
        assert (status.Get_source(), status.Get_tag()) == (0, 11)
        request = comm.irecv(source=0, tag=12)
        assert request.wait() == data


def arrays_from_rank_to_rank():
    if size < 2:
        return
    if rank == 0:
        comm.Send([np.arange(1000, dtype="i"), MPI.INT], dest=1, tag=77)
        comm.Send(np.arange(100, dtype=np.float64), dest=1, tag=13)
        MPI.Request.Waitall([comm.Isend(np.full(9, i), dest=1, tag=i)
                             for i in range(3)])
    elif rank == 1:
        data = np.empty(1000, dtype="i")
        comm.Recv([data, MPI.INT], source=0, tag=77)
        assert (data == np.arange(1000)).all()
        data = np.empty(100)
        status = MPI.Status()
        comm.Recv(data, source=0, tag=13, status=status)
        assert status.Get_count(MPI.DOUBLE) == 100 and data[99] == 99
        got = [np.empty(9, "i8") for _ in range(3)]
        MPI.Request.Waitall([comm.Irecv(got[i], source=0, tag=i)
                             for i in range(3)])
        assert [a[8] for a in got] == [0, 1, 2]


def broadcast():
    data = {"key1": [7, 2.72, 2 + 3j], "key2": ("abc", "xyz")}
    assert comm.bcast(data if rank == 0 else None, root=0) == data
    array = np.arange(100, dtype="i") if rank == 0 else np.empty(100, "i")
    comm.Bcast(array, root=0)
    assert (array == np.arange(100)).all()


def scatter_and_gather():
    data = [(i + 1) ** 2 for i in range(size)] if rank == 0 else None
    data = comm.scatter(data, root=0)
    assert data == (rank + 1) ** 2
    data = comm.gather("x" * rank, root=size - 1)
    assert data == (["x" * i for i in range(size)] if rank == size - 1 else None)
    sendbuf = None
    if rank == 0:
        sendbuf = np.empty([size, 100], dtype="i")
        sendbuf.T[:, :] = range(size)
    recvbuf = np.empty(100, dtype="i")
    comm.Scatter(sendbuf, recvbuf, root=0)
    assert np.allclose(recvbuf, rank)
    recvbuf = np.empty([size, 100], dtype="i") if rank == 0 else None
    comm.Gather(np.zeros(100, dtype="i") + rank, recvbuf, root=0)
    if rank == 0:
        assert (recvbuf == np.arange(size)[:, None]).all()


def matrix_by_vector():
    mine = np.full((2, 2 * size), float(rank))
    part = np.ones(2)
    whole = np.zeros(2 * size)
    comm.Allgather([part, MPI.DOUBLE], [whole, MPI.DOUBLE])
    assert (mine @ whole == 2 * size * rank).all()


def reductions():
    assert comm.allreduce(rank) == size * (size - 1) // 2
    assert comm.allreduce(rank, op=MPI.MAX) == size - 1
    assert comm.reduce([rank], op=MPI.SUM, root=0) == (
        list(range(size)) if rank == 0 else None)
    assert comm.scan(1) == rank + 1
    assert comm.exscan(1) == (rank if rank else None)
    ours, all_of = np.full(3, rank + 1.0), np.empty(3)
    comm.Allreduce(ours, all_of, op=MPI.SUM)
    assert (all_of == size * (size + 1) / 2).all()
    comm.Allreduce(MPI.IN_PLACE, ours, op=MPI.MIN)
    assert (ours == 1).all()
    total = np.zeros(1)
    comm.Reduce(np.ones(1), total if rank == 0 else None, op=MPI.SUM, root=0)
    assert total[0] == (size if rank == 0 else 0)
    running = np.zeros(1, "i8")
    comm.Scan(np.ones(1, "i8"), running)
    assert running[0] == rank + 1


def all_to_all():
    assert comm.alltoall([rank * 10 + i for i in range(size)]) == [
        i * 10 + rank for i in range(size)]
    got = np.empty(size, "i4")
    comm.Alltoall(np.arange(size, dtype="i4") + 10 * rank, got)
    assert (got == 10 * np.arange(size) + rank).all()


def pi_by_midpoints():
    n = 100
    h = 1.0 / n
    mine = sum(4 / (1 + (h * (i - 0.5)) ** 2) for i in range(rank + 1, n + 1, size))
    pi = comm.reduce(mine * h, op=MPI.SUM, root=0)
    if rank == 0:
        assert abs(pi - np.pi) < 1e-4


def teams():
    half = comm.Split(rank % 2, -rank)
    assert half.size == (size + 1 - rank % 2) // 2
    assert half.allgather(rank) == sorted(
        (r for r in range(size) if r % 2 == rank % 2), reverse=True)
    half.Free()
    none = comm.Split(MPI.UNDEFINED if rank else 0)
    assert (none is None) == (rank > 0)


def a_grid():
    cart = comm.Create_cart(MPI.Compute_dims(size, 2), periods=[True, False])
    assert cart.Get_cart_rank(cart.coords) == cart.rank
    source, dest = cart.Shift(0, 1)
    got = np.full(1, -1)
    cart.Sendrecv(np.full(1, cart.rank), dest, 0, got, source, 0)
    assert got[0] == source
    part = np.full((4, 5), float(rank))
    part[0] = part[-1] = -1
    cart.halo(part)
    assert part[0, 1] == source and part[-1, 1] == dest


def calls_that_mpi_lacks():
    parts = list(comm.share(1000, "dynamic", 10))
    assert comm.allreduce(sum(end - begin for begin, end in parts)) == 1000
    counter = comm.counter()
    comm.fetch_add(counter, rank + 1, 0)
    comm.Barrier()
    if rank == 0:
        assert comm.fetch_add(counter, 0) == size * (size + 1) // 2


def wrong_arguments():
    for function, error in (
            (lambda: comm.Allreduce(np.zeros(3), np.zeros(2)), ValueError),
            (lambda: comm.Bcast(np.zeros((4, 4)).T[1:]), ValueError),
            (lambda: comm.Bcast(np.zeros(3, ">f8")), ValueError),
            (lambda: comm.Bcast(b"read only"), BufferError),
            (lambda: comm.Recv([np.zeros(3), 9, MPI.DOUBLE], 0), ValueError),
            (lambda: comm.Send(np.zeros(3), size), ValueError),
            (lambda: comm.scatter([1] * (size + 1), root=rank), ValueError),
            (lambda: comm.alltoall([]), ValueError),
            (lambda: comm.share(10, "often"), ValueError),
            (lambda: comm.fetch_add(4096), ValueError)):
        try:
            function()
        except error:
            continue
        raise AssertionError(f"no {error.__name__}")


def dies():
    if rank == 1:
        os.kill(os.getpid(), 9)
    comm.Barrier()


def deadlocks():
    comm.recv(source=(rank + 1) % size)


def differs():
    if rank:
        comm.Barrier()
    else:
        comm.Bcast(np.zeros(3))


PROGRAMS = [objects_from_rank_to_rank, arrays_from_rank_to_rank, broadcast,
            scatter_and_gather, matrix_by_vector, reductions, all_to_all,
            pi_by_midpoints, teams, a_grid, calls_that_mpi_lacks,
            wrong_arguments]

if __name__ == "__main__":
    for program in [globals()[name] for name in sys.argv[1:]] or PROGRAMS:
        program()
        comm.Barrier()
    os.write(1, f"rank {rank} of {size} has run all\n".encode())
