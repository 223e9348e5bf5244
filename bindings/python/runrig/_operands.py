# SPDX-License-Identifier: MIT
"""What the calls of a Comm take and return: operations, types, buffers, requests."""
from __future__ import annotations

from typing import Any, Callable, List, Optional, Sequence, Tuple

from . import _runrig

ANY_SOURCE = ANY_TAG = -1
PROC_NULL = -2
UNDEFINED = -1
ROOT_ONLY = None


class _InPlace:
    def __repr__(self) -> str:
        return "IN_PLACE"


IN_PLACE = _InPlace()


class Op:
    """An operation of a reduction; also a function of two objects."""

    def __init__(self, code: int, name: str,
                 function: Callable[[Any, Any], Any]) -> None:
        self.code, self.name, self.function = code, name, function

    def __call__(self, x: Any, y: Any) -> Any:
        return self.function(x, y)

    def __repr__(self) -> str:
        return self.name


SUM = Op(0, "SUM", lambda x, y: x + y)
PROD = Op(1, "PROD", lambda x, y: x * y)
MIN = Op(2, "MIN", lambda x, y: y if y < x else x)
MAX = Op(3, "MAX", lambda x, y: y if y > x else x)
LAND = Op(4, "LAND", lambda x, y: bool(x) and bool(y))
LOR = Op(5, "LOR", lambda x, y: bool(x) or bool(y))
LXOR = Op(6, "LXOR", lambda x, y: bool(x) != bool(y))
BAND = Op(7, "BAND", lambda x, y: x & y)
BOR = Op(8, "BOR", lambda x, y: x | y)
BXOR = Op(9, "BXOR", lambda x, y: x ^ y)


class Datatype(str):
    """The type of a buffer's elements, by NumPy's name."""

    def Get_size(self) -> int:
        """Bytes of an element."""
        return _runrig.dtype(str(self))[1]


CHAR = SIGNED_CHAR = Datatype("int8")
BYTE = UNSIGNED_CHAR = Datatype("uint8")
SHORT, INT, LONG = Datatype("int16"), Datatype("int32"), Datatype("int64")
INT32_T, LONG_LONG, INT64_T = INT, LONG, LONG
UINT32_T, UINT64_T = Datatype("uint32"), Datatype("uint64")
FLOAT, DOUBLE = Datatype("float32"), Datatype("float64")
COMPLEX, DOUBLE_COMPLEX = Datatype("complex64"), Datatype("complex128")
BOOL = C_BOOL = Datatype("bool")
# The struct module's codes of one item.
_FORMATS = {"?": "bool", "b": "int8", "c": "int8", "B": "uint8", "h": "int16",
            "H": "uint16", "i": "int32", "I": "uint32", "l": "int64",
            "L": "uint64", "q": "int64", "Q": "uint64", "e": "float16",
            "f": "float32", "d": "float64", "Zf": "complex64",
            "Zd": "complex128"}


class Status:
    """Facts about a message that was received."""

    def __init__(self) -> None:
        self.source = self.tag = -1
        self.bytes = 0

    def _set(self, found: Tuple[int, int, int]) -> None:
        self.source, self.tag, self.bytes = found

    def Get_source(self) -> int:
        """The sender's rank."""
        return self.source

    def Get_tag(self) -> int:
        """The tag."""
        return self.tag

    def Get_count(self, datatype: Datatype = BYTE) -> int:
        """How many elements of the type."""
        return self.bytes // datatype.Get_size()


class Request:
    """A message begun: wait() or test() completes the message."""

    def __init__(self, finish: Callable[[bool], Any],
                 result: Callable[[], Any] = lambda: None) -> None:
        self._finish, self._result = finish, result
        self._done = False
        self._value: Any = None

    def _step(self, block: bool, status: Optional[Status]) -> bool:
        if not self._done:
            found = self._finish(block)
            if found is None:
                return False
            if status is not None:
                status._set(found)
            self._value, self._done = self._result(), True
        return True

    def wait(self, status: Optional[Status] = None) -> Any:
        """Wait for the end; the object that was received, of irecv()."""
        self._step(True, status)
        return self._value

    def test(self, status: Optional[Status] = None) -> Tuple[bool, Any]:
        """(True, object) once the message is complete, else (False, None)."""
        return self._step(False, status), self._value

    Wait = wait

    def Test(self, status: Optional[Status] = None) -> bool:
        """Is the message complete?"""
        return self._step(False, status)

    @staticmethod
    def waitall(requests: Sequence["Request"],
                statuses: Optional[Sequence[Status]] = None) -> List[Any]:
        """Wait for all; the objects that were received."""
        return [request.wait(statuses[i] if statuses else None)
                for i, request in enumerate(requests)]

    Waitall = waitall


def _buffer(spec: Any) -> Tuple[Any, int, int]:
    """(object, elements, type) of an array, [array, type] and the like."""
    count, datatype = None, None
    if isinstance(spec, (list, tuple)):
        spec, *rest = spec
        if rest and isinstance(rest[-1], str):
            datatype = rest.pop()
        if rest and rest[0] is not None:
            count = rest[0][0] if isinstance(rest[0], (list, tuple)) \
                else rest[0]
    view = memoryview(spec)
    if not view.c_contiguous:
        raise ValueError("a buffer is contiguous: numpy.ascontiguousarray(a)")
    if datatype is None:
        datatype = _FORMATS.get(view.format)
        if datatype is None:
            raise ValueError(f"a buffer of format {view.format!r} has no type: "
                             "numbers in the byte order of the machine have")
    kind, size, _ = _runrig.dtype(str(datatype))
    return view, view.nbytes // size if count is None else int(count), kind


def _bytes(spec: Any) -> Tuple[Any, int]:
    """(object, bytes) of a message's buffer."""
    view, count, kind = _buffer(spec)
    return view, count * _size_of(kind)


_SIZES = {kind: size for kind, size, _ in
          map(_runrig.dtype, set(_FORMATS.values()))}


def _size_of(kind: int) -> int:
    return _SIZES[kind]


def _padded(data: bytes, size: int) -> bytearray:
    made = bytearray(size)
    made[:len(data)] = data
    return made
