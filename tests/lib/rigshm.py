# SPDX-License-Identifier: MIT
"""SharedMemory, ShareableList and SharedMemoryManager with runrig on one side.

install("create") puts classes in place of CPython's that create by runrig and
attach by CPython; install("attach") the other way round.  Made for CPython's own
tests: whatever they look at is here, and nothing more.
"""
import ctypes
import errno
import os
from functools import partial
from multiprocessing import managers, resource_tracker, shared_memory

import rigctypes
from rigctypes import OUT, POINTER, SIZE, VALUE, List, RigError, checked, rig

rigctypes.declare("rig_list_segment", POINTER, POINTER)
rigctypes.declare("rig_segment_remove", ctypes.c_int, ctypes.c_char_p)
rigctypes.declare("rig_manager_start", ctypes.c_int, OUT)
rigctypes.declare("rig_manager_segment", ctypes.c_int, POINTER, OUT, SIZE)
rigctypes.declare("rig_manager_list", ctypes.c_int, POINTER, OUT, VALUE, SIZE)
rigctypes.declare("rig_manager_pid", ctypes.c_int, POINTER)
rigctypes.declare("rig_manager_shutdown", None, POINTER)

PythonMemory = shared_memory.SharedMemory
PythonList = shared_memory.ShareableList
WE_CREATE = None  # set by install()
ours_made = set()  # names that runrig had in hand


def raise_as_python(error):
    if -error.code in (errno.ENOENT, errno.EEXIST):
        raise OSError(-error.code, error.words) from None
    if -error.code == errno.EOVERFLOW:
        raise ValueError("exceeds available storage: " + error.words) from None
    raise ValueError(error.words) from None


def in_c(name):
    """A name as C has it: a char * would end at a NUL."""
    if "\0" in name:
        raise ValueError("embedded null character")
    return name[1:] if name.startswith("/") else name


def forget(name):
    """Let CPython's tracker forget a name, whether it knows it or not."""
    resource_tracker.register(name, "shared_memory")
    resource_tracker.unregister(name, "shared_memory")


class SharedMemory(PythonMemory):
    """By runrig where _handle is set, else CPython's."""

    _handle = None

    def __init__(self, name=None, create=False, size=0, **more):
        if bool(create) != WE_CREATE:
            super().__init__(name, create, size, **more)
            return
        if size < 0 or create and size == 0:
            raise ValueError("'size' must be a positive number")
        if name is None and not create:
            raise ValueError("'name' can only be None if create=True")
        handle = ctypes.c_void_p()
        while True:
            self._name = name or shared_memory._make_filename()
            encoded = in_c(self._name).encode()
            try:
                if create:
                    checked(rig.rig_segment_create(handle, encoded, size, None))
                else:
                    checked(rig.rig_segment_attach(handle, encoded, None))
                break
            except RigError as error:
                if name is None and error.code == -errno.EEXIST:
                    continue
                raise_as_python(error)
        self.adopt(handle)
        if not create:
            # As CPython's does, and its tests expect.
            resource_tracker.register(self._name, "shared_memory")

    def adopt(self, handle, owner=None):
        """Wrap a segment; `owner` detaches it where it is not ours to."""
        self._handle, self._owner = handle, owner
        self._name = "/" + rig.rig_segment_name(handle).decode()
        self._size = rig.rig_segment_bytes(handle)
        memory = (ctypes.c_ubyte * self._size).from_address(
            rig.rig_segment_data(handle))
        self._buf = memoryview(memory).cast("B")
        ours_made.add(in_c(self._name))
        return self

    def close(self):
        if self._handle is None:
            super().close()
        elif self._buf is not None:
            self._buf.release()
            self._buf = None
            if self._owner is None:
                rig.rig_segment_detach(self._handle)
            else:
                self._owner.detach()

    def unlink(self):
        if self._handle is None:
            super().unlink()
            return
        try:
            checked(rig.rig_segment_remove(in_c(self._name).encode()))
        except RigError as error:
            raise_as_python(error)
        forget(self._name)


class ShareableList(PythonList):
    """By runrig where _list is set, else CPython's."""

    _list = None

    def __init__(self, sequence=None, *, name=None):
        create = name is None or sequence is not None
        if create != WE_CREATE:
            super().__init__(sequence, name=name)
            return
        try:
            self.adopt(List(list(sequence or ()) if create else None, name))
        except RigError as error:
            raise_as_python(error)

    def adopt(self, list_):
        self._list = list_
        self.shm = SharedMemory.__new__(SharedMemory).adopt(
            rig.rig_list_segment(list_.handle), list_)
        return self

    def __getitem__(self, position):
        if self._list is None:
            return super().__getitem__(position)
        return self._list[position]

    def __setitem__(self, position, value):
        if self._list is None:
            super().__setitem__(position, value)
            return
        try:
            self._list[position] = value
        except RigError as error:
            raise_as_python(error)

    def __len__(self):
        return super().__len__() if self._list is None else len(self._list)

    def __repr__(self):
        return super().__repr__() if self._list is None else repr(self._list)

    def __reduce__(self):
        return partial(self.__class__, name=self.shm.name), ()

    @property
    def format(self):
        return super().format if self._list is None else self._list.format

    def _get_packing_format(self, position):
        if self._list is None:
            return super()._get_packing_format(position)
        at = 8 * (2 + len(self)) + int.from_bytes(
            self.shm.buf[8 + 8 * len(self):][:8], "little") + 8 * position
        return bytes(self.shm.buf[at:at + 8]).rstrip(b"\0").decode()

    def count(self, value):
        if self._list is None:
            return super().count(value)
        return self._list.count(value)

    def index(self, value):
        if self._list is None:
            return super().index(value)
        return self._list.index(value)


class SharedMemoryManager:
    """runrig's manager, with the face of CPython's."""

    class _Process:
        pid = None

    def __init__(self):
        self.handle = None
        self.names = []
        self._process = self._Process()

    def start(self):
        handle = ctypes.c_void_p()
        checked(rig.rig_manager_start(handle))
        self.handle = handle
        self._process.pid = rig.rig_manager_pid(handle)

    def make(self, function, *arguments):
        if self.handle is None:
            raise ValueError("the manager has not started")
        handle = ctypes.c_void_p()
        checked(function(self.handle, handle, *arguments))
        return handle

    def SharedMemory(self, size):
        memory = SharedMemory.__new__(SharedMemory).adopt(
            self.make(rig.rig_manager_segment, size))
        self.names.append(memory._name)
        return memory

    def ShareableList(self, sequence):
        pairs = [rigctypes.to_c(value) for value in sequence]
        array = (rigctypes.Value * max(1, len(pairs)))(*[c for c, _ in pairs])
        list_ = List.__new__(List)
        list_.handle = self.make(rig.rig_manager_list, array, len(pairs))
        made = ShareableList.__new__(ShareableList).adopt(list_)
        self.names.append(made.shm._name)
        return made

    def shutdown(self):
        rig.rig_manager_shutdown(self.handle)
        self.handle = None
        for name in self.names:
            forget(name)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.shutdown()


def install(side):
    global WE_CREATE
    WE_CREATE = side == "create"
    shared_memory.SharedMemory = SharedMemory
    shared_memory.ShareableList = ShareableList
    if WE_CREATE:
        managers.SharedMemoryManager = SharedMemoryManager
