# SPDX-License-Identifier: MIT
"""Executor: functions in Python, on interpreters that are pinned to cores.

A thread of the caller deals tasks out and is the workers' warden: a worker that dies
fails the future of the task that the worker ran, and no other; the tasks behind go
to another worker, and a new worker takes the place.
"""
from __future__ import annotations

import atexit
import collections
import concurrent.futures
import errno
import itertools
import os
import pickle
import selectors
import socket
import subprocess
import sys
import threading
import time
import types
import weakref
from typing import (Any, Callable, Deque, Dict, Iterable, Iterator, List,
                    Optional, Tuple)

from . import _runrig, _transfer
from ._default import others_are_busy
from ._errors import RankReport, Report, WorkerDied
from ._segment import view_of
from ._worker import (BACK, BROKEN, FAILURE, FUNCTION, PLAIN, READY, RESULT,
                      RETURNED, SETUP, TAKEN, TASKS, with_cause)

# The work of a batch in seconds, by the tasks before; the most tasks of a batch.
BATCH_SECONDS = 0.002
BATCH_MAX = 512
# Functions that workers keep; further ones travel with each task.
FUNCTIONS_MAX = 256
# Seconds of a task; tasks behind a longer task go to idle workers.
PATIENCE = 0.05
# How long the thread sleeps while workers have work for longer: results are heard
# many at once.
NAP = 0.0005


class _Task:
    __slots__ = ("future", "function", "args", "kwargs", "kept")

    def __init__(self, future: Any, function: Any, args: Any,
                 kwargs: Any) -> None:
        self.future, self.function = future, function
        self.args, self.kwargs = args, kwargs
        self.kept: Any = None


class _Place:
    """A worker's place: the process which is there now, and the process's tasks."""

    def __init__(self, rank: int, cpu: Optional[int]) -> None:
        self.rank, self.cpu = rank, cpu
        self.process: Any = None
        self.socket: Any = None
        self.frames = _transfer.Frames()
        self.tasks: Dict[int, _Task] = {}
        self.known: set = set()
        self.current: Any = None
        self.memory: Any = None
        self.ready = False
        self.asked = False
        self.heard = 0.0
        self.seen = (0, 0)
        self.out = bytearray()
        self.events = selectors.EVENT_READ


def _is_interactive_main() -> bool:
    main = sys.modules.get("__main__")
    return not hasattr(main, "__file__") or hasattr(main, "get_ipython") or \
        "ipykernel" in sys.modules


def dump_function(function: Any) -> bytes:
    """A function for another interpreter, by cloudpickle where pickle cannot."""
    by_name = not (getattr(function, "__module__", "") == "__main__"
                   and _is_interactive_main())
    try:
        if by_name:
            return pickle.dumps(function, 5)
        reason: Exception = pickle.PicklingError(
            f"{function!r} is of a program that has no file")
    except Exception as error:
        reason = error
    try:
        import cloudpickle
    except ImportError:
        raise pickle.PicklingError(
            f"{reason}: install cloudpickle, or put the function into a "
            "module") from None
    return cloudpickle.dumps(function)


class Executor(concurrent.futures.Executor):
    """A concurrent.futures.Executor of pinned interpreters.

    with Executor(2) as ex: ex.submit(f, x).result(); ex.map(f, xs, chunksize=100)

    max_workers  how many; None: one a usable core
    initializer  called with initargs in each worker, as it starts
    place        "core": a core each; "none": not pinned; None: "core", unless
                 other programs keep the machine busy

    Arrays in segments, and slices of them, travel by name and arrive as views: a
    task may write to them.  Arrays that a worker makes with runrig.empty() and
    returns become the caller's.  The rest is pickled.  A task whose worker dies
    raises WorkerDied; the executor goes on.  `__main__` is found as
    multiprocessing's spawn finds it, so a program guards its beginning by
    `if __name__ == "__main__":`.
    """

    def __init__(self, max_workers: Optional[int] = None, *,
                 initializer: Optional[Callable[..., Any]] = None,
                 initargs: Any = (), place: Optional[str] = None) -> None:
        cpus = sorted(os.sched_getaffinity(0))
        if max_workers is None:
            max_workers = len(cpus)
        if max_workers < 1:
            raise ValueError("max_workers must be greater than 0")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        if place not in (None, "core", "none"):
            raise ValueError(f"place is 'core' or 'none', not {place!r}")
        if place is None:
            place = "none" if others_are_busy() else "core"
        pinned = place == "core" and max_workers <= len(cpus)
        self._initializer = pickle.dumps((initializer, initargs), 5)
        self._maker = os.getpid()
        self._lock = threading.Lock()
        self._queue: Deque[_Task] = collections.deque()
        self._places = [_Place(rank, cpus[rank] if pinned else None)
                        for rank in range(max_workers)]
        self._functions: Dict[Any, int] = {}
        self._ids = itertools.count(1)
        self._batch = 1.0
        self._sleeps = False
        self._closing = False
        self._broken: Optional[str] = None
        self._thread: Optional[threading.Thread] = None
        self._wake, self._woken = socket.socketpair()
        self._woken.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._woken, selectors.EVENT_READ, None)
        _executors.add(self)

    # ---- the caller's side ----

    def submit(self, fn: Callable[..., Any], /, *args: Any,
               **kwargs: Any) -> "concurrent.futures.Future[Any]":
        """A Future of fn(*args, **kwargs).  Any thread; never waits."""
        if os.getpid() != self._maker:
            raise RuntimeError("the executor is of the process that made it")
        future: "concurrent.futures.Future[Any]" = concurrent.futures.Future()
        task = _Task(future, fn, args, kwargs)
        with self._lock:
            if self._broken is not None:
                raise concurrent.futures.BrokenExecutor(self._broken)
            if self._closing:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._queue.append(task)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._serve, daemon=True, name="runrig-executor")
                self._thread.start()
            if self._sleeps:
                self._wake.send(b"x")
            self._sleeps = False
        return future

    def map(self, fn: Callable[..., Any], *iterables: Iterable[Any],
            timeout: Optional[float] = None,
            chunksize: int = 1) -> Iterator[Any]:
        """As Executor.map(); chunksize items are one task."""
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        if chunksize == 1:
            return super().map(fn, *iterables, timeout=timeout)
        chunks = _chunks(zip(*iterables), chunksize)
        return itertools.chain.from_iterable(super().map(
            _Chunk(fn), chunks, timeout=timeout))

    def shutdown(self, wait: bool = True, *,
                 cancel_futures: bool = False) -> None:
        """Take no more tasks; wait for the futures that are left."""
        if os.getpid() != self._maker:
            return
        with self._lock:
            self._closing = True
            dropped = list(self._queue) if cancel_futures else []
            if cancel_futures:
                self._queue.clear()
            thread, ended = self._thread, self._selector.get_map() is None
            if thread is not None and not ended:
                self._wake.send(b"x")
            elif thread is None:
                self._close()
        for task in dropped:
            task.future.cancel()
        if thread is not None and wait:
            thread.join()

    # ---- the thread ----

    def _serve(self) -> None:
        try:
            for place in self._places:
                self._start(place)
            while self._step():
                pass
        except BaseException as error:
            self._break(f"the executor's thread: {error!r}")
            raise
        finally:
            self._end()

    def _step(self) -> bool:
        self._deal()
        with self._lock:
            idle = not self._queue and not any(p.tasks for p in self._places)
            if self._closing and idle or self._broken is not None:
                return False
            self._sleeps = True
        self._nap()
        for key, mask in self._selector.select(PATIENCE if not idle else None):
            if key.data is None:
                try:
                    self._woken.recv(4096)
                except BlockingIOError:
                    pass
            else:
                self._hear(key.data, mask)
        with self._lock:
            self._sleeps = False
        return True

    def _nap(self) -> None:
        """Sleep while each worker has tasks for twice as long."""
        least = min(len(place.tasks) for place in self._places)
        if least > 1 and least * BATCH_SECONDS > 2 * NAP * self._batch:
            time.sleep(NAP)

    def _start(self, place: _Place) -> None:
        from multiprocessing import spawn, util
        flags = getattr(util, "_args_from_interpreter_flags")()
        main: Dict[str, Any] = spawn.get_preparation_data("runrig")
        ours, theirs = socket.socketpair()
        place.memory = _runrig.Memory.create(None, 24, False)
        # By the worker: the task in progress, tasks done, and their nanoseconds.
        place.current = view_of(place.memory).cast("q")
        place.seen = (0, 0)
        script = (f"import sys; sys.path[:] = {sys.path!r}; "
                  f"from runrig._worker import main; main({theirs.fileno()})")
        place.process = subprocess.Popen(
            [sys.executable, *flags, "-c", script], pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        theirs.close()
        ours.setblocking(False)
        place.socket, place.frames = ours, _transfer.Frames()
        place.known, place.ready, place.asked = set(), False, False
        place.out, place.events = bytearray(), selectors.EVENT_READ
        self._selector.register(ours, selectors.EVENT_READ, place)
        data = {"current": place.memory.name, "cpu": place.cpu,
                "main": main,
                "initializer": self._initializer}
        # The rest is multiprocessing's own affair.
        for key in ("authkey", "log_to_stderr", "dir", "orig_dir"):
            main.pop(key, None)
        self._send(place, _transfer.frame(SETUP, pickle.dumps(data)))

    def _send(self, place: _Place, data: bytes) -> None:
        place.out += data
        self._flush(place)

    def _flush(self, place: _Place) -> None:
        try:
            while place.out:
                sent = place.socket.send(place.out[:1 << 20])
                del place.out[:sent]
        except BlockingIOError:
            pass
        except OSError:
            place.out.clear()  # the worker is dead: its socket says so
        want = selectors.EVENT_READ | (selectors.EVENT_WRITE if place.out
                                       else 0)
        if want != place.events:
            self._selector.modify(place.socket, want, place)
            place.events = want

    # ---- dealing out ----

    def _deal(self) -> None:
        ready = [p for p in self._places if p.ready]
        for place in sorted(ready, key=lambda p: len(p.tasks)):
            if len(place.tasks) < self._batch and not place.out:
                tasks = self._take(len(ready))
                if tasks:
                    self._give(place, tasks)
        if any(not p.tasks for p in ready) and not self._queue:
            self._ask_back(ready)

    def _take(self, workers: int) -> List[_Task]:
        """The tasks of a batch."""
        taken: List[_Task] = []
        with self._lock:
            share = -(-len(self._queue) // (2 * workers))
            count = max(1, min(int(self._batch), share))
            while self._queue and len(taken) < count:
                task = self._queue.popleft()
                if task.future.running() or \
                        task.future.set_running_or_notify_cancel():
                    taken.append(task)
        return taken

    def _ask_back(self, ready: List[_Place]) -> None:
        """Tasks that wait behind a long task, for idle workers."""
        now = time.monotonic()
        for place in ready:
            if len(place.tasks) > 1 and not place.asked and \
                    now - place.heard > PATIENCE:
                place.asked = True
                self._send(place, _transfer.frame(BACK, b""))

    def _key_of(self, place: _Place, function: Any) -> int:
        """The number of a function that the worker has; 0: not kept there."""
        if type(function) is not types.FunctionType or function.__closure__:
            return 0
        key = self._functions.get(function)
        if key is None and len(self._functions) >= FUNCTIONS_MAX:
            return 0
        if key is None:
            key = self._functions[function] = len(self._functions) + 1
        if key not in place.known:
            body = pickle.dumps((key, dump_function(function)))
            self._send(place, _transfer.frame(FUNCTION, body))
            place.known.add(key)
        return key

    def _give(self, place: _Place, tasks: List[_Task]) -> None:
        batch: List[Any] = []
        names = _transfer.Names()
        if not place.tasks:
            place.heard = time.monotonic()
        for task in tasks:
            number = next(self._ids)
            try:
                sent = self._packed(place, task, names)
            except BaseException as error:
                task.future.set_exception(error)
                continue
            place.tasks[number] = task
            batch.append((number, *sent))
        self._send(place, _transfer.frame(TASKS, pickle.dumps(batch, 5)))

    def _packed(self, place: _Place, task: _Task,
                names: _transfer.Names) -> Tuple[Any, ...]:
        """(key, chunk?, data, windows) of a task, see Worker.result_of()."""
        function = task.function
        chunk = type(function) is _Chunk
        if chunk:
            function = function.function
        key = self._key_of(place, function)
        if key and not task.kwargs:
            plain = _transfer.plain_args(task.args, names)
            if plain is not None:
                return key, chunk, *plain
        data, task.kept = _transfer.pack(
            (None if key else _sent(function), task.args, task.kwargs))
        return key, chunk, data, None

    # ---- hearing ----

    def _hear(self, place: _Place, mask: int) -> None:
        if mask & selectors.EVENT_WRITE:
            self._flush(place)
        if not mask & selectors.EVENT_READ:
            return
        try:
            data = place.socket.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._died(place)
            return
        taken: List[int] = []
        done = sum(self._handle(place, kind, body, taken)
                   for kind, body in place.frames.feed(data))
        if taken:
            self._send(place, _transfer.frame(TAKEN, pickle.dumps(taken)))
        if done:
            self._learn(place)

    def _learn(self, place: _Place) -> None:
        """How many tasks are work for BATCH_SECONDS."""
        place.heard = time.monotonic()
        done, spent = place.current[1:3]
        tasks, ns = done - place.seen[0], spent - place.seen[1]
        if tasks < 1:
            return
        place.seen = done, spent
        fits = BATCH_SECONDS * 1e9 * tasks / max(ns, 1)
        self._batch = min(BATCH_MAX, max(1.0, min(fits, 4 * self._batch)))

    def _handle(self, place: _Place, kind: int, body: memoryview,
                taken: List[int]) -> int:
        if kind == READY:
            place.ready = True
        elif kind == BROKEN:
            self._break("a worker could not begin:\n" + bytes(body).decode())
        elif kind == RETURNED:
            place.asked = False
            with self._lock:
                for number in reversed(pickle.loads(body)):
                    self._queue.appendleft(place.tasks.pop(number))
        elif kind == PLAIN:
            number, code, value = pickle.loads(body)
            place.tasks.pop(number).future.set_result(
                _transfer.full_result(code, value))
            return 1
        elif kind in (RESULT, FAILURE):
            self._settle(place, kind, body, taken)
            return 1
        return 0

    def _settle(self, place: _Place, kind: int, body: memoryview,
                taken: List[int]) -> None:
        if kind == FAILURE:
            number, error, text = pickle.loads(body)
            place.tasks.pop(number).future.set_exception(with_cause(error,
                                                                    text))
            return
        try:
            number, result = _transfer.unpack(body)
        except BaseException as error:
            # The task which the worker has had longest is meant.
            number = next(iter(place.tasks))
            place.tasks.pop(number).future.set_exception(error)
            taken.append(number)
            return
        taken.append(number)
        place.tasks.pop(number).future.set_result(result)

    def _died(self, place: _Place) -> None:
        self._selector.unregister(place.socket)
        place.socket.close()
        try:
            code = place.process.wait(5)
        except subprocess.TimeoutExpired:
            place.process.kill()
            code = place.process.wait()
        number, left = place.current[0], place.tasks
        place.tasks = {}
        if not place.ready:
            self._break(f"a worker ended before it began, with status {code}")
            return
        victim = left.pop(number, None)
        with self._lock:
            for task in reversed(list(left.values())):
                self._queue.appendleft(task)
        if victim is not None:
            victim.future.set_exception(_death(place, code, victim))
        _runrig.sweep()
        self._start(place)

    def _break(self, why: str) -> None:
        with self._lock:
            if self._broken is None:
                self._broken = why
            tasks = list(self._queue)
            self._queue.clear()
        for place in self._places:
            tasks += place.tasks.values()
            place.tasks = {}
        for task in tasks:
            if not task.future.done():
                task.future.set_exception(
                    concurrent.futures.BrokenExecutor(self._broken))

    def _end(self) -> None:
        """The workers end as their sockets close."""
        for place in self._places:
            if place.socket is not None:
                place.socket.close()
        for place in self._places:
            if place.process is not None:
                try:
                    place.process.wait(5)
                except subprocess.TimeoutExpired:
                    place.process.kill()
                    place.process.wait()
            place.current = place.memory = None
        with self._lock:
            self._close()

    def _close(self) -> None:
        self._selector.close()
        self._wake.close()
        self._woken.close()


def _sent(function: Any) -> Any:
    """A callable as part of a task, by pickle or by cloudpickle."""
    return _Loaded(dump_function(function))


class _Loaded:
    """A callable that the receiver loads."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __reduce__(self) -> Any:
        return pickle.loads, (self.data,)


class _Chunk:
    """The task of map(): a function over some items, in a worker."""

    def __init__(self, function: Any) -> None:
        self.function = function
        self.__qualname__ = getattr(function, "__qualname__", repr(function))


def _chunks(items: Iterator[Any], size: int) -> Iterator[Any]:
    while True:
        chunk = tuple(itertools.islice(items, size))
        if not chunk:
            return
        yield chunk


def _death(place: _Place, code: int, task: _Task) -> WorkerDied:
    name = getattr(task.function, "__qualname__", repr(task.function))
    how = f"was killed by signal {-code}" if code < 0 else \
        f"ended with status {code}"
    pid = place.process.pid
    text = f"{name}: worker {place.rank} (pid {pid}) {how}"
    cpu = -1 if place.cpu is None else place.cpu
    report = Report("death", place.rank, -errno.EOWNERDEAD,
                    -code if code < 0 else code << 8, name, -1, 0,
                    (RankReport(pid, cpu, "running", 0, name),), text + "\n")
    return WorkerDied(text, report, -errno.EOWNERDEAD)


_executors: "weakref.WeakSet[Executor]" = weakref.WeakSet()


@atexit.register
def _shutdown_all() -> None:
    for executor in list(_executors):
        executor.shutdown()
