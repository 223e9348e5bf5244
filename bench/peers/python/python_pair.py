#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""python_pair.py CLOCK FORM PATTERN BYTES CPU CPU: the cases of rigbench ipc
between two processes of Python.

FORM is the way of the bytes:

  pool    arguments and results of a multiprocessing.Pool of one worker: NumPy
          arrays, pickled there and pickled back
  shared  a SharedMemory, in both a NumPy array, produced and consumed
          in place; multiprocessing's semaphores tell

PATTERN is pingpong, stream or map, as for every other transport, and the
messages have the same contents: word i of message `seq` is seq * A + i * B.  Each process
is pinned to its CPU (negative: to none).  Speaks the protocol of peer.h.
"""
import collections
import itertools
import multiprocessing
import os
import sys
import time
from multiprocessing import shared_memory

try:
    import numpy
except ImportError:
    print("cannot", sys.executable, "has no NumPy", flush=True)
    sys.exit(0)

A = 0x9e3779b97f4a7c15
B = 0x2545f4914f6cdd1d
WORD = 1 << 64
# Messages of a stream under way: so many keep both sides of a Pool busy.
SLOTS = 4


class Payload:
    """Produce and check messages of a fixed length."""

    def __init__(self, size):
        self.words = size // 8
        self.tail = numpy.arange(size % 8, dtype=numpy.uint8)
        self.ramp = numpy.arange(self.words, dtype=numpy.uint64)
        self.ramp *= numpy.uint64(B)
        self.pairs = self.words * (self.words - 1) // 2 * B

    def fill(self, message, seq):
        numpy.add(self.ramp, numpy.uint64(seq * A % WORD),
                  out=message[:self.words * 8].view(numpy.uint64))
        if len(self.tail):
            message[self.words * 8:] = self.tail + numpy.uint8(seq % 256)

    def right(self, message, seq):
        words = message[:self.words * 8].view(numpy.uint64)
        if int(words.sum()) != (self.words * seq * A + self.pairs) % WORD:
            return False
        return not len(self.tail) or numpy.array_equal(
            message[self.words * 8:], self.tail + numpy.uint8(seq % 256))

    def reversed(self, message, seq):
        """The first and the last word tell whether the array was reversed."""
        words = message[:self.words * 8].view(numpy.uint64)
        last = (seq * A + (self.words - 1) * B) % WORD
        return int(words[0]) == last and int(words[-1]) == seq * A % WORD


def pin(cpu):
    if cpu >= 0:
        os.sched_setaffinity(0, {cpu})


# The worker's side of a Pool.

payload = None
reply = None


def start(size, cpu):
    global payload, reply
    pin(cpu)
    payload = Payload(size)
    reply = numpy.empty(size, numpy.uint8)


def answer(message):
    seq, data = message
    if not payload.right(data, seq):
        raise ValueError(f"message {seq} is wrong")
    payload.fill(reply, seq)
    return reply


def consume(message):
    seq, data = message
    if not payload.right(data, seq):
        raise ValueError(f"message {seq} is wrong")


def turn(data):
    return data[:payload.words * 8].view(numpy.uint64)[::-1].copy()


class Pool:
    """Bytes as arguments and results."""

    def __init__(self, pattern, size, cpus):
        self.payload = Payload(size)
        self.buffers = [numpy.empty(size, numpy.uint8) for _ in range(SLOTS)]
        self.operate = getattr(self, pattern)
        self.seq = itertools.count()
        # Forked before this process is pinned, or the Pool's threads were pinned too.
        self.pool = multiprocessing.get_context("fork").Pool(
            1, start, (size, cpus[1]))
        self.pool.map(abs, [0])
        for thread in os.listdir("/proc/self/task"):
            if cpus[0] >= 0:
                os.sched_setaffinity(int(thread), {cpus[0]})
        self.payload.fill(self.buffers[0], 0)

    def pids(self):
        return [os.getpid()] + [child.pid for child in
                                multiprocessing.active_children()]

    def pingpong(self, count):
        message = self.buffers[0]
        for seq in itertools.islice(self.seq, count):
            self.payload.fill(message, seq)
            (back,) = self.pool.map(answer, [(seq, message)], 1)
            if not self.payload.right(back, seq):
                return False
        return True

    def stream(self, count):
        under_way = collections.deque()
        for seq in itertools.islice(self.seq, count):
            if len(under_way) == SLOTS:
                under_way.popleft().get()
            # A thread pickles the array later: until then the array must not change.
            message = self.buffers[seq % SLOTS]
            self.payload.fill(message, seq)
            under_way.append(self.pool.apply_async(consume, ((seq, message),)))
        for left in under_way:
            left.get()
        return True

    def map(self, count):
        for _ in range(count):
            (back,) = self.pool.map(turn, [self.buffers[0]], 1)
            if not self.payload.reversed(back.view(numpy.uint8), 0):
                return False
        return True

    def close(self):
        self.pool.terminate()


class Shared:
    """Bytes in one SharedMemory, two semaphores."""

    def __init__(self, pattern, size, cpus):
        context = multiprocessing.get_context("fork")
        self.payload = Payload(size)
        self.stride = (size + 4096) & ~4095
        self.memory = shared_memory.SharedMemory(create=True,
                                                 size=2 * self.stride)
        self.slots = [
            numpy.frombuffer(self.memory.buf, numpy.uint8, size,
                             i * self.stride) for i in range(2)]
        self.told = context.Semaphore(0)
        self.back = context.Semaphore(2 if pattern == "stream" else 0)
        self.wrong = context.Value("i", 0, lock=False)
        self.operate = getattr(self, pattern)
        self.seq = 0
        self.payload.fill(self.slots[0], 0)
        self.child = context.Process(target=self.other_side,
                                     args=(pattern, cpus[1]), daemon=True)
        self.child.start()
        pin(cpus[0])

    def pids(self):
        return [os.getpid(), self.child.pid]

    def other_side(self, pattern, cpu):
        pin(cpu)
        for seq in itertools.count():
            self.told.acquire()
            if pattern == "map":
                self.turn()
            elif not self.payload.right(
                    self.slots[seq % 2 if pattern == "stream" else 0], seq):
                self.wrong.value = 1
            elif pattern == "pingpong":
                self.payload.fill(self.slots[1], seq)
            self.back.release()

    def turn(self):
        words = self.slots[0][:self.payload.words * 8].view(numpy.uint64)
        half = len(words) // 2
        left, right = words[:half], words[len(words) - half:]
        keep = left.copy()
        left[:] = right[::-1]
        right[:] = keep[::-1]

    def pingpong(self, count):
        for seq in range(self.seq, self.seq + count):
            self.payload.fill(self.slots[0], seq)
            self.told.release()
            self.back.acquire()
            if not self.payload.right(self.slots[1], seq):
                return False
        self.seq += count
        return not self.wrong.value

    def stream(self, count):
        for seq in range(self.seq, self.seq + count):
            self.back.acquire()
            self.payload.fill(self.slots[seq % 2], seq)
            self.told.release()
        # Both slots back: the last message has been consumed.
        for _ in range(2):
            self.back.acquire()
        for _ in range(2):
            self.back.release()
        self.seq += count
        return not self.wrong.value

    def map(self, count):
        for seq in range(self.seq, self.seq + count):
            self.told.release()
            self.back.acquire()
            first = int(self.slots[0][:8].view(numpy.uint64)[0])
            last = (self.payload.words - 1) * B % WORD
            if first != (0 if seq % 2 else last):
                return False
        self.seq += count
        return True

    def close(self):
        self.child.terminate()
        self.child.join()
        self.slots = None
        self.memory.unlink()


def serve(side, clock):
    print("ready", *side.pids(), flush=True)
    for line in sys.stdin:
        words = line.split()
        if words[0] == "run":
            begin = time.clock_gettime_ns(clock)
            right = side.operate(int(words[1]))
            end = time.clock_gettime_ns(clock)
            print(*(("timing", begin, end) if right else ("wrong message",)),
                  flush=True)
        else:
            print("verified" if side.operate(16) else "wrong message",
                  flush=True)


def main():
    clock = int(sys.argv[1])
    form = {"pool": Pool, "shared": Shared}[sys.argv[2]]
    size, *cpus = (int(word) for word in sys.argv[4:7])
    side = form(sys.argv[3], size, cpus)
    try:
        serve(side, clock)
    finally:
        side.close()


if __name__ == "__main__":
    main()
