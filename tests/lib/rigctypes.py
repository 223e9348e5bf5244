# SPDX-License-Identifier: MIT
"""librunrig's lists and segments over ctypes, for the tests in Python.

The library is the one the environment variable LIBRUNRIG names.  What fails in
C raises RigError here, with the code and the words.  Works on every Python 3.8
and later, with the standard library only.
"""
import ctypes
import os

NONE, INT, FLOAT, BOOL, STR, BYTES = range(6)


class Payload(ctypes.Union):
    _fields_ = [("integer", ctypes.c_int64), ("real", ctypes.c_double),
                ("truth", ctypes.c_bool), ("text", ctypes.c_void_p)]


class Value(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_int), ("payload", Payload),
                ("bytes", ctypes.c_size_t)]


class SegmentOptions(ctypes.Structure):
    _fields_ = [("pool", ctypes.c_void_p), ("spans", ctypes.c_void_p),
                ("spans_args", ctypes.c_void_p),
                ("spans_args_bytes", ctypes.c_size_t),
                ("parties", ctypes.c_int), ("keep", ctypes.c_bool),
                ("read_only", ctypes.c_bool),
                ("deadline_ns", ctypes.c_uint64),
                ("memory", ctypes.c_char_p), ("pages", ctypes.c_int),
                ("most", ctypes.c_size_t),
                ("reserved", ctypes.c_uint64 * 7)]


class RigError(Exception):
    def __init__(self, code, words):
        super().__init__(f"{words} ({code})")
        self.code = code
        self.words = words


rig = ctypes.CDLL(os.environ["LIBRUNRIG"])


def declare(name, result, *arguments):
    function = getattr(rig, name)
    function.restype = result
    function.argtypes = arguments


POINTER, VALUE, TEXT = ctypes.c_void_p, ctypes.POINTER(Value), ctypes.c_char_p
OPTIONS, SIZE, INDEX = (ctypes.POINTER(SegmentOptions), ctypes.c_size_t,
                        ctypes.c_int64)
OUT = ctypes.POINTER(ctypes.c_void_p)
declare("rig_why", TEXT)
declare("rig_value_repr", SIZE, VALUE, POINTER, SIZE)
declare("rig_list_create", ctypes.c_int, OUT, TEXT, VALUE, SIZE, OPTIONS)
declare("rig_list_attach", ctypes.c_int, OUT, TEXT, OPTIONS)
declare("rig_list_length", SIZE, POINTER)
declare("rig_list_name", TEXT, POINTER)
declare("rig_list_get", ctypes.c_int, POINTER, INDEX, VALUE)
declare("rig_list_set", ctypes.c_int, POINTER, INDEX, VALUE)
declare("rig_list_swap", ctypes.c_int, POINTER, INDEX, INDEX)
declare("rig_list_count", ctypes.c_int64, POINTER, VALUE)
declare("rig_list_index", ctypes.c_int64, POINTER, VALUE)
declare("rig_list_format", ctypes.c_int, POINTER, OUT)
declare("rig_list_repr", ctypes.c_int, POINTER, OUT)
declare("rig_list_detach", None, POINTER)
declare("rig_list_unlink", ctypes.c_int, POINTER)
declare("rig_list_destroy", None, POINTER)
declare("rig_segment_create", ctypes.c_int, OUT, TEXT, SIZE, OPTIONS)
declare("rig_segment_attach", ctypes.c_int, OUT, TEXT, OPTIONS)
declare("rig_segment_data", POINTER, POINTER)
declare("rig_segment_bytes", SIZE, POINTER)
declare("rig_segment_name", TEXT, POINTER)
declare("rig_segment_grow", ctypes.c_int, POINTER, SIZE)
declare("rig_segment_detach", None, POINTER)
declare("rig_segment_unlink", ctypes.c_int, POINTER)
declare("rig_segment_destroy", None, POINTER)

libc = ctypes.CDLL(None)
libc.free.argtypes = [ctypes.c_void_p]


def checked(code):
    if code < 0:
        raise RigError(code, rig.rig_why().decode())
    return code


def to_c(value):
    """A Value, and what must live as long as it."""
    c = Value()
    held = None
    if value is None:
        c.kind = NONE
    elif isinstance(value, bool):
        c.kind, c.payload.truth = BOOL, value
    elif isinstance(value, int):
        c.kind, c.payload.integer = INT, value
    elif isinstance(value, float):
        c.kind, c.payload.real = FLOAT, value
    elif isinstance(value, (str, bytes)):
        c.kind = STR if isinstance(value, str) else BYTES
        raw = (value.encode("utf-8", "surrogatepass")
               if c.kind == STR else value)
        held = ctypes.create_string_buffer(raw, len(raw) + 1)
        c.payload.text = ctypes.addressof(held)
        c.bytes = len(raw)
    else:
        raise TypeError(f"a list holds no {type(value).__name__}")
    return c, held


def from_c(c):
    if c.kind == NONE:
        return None
    if c.kind == INT:
        return c.payload.integer
    if c.kind == FLOAT:
        return c.payload.real
    if c.kind == BOOL:
        return c.payload.truth
    raw = ctypes.string_at(c.payload.text, c.bytes)
    return raw.decode() if c.kind == STR else raw


def value_repr(value):
    c, held = to_c(value)
    length = rig.rig_value_repr(c, None, 0)
    room = ctypes.create_string_buffer(length + 1)
    assert rig.rig_value_repr(c, room, length + 1) == length
    del held
    return room.raw[:length].decode("utf-8", "surrogatepass")


def owned_text(function, handle):
    out = ctypes.c_void_p()
    checked(function(handle, out))
    try:
        return ctypes.string_at(out.value).decode()
    finally:
        libc.free(out)


class List:
    """A handle to a list: created from `values`, or attached by `name`."""

    def __init__(self, values=None, name=None, keep=False, read_only=False):
        self.handle = ctypes.c_void_p()
        options = SegmentOptions(keep=keep, read_only=read_only)
        encoded = None if name is None else name.encode()
        if values is None:
            checked(rig.rig_list_attach(self.handle, encoded, options))
            return
        pairs = [to_c(value) for value in values]
        array = (Value * max(1, len(pairs)))(*[c for c, _ in pairs])
        checked(rig.rig_list_create(self.handle, encoded, array, len(pairs),
                                    options))

    name = property(lambda self: rig.rig_list_name(self.handle).decode())
    format = property(
        lambda self: owned_text(rig.rig_list_format, self.handle))

    def __repr__(self):
        return owned_text(rig.rig_list_repr, self.handle)

    def __len__(self):
        return rig.rig_list_length(self.handle)

    def __getitem__(self, index):
        c = Value()
        code = rig.rig_list_get(self.handle, index, c)
        if code == -34:  # ERANGE
            raise IndexError(rig.rig_why().decode())
        checked(code)
        return from_c(c)

    def __setitem__(self, index, value):
        c, held = to_c(value)
        code = rig.rig_list_set(self.handle, index, c)
        del held
        if code == -34:
            raise IndexError(rig.rig_why().decode())
        checked(code)

    def swap(self, a, b):
        checked(rig.rig_list_swap(self.handle, a, b))

    def count(self, value):
        c, held = to_c(value)
        count = checked(rig.rig_list_count(self.handle, c))
        del held
        return count

    def index(self, value):
        c, held = to_c(value)
        index = rig.rig_list_index(self.handle, c)
        del held
        if index == -2:  # ENOENT
            raise ValueError(rig.rig_why().decode())
        return checked(index)

    def detach(self):
        rig.rig_list_detach(self.handle)

    def unlink(self):
        checked(rig.rig_list_unlink(self.handle))

    def destroy(self):
        rig.rig_list_destroy(self.handle)
        self.handle = None
