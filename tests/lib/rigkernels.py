# SPDX-License-Identifier: MIT
"""Kernels in this process, over ctypes: librunrig-kernels and a pool.

LIBRUNRIG_KERNELS is the library's path.
"""
import ctypes as c
import os

import numpy

BOTH, PROVED = 3, 2  # RIG_INOUT, RIG_VERIFY_FULL
RESERVED = c.c_uint64 * 8
DTYPES = [None, "?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4",
          "f8", "g", "F", "D", "G"]  # enum rig_dtype


class Refused(Exception):
    pass


class Array(c.Structure):
    _fields_ = [("count", c.c_uint64), ("item_bytes", c.c_uint32),
                ("dtype", c.c_uint32), ("swapped", c.c_uint32),
                ("dims", c.c_uint32), ("shape", c.c_int64 * 4),
                ("strides", c.c_int64 * 4)]


class ArraySpec(c.Structure):
    _fields_ = [("name", c.c_char_p), ("role", c.c_int), ("dtype", c.c_int),
                ("any_dtype", c.c_bool), ("any_byte", c.c_bool),
                ("any_order", c.c_bool), ("shortens", c.c_bool),
                ("optional", c.c_bool), ("count", c.c_void_p),
                ("reserved", RESERVED)]


class Kernel(c.Structure):
    _fields_ = [("version", c.c_uint32), ("name", c.c_char_p),
                ("summary", c.c_char_p), ("verified", c.c_char_p),
                ("params", c.c_void_p), ("arrays", c.POINTER(ArraySpec))]


class Operand(c.Structure):
    _fields_ = [("name", c.c_char_p), ("segment", c.c_char_p),
                ("file", c.c_char_p), ("data", c.c_void_p),
                ("output", c.c_char_p), ("offset", c.c_size_t),
                ("dtype", c.c_int), ("swapped", c.c_bool), ("dims", c.c_int),
                ("shape", c.POINTER(c.c_int64)),
                ("strides", c.POINTER(c.c_int64)), ("reserved", RESERVED)]


class Setting(c.Structure):
    _fields_ = [("name", c.c_char_p), ("kind", c.c_int), ("text", c.c_char_p),
                ("integer", c.c_int64), ("real", c.c_double)]


class Spec(c.Structure):
    _fields_ = [("kernel", c.c_char_p), ("operands", c.POINTER(Operand)),
                ("operand_count", c.c_size_t), ("settings", c.POINTER(Setting)),
                ("verify", c.c_int), ("seed", c.c_uint64),
                ("limit_ns", c.c_uint64), ("repeat", c.c_int),
                ("memory", c.c_char_p), ("pages", c.c_int),
                ("replicate", c.c_bool), ("phase", c.c_void_p),
                ("phase_arg", c.c_void_p), ("reserved", RESERVED)]


class OutcomeArray(c.Structure):
    _fields_ = [("name", c.c_char_p), ("role", c.c_int), ("array", Array),
                ("dims", c.c_int), ("shape", c.POINTER(c.c_int64)),
                ("bytes", c.c_uint64), ("offset", c.c_size_t),
                ("segment", c.c_void_p), ("made", c.c_bool)]


class Outcome(c.Structure):
    _fields_ = [("kernel", c.c_void_p), ("args", c.c_void_p),
                ("array_count", c.c_int), ("arrays", c.POINTER(OutcomeArray)),
                ("phase", c.c_int), ("started", c.c_bool), ("code", c.c_int),
                ("result", c.c_char_p)]


def code_of(dtype):
    dtype = numpy.dtype(dtype).newbyteorder("=")
    return next(i for i, code in enumerate(DTYPES)
                if code and numpy.dtype(code) == dtype)


def operand_of(name, array):
    """An operand for memory of NumPy's; or, for (segment, view, whole, offset),
    for a view of an array that begins at a byte of a segment; or for a file."""
    if isinstance(array, str):
        return Operand(name=name.encode(), file=array.encode())
    segment = None
    if isinstance(array, tuple):
        segment, array, whole, offset = array
        offset += array.ctypes.data - whole.ctypes.data
    dims = array.ndim
    shape = (c.c_int64 * max(dims, 1))(*array.shape)
    strides = (c.c_int64 * max(dims, 1))(*array.strides)
    where = {"segment": segment.encode(), "offset": offset} if segment else \
        {"data": array.ctypes.data}
    return Operand(name=name.encode(), **where, dtype=code_of(array.dtype),
                   swapped=not array.dtype.isnative,
                   dims=dims, shape=shape, strides=strides)


class Library:
    """With a pool, while the library is open."""

    def __init__(self, workers=int(os.environ.get("KERNELS_TEAM", 2))):
        self.lib = c.CDLL(os.environ["LIBRUNRIG_KERNELS"], c.RTLD_GLOBAL)
        self.lib.rig_why.restype = c.c_char_p
        self.lib.rig_segment_data.restype = c.c_void_p
        self.lib.rig_segment_data.argtypes = [c.c_void_p]
        self.lib.rig_kernel_at.restype = c.POINTER(Kernel)
        self.lib.rig_outcome_free.argtypes = [c.c_void_p]
        self.pool = c.c_void_p()
        if self.lib.rig_kernels_register() < 0 or \
                self.lib.rig_pool_create(c.byref(self.pool),
                                         (c.c_uint64 * 64)(workers)) < 0:
            raise OSError(self.lib.rig_why().decode())

    def close(self):
        self.lib.rig_pool_destroy(self.pool)

    def kernels(self):
        """Name of each kernel: [(array, role), ...]"""
        found = {}
        at = 0
        while kernel := self.lib.rig_kernel_at(c.c_size_t(at)):
            arrays = kernel[0].arrays
            roles = []
            while arrays[len(roles)].name:
                spec = arrays[len(roles)]
                roles.append((spec.name.decode(), spec.role))
            found[kernel[0].name.decode()] = roles
            at += 1
        return found

    def run(self, kernel, inputs, settings=(), verify=PROVED):
        """({array: its elements}, what the kernel says); or Refused."""
        operands = (Operand * max(len(inputs), 1))(
            *(operand_of(*item) for item in inputs.items()))
        words = [Setting(name=name.encode(), text=str(value).encode())
                 for name, value in dict(settings).items()] + [Setting()]
        spec = Spec(kernel=kernel.encode(), operands=operands,
                    operand_count=len(inputs),
                    settings=(Setting * len(words))(*words), verify=verify)
        outcome = c.POINTER(Outcome)()
        code = self.lib.rig_kernel_run(self.pool, c.byref(spec),
                                       c.byref(outcome))
        try:
            if code < 0:
                raise Refused(os.strerror(-code) + ": " +
                              self.lib.rig_why().decode())
            found = {}
            for i in range(outcome[0].array_count):
                array = outcome[0].arrays[i]
                if array.role & 2:
                    found[array.name.decode()] = self.elements(array)
            return found, outcome[0].result.decode()
        finally:
            self.lib.rig_outcome_free(outcome)

    def elements(self, array):
        dtype = numpy.dtype(DTYPES[array.array.dtype])
        if array.array.swapped:
            dtype = dtype.newbyteorder()
        shape = [array.shape[d] for d in range(array.dims)]
        at = self.lib.rig_segment_data(array.segment) + array.offset
        return numpy.frombuffer(c.string_at(at, array.bytes),
                                dtype).reshape(shape).copy()
