# SPDX-License-Identifier: MIT
"""Programs as ranks: mpi4py's names over a team of runrig's.

    runrig exec -n 4 -- python3 prog.py

    import runrig
    comm = runrig.join()
    total = comm.allreduce(comm.Get_rank())

Started by hand, the program is a team of one.  Methods with a capital move
contiguous buffers: NumPy arrays, [array, type] or [array, count, type]; those in
lower case move any object by pickle.
"""
from __future__ import annotations

import atexit
import errno
import pickle
import sys
import time
from typing import Any, Callable, Iterator, List, Optional, Sequence, Tuple

from . import _runrig
from ._operands import (ANY_SOURCE, ANY_TAG, IN_PLACE, PROC_NULL, SUM, Op,
                        Request, Status, _buffer, _bytes, _padded)

(_BCAST, _REDUCE, _ALLREDUCE, _SCAN, _EXSCAN, _GATHER, _SCATTER, _ALLGATHER,
 _ALLTOALL) = range(9)


class Comm:
    """Ranks that call each other; comm = runrig.join() has all ranks."""

    def __init__(self, team: _runrig.Team) -> None:
        self._team = team

    def Get_rank(self) -> int:
        """This process's number, 0 and up."""
        return self._team.rank

    def Get_size(self) -> int:
        """How many ranks there are."""
        return self._team.size

    @property
    def rank(self) -> int:
        """This process's number."""
        return self._team.rank

    @property
    def size(self) -> int:
        """How many ranks there are."""
        return self._team.size

    def Barrier(self) -> None:
        """Wait until all ranks have come."""
        self._team.barrier()

    barrier = Barrier

    def _call(self, verb: int, send: Any, recv: Any, count: int, kind: int,
              op: int = 0, root: int = 0) -> None:
        self._team.collective(verb, send, recv, count, kind, op, root)

    # ---- collectives on buffers ----

    def Bcast(self, buf: Any, root: int = 0) -> None:
        """The root's elements, to all."""
        view, count, kind = _buffer(buf)
        self._call(_BCAST, None, view, count, kind, 0, root)

    def _reduction(self, verb: int, send: Any, recv: Any, op: Op,
                   root: int = 0) -> None:
        view, count, kind = _buffer(recv if send is IN_PLACE else send)
        wanted = None if recv is None else _buffer(recv)[0]
        self._call(verb, True if send is IN_PLACE else view, wanted, count,
                   kind, op.code, root)

    def Allreduce(self, sendbuf: Any, recvbuf: Any, op: Op = SUM) -> None:
        """Element by element over the ranks, to all; sendbuf may be IN_PLACE."""
        if not self._team.allreduce(sendbuf, recvbuf, op.code):
            self._reduction(_ALLREDUCE, sendbuf, recvbuf, op)

    def Reduce(self, sendbuf: Any, recvbuf: Any, op: Op = SUM,
               root: int = 0) -> None:
        """As Allreduce, to the root alone; recvbuf is None elsewhere."""
        self._reduction(_REDUCE, sendbuf,
                        recvbuf if self.rank == root else None, op, root)

    def Scan(self, sendbuf: Any, recvbuf: Any, op: Op = SUM) -> None:
        """Over the ranks up to this rank."""
        self._reduction(_SCAN, sendbuf, recvbuf, op)

    def Exscan(self, sendbuf: Any, recvbuf: Any, op: Op = SUM) -> None:
        """Over the ranks below this rank; rank 0's recvbuf stays."""
        self._reduction(_EXSCAN, sendbuf, recvbuf, op)

    def Gather(self, sendbuf: Any, recvbuf: Any, root: int = 0) -> None:
        """Each rank's elements, one after another, to the root."""
        here = self.rank == root
        self._parts(_GATHER, sendbuf, recvbuf if here else None, root)

    def Allgather(self, sendbuf: Any, recvbuf: Any) -> None:
        """Each rank's elements, one after another, to all."""
        self._parts(_ALLGATHER, sendbuf, recvbuf, 0)

    def Alltoall(self, sendbuf: Any, recvbuf: Any) -> None:
        """Part r of sendbuf goes to rank r, which keeps the parts in order."""
        if sendbuf is IN_PLACE:
            view, count, kind = _buffer(recvbuf)
            self._call(_ALLTOALL, True, view, count // self.size, kind)
            return
        view, count, kind = _buffer(sendbuf)
        self._call(_ALLTOALL, view, _buffer(recvbuf)[0], count // self.size,
                   kind)

    def _parts(self, verb: int, send: Any, recv: Any, root: int) -> None:
        if send is IN_PLACE:
            view, count, kind = _buffer(recv)
            self._call(verb, True, view, count // self.size, kind, 0, root)
            return
        view, count, kind = _buffer(send)
        self._call(verb, view, None if recv is None else _buffer(recv)[0],
                   count, kind, 0, root)

    def Scatter(self, sendbuf: Any, recvbuf: Any, root: int = 0) -> None:
        """Part r of the root's sendbuf goes to rank r."""
        here = self.rank == root
        if recvbuf is IN_PLACE:
            view, count, kind = _buffer(sendbuf)
            self._call(_SCATTER, view, True, count // self.size, kind, 0, root)
            return
        view, count, kind = _buffer(recvbuf)
        self._call(_SCATTER, _buffer(sendbuf)[0] if here else None, view,
                   count, kind, 0, root)

    # ---- messages of buffers ----

    def Send(self, buf: Any, dest: int, tag: int = 0) -> None:
        """Send; returns when the buffer is the program's again."""
        self._team.send(*_bytes(buf), dest, tag)

    def Recv(self, buf: Any, source: int = ANY_SOURCE, tag: int = ANY_TAG,
             status: Optional[Status] = None) -> None:
        """Receive into the buffer."""
        found = self._team.recv(*_bytes(buf), source, tag)
        if status is not None:
            status._set(found)

    def Isend(self, buf: Any, dest: int, tag: int = 0) -> Request:
        """Begin to send; the buffer is the request's until the end."""
        request = self._team.isend(*_bytes(buf), dest, tag)
        return Request(lambda block: request.wait() if block
                       else request.test())

    def Irecv(self, buf: Any, source: int = ANY_SOURCE,
              tag: int = ANY_TAG) -> Request:
        """Begin to receive; the buffer is the request's until the end."""
        request = self._team.irecv(*_bytes(buf), source, tag)
        return Request(lambda block: request.wait() if block
                       else request.test())

    def Sendrecv(self, sendbuf: Any, dest: int, sendtag: int = 0,
                 recvbuf: Any = None, source: int = ANY_SOURCE,
                 recvtag: int = ANY_TAG,
                 status: Optional[Status] = None) -> None:
        """Both at once."""
        receive = self.Irecv(recvbuf, source, recvtag)
        self.Send(sendbuf, dest, sendtag)
        receive.Wait(status)

    def Probe(self, source: int = ANY_SOURCE, tag: int = ANY_TAG,
              status: Optional[Status] = None) -> bool:
        """Wait until there is such a message."""
        found = self._team.probe(source, tag, True)
        if status is not None:
            status._set(found)
        return True

    def Iprobe(self, source: int = ANY_SOURCE, tag: int = ANY_TAG,
               status: Optional[Status] = None) -> bool:
        """Is there such a message?"""
        found = self._team.probe(source, tag, False)
        if found is not None and status is not None:
            status._set(found)
        return found is not None

    probe, iprobe = Probe, Iprobe

    # ---- objects ----

    def _lengths(self, length: int) -> List[int]:
        """The length that each rank gives."""
        mine = memoryview(length.to_bytes(8, sys.byteorder))
        all_of = bytearray(8 * self.size)
        self._call(_ALLGATHER, mine, all_of, 8, _U1)
        return list(memoryview(all_of).cast("q"))

    def bcast(self, obj: Any, root: int = 0) -> Any:
        """The root's object, on all."""
        data = bytearray(pickle.dumps(obj, 5) if self.rank == root else b"")
        length = bytearray(len(data).to_bytes(8, sys.byteorder))
        self._call(_BCAST, None, length, 8, _U1, 0, root)
        if self.rank == root:
            self._call(_BCAST, None, data, len(data), _U1, 0, root)
            return obj
        data = bytearray(int.from_bytes(length, sys.byteorder))
        self._call(_BCAST, None, data, len(data), _U1, 0, root)
        return pickle.loads(data)

    def allgather(self, obj: Any) -> List[Any]:
        """Each rank's object, on all."""
        data = pickle.dumps(obj, 5)
        lengths = self._lengths(len(data))
        most = max(lengths)
        all_of = bytearray(most * self.size)
        self._call(_ALLGATHER, _padded(data, most), all_of, most, _U1)
        return self._split(all_of, lengths, most)

    def gather(self, obj: Any, root: int = 0) -> Optional[List[Any]]:
        """Each rank's object, on the root; None elsewhere."""
        data = pickle.dumps(obj, 5)
        lengths = self._lengths(len(data))
        most, here = max(lengths), self.rank == root
        all_of = bytearray(most * self.size) if here else None
        self._call(_GATHER, _padded(data, most), all_of, most, _U1, 0, root)
        return self._split(all_of, lengths, most) if here else None

    @staticmethod
    def _split(data: Any, lengths: List[int], most: int) -> List[Any]:
        view = memoryview(data)
        return [pickle.loads(view[i * most:i * most + length])
                for i, length in enumerate(lengths)]

    def scatter(self, sendobj: Optional[Sequence[Any]] = None,
                root: int = 0) -> Any:
        """Item r of the root's sequence, on rank r."""
        parts: List[bytes] = []
        if self.rank == root:
            if sendobj is None or len(sendobj) != self.size:
                raise ValueError(f"scatter: a sequence of {self.size} objects")
            parts = [pickle.dumps(part, 5) for part in sendobj]
        most = self.bcast(max(map(len, parts), default=0), root)
        mine = bytearray(most)
        joined = b"".join(bytes(_padded(part, most)) for part in parts) or None
        self._call(_SCATTER, joined, mine, most, _U1, 0, root)
        return pickle.loads(mine)  # ends where the pickle ends

    def alltoall(self, sendobj: Sequence[Any]) -> List[Any]:
        """Item r of each sequence, on rank r."""
        if len(sendobj) != self.size:
            raise ValueError(f"alltoall: a sequence of {self.size} objects")
        parts = [pickle.dumps(part, 5) for part in sendobj]
        most = max(self._lengths(max(map(len, parts))))
        got = bytearray(most * self.size)
        self._call(_ALLTOALL, b"".join(bytes(_padded(part, most))
                                       for part in parts), got, most, _U1)
        return self._split(got, [most] * self.size, most)

    def allreduce(self, sendobj: Any, op: Callable[[Any, Any], Any] = SUM
                  ) -> Any:
        """The objects of all ranks, folded in the order of ranks, on all."""
        return self._fold(self.allgather(sendobj), op)

    def reduce(self, sendobj: Any, op: Callable[[Any, Any], Any] = SUM,
               root: int = 0) -> Any:
        """As allreduce, on the root; None elsewhere."""
        found = self.gather(sendobj, root)
        return None if found is None else self._fold(found, op)

    def scan(self, sendobj: Any, op: Callable[[Any, Any], Any] = SUM) -> Any:
        """The objects up to this rank's, folded."""
        return self._fold(self.allgather(sendobj)[:self.rank + 1], op)

    def exscan(self, sendobj: Any, op: Callable[[Any, Any], Any] = SUM) -> Any:
        """The objects below this rank's, folded; None on rank 0."""
        found = self.allgather(sendobj)[:self.rank]
        return self._fold(found, op) if found else None

    @staticmethod
    def _fold(objects: List[Any], op: Callable[[Any, Any], Any]) -> Any:
        total = objects[0]
        for one in objects[1:]:
            total = op(total, one)
        return total

    def send(self, obj: Any, dest: int, tag: int = 0) -> None:
        """Send an object."""
        data = pickle.dumps(obj, 5)
        self._team.send(data, len(data), dest, tag)

    def recv(self, buf: Any = None, source: int = ANY_SOURCE,
             tag: int = ANY_TAG, status: Optional[Status] = None) -> Any:
        """Receive an object; `buf` is not used."""
        return self._receive(self._team.probe(source, tag, True), status)

    def _receive(self, found: Tuple[int, int, int],
                 status: Optional[Status]) -> Any:
        data = bytearray(found[2])
        got = self._team.recv(data, len(data), found[0], found[1])
        if status is not None:
            status._set(got)
        return pickle.loads(data) if found[0] != PROC_NULL else None

    def isend(self, obj: Any, dest: int, tag: int = 0) -> Request:
        """Begin to send an object."""
        data = pickle.dumps(obj, 5)
        request = self._team.isend(data, len(data), dest, tag)
        return Request(lambda block: request.wait() if block
                       else request.test())

    def irecv(self, buf: Any = None, source: int = ANY_SOURCE,
              tag: int = ANY_TAG) -> Request:
        """An object which wait() or test() receives, in the order of the calls."""
        got: List[Any] = []

        def finish(block: bool) -> Any:
            found = self._team.probe(source, tag, block)
            if found is not None:
                got.append(self._receive(found, None))
            return found

        return Request(finish, lambda: got[0])

    def sendrecv(self, sendobj: Any, dest: int, sendtag: int = 0,
                 recvbuf: Any = None, source: int = ANY_SOURCE,
                 recvtag: int = ANY_TAG,
                 status: Optional[Status] = None) -> Any:
        """Both at once."""
        request = self.isend(sendobj, dest, sendtag)
        got = self.recv(None, source, recvtag, status)
        request.wait()
        return got

    # ---- teams ----

    def Split(self, color: int = 0, key: int = 0) -> Optional["Comm"]:
        """The ranks that give the same color, in the order of `key`."""
        team = self._team.split(color, key)
        return None if team is None else Comm(team)

    def Dup(self) -> Optional["Comm"]:
        """The same ranks, in a team of their own."""
        return self.Split(0, self.rank)

    def Free(self) -> None:
        """Collective: end the team."""
        self._team.free()

    def Create_cart(self, dims: Sequence[int],
                    periods: Optional[Sequence[bool]] = None,
                    reorder: bool = False) -> Optional["Cartcomm"]:
        """The ranks in a grid; None for a rank beyond the grid."""
        ends = tuple(map(int, periods or [False] * len(dims)))
        if len(ends) != len(dims):
            raise ValueError("Create_cart: periods is as long as dims")
        team = self._team.cart_create(tuple(dims), ends)
        return None if team is None else Cartcomm(team, tuple(dims), ends)

    # ---- calls that MPI lacks ----

    def share(self, count: int, schedule: str = "guided",
              chunk: int = 0) -> Iterator[Tuple[int, int]]:
        """Collective: parts (begin, end) of 0..count-1, dealt out as ranks come.

        schedule is "static", "dynamic" or "guided"; each rank goes on to the
        end.
        """
        kinds = ("static", "dynamic", "guided")
        if schedule not in kinds or count < 0 or chunk < 0:
            raise ValueError(f"share: schedule is one of {kinds}, and count "
                             "and chunk are 0 or more")
        return self._team.share(count, kinds.index(schedule), chunk)

    def counter(self) -> int:
        """Collective: a counter that is 0 on each rank, for fetch_add()."""
        return self._team.counter()

    def fetch_add(self, counter: int, value: int = 1, rank: int = 0) -> int:
        """Add to the counter of a rank: the number before."""
        return self._team.fetch_add(counter, value & (2 ** 64 - 1), rank)


class Cartcomm(Comm):
    """Ranks in a grid."""

    def __init__(self, team: _runrig.Team, dims: Tuple[int, ...],
                 periods: Tuple[int, ...]) -> None:
        super().__init__(team)
        self.dims, self.periods = list(dims), [bool(end) for end in periods]

    @property
    def coords(self) -> List[int]:
        """This rank's place in the grid."""
        return self.Get_coords(self.rank)

    def Get_coords(self, rank: int) -> List[int]:
        """The place of a rank."""
        return list(self._team.cart_coords(rank))

    def Get_cart_rank(self, coords: Sequence[int]) -> int:
        """The rank at a place."""
        return self._team.cart_rank(tuple(coords))

    def Shift(self, direction: int, disp: int) -> Tuple[int, int]:
        """(source, dest): the ranks `disp` lower and higher."""
        return self._team.cart_shift(direction, disp)

    def Get_topo(self) -> Tuple[List[int], List[bool], List[int]]:
        """(dims, periods, coords)."""
        return self.dims, self.periods, self.coords

    def halo(self, array: Any, width: int = 1) -> None:
        """Collective: bring the outer `width` layers of this rank's part up to
        date with the neighbours' layers; `array` is in C order."""
        view, _, kind = _buffer(array)
        self._team.halo(view, tuple(view.shape or ()), width, kind)


_U1 = _runrig.dtype("uint8")[0]
_FOREVER = 2 ** 64 - 1
_world: Optional[Comm] = None


def join(name: Optional[str] = None, size: int = 0,
         rank: Optional[int] = None, timeout: Optional[float] = None) -> Comm:
    """Become a rank of `runrig exec`, or a team of one; again: the same Comm.

    With a name, meet `size` processes that nobody launched, in C or in Python;
    as rank `rank`, else as the lowest that is free; TimeoutError: not all have
    come after `timeout` seconds.  When one of them dies, each call of the others is
    an OSError (errno.EOWNERDEAD): then leave(), and the name can be met under again.

    The program leaves at its end.  OSError, ValueError: the launcher is gone, or
    of another build; others wait under the name for another size, or as that rank.
    """
    global _world
    if _world is None:
        deadline = _FOREVER if timeout is None else \
            time.monotonic_ns() + max(0, int(timeout * 1e9))
        _world = Comm(_runrig.join(name, size,
                                   0 if rank is None else rank + 1, deadline))
        atexit.register(leave)
    elif name is not None:
        raise OSError(errno.EALREADY, "this process has joined already")
    return _world


def leave() -> None:
    """End being a rank; no Comm is of use then."""
    global _world
    _world = None
    atexit.unregister(leave)
    _runrig.leave()


def Wtime() -> float:
    """Seconds since some moment."""
    return time.monotonic()


def Compute_dims(nnodes: int, dims: Any) -> List[int]:
    """The sides of a grid of so many ranks, as near to each other as can be."""
    count = dims if isinstance(dims, int) else len(dims)
    return list(_runrig.dims_create(
        nnodes, (0,) * count if isinstance(dims, int) else tuple(dims)))
