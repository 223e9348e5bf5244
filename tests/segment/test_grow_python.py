#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A segment grows while CPython's SharedMemory is attached; the maker is runrig or CPython.

The other process is CPython alone, and attaches before the segment grows.  The old
mapping keeps size and bytes, and a fresh attach has all bytes.
"""
import ctypes
import os
import subprocess
import sys
import unittest
from multiprocessing import resource_tracker, shared_memory

sys.path.insert(0, os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import rigctypes
from rigctypes import RigError, SegmentOptions, checked, rig

# Attaching makes CPython's tracker an owner; in this test names go in finally.
UNTRACKED = """
from multiprocessing import resource_tracker, shared_memory
for module in (resource_tracker, shared_memory):
    for name in ("register", "unregister"):
        if hasattr(module, name):
            setattr(module, name, lambda *_: None)
"""
exec(UNTRACKED)

# A line in, a line out: "attach", "get I", "set I V", "sum", "size".
READER = UNTRACKED + """
import sys
memory = None
for line in sys.stdin:
    word, *numbers = line.split()
    numbers = [int(n) for n in numbers]
    if word == "attach":
        if memory:
            memory.close()
        memory = shared_memory.SharedMemory(sys.argv[1])
        print(memory.size, flush=True)
    elif word == "get":
        print(memory.buf[numbers[0]], flush=True)
    elif word == "set":
        memory.buf[numbers[0]] = numbers[1]
        print("set", flush=True)
    elif word == "sum":
        print(sum(memory.buf), flush=True)
    elif word == "size":
        print(len(memory.buf), flush=True)
memory.close()
"""

MOST = 16 << 20


class Reader:
    def __init__(self, name):
        self.process = subprocess.Popen(
            [sys.executable, "-c", READER, name], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        return int(answer) if answer.isdigit() else answer

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait()


def attached(name, most=MOST):
    handle = ctypes.c_void_p()
    checked(rig.rig_segment_attach(handle, name.encode(),
                                   SegmentOptions(most=most)))
    return handle


def bytes_of(handle):
    return (ctypes.c_ubyte * rig.rig_segment_bytes(handle)).from_address(
        rig.rig_segment_data(handle))


class Growing(unittest.TestCase):
    def through_sizes(self, name, handle, first):
        reader = Reader(name)
        self.assertEqual(reader.ask("attach"), first)
        size = first
        ours = bytes_of(handle)
        ours[0] = 1
        for step in (1, 4095, 4096, 100003, 3 << 20):
            checked(rig.rig_segment_grow(handle, size + step))
            # The old mapping: same size, same bytes, both ways.
            self.assertEqual(reader.ask("size"), size)
            self.assertEqual(reader.ask("set 1 7"), "set")
            self.assertEqual(ours[1], 7)
            ours[0] += 1
            self.assertEqual(reader.ask("get 0"), ours[0])
            size += step
            ours = bytes_of(handle)
            self.assertEqual(len(ours), size)
            ours[size - 1] = 5
            # A fresh attach has all bytes.
            self.assertEqual(reader.ask("attach"), size)
            self.assertEqual(reader.ask(f"get {size - 1}"), 5)
            self.assertEqual(reader.ask("sum"), sum(ours))
        self.assertEqual(reader.end(), 0)

    def test_one_of_ours(self):
        handle = ctypes.c_void_p()
        checked(rig.rig_segment_create(handle, None, 1000,
                                       SegmentOptions(most=MOST)))
        try:
            name = rig.rig_segment_name(handle).decode()
            self.through_sizes(name, handle, 1000)
        finally:
            rig.rig_segment_destroy(handle)

    def test_one_of_pythons(self):
        memory = shared_memory.SharedMemory(create=True, size=1000)
        try:
            handle = attached(memory.name)
            self.through_sizes(memory.name, handle, 1000)
            # The maker's own mapping shows the writes of others.
            self.assertEqual(memory.size, 1000)
            self.assertEqual(memory.buf[1], 7)
            with self.assertRaises(RigError):
                checked(rig.rig_segment_grow(handle, MOST + 1))
            rig.rig_segment_destroy(handle)
        finally:
            memory.close()
            memory.unlink()


if __name__ == "__main__":
    unittest.main()
