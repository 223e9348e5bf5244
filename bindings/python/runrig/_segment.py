# SPDX-License-Identifier: MIT
"""Segments, lists and the manager: the classes of multiprocessing's module."""
from __future__ import annotations

import errno
import functools
import os
from typing import Any, Dict, Generic, Iterable, Iterator, Optional, TypeVar

from . import _runrig


def view_of(memory: Any) -> memoryview:
    """A memoryview of a Memory's bytes."""
    return memoryview(memory)


_Item = TypeVar("_Item", int, float, bool, str, bytes, None)


class Segment(_runrig.SegmentBase):
    """Named memory that processes share, as multiprocessing's SharedMemory.

    Segment(create=True, size=n) makes a segment of `n` zeroed bytes under a fresh
    name, or under `name`; Segment(name) attaches to the segment of anybody of
    this user, Python or not.  `size` is the bytes to make, and is not looked at
    where the segment exists.

    The name goes with unlink(), or with the last reference of the process that
    made the segment; whoever is attached keeps the bytes.  Attaching never makes
    an owner: no resource tracker is asked, and `track` is accepted and not used.

    A Segment is pickled by name.  FileExistsError: the name is taken.
    FileNotFoundError: no segment has the name.  OSError of ENOSPC: /dev/shm is
    too small.  ValueError: a size or a name that cannot be.
    """

    def __init__(self, name: Optional[str] = None, create: bool = False,
                 size: int = 0, *, track: bool = True) -> None:
        if size < 0:
            raise ValueError("'size' must be a positive integer")
        if create and size == 0:
            raise ValueError("'size' must be a positive number different "
                             "from zero")
        if name is None and not create:
            raise ValueError("'name' can only be None if create=True")
        self._unlinked = False
        if create:
            self._open(_runrig.Memory.create(name, size, False))
        else:
            self._open(_runrig.Memory.attach(name, False))

    @classmethod
    def _over(cls, memory: _runrig.Memory) -> "Segment":
        segment = cls.__new__(cls)
        segment._unlinked = False
        segment._open(memory)
        return segment

    def unlink(self) -> None:
        """Remove the name; whoever is attached keeps the bytes.

        FileNotFoundError: the name is gone, or is another segment's now.
        """
        if self._unlinked or not self._memory.named:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT),
                                    self.name)
        self._memory.unlink()
        self._unlinked = True

    @property
    def __array_interface__(self) -> Dict[str, Any]:
        return {"version": 3, "shape": (self.size,), "typestr": "|u1",
                "data": view_of(self._memory)}

    def __dlpack__(self, **options: Any) -> Any:
        """The bytes as a DLPack capsule of uint8, by NumPy."""
        import numpy
        view: Any = view_of(self._memory)
        return numpy.asarray(view).__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        """The CPU: (1, 0)."""
        return (1, 0)

    def __enter__(self) -> "Segment":
        return self

    def __exit__(self, kind: Any, *rest: Any) -> None:
        """Close, and remove the name where this object made the segment."""
        try:
            self.close()
        except BufferError:
            if kind is None:
                raise

    def __reduce__(self) -> Any:
        return (self.__class__, (self.name, False, self.size))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, size={self.size})"


class ShareableList(Generic[_Item]):
    """A list of int, float, bool, str, bytes and None in a segment.

    The layout is that of multiprocessing's ShareableList in 3.9 and later, and
    either side opens the other's.  The length never changes; an item may change
    the type, and text keeps within the slot of the beginning.  `shm` is the
    Segment.  Beside CPython's list: an index below -len is an IndexError, a store
    that fails changes nothing, and text has room for its bytes.
    """

    shm: Segment

    def __init__(self, sequence: Optional[Iterable[_Item]] = None, *,
                 name: Optional[str] = None) -> None:
        if name is None or sequence is not None:
            values = () if sequence is None else tuple(sequence)
            memory = _runrig.Memory.create_list(name, values)
        else:
            memory = _runrig.Memory.attach_list(name)
        self.shm = Segment._over(memory)

    @classmethod
    def _in(cls, memory: _runrig.Memory) -> "ShareableList[Any]":
        made = cls.__new__(cls)
        made.shm = Segment._over(memory)
        return made

    def __getitem__(self, position: int) -> _Item:
        return self.shm._memory.list_get(position)

    def __setitem__(self, position: int, value: _Item) -> None:
        self.shm._memory.list_set(position, value)

    def __len__(self) -> int:
        return self.shm._memory.list_length()

    def __iter__(self) -> Iterator[_Item]:
        for position in range(len(self)):
            yield self[position]

    def __reduce__(self) -> Any:
        return functools.partial(self.__class__, name=self.shm.name), ()

    def __repr__(self) -> str:
        return self.shm._memory.list_repr()

    @property
    def format(self) -> str:
        """The struct formats of all items in a row."""
        return self.shm._memory.list_format()

    def count(self, value: Any) -> int:
        """How many items are equal to `value`."""
        return sum(value == item for item in self)

    def index(self, value: Any) -> int:
        """The first position of `value`; ValueError: no item is equal."""
        for position, item in enumerate(self):
            if value == item:
                return position
        raise ValueError(f"{value!r} not in this container")


class SharedMemoryManager:
    """Segments and lists that go when the manager or this process does.

    with SharedMemoryManager() as manager: manager.SharedMemory(n) and
    manager.ShareableList(values).  The names go at shutdown(), or when this
    process ends, in any way.
    """

    def __init__(self) -> None:
        self._manager: Optional[_runrig.Manager] = None

    def start(self) -> None:
        """Start the process which watches the caller."""
        if self._manager is not None:
            raise ValueError("the manager has started")
        self._manager = _runrig.Manager()

    def _started(self) -> _runrig.Manager:
        if self._manager is None:
            raise ValueError("the manager has not started, or is shut down")
        return self._manager

    @property
    def pid(self) -> int:
        """The manager's process."""
        return self._started().pid

    def SharedMemory(self, size: int) -> Segment:
        """A Segment of `size` zeroed bytes."""
        return Segment._over(self._started().segment(size))

    def ShareableList(self, sequence: Iterable[Any]) -> "ShareableList[Any]":
        """A ShareableList of the values."""
        return ShareableList._in(self._started().list(tuple(sequence)))

    def shutdown(self) -> None:
        """Remove the names of all members.  Twice is once."""
        if self._manager is not None:
            self._manager.shutdown()
        self._manager = None

    def __enter__(self) -> "SharedMemoryManager":
        if self._manager is None:
            self.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.shutdown()


SharedMemory = Segment
