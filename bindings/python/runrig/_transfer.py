# SPDX-License-Identifier: MIT
"""Objects between an Executor and its workers: arrays by name, the rest pickled.

An array in a segment goes as name, offset, shape and strides, and arrives as a
view.  Other large buffers go through a segment, once.
"""
from __future__ import annotations

import collections
import io
import os
import pickle
import secrets
import struct
import sys
from typing import Any, List, Tuple

from . import _runrig
from ._segment import view_of

# Buffers of so many bytes go through memory, and not through the socket.
LARGE = 64 << 10
HEAD = struct.Struct("<QB")  # bytes of the frame's body, kind
_KEPT = 16
_GIVEN = 65536

_attached: "collections.OrderedDict[str, _runrig.Memory]" = \
    collections.OrderedDict()
# Names that this process has given away.
_given: "collections.OrderedDict[str, None]" = collections.OrderedDict()


def _memory_called(name: str) -> _runrig.Memory:
    """The segment of the name now; the last segments are kept attached."""
    memory = _attached.get(name)
    if memory is not None and memory.named:
        _attached.move_to_end(name)
        return memory
    memory = _attached[name] = _runrig.Memory.attach(name, False)
    while len(_attached) > _KEPT:
        _attached.popitem(last=False)
    for old in [n for n, m in _attached.items() if not m.named]:
        del _attached[old]
    return memory


def adopt(name: str) -> _runrig.Memory:
    """A worker's segment under a name of this process's own: the worker's end
    takes the old name away, and a segment has a single name."""
    ours = "rig-" + secrets.token_hex(16)
    os.rename("/dev/shm/" + name, "/dev/shm/" + ours)
    memory = _runrig.Memory.attach(ours, False)
    memory.own()
    return memory


def restore(name: str, offset: int, shape: Any, strides: Any, dtype: Any,
            adopted: bool) -> Any:
    """The array that _Pickler has named."""
    from ._arrays import _over
    memory = adopt(name) if adopted else _memory_called(name)
    return _over(memory, offset, shape, dtype, strides=strides)


class _Pickler(pickle.Pickler):
    """Arrays in segments by name; `kept` is to live until they have arrived."""

    def __init__(self, file: Any, gives: bool, callback: Any) -> None:
        super().__init__(file, 5, buffer_callback=callback)
        self._gives = gives
        self._ndarray = getattr(sys.modules.get("numpy"), "ndarray", None)

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) is not self._ndarray:
            return NotImplemented
        from ._arrays import locate, owner
        place = locate(obj)
        if place is None or place.name is None or not obj.size:
            return NotImplemented
        base = owner(obj)
        if isinstance(base, _runrig.Memory) and not base.named:
            return NotImplemented  # unlinked, or given away: a copy goes
        made = self._gives and isinstance(base, _runrig.Memory) and base.made
        if made and base.name in _given:
            return NotImplemented  # on the way to its owner: a copy goes
        if made:
            _given[base.name] = None
            while len(_given) > _GIVEN:
                _given.popitem(last=False)
        dtype = obj.dtype if obj.dtype.fields else obj.dtype.str
        return restore, (place.name, place.offset, obj.shape, obj.strides,
                         dtype, made)


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

    def feed(self, data: bytes) -> List[Tuple[int, memoryview]]:
        """(kind, body) of each frame that is whole now."""
        self._data += data
        found, at = [], 0
        while len(self._data) - at >= HEAD.size:
            length, kind = HEAD.unpack_from(self._data, at)
            if len(self._data) - at - HEAD.size < length:
                break
            at += HEAD.size
            found.append((kind, memoryview(bytes(self._data[at:at + length]))))
            at += length
        del self._data[:at]
        return found


def frame(kind: int, body: bytes) -> bytes:
    """A frame as it goes through the socket."""
    return HEAD.pack(len(body), kind) + body
