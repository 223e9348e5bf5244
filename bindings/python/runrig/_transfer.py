# SPDX-License-Identifier: MIT
"""Objects between an Executor and its workers: arrays by name, the rest pickled.

An array in a segment goes as name, offset, shape and strides, and arrives as a
view.  Other large buffers go through a segment, once.  Tasks with plain arguments
and arrays in segments, and plain results, have a way of their own: for a task of
some microseconds a Pickler would cost more than the task.
"""
from __future__ import annotations

import collections
import io
import os
import pickle
import secrets
import struct
import sys
from typing import Any, Dict, List, Optional, Tuple

from . import _runrig
from ._segment import view_of

# Buffers of so many bytes go through memory, and not through the socket.
LARGE = 64 << 10
HEAD = struct.Struct("<QB")  # bytes of the frame's body, kind
_KEPT = 16
_GIVEN = 65536

# By the token of the sender's Memory: the segment, and the bytes as an array.
_attached: "collections.OrderedDict[int, Tuple[_runrig.Memory, Any]]" = \
    collections.OrderedDict()
# Names that this process has given away.
_given: "collections.OrderedDict[str, None]" = collections.OrderedDict()


def _bytes_of(name: str, token: int) -> Any:
    """The bytes of the sender's segment as an array; the last segments are kept
    attached, and found by the token though the name is another segment's now."""
    known = _attached.get(token)
    if known is not None:
        return known[1]
    import numpy
    memory = _runrig.Memory.attach(name, False)
    raw = numpy.asarray(view_of(memory))
    for old in [t for t, (m, _) in _attached.items() if not m.named]:
        del _attached[old]
    while len(_attached) >= _KEPT:
        _attached.popitem(last=False)
    _attached[token] = memory, raw
    return raw


def view_at(name: str, token: int, offset: int, shape: Any, strides: Any,
            dtype: Any) -> Any:
    """An array in the sender's segment."""
    raw = _bytes_of(name, token)
    return _ndarray()(shape, dtype, raw, offset, strides)


def _ndarray() -> Any:
    return getattr(sys.modules.get("numpy"), "ndarray", None)


def adopt(name: str) -> _runrig.Memory:
    """A worker's segment under a name of this process's own: the worker's end
    takes the old name away, and a segment has a single name."""
    ours = "rig-" + secrets.token_hex(16)
    os.rename("/dev/shm/" + name, "/dev/shm/" + ours)
    memory = _runrig.Memory.attach(ours, False)
    memory.own()
    return memory


def restore(name: str, token: int, offset: int, shape: Any, strides: Any,
            dtype: Any, adopted: bool) -> Any:
    """The array that _Pickler has named."""
    if not adopted:
        return view_at(name, token, offset, shape, strides, dtype)
    from ._arrays import _over
    return _over(adopt(name), offset, shape, dtype, strides=strides)


class _Pickler(pickle.Pickler):
    """Arrays in segments by name; `kept` is to live until they have arrived."""

    def __init__(self, file: Any, gives: bool, callback: Any) -> None:
        super().__init__(file, 5, buffer_callback=callback)
        self._gives = gives
        self._ndarray = _ndarray()

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) is not self._ndarray:
            return NotImplemented
        found = _runrig.window(obj) or _slow_window(obj)
        if found is None or not obj.size:
            return NotImplemented
        base, offset = found[:2]
        if base.path is not None or not base.named:
            return NotImplemented  # a file, unlinked, given away: a copy goes
        made = self._gives and base.made
        if made and base.name in _given:
            return NotImplemented  # on the way to its owner: a copy goes
        if made:
            _given[base.name] = None
            while len(_given) > _GIVEN:
                _given.popitem(last=False)
        return restore, (base.name, base.token, offset, obj.shape, obj.strides,
                         _dtype_of(obj), made)


def _dtype_of(array: Any) -> Any:
    return array.dtype if array.dtype.fields else array.dtype.str


def _slow_window(array: Any) -> Optional[Tuple[Any, ...]]:
    """As window(), of an array that has no buffer, of dates for one, or lies in
    memory of multiprocessing's."""
    from ._arrays import _address, locate, owner
    base = owner(array)
    if isinstance(base, _runrig.Memory):
        return base, _address(array) - base.address
    place = locate(array)
    if place is None or place.name is None:
        return None
    return _memory_called(place.name, place.read_only), place.offset


_called: Dict[str, _runrig.Memory] = {}


def _memory_called(name: str, read_only: bool) -> _runrig.Memory:
    """The segment of that name now, of memory that is not runrig's here; kept, so
    that the token is the same for the next array."""
    memory = _called.pop(name, None)
    if memory is None or not memory.named:
        memory = _runrig.Memory.attach(name, read_only)
    while len(_called) >= _KEPT:
        del _called[next(iter(_called))]
    _called[name] = memory
    return memory


# ---- tasks and results of plain values ----

PLAIN = frozenset((int, float, complex, bool, str, bytes, type(None)))


def _is_plain(value: Any) -> bool:
    kind = type(value)
    return kind in PLAIN or \
        (kind is tuple and all(type(item) in PLAIN for item in value))


class Names:
    """The names of the Memories in a batch of tasks, each looked up once."""

    def __init__(self) -> None:
        self._names: Dict[Any, Optional[str]] = {}

    def of(self, memory: _runrig.Memory) -> Optional[str]:
        """The name; None: a file, or a segment that has lost the name."""
        if memory in self._names:
            return self._names[memory]
        named = memory.path is None and memory.named
        name = self._names[memory] = memory.name if named else None
        return name


def plain_args(args: Tuple[Any, ...], names: Names
               ) -> Optional[Tuple[Tuple[Any, ...], Tuple[Any, ...]]]:
    """(arguments with None for arrays, the arrays' windows), where all arguments
    are plain or arrays in segments; else None."""
    windows = []
    ndarray = _ndarray()
    for at, value in enumerate(args):
        if _is_plain(value):
            continue
        found = type(value) is ndarray and _runrig.window(value)
        name = names.of(found[0]) if found else None
        if not found or name is None:
            return None
        windows.append((at, name, found[0].token, found[1], value.shape,
                        value.strides, _dtype_of(value)))
    if windows:
        given = list(args)
        for window in windows:
            given[window[0]] = None
        args = tuple(given)
    return args, tuple(windows)


def full_args(args: Tuple[Any, ...], windows: Tuple[Any, ...]) -> Any:
    """The arguments that plain_args() has taken apart."""
    if not windows:
        return args
    given = list(args)
    for at, *window in windows:
        given[at] = view_at(*window)
    return given


_scalars: Dict[type, str] = {}
_types: Dict[str, Any] = {}


def _scalar_code(kind: type) -> Optional[str]:
    """The code of a type of NumPy's numbers which Python's number says whole."""
    if not _scalars and "numpy" in sys.modules:
        import numpy
        for code in "?bhilqBHILQefd":
            _scalars.setdefault(numpy.dtype(code).type, code)
    return _scalars.get(kind)


def plain_result(result: Any) -> Optional[Tuple[str, Any]]:
    """(code, value) of a result which needs no Pickler of ours; else None."""
    kind = type(result)
    if _is_plain(result):
        return "", result
    code = _scalar_code(kind)
    if code:
        return code, result.item()
    if kind is list and result:
        first = type(result[0])
        if all(type(item) is first for item in result):
            code = _scalar_code(first)
            if code:
                import numpy
                return "[" + code, numpy.array(result, code).tobytes()
            if first in PLAIN:
                return "", result
    return None


def full_result(code: str, value: Any) -> Any:
    """The result that plain_result() has taken apart."""
    if not code:
        return value
    known = _types.get(code)
    if known is not None:
        return known(value)
    import numpy
    if code[0] == "[":
        return list(numpy.frombuffer(value, code[1:]))
    return _types.setdefault(code, numpy.dtype(code).type)(value)


def pack(obj: Any, gives: bool = False) -> Tuple[bytes, List[Any]]:
    """(bytes, memory to be kept until the bytes have arrived).

    `gives`: arrays which the process has made become the receiver's.
    """
    buffers: List[pickle.PickleBuffer] = []
    kept: List[Any] = []

    def large(buffer: pickle.PickleBuffer) -> bool:
        view = buffer.raw()
        if view.nbytes < LARGE:
            return True
        buffers.append(buffer)
        return False

    file = io.BytesIO()
    _Pickler(file, gives, large).dump(obj)
    names = []
    for buffer in buffers:
        view = buffer.raw()
        memory = _runrig.Memory.create(None, view.nbytes, False)
        view_of(memory)[:] = view
        kept.append(memory)
        names.append(memory.name)
    head = pickle.dumps(names)
    return HEAD.pack(len(head), 0) + head + file.getvalue(), kept


def unpack(data: memoryview) -> Any:
    """The object; large buffers are memory of the process's own."""
    length, _ = HEAD.unpack_from(data)
    names = pickle.loads(data[HEAD.size:HEAD.size + length])
    buffers = [view_of(_runrig.Memory.attach(name, False))
               for name in names]
    return pickle.loads(data[HEAD.size + length:], buffers=buffers)


class Frames:
    """Frames out of the bytes of a stream socket."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._wanted = 0

    def feed(self, data: bytes) -> List[Tuple[int, memoryview]]:
        """(kind, body) of each frame that is whole now."""
        if self._data:
            self._data += data
            if len(self._data) < self._wanted:
                return []
            data = bytes(self._data)
            self._data.clear()
        found, at, end, head = [], 0, len(data), HEAD.size
        view = memoryview(data)
        self._wanted = head
        while end - at >= head:
            length, kind = HEAD.unpack_from(data, at)
            if end - at - head < length:
                self._wanted = head + length
                break
            at += head
            found.append((kind, view[at:at + length]))
            at += length
        if at < end:
            self._data += view[at:]
        return found


def frame(kind: int, body: bytes) -> bytes:
    """A frame as it goes through the socket."""
    return HEAD.pack(len(body), kind) + body
