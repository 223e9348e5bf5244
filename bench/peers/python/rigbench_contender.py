# SPDX-License-Identifier: MIT
"""A transport of your own in Python, measured and proved by rigbench.

    import rigbench_contender

    class Mine(rigbench_contender.Contender):
        name, summary, copies = "mine", "what it is", 2
        def create(self, link): ...          before the sides are forked
        def attach(self, link): ...          in each side; link.side is 0 or 1
        def send(self, link, data): ...      data: a NumPy array of bytes
        def get(self, link): ...             wait for a message; return its bytes

    rigbench_contender.main(Mine)

    rigbench ipc --contender 'cmd:python3 mine.py'

`rigbench new contender mine.py` writes a whole example.  This module produces,
consumes, adds up, pins and notes the times, as bench/ipc/pair_command.h has it;
another language speaks that protocol itself.
"""
import os
import select
import signal
import sys
import time
import traceback
from multiprocessing import Pipe

try:
    import numpy
except ImportError:
    print("cannot", sys.executable, "has no NumPy", flush=True)
    sys.exit(0)

A = 0x9e3779b97f4a7c15
B = 0x2545f4914f6cdd1d
WORD = 1 << 64
# Messages that only set a rate going; round trips before a side may be killed;
# a side that has not been told of a death after so long never is.
RATE_LEAD = 16
CRASH_AFTER = 8
NEVER_S = 0.2


class Wrong(Exception):
    """A message is not what was sent."""


class Link:
    """The orders for a link.  `side` is None before the fork."""

    def __init__(self, words):
        given = dict(word.split("=", 1) for word in words if "=" in word)
        self.clock = int(given.get("clock", time.CLOCK_MONOTONIC))
        self.pattern = given.get("pattern", "pingpong")
        self.bytes = int(given.get("bytes", 64))
        self.slots = int(given.get("slots", 1))
        self.wait = given.get("wait", "hybrid")
        self.cpus = [int(cpu) for cpu in given.get("cpus", "-1,-1").split(",")]
        self.full = given.get("touch", "full") == "full"
        self.rotate = int(given.get("rotate", 0))
        self.rate = int(given.get("rate", 100000))
        self.side = None


class Contender:
    """A transport.  A message is made in what put() returns, goes with send(), and
    is read in what get() returns, until done()."""
    name, summary, copies = "mine", "a transport", 1
    # Other processes that run while messages go: stopped between turns.
    pids = ()

    def create(self, link):
        """Before the sides are forked.  NotImplementedError, with words: such
        messages are not to be had."""

    def attach(self, link):
        """In each side."""

    def put(self, link):
        """Where the next message is to be written: bytes that can be written."""
        if not hasattr(self, "_buffers"):
            stride = (link.bytes + 4096) & ~4095
            count = max(1, link.rotate // stride)
            self._buffers = [numpy.ones(link.bytes, numpy.uint8)
                             for _ in range(count)]
            self._next = 0
        self._next = (self._next + 1) % len(self._buffers)
        return self._buffers[self._next]

    def send(self, link, data):
        raise NotImplementedError

    def get(self, link):
        raise NotImplementedError

    def done(self, link):
        """The message that get() returned has been read."""

    def leave(self, link):
        """Where create() was called, once the sides are forked: an end that stays
        open here hides a death."""

    def destroy(self, link):
        """Where create() was called, after the sides have ended."""


def as_bytes(data):
    """Any buffer as an array of bytes: no copy."""
    if not len(data):
        return numpy.empty(0, numpy.uint8)
    return numpy.frombuffer(data, numpy.uint8)


class Side:
    """One end at work."""

    def __init__(self, contender, link, side):
        self.contender, self.link = contender, link
        self.link.side = side
        if link.cpus[side] >= 0:
            os.sched_setaffinity(0, {link.cpus[side]})
        size = link.bytes if link.full or link.bytes < 8 else 8
        self.words = size // 8
        self.left = numpy.arange(size % 8, dtype=numpy.uint8)
        self.ramp = numpy.arange(self.words, dtype=numpy.uint64)
        self.ramp *= numpy.uint64(B)
        self.sum = 0
        contender.attach(link)

    def now(self):
        return time.clock_gettime_ns(self.link.clock)

    def get(self):
        data = as_bytes(self.contender.get(self.link))
        if len(data) != self.link.bytes:
            raise Wrong(f"a message of {len(data)} bytes, not "
                        f"{self.link.bytes}")
        return data

    def produce(self, seq):
        data = self.contender.put(self.link)
        message = as_bytes(data)
        end = self.words * 8
        numpy.add(self.ramp, numpy.uint64(seq * A % WORD),
                  out=message[:end].view(numpy.uint64))
        if len(self.left):
            message[end:end + len(self.left)] = (
                self.left + numpy.uint8(seq % 256))
        self.contender.send(self.link, data)

    def consume(self, seq):
        """Add up every word; rigbench knows what the sum has to be."""
        message = self.get()
        end = self.words * 8
        self.sum += int(message[:end].view(numpy.uint64).sum())
        if len(self.left) and not numpy.array_equal(
                message[end:end + len(self.left)],
                self.left + numpy.uint8(seq % 256)):
            raise Wrong("the last bytes are not what was sent")
        self.contender.done(self.link)

    def one_way(self, seq):
        (self.produce if self.link.side == 0 else self.consume)(seq)

    def round_trip(self, seq):
        if self.link.side == 0:
            self.produce(seq)
            self.consume(seq)
        else:
            self.consume(seq)
            self.produce(seq)

    def turn(self, message):
        end = len(message) // 8 * 8
        data = self.contender.put(self.link)
        reply = as_bytes(data)
        reply[:end].view(numpy.uint64)[:] = (
            message[:end].view(numpy.uint64)[::-1])
        reply[end:] = message[end:]
        self.contender.done(self.link)
        self.contender.send(self.link, data)

    def send_bytes(self, message):
        data = self.contender.put(self.link)
        as_bytes(data)[:] = message
        self.contender.send(self.link, data)

    def map_once(self, array):
        if self.link.side == 1:
            self.turn(self.get())
            return
        self.send_bytes(array)
        words = self.get()[:len(array) // 8 * 8].view(numpy.uint64)
        self.sum += int(words[0]) + int(words[-1])
        self.contender.done(self.link)

    def timed(self, count, seed):
        """(begin, end, CPU time, sum) of `count` operations."""
        if self.link.pattern == "map":
            array = numpy.empty(self.link.bytes, numpy.uint8)
            end = len(array) // 8 * 8
            array[:end].view(numpy.uint64)[:] = self.ramp + numpy.uint64(
                seed * A % WORD)
            array[end:] = 0
            steps = [array] * count
            operation = self.map_once
        else:
            steps = range(seed, seed + count)
            operation = (self.one_way if self.link.pattern == "stream"
                         else self.round_trip)
        # Both sides are at it before the clock is read.
        operation(steps[0])
        self.sum = 0
        cpu = time.process_time_ns()
        begin = self.now()
        for step in steps:
            operation(step)
        end = self.now()
        return begin, end, time.process_time_ns() - cpu, self.sum % WORD

    def at_rate(self, count, seed):
        """Nanoseconds by which messages were late, on average; sum."""
        late = 0
        if self.link.side == 0:
            start = self.now() + 1000000
            self.tell(start)
        else:
            start = self.hear()
        for i in range(count + RATE_LEAD):
            due = start + i * 1000000000 // self.link.rate
            seq = seed + i - RATE_LEAD
            if self.link.side == 0:
                while self.now() < due:
                    pass
                self.produce(seq)
                continue
            if i == RATE_LEAD:
                self.sum = 0
            self.consume(seq)
            if i >= RATE_LEAD:
                late += self.now() - due
        return late / count, self.sum % WORD

    def verify(self, count, path):
        """Move what lies in a file, and write down what came."""
        size = self.link.bytes
        with open(path, "r+b", buffering=0) as file:
            for i in range(count):
                if self.link.side == 0:
                    message = os.pread(file.fileno(), size, i * size)
                    self.send_bytes(as_bytes(message))
                    came = self.get()
                    os.pwrite(file.fileno(), came, (2 * count + i) * size)
                    self.contender.done(self.link)
                    continue
                came = self.get()
                os.pwrite(file.fileno(), came, (count + i) * size)
                if self.link.pattern == "map":
                    self.turn(came)
                    continue
                came = came.copy()
                self.contender.done(self.link)
                self.send_bytes(came)

    def obey(self, orders, between):
        """Orders of the parent until there are no more."""
        self.tell, self.hear = between.send, between.recv
        while True:
            try:
                what, *words = orders.recv()
            except EOFError:
                return
            try:
                orders.send(("ok", getattr(self, what)(*words)))
            except Wrong as error:
                orders.send(("wrong", str(error)))
            except Exception as error:
                orders.send(("failed", describe(error)))


def describe(error):
    last = traceback.extract_tb(error.__traceback__)[-1]
    return (f"{type(error).__name__}: {error} "
            f"(line {last.lineno} of {os.path.basename(last.filename)})"
            ).replace("\n", " ")


def fork(work):
    """Start work() in a process that ends with its parent's life, and returns
    nowhere."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    try:
        end_with_parent()
        work()
    except BaseException as error:  # the parent sees end of file
        print(describe(error), file=sys.stderr)
    finally:
        os._exit(0)


def end_with_parent():
    """PR_SET_PDEATHSIG, SIGKILL; Ctrl-C is rigbench's affair."""
    import ctypes
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class Lasting:
    """Patterns that keep their sides: pingpong, stream, map, rate."""

    def __init__(self, contender, link):
        self.contender, self.link = contender, link
        contender.create(link)
        between = Pipe()
        self.orders, self.pids = [], []
        for side in range(2):
            mine, theirs = Pipe()
            self.pids.append(fork(lambda: self.work(side, theirs, between)))
            theirs.close()
            self.orders.append(mine)
        contender.leave(link)
        for orders in self.orders:
            word, said = orders.recv()
            if word != "ok":
                raise NotImplementedError(said)

    def work(self, side, theirs, between):
        for orders in self.orders:
            orders.close()
        try:
            end = Side(self.contender, self.link, side)
        except Exception as error:
            theirs.send(("failed", describe(error)))
            return
        theirs.send(("ok", None))
        end.obey(theirs, between[side])

    def ask(self, *order):
        """Both answers, or the words of the one that failed."""
        for orders in self.orders:
            orders.send(order)
        said = []
        waiting = list(self.orders)
        while waiting:
            for orders in select.select(waiting, [], [])[0]:
                waiting.remove(orders)
                word, what = orders.recv()
                if word != "ok":
                    return word, what
                said.append((orders is self.orders[1], what))
        return "ok", [what for _, what in sorted(said, key=lambda x: x[0])]

    def run(self, count, seed):
        if self.link.pattern == "rate":
            word, both = self.ask("at_rate", count, seed)
            return f"{word} {both}" if word != "ok" else (
                f"measured {both[1][0]} sum {both[1][1]}")
        word, both = self.ask("timed", count, seed)
        if word != "ok":
            return f"{word} {both}"
        (b0, e0, c0, s0), (b1, e1, c1, s1) = both
        return (f"timing {b0} {e0} {b1} {e1} cpu {c0 + c1} "
                f"sum {(s0 + s1) % WORD}")

    def verify(self, count, path):
        word, said = self.ask("verify", count, path)
        return "verified" if word == "ok" else f"{word} {said}"

    def close(self):
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self.contender.destroy(self.link)


class Anew:
    """Patterns that make the link each time: setup, crash."""

    def __init__(self, contender, link):
        self.contender, self.link = contender, link
        self.pids = [os.getpid()]
        contender.create(link)
        contender.leave(link)
        contender.destroy(link)

    def sides(self, work):
        """Two processes, and a pipe from each."""
        ends, pids = [], []
        for side in range(2):
            mine, theirs = Pipe()
            pids.append(fork(lambda: work(side, theirs)))
            theirs.close()
            ends.append(mine)
        self.contender.leave(self.link)
        return ends, pids

    def setup_side(self, side, to):
        begin = time.clock_gettime_ns(self.link.clock)
        end = Side(self.contender, self.link, side)
        end.round_trip(self.seed)
        to.send((begin, end.now(), end.sum))
        to.recv()

    def setup(self):
        now = lambda: time.clock_gettime_ns(self.link.clock)
        start = now()
        self.contender.create(self.link)
        made = now()
        ends, pids = self.sides(self.setup_side)
        told = [end.recv() for end in ends]
        for end, pid in zip(ends, pids):
            end.send(None)
            os.waitpid(pid, 0)
        gone = now()
        self.contender.destroy(self.link)
        self.sum += told[0][2] + told[1][2]
        self.seed += 1
        return (now() - gone + made - start + max(t[1] for t in told)
                - min(t[0] for t in told))

    def crash_side(self, side, to):
        end = Side(self.contender, self.link, side)
        try:
            for _ in range(CRASH_AFTER):
                end.round_trip(1)
            to.send("under way")
            while True:
                end.round_trip(1)
        except Exception:
            to.send(end.now())

    def crash(self):
        self.contender.create(self.link)
        ends, pids = self.sides(self.crash_side)
        ends[0].recv()
        ends[1].recv()
        killed = time.clock_gettime_ns(self.link.clock)
        os.kill(pids[1], signal.SIGKILL)
        told = ends[0].recv() if ends[0].poll(NEVER_S) else None
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self.contender.destroy(self.link)
        if told is None:
            raise NotImplementedError("never: the other side waits, ended "
                                      f"after {NEVER_S * 1e3:.0f} ms")
        return told - killed

    def run(self, count, seed):
        self.seed, self.sum = seed, 0
        operation = self.setup if self.link.pattern == "setup" else self.crash
        total = sum(operation() for _ in range(count))
        return f"measured {total / count} sum {self.sum % WORD}"

    def verify(self, count, path):
        del count, path
        return "verified"

    def close(self):
        pass


def serve(kind, words):
    link = Link(words)
    contender = kind()
    try:
        work = (Anew if link.pattern in ("setup", "crash") else Lasting)(
            contender, link)
    except NotImplementedError as error:
        print("cannot", error, flush=True)
        return
    print("ready", *work.pids, *contender.pids, flush=True)
    try:
        for line in sys.stdin:
            what, *given = line.split()
            try:
                if what == "run":
                    said = work.run(int(given[0]), int(given[1]))
                else:
                    said = work.verify(int(given[0]), given[1])
            except NotImplementedError as error:
                said = f"cannot {error}"
            print(said, flush=True)
    finally:
        work.close()


def main(kind):
    if sys.argv[1:2] == ["describe"]:
        print("contender 1", kind.copies, kind.name, kind.summary)
    elif sys.argv[1:2] == ["pair"]:
        serve(kind, sys.argv[2:])
    else:
        sys.exit(f"{sys.argv[0]}: for rigbench ipc --contender "
                 f"'cmd:python3 {sys.argv[0]}'")
