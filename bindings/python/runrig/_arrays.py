# SPDX-License-Identifier: MIT
"""NumPy arrays in segments."""
from __future__ import annotations

import mmap
import os
from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Tuple, Union

from . import _runrig
from ._segment import Segment, view_of

if TYPE_CHECKING:
    import numpy


def need_numpy() -> Any:
    """NumPy, or an ImportError that says who asks."""
    try:
        import numpy
    except ImportError:
        raise ImportError("runrig's functions of arrays need NumPy; Segment, "
                          "ShareableList and Pool do without") from None
    return numpy


def _over(memory: _runrig.Memory, offset: int, shape: Any, dtype: Any,
          order: str = "C", strides: Any = None) -> "numpy.ndarray":
    """An array whose base holds a memoryview of the Memory."""
    np = need_numpy()
    dtype = np.dtype(dtype)
    if dtype.hasobject:
        raise TypeError(f"a segment holds no Python objects: dtype {dtype}")
    raw = np.asarray(view_of(memory))
    return np.ndarray(shape, dtype, raw, offset, strides, order)


def empty(shape: Union[int, Tuple[int, ...]], dtype: Any = float,
          order: str = "C", *, name: Optional[str] = None) -> "numpy.ndarray":
    """A NumPy array in a new segment, as numpy.empty(); its bytes are zero.

    The array holds the segment: the segment's name goes with the array, and
    with all views of the array.  `name` is for others to attach to; None: a
    fresh name.  FileExistsError, OSError of ENOSPC: as Segment.
    """
    np = need_numpy()
    dtype = np.dtype(dtype)
    if isinstance(shape, int):
        shape = (shape,)
    size = dtype.itemsize
    for extent in shape:
        if extent < 0:
            raise ValueError("negative dimensions are not allowed")
        size *= int(extent)
    if dtype.hasobject:
        raise TypeError(f"a segment holds no Python objects: dtype {dtype}")
    memory = _runrig.Memory.create(name, max(size, 1), False)
    return _over(memory, 0, shape, dtype, order)


zeros = empty


def array(values: Any, dtype: Any = None, *, order: str = "K",
          name: Optional[str] = None) -> "numpy.ndarray":
    """A copy of `values` in a new segment, as numpy.array(); see empty()."""
    np = need_numpy()
    given = np.asarray(values, dtype=dtype)
    fortran = order == "F" or (order in "KA" and given.flags.fnc)
    made = empty(given.shape, given.dtype, "F" if fortran else "C", name=name)
    made[...] = given
    return made


class Place(NamedTuple):
    """Where an array begins in shared memory."""

    name: Optional[str]
    """The segment's name; None: the array is in a file that `path` names."""
    path: Optional[str]
    offset: int
    read_only: bool


def _address(array: "numpy.ndarray") -> int:
    return array.__array_interface__["data"][0]


def _in_maps(address: int, end: int) -> Optional[Place]:
    """The file in /dev/shm from which the addresses are mapped."""
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
        for line in maps:
            first, last = (int(text, 16) for text in
                           line.split(" ", 1)[0].split("-"))
            if not first <= address < last:
                continue
            fields = line.rstrip("\n").split(None, 5)
            if len(fields) < 6 or not fields[5].startswith("/dev/shm/") or \
                    end > last:
                return None
            return Place(fields[5][len("/dev/shm/"):], None,
                         address - first + int(fields[2], 16),
                         "w" not in fields[1])
    return None


def owner(array: "numpy.ndarray") -> Any:
    """The object, not an array, that holds an array's memory; or None."""
    np = need_numpy()
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, memoryview):
        try:
            base = base.obj
        except ValueError:
            return None
    if isinstance(base, Segment):
        return base._memory
    return base


def locate(array: "numpy.ndarray") -> Optional[Place]:
    """Where the first element of an array is in shared memory; or None."""
    found = _runrig.window(array)
    if found is not None:
        memory, offset, _, _ = found
        path = None if memory.path is None else os.fsdecode(memory.path)
        return Place(None if path else memory.name, path, offset,
                     memory.read_only)
    base = owner(array)
    if isinstance(base, _runrig.Memory):
        path = None if base.path is None else os.fsdecode(base.path)
        return Place(None if path else base.name, path,
                     _address(array) - base.address, base.read_only)
    if isinstance(base, mmap.mmap) and array.size:
        address = _address(array)
        return _in_maps(address, address + array.nbytes)
    return None


def attach(x: Any, dtype: Any = None, shape: Any = None, *, offset: int = 0,
           read_only: bool = False) -> Any:
    """Attach to memory that exists.

    x is a name, or a SharedMemory of multiprocessing: the result is a Segment,
    or with `dtype` an array of that dtype from byte `offset` on, of `shape` or
    to the end of the segment.  x is an array over shared memory: the result is
    an array with the same elements whose base is runrig's.

    FileNotFoundError: no segment has the name.  ValueError: the array does not
    lie in a segment.
    """
    if isinstance(x, str):
        name = x
    elif isinstance(x, Segment):
        name = x.name
    elif hasattr(x, "buf") and hasattr(x, "name"):
        name = x.name
    else:
        return _attach_array(x, read_only)
    memory = _runrig.Memory.attach(name, read_only)
    if dtype is None:
        return Segment._over(memory)
    np = need_numpy()
    if shape is None:
        shape = ((memory.size - offset) // np.dtype(dtype).itemsize,)
    return _over(memory, offset, shape, dtype)


def _attach_array(x: Any, read_only: bool) -> "numpy.ndarray":
    np = need_numpy()
    if not isinstance(x, np.ndarray):
        raise TypeError("attach() takes a name, a SharedMemory, or an array "
                        "over shared memory, not " + type(x).__name__)
    place = locate(x)
    if place is None or place.name is None:
        raise ValueError("the array does not lie in a segment: "
                         "runrig.array(a) copies it into one")
    memory = _runrig.Memory.attach(place.name, read_only)
    return _over(memory, place.offset, x.shape, x.dtype, strides=x.strides)


def load(path: Union[str, "os.PathLike[str]"], *,
         writable: bool = False) -> "numpy.ndarray":
    """The array of a .npy file, mapped: the file may be larger than memory.

    Verbs read such an array where it lies.  `writable` writes to the file
    itself.  ValueError: the file is no .npy file, or holds Python objects.
    """
    np = need_numpy()
    form = np.lib.format
    with open(path, "rb") as file:
        version = form.read_magic(file)
        if version == (1, 0):
            shape, fortran, dtype = form.read_array_header_1_0(file)
        else:
            shape, fortran, dtype = form.read_array_header_2_0(file)
        offset = file.tell()
    if dtype.hasobject:
        raise ValueError(f"{os.fspath(path)}: holds Python objects")
    memory = _runrig.Memory.open_file(os.path.abspath(os.fspath(path)),
                                      not writable)
    return _over(memory, offset, shape, dtype, "F" if fortran else "C")
