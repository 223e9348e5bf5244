# SPDX-License-Identifier: MIT
"""Pool: workers that run kernels in C, and the runs."""
from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import os
import queue
import threading
import weakref
from typing import (Any, Dict, Generator, List, NamedTuple, Optional,
                    Tuple)

from . import _runrig
from ._arrays import locate
from ._errors import Report, error_of, report_of
from ._segment import Segment

BARRIERS = {"adaptive": 0, "pthread": 1}
VERIFY = {"none": 0, "sample": 1, "full": 2}
INPUT, OUTPUT = 1, 2

_Operand = Tuple[Optional[str], Optional[str], Optional[str], Optional[str],
                 int, int, int, bool, Optional[Tuple[int, ...]],
                 Optional[Tuple[int, ...]]]


class Outcome(NamedTuple):
    """The findings of a run, and the arrays that the run made.

    outcome["sum"] is a number that the kernel found, outcome.arrays["counts"]
    an array that the kernel made.
    """

    kernel: str
    found: Dict[str, Any]
    """The kernel's findings: int, float or str."""
    arrays: Dict[str, Any]
    """The arrays that the run made: NumPy's where NumPy is installed, else bytes
    or a Segment."""
    text: str
    """The findings in words."""
    seconds: float
    """How long the run itself took; 0.0 for a function."""
    verified: bool
    blocks: int
    """Blocks of the result; 0: the result was proved as a whole."""
    covered: int
    """Blocks proved."""
    result: bytes = b""
    """The 240 bytes of rank 0's result slot, of a function."""

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return self.found[key]
        return tuple.__getitem__(self, key)


class Worker(NamedTuple):
    """Where one worker is, as the kernel of the system says."""

    pid: int
    package: int
    node: int
    core: int
    pu: int
    pus: int
    as_planned: bool


class Run(concurrent.futures.Future):  # type: ignore[type-arg]
    """A run that Pool.start() began: a Future, which `await` waits for too.

    cancel() ends the run also when the run is in progress.
    """

    def __init__(self, pool: "Pool") -> None:
        super().__init__()
        self._pool = pool
        self._ended_by_cancel = False

    def progress(self) -> float:
        """How far the run is, 0 to 1; 0 where the kernel does not say."""
        if self.done():
            return 1.0
        return self._pool.progress() if self.running() else 0.0

    def cancel(self) -> bool:
        """End the run.  False: the run has ended already."""
        if super().cancel():
            return True
        if self.done():
            return self._ended_by_cancel
        self._pool._cancel(self)
        return True

    def cancelled(self) -> bool:
        """Has cancel() ended the run?"""
        return self._ended_by_cancel or super().cancelled()

    def exception(self, timeout: Optional[float] = None
                  ) -> Optional[BaseException]:
        """As Future.exception(): CancelledError is raised."""
        error = super().exception(timeout)
        if self._ended_by_cancel and error is not None:
            raise error
        return error

    def __await__(self) -> Generator[Any, None, Any]:
        return asyncio.wrap_future(self).__await__()


class _Kernel(NamedTuple):
    """The kernel or function that Pool.run() was asked for."""

    name: str
    function: bool  # "path.so:symbol"
    roles: List[Tuple[str, int]]
    params: List[str]


_registered = False


def _known_kernel(name: str) -> Tuple[Any, ...]:
    global _registered
    if not _registered:
        _runrig.register_kernels()
        _registered = True
    found = _runrig.kernel(name)
    if found is None:
        raise FileNotFoundError(
            2, f"no kernel is called {name!r}; runrig.kernels() lists them")
    return found


def kernels() -> Dict[str, str]:
    """The kernels that are known: name and summary."""
    _known_kernel("sort")
    return {name: _runrig.kernel(name)[0][1] for name in _runrig.kernels()}


# The functions that were found before, by what was asked for and the folder.
_functions: Dict[Tuple[str, str], _Kernel] = {}
FUNCTIONS_MAX = 256


def _find_function(path: str, symbol: str) -> _Kernel:
    folder = "" if path[:1] == "/" else os.getcwd()
    key = f"{path}:{symbol}", folder
    found = _functions.get(key)
    if found is None:
        if not os.path.exists(path):
            raise FileNotFoundError(2, os.strerror(2), path)
        found = _Kernel(f"{os.path.abspath(path)}:{symbol}", True, [], [])
        if len(_functions) >= FUNCTIONS_MAX:
            _functions.clear()
        _functions[key] = found
    return found


def _find_kernel(kernel: Any) -> _Kernel:
    if callable(kernel):
        raise TypeError("a Pool runs kernels in C: a Python function is for "
                        "runrig.Executor")
    if not isinstance(kernel, str):
        raise TypeError("a kernel is a name, './m.so' or './m.so:function', "
                        "not " + type(kernel).__name__)
    path, colon, symbol = kernel.rpartition(":")
    if colon and symbol and path.endswith(".so"):
        return _find_function(path, symbol)
    if kernel.endswith(".so") or "/" in kernel:
        if not os.path.exists(kernel):
            raise FileNotFoundError(2, os.strerror(2), kernel)
        kernel = _runrig.load_kernel(os.path.abspath(kernel))
    (name, _), _, params, arrays = _known_kernel(kernel)
    return _Kernel(name, False, arrays, [p[0] for p in params])


_dtypes: Dict[Any, Tuple[int, bool]] = {}


def _dtype_of(dtype: Any) -> Tuple[int, bool]:
    """(the library's number, in the other byte order?) of a NumPy dtype."""
    known = _dtypes.get(dtype)
    if known is None:
        number, _, swapped = _runrig.dtype(dtype.str)
        known = _dtypes[dtype] = number, bool(swapped)
    return known


def _memory_operand(x: Any, writes: bool, name: Optional[str]) -> _Operand:
    """An array of NumPy's, in a segment or in private memory."""
    dtype, swapped = _dtype_of(x.dtype)
    found = _runrig.window(x)
    if found is not None and found[3] and x.size:
        memory = found[0]
        if memory.path is None and not (writes and memory.read_only):
            return (name, memory.name, None, None, 0, found[1], dtype, swapped,
                    x.shape, None)
    place = locate(x) if x.flags.c_contiguous else None
    if place and place.name and x.size and not (writes and place.read_only):
        return (name, place.name, None, None, 0, place.offset, dtype,
                swapped, x.shape, None)
    if place and place.path and x.size and not writes and \
            x.nbytes + place.offset == os.path.getsize(place.path):
        return (name, None, place.path, None, 0, 0, 0, False, None, None)
    if writes and not x.flags.writeable:
        raise ValueError("the kernel writes the array, which is read-only")
    return (name, None, None, None, x.__array_interface__["data"][0], 0, dtype,
            swapped, x.shape, x.strides)


def _operand(x: Any, role: int, name: Optional[str]) -> _Operand:
    if isinstance(x, Segment):
        return (name, x.name, None, None, 0, 0, 0, False, None, None)
    if isinstance(x, (str, os.PathLike)):
        return (name, None, os.fspath(x), None, 0, 0, 0, False, None, None)
    if hasattr(x, "__array_interface__") and hasattr(x, "flags"):
        return _memory_operand(x, bool(role & OUTPUT), name)
    raise TypeError("an array of a kernel is a NumPy array, a Segment, or the "
                    "path of a .npy file, not " + type(x).__name__)


def _handed(x: Any) -> Tuple[str, int, int, bool]:
    """A segment's window for a function."""
    found = _runrig.window(x)
    if found is not None and found[3] and found[0].path is None and \
            hasattr(x, "flags"):
        memory, offset, size, _ = found
        return (memory.name, offset, size, memory.read_only)
    if isinstance(x, Segment):
        return (x.name, 0, 0, False)
    if hasattr(x, "flags") and x.flags.c_contiguous and x.nbytes:
        place = locate(x)
        if place and place.name:
            return (place.name, place.offset, x.nbytes, place.read_only)
    raise TypeError("a function works on Segments and on contiguous arrays in "
                    "segments: runrig.array(a) makes one")


def _settings(kernel: _Kernel, params: Dict[str, Any]) -> Tuple[Any, ...]:
    made = []
    for key, value in params.items():
        name = key.replace("_", "-")
        if name not in kernel.params:
            raise TypeError(
                f"{kernel.name} has no parameter {key!r}; it has "
                + (", ".join(kernel.params) or "none"))
        if isinstance(value, bool):
            value = "yes" if value else "no"
        elif not isinstance(value, (str, float)):
            value = int(value)
        made.append((name, value))
    return tuple(made)


def _elements(described: Tuple[Any, ...]) -> Any:
    """An array of the outcome, in NumPy's words where NumPy is there."""
    _, code, shape, count, held, offset = described
    try:
        import numpy as np
    except ImportError:
        return held if isinstance(held, bytes) else Segment._over(held)
    dtype = np.dtype(code)
    shape = tuple(shape) or (count,)
    if isinstance(held, bytes):
        return np.frombuffer(held, dtype, count).reshape(shape).copy()
    from ._arrays import _over
    return _over(held, offset, shape, dtype)


class Pool:
    """Workers, pinned to cores, that run kernels in C over shared memory.

    with Pool(2) as pool: pool.run("sort", a) sorts a NumPy array in place.

    workers  how many; None: one a usable core
    place    where: "core", "none" (not pinned) and more, see docs/placement.md
    barrier  "adaptive" (spin, then block) or "pthread"

    The workers are programs of their own, never forks of the interpreter.  Any
    thread may run; one run goes on at a time.  A pool is of the process that made
    it: a fork gets ValueError.
    """

    def __init__(self, workers: Optional[int] = None, *,
                 place: Optional[str] = None,
                 barrier: str = "adaptive") -> None:
        if barrier not in BARRIERS:
            raise ValueError(f"barrier is 'adaptive' or 'pthread', not "
                             f"{barrier!r}")
        if workers is not None and workers < 1:
            raise ValueError(f"workers is 1 or more, not {workers}")
        self._handle = _runrig.Pool(workers or 0, place, BARRIERS[barrier])
        self._maker = os.getpid()
        self._turn = threading.Lock()
        self._runs: "queue.SimpleQueue[Any]" = queue.SimpleQueue()
        self._thread: Optional[threading.Thread] = None
        self._current: Optional[Run] = None
        self._closed = False
        _pools.add(self)

    # ---- runs ----

    def run(self, kernel: str, /, *arrays: Any, limit: Optional[float] = None,
            verify: str = "none", args: Any = b"", **params: Any) -> Outcome:
        """Run a kernel on every worker, and wait for the end.

        kernel  a name of runrig.kernels(); "./m.so": the rig_kernel in a
                library of yours; "./m.so:f": a function of that library
        arrays  NumPy arrays, Segments, or paths of .npy files, in the order of
                the kernel's arrays; what lies in a segment is used in place
        limit   seconds; TimeoutError beyond
        verify  "none", "sample" or "full": how much of the result is proved
        args    bytes for a function, at most 4096
        params  the kernel's parameters, or its arrays by name

        WorkerDied, Deadlock, Mismatch, VerifyError, RunError: the run failed,
        and `.report` says how.  ValueError, TypeError: the arguments do not fit
        the kernel.  Ctrl-C ends the run; the pool lives.
        """
        call = self._prepare(kernel, arrays, limit, verify, args, params)
        with self._turn:
            return self._finish(call)

    def start(self, kernel: str, /, *arrays: Any,
              limit: Optional[float] = None, verify: str = "none",
              args: Any = b"", **params: Any) -> Run:
        """Begin a run as run() does, and return a Run: a Future."""
        call = self._prepare(kernel, arrays, limit, verify, args, params)
        run = Run(self)
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, daemon=True,
                                            name="runrig-pool")
            self._thread.start()
        self._runs.put((run, call))
        return run

    def _prepare(self, kernel: Any, arrays: Tuple[Any, ...],
                 limit: Optional[float], verify: str, args: Any,
                 params: Dict[str, Any]) -> Tuple[Any, ...]:
        self._check_maker()
        if verify not in VERIFY:
            raise ValueError("verify is 'none', 'sample' or 'full', not "
                             f"{verify!r}")
        limit_ns = 0 if limit is None else max(1, int(limit * 1e9))
        found = _find_kernel(kernel)
        if found.function:
            if params:
                raise TypeError("a function takes args=bytes, and no "
                                "parameters by name")
            return (found, tuple(map(_handed, arrays)), bytes(args), limit_ns,
                    arrays)
        return (found, *self._kernel_call(found, arrays, params),
                VERIFY[verify], 0, limit_ns, arrays)

    @staticmethod
    def _kernel_call(kernel: _Kernel, arrays: Tuple[Any, ...],
                     params: Dict[str, Any]) -> Tuple[Any, Any]:
        roles = [(name, role) for name, role in kernel.roles if role]
        if len(arrays) > len(roles):
            raise TypeError(
                f"{kernel.name} takes at most {len(roles)} arrays: "
                + ", ".join(name for name, _ in roles))
        operands = [_operand(x, role, name)
                    for x, (name, role) in zip(arrays, roles)]
        for name, role in roles[len(arrays):]:
            if name in params and name not in kernel.params:
                operands.append(_operand(params.pop(name), role, name))
        return tuple(operands), _settings(kernel, params)

    def _finish(self, call: Tuple[Any, ...]) -> Outcome:
        """Run a call of _prepare(); the turn is taken."""
        kernel = call[0]
        if kernel.function:
            code, why, began, result = self._handle.call(kernel.name,
                                                         *call[1:-1])
            if code:
                raise error_of(code, why, self.report() if began else None)
            return Outcome(kernel.name, {}, {}, "", 0.0, False, 0, 0, result)
        code, why, known = self._handle.run_kernel(kernel.name, *call[1:-1])
        if code:
            began = known is not None and known["started"]
            raise error_of(code, why, self.report() if began else None)
        arrays = {name: _elements(described)
                  for name, described in known["arrays"].items()
                  if described[4] is not None}
        return Outcome(kernel.name, known["found"], arrays, known["text"],
                       sum(known["times"]), known["verified"],
                       known["blocks"], known["covered"])

    def _serve(self) -> None:
        """The thread of start(): runs in the order of their beginnings."""
        while True:
            item = self._runs.get()
            if item is None:
                return
            run, call = item
            if run.set_running_or_notify_cancel():
                self._serve_one(run, call)
            del item, run, call

    def _serve_one(self, run: Run, call: Tuple[Any, ...]) -> None:
        with self._turn:
            self._current = run
            try:
                if self._closed:
                    raise concurrent.futures.CancelledError()
                outcome = self._finish(call)
            except concurrent.futures.CancelledError as error:
                run._ended_by_cancel = True
                run.set_exception(error)
            except BaseException as error:
                run.set_exception(error)
            else:
                run.set_result(outcome)
            finally:
                self._current = None

    def _cancel(self, run: Optional[Run]) -> None:
        """End the run in progress, if it is `run`; None: whichever."""
        if run is None or self._current is run:
            self._handle.cancel()

    def cancel(self) -> None:
        """End the run in progress; who waits gets CancelledError.  Any thread."""
        self._check_maker()
        self._handle.cancel()

    # ---- facts about the pool ----

    def _check_maker(self) -> None:
        if os.getpid() != self._maker:
            raise ValueError("the pool is of the process that made it: a fork "
                             "makes a pool of its own")
        if self._closed:
            raise ValueError("the pool is closed")

    @property
    def workers(self) -> int:
        """How many workers the pool has."""
        return self._handle.size

    def worker(self, rank: int) -> Worker:
        """Where the worker of a rank is.  ValueError: no such rank."""
        return Worker(*self._handle.worker(rank))

    def progress(self) -> float:
        """How far the run in progress is, 0 to 1."""
        return self._handle.progress()

    def report(self) -> Report:
        """How the last run ended."""
        return report_of(self._handle.report())

    def close(self) -> None:
        """End the workers, and a run in progress.  Twice is once."""
        if self._closed or os.getpid() != self._maker:
            return
        self._closed = True
        self._runs.put(None)
        while self._thread is not None and self._thread.is_alive():
            self._handle.cancel()
            self._thread.join(0.05)
        while not self._turn.acquire(timeout=0.05):
            self._handle.cancel()
        try:
            self._handle.destroy()
        finally:
            self._turn.release()

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __reduce__(self) -> Any:
        raise TypeError("a Pool is of one process: make another Pool there")

    def __repr__(self) -> str:
        if self._closed:
            return "<runrig.Pool, closed>"
        return f"<runrig.Pool of {self.workers} workers>"


_pools: "weakref.WeakSet[Pool]" = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for pool in list(_pools):
        pool.close()


__all__: List[str] = ["Outcome", "Pool", "Run", "Worker", "kernels"]
