#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""shared_list.py CLOCK WORD LENGTH FORM: a ShareableList, by CPython.

Each word is an operation, in the forms that people write and in the fastest form
that is known:

  get, set   one item of a list of LENGTH ints
               loop     for i in order: l[i]
               map      the same loop inside the interpreter's C
  create     a ShareableList from a list of ints, then close and unlink
  reverse    article  the article's loop: l[i - s] = l[e - 1 - i], whose second
                      half reads items that the first half has written
             items    a correct loop: get all, then set all, in C if possible
             numpy    around the list: the slots as one NumPy array
  attach     ShareableList(name=...), one item, close
  segment    SharedMemory(name), one byte, close
               plain    unchanged
               silent   without the resource tracker, as track=False of 3.13

On the first CPU that is allowed.  Speaks the protocol of peer.h.
"""
import collections
import os
import struct
import sys
import time
from multiprocessing import resource_tracker, shared_memory


def exhaust(iterator):
    collections.deque(iterator, 0)


def rounds(order, count):
    """`count` items of `order`, over and over."""
    whole, rest = divmod(count, len(order))
    return [order] * whole + [order[:rest]]


class Items:
    """A list of LENGTH ints."""

    def __init__(self, length, form):
        self.length, self.form = length, form
        self.order = list(range(length))
        self.list = shared_memory.ShareableList(self.order)
        self.runs = 0

    def expected(self):
        return self.order

    def verify(self):
        data = 8 * (self.length + 2)
        return list(struct.unpack_from(f"{self.length}q", self.list.shm.buf,
                                       data)) == self.expected()

    def finish(self):
        self.list.shm.close()
        self.list.shm.unlink()


class Get(Items):
    def run(self, count):
        items = self.list
        for part in rounds(self.order, count):
            if self.form == "map":
                exhaust(map(items.__getitem__, part))
            else:
                for i in part:
                    items[i]


class Set(Items):
    def run(self, count):
        items = self.list
        for part in rounds(self.order, count):
            if self.form == "map":
                exhaust(map(items.__setitem__, part, part))
            else:
                for i in part:
                    items[i] = i


class Create:
    def __init__(self, length, form):
        self.values = list(range(length))

    def run(self, count):
        for _ in range(count):
            made = shared_memory.ShareableList(self.values)
            made.shm.close()
            made.shm.unlink()

    def verify(self):
        return True

    def finish(self):
        pass


class Reverse(Items):
    def run(self, count):
        for _ in range(count):
            getattr(self, self.form)(self.list, 0, self.length)
            self.runs += 1

    @staticmethod
    def article(ls, s, e):
        for idx in range(s, e):
            ls[idx - s] = ls[e - 1 - idx]

    @staticmethod
    def items(ls, s, e):
        values = list(map(ls.__getitem__, range(s, e)))
        exhaust(map(ls.__setitem__, range(s, e), reversed(values)))

    @staticmethod
    def numpy(ls, s, e):
        import numpy
        array = numpy.frombuffer(ls.shm.buf, numpy.int64, len(ls),
                                 8 * (len(ls) + 2))
        half = (e - s) // 2
        keep = array[s:s + half].copy()
        array[s:s + half] = array[e - half:e][::-1]
        array[e - half:e] = keep[::-1]

    def expected(self):
        if not self.runs:
            return self.order
        if self.form == "article":
            upper = self.order[(self.length + 1) // 2:]
            middle = self.order[self.length // 2:][:self.length % 2]
            return upper[::-1] + middle + upper
        return self.order[::-1] if self.runs % 2 else self.order


class Attach(Items):
    def __init__(self, length, form):
        super().__init__(length, form)
        silence(form)

    def run(self, count):
        name = self.list.shm.name
        for _ in range(count):
            mine = shared_memory.ShareableList(name=name)
            mine[0]
            mine.shm.close()


class Segment:
    def __init__(self, length, form):
        self.memory = shared_memory.SharedMemory(create=True, size=length)
        silence(form)

    def run(self, count):
        name = self.memory.name
        for _ in range(count):
            mine = shared_memory.SharedMemory(name)
            mine.buf[0]
            mine.close()

    def verify(self):
        return True

    def finish(self):
        self.memory.close()
        self.memory.unlink()


def silence(form):
    """After the only registration, which will remove the name."""
    if form == "silent":
        for module in (resource_tracker, shared_memory):
            if hasattr(module, "register"):
                module.register = lambda *_: None


WORDS = {"get": Get, "set": Set, "create": Create, "reverse": Reverse,
         "attach": Attach, "segment": Segment}


def main():
    clock, word, length, form = sys.argv[1:5]
    clock = int(clock)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    subject = WORDS[word](int(length), form)
    try:
        print("ready", os.getpid(), flush=True)
        for line in sys.stdin:
            words = line.split()
            if words[0] == "run":
                begin = time.clock_gettime_ns(clock)
                subject.run(int(words[1]))
                print("timing", begin, time.clock_gettime_ns(clock), flush=True)
            else:
                print("verified" if subject.verify() else "wrong items",
                      flush=True)
    finally:
        subject.finish()


if __name__ == "__main__":
    main()
