#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes the seeds of the fuzzer's corpus: sound lists in the layout of CPython,
one of Python 3.8, and a sound trailer.

Usage: seeds.py FOLDER
"""
import pathlib
import struct
import sys
from multiprocessing import shared_memory

LISTS = [[], [1], [1, 2.5, True, None, "h\u00e9", b"ab\0"], ["x" * 40, 5],
         list(range(20))]


def main():
    folder = pathlib.Path(sys.argv[1])
    for number, values in enumerate(LISTS):
        list_ = shared_memory.ShareableList(values)
        commands = bytes([0, 1, 255, 130, 7])
        (folder / f"list-{number}").write_bytes(
            bytes([len(commands)]) + commands + bytes(list_.shm.buf))
        list_.shm.close()
        list_.shm.unlink()
    (folder / "list-3.8").write_bytes(
        b"\0" + struct.pack("<qqq8sb", 1, 8, 5, b"q", 0))
    layout = 1 | 1 << 8 | 128 << 16 | 32 << 32 | 384 << 48
    (folder / "trailer").write_bytes(
        bytes([0x80 + 8]) + struct.pack("<Q", 8192) +
        struct.pack("<QQQQIIIIQ8s", 0, 0, 100, 0, 2, 1, 0, 0, layout,
                    b"gtrailer"))


if __name__ == "__main__":
    main()
