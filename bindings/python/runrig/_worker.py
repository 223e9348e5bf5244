# SPDX-License-Identifier: MIT
"""A worker of an Executor: an interpreter that runs tasks until the socket closes.

A thread reads the socket: tasks which have not begun can be given back, and the
worker ends with the caller whatever the task does.
"""
from __future__ import annotations

import collections
import os
import pickle
import signal
import socket
import threading
import time
import traceback
from typing import Any, Deque, Dict, List

from . import _runrig, _transfer
from ._segment import view_of

# Kinds of frames, to the worker and from it.
SETUP, FUNCTION, TASKS, TAKEN, BACK = range(5)
READY, BROKEN, RESULT, FAILURE, RETURNED, PLAIN = range(6)


class _RemoteTraceback(Exception):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return self.text


def with_cause(error: BaseException, text: str) -> BaseException:
    """The error, with the worker's traceback as its cause."""
    error.__cause__ = _RemoteTraceback("\n\"\"\"\n" + text + "\"\"\"")
    return error


class Worker:
    def __init__(self, fd: int) -> None:
        self.socket = socket.socket(fileno=fd)
        self.tasks: Deque[Any] = collections.deque()
        self.arrived = threading.Condition(threading.Lock())
        self.sending = threading.Lock()
        self.functions: Dict[int, Any] = {}
        self.given: Dict[int, List[Any]] = {}
        self.current: Any = None

    def send(self, kind: int, body: bytes) -> None:
        try:
            with self.sending:
                self.socket.sendall(_transfer.frame(kind, body))
        except (BrokenPipeError, ConnectionResetError):
            # The caller has ended, and wants no result.
            os._exit(0)

    def read(self) -> None:
        """The thread that reads: tasks to the queue, or the end."""
        frames = _transfer.Frames()
        while True:
            try:
                data = self.socket.recv(1 << 20)
            except OSError:
                data = b""
            if not data:
                os._exit(0)
            for kind, body in frames.feed(data):
                self.take(kind, body)

    def take(self, kind: int, body: memoryview) -> None:
        if kind == TAKEN:
            for task in pickle.loads(body):
                self.given.pop(task, None)
        elif kind == BACK:
            with self.arrived:
                back = [task for what, _, task in self.tasks if what == TASKS]
                self.tasks = collections.deque(
                    item for item in self.tasks if item[0] != TASKS)
            self.send(RETURNED, pickle.dumps(back))
        elif kind == TASKS:
            listed = pickle.loads(body)
            with self.arrived:
                self.tasks.extend((TASKS, item, item[0]) for item in listed)
                self.arrived.notify()
        else:
            with self.arrived:
                self.tasks.append((kind, body, None))
                self.arrived.notify()

    def next(self) -> Any:
        with self.arrived:
            while not self.tasks:
                self.arrived.wait()
            kind, item, task = self.tasks.popleft()
            if kind == TASKS:
                # The caller looks here for the task that a death interrupts.
                self.current[0] = task
            return kind, item

    def set_up(self, body: memoryview) -> None:
        from multiprocessing import spawn
        data = pickle.loads(body)
        self.current = view_of(
            _runrig.Memory.attach(data["current"], False)).cast("q")
        if data["cpu"] is not None:
            os.sched_setaffinity(0, {data["cpu"]})
        try:
            spawn.prepare(data["main"])
            initializer, initargs = pickle.loads(data["initializer"])
            if initializer is not None:
                initializer(*initargs)
        except BaseException:
            self.send(BROKEN, traceback.format_exc().encode())
            os._exit(1)
        self.send(READY, b"")

    def run(self, item: Any) -> None:
        task, begin = item[0], time.perf_counter_ns()
        try:
            result = self.result_of(*item[1:])
            plain = _transfer.plain_result(result)
            if plain is not None:
                kind, body = PLAIN, pickle.dumps((task, *plain), 5)
            else:
                body, kept = _transfer.pack((task, result), True)
                kind = RESULT
                self.given[task] = [kept, result]
        except BaseException as error:
            kind, body = FAILURE, _failure(task, error)
        self.send(kind, body)
        current = self.current
        current[0] = 0
        current[1] += 1
        current[2] += time.perf_counter_ns() - begin

    def result_of(self, key: int, chunk: bool, data: Any,
                  windows: Any) -> Any:
        """Run a task: of plain arguments and arrays, or pickled by pack()."""
        kwargs: Dict[str, Any] = {}
        if windows is None:
            function, args, kwargs = _transfer.unpack(memoryview(data))
        else:
            args = _transfer.full_args(data, windows)
        if key:
            function = self.functions[key]
        if chunk:
            return [function(*some) for some in args[0]]
        return function(*args, **kwargs)

    def serve(self) -> None:
        while True:
            kind, item = self.next()
            if kind == SETUP:
                self.set_up(item)
            elif kind == FUNCTION:
                key, data = pickle.loads(item)
                try:
                    self.functions[key] = pickle.loads(data)
                except BaseException as error:
                    self.functions[key] = _Unloadable(error)
            else:
                self.run(item)
            del item


class _Unloadable:
    """Stands for a function which could not be loaded: all calls fail."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise self.error


def _failure(task: int, error: BaseException) -> bytes:
    text = traceback.format_exc()
    try:
        data = pickle.dumps((task, error, text), 5)
        pickle.loads(data)
        return data
    except Exception:
        return pickle.dumps((task, RuntimeError(f"{type(error).__name__}: "
                                                f"{error}"), text), 5)


def main(fd: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    worker = Worker(fd)
    threading.Thread(target=worker.read, daemon=True).start()
    worker.serve()
