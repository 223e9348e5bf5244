# SPDX-License-Identifier: MIT
"""NumPy's verbs in parallel, over a pool that is made at first need."""
from __future__ import annotations

import errno
from typing import Any, Dict, NamedTuple, Optional, Tuple

from ._arrays import empty, locate, need_numpy
from ._default import default_pool
from ._errors import RunError
from ._pool import Outcome, _Kernel, _known_kernel, _memory_operand


class Size(NamedTuple):
    """From how many bytes on the pool is asked; None: never."""

    shared: Optional[int]  # the array lies in a segment
    private: Optional[int]  # the array is copied into a segment first


MI = 1 << 20
# bench/peers/python/package_speed.py prints the ratio to NumPy for each size; sorts,
# sums, extrema, moments and histograms were measured on two cores of an EPYC, and
# the others are cautious guesses.
SIZES: Dict[str, Size] = {
    "sort": Size(MI, MI),
    "argsort": Size(MI, MI),
    "unique": Size(MI, 2 * MI),
    "bincount": Size(2 * MI, 8 * MI),
    "quantile": Size(MI, 4 * MI),
    "cumsum": Size(4 * MI, 8 * MI),
    "cumsum, new": Size(None, None),
    "histogram": Size(8 * MI, 16 * MI),
    "reduce": Size(64 * MI, None),
    "moments": Size(16 * MI, 32 * MI),
    "dot": Size(8 * MI, None),
    "matvec": Size(8 * MI, None),
    "evaluate": Size(2 * MI, 8 * MI),
}

REAL = "?bhilqBHILQefd"
NUMBERS = REAL + "FD"

def _run(kernel: str, operands: Tuple[Any, ...],
         settings: Tuple[Any, ...] = ()) -> Outcome:
    """A kernel over the default pool, for arrays that live on in the caller."""
    pool = default_pool()
    _known_kernel(kernel)
    found = _Kernel(kernel, False, [], [])
    with pool._turn:
        return pool._finish((found, operands, settings, 0, 0, 0, None))


# ---- arguments ----

def _array(a: Any, verb: str, known: str) -> Any:
    np = need_numpy()
    a = np.asarray(a)
    if a.dtype.char not in known:
        raise TypeError(f"runrig.{verb} has no kernel for dtype {a.dtype}")
    return a if a.dtype.isnative else a.astype(a.dtype.newbyteorder("="))


def _is_small(a: Any, kind: str) -> bool:
    size = SIZES[kind]
    if a.size == 0:
        return True
    if size.shared is not None and a.nbytes < size.shared:
        return True
    needed = size.private if locate(a) is None else size.shared
    return needed is None or a.nbytes < needed


def _give(value: Any, out: Any) -> Any:
    """A result as NumPy returns it: in `out`, or a scalar for no dimensions."""
    if out is not None:
        if out.shape != value.shape:
            raise ValueError(f"out has shape {out.shape}, the result "
                             f"{value.shape}")
        np = need_numpy()
        np.copyto(out, value, casting="same_kind")
        return out
    return value[()] if value.ndim == 0 else value


def _axis(a: Any, axis: Any, verb: str) -> Optional[int]:
    """None, or the axis as the kernels count: of at most two dimensions."""
    if axis is None:
        return None
    if not isinstance(axis, int):
        raise TypeError(f"runrig.{verb}: axis is None or a number")
    np = need_numpy()
    if not -a.ndim <= axis < a.ndim:
        if hasattr(np, "AxisError"):
            raise np.AxisError(axis, a.ndim)
        raise np.exceptions.AxisError(axis, a.ndim)
    return axis % a.ndim


# ---- one number of an array, or of each line ----

def _as_integers(a: Any) -> Any:
    """Dates and times as the integers in NumPy's memory."""
    return a.view("i8") if a.dtype.kind in "mM" else a


def _reduce(verb: str, kernel: str, a: Any, axis: Any, out: Any, known: str,
            kind: str = "reduce", **more: Any) -> Any:
    np = need_numpy()
    a = _array(a, verb, known)
    axis = _axis(a, axis, verb)
    function = getattr(np, verb)
    if _is_small(a, kind):
        return function(a, axis=axis, out=out, **more)
    if axis is not None and a.ndim > 2:
        if axis not in (0, a.ndim - 1):
            raise TypeError(f"runrig.{verb}: of more than two dimensions the "
                            "kernel has the first axis and the last")
        rest = a.shape[1:] if axis == 0 else a.shape[:-1]
        lines = a.reshape((a.shape[0], -1) if axis == 0 else (-1, a.shape[-1]))
        found = _totals(kernel, lines, 0 if axis == 0 else 1, more)
        found = found.reshape(rest)
    else:
        found = _totals(kernel, a, axis, more)
    one = np.ones(1, a.dtype)
    if more.get("ddof"):
        one = np.ones(1 + int(np.ceil(more["ddof"])), a.dtype)
    dtype = np.asarray(function(one, **more)).dtype
    return _give(found.astype(dtype, copy=False), out)


def _totals(kernel: str, a: Any, axis: Optional[int],
            more: Dict[str, Any]) -> Any:
    np = need_numpy()
    settings: Tuple[Any, ...] = tuple(
        (name, float(value)) for name, value in more.items())
    if axis is not None and a.ndim > 1:
        settings += (("axis", str(axis)),)
    outcome = _run(kernel, (_memory_operand(a, False, "x"),), settings)
    found = np.asarray(outcome.arrays["result"])
    if axis is None or a.ndim == 1:
        return found.reshape(())
    return found.reshape(a.shape[1 - axis])


def sum(a: Any, axis: Any = None, *, out: Any = None) -> Any:
    """numpy.sum(): integers modulo 2^64, floats of 16 and 32 bits as doubles."""
    return _reduce("sum", "sum", a, axis, out, NUMBERS)


def prod(a: Any, axis: Any = None, *, out: Any = None) -> Any:
    """numpy.prod()."""
    return _reduce("prod", "prod", a, axis, out, REAL)


def mean(a: Any, axis: Any = None, *, out: Any = None) -> Any:
    """numpy.mean()."""
    return _reduce("mean", "mean", a, axis, out, REAL)


def var(a: Any, axis: Any = None, *, out: Any = None, ddof: float = 0) -> Any:
    """numpy.var()."""
    return _reduce("var", "var", a, axis, out, REAL, "moments", ddof=ddof)


def std(a: Any, axis: Any = None, *, out: Any = None, ddof: float = 0) -> Any:
    """numpy.std()."""
    return _reduce("std", "std", a, axis, out, REAL, "moments", ddof=ddof)


def _extreme(verb: str, a: Any, axis: Any, out: Any) -> Any:
    np = need_numpy()
    a = np.asarray(a)
    if a.dtype.kind not in "mM":
        return _reduce(verb, verb, a, axis, out, REAL)
    if axis is not None:
        raise TypeError(f"runrig.{verb}: dates and times have no axis")
    if _is_small(a, "reduce"):
        return getattr(np, verb)(a, out=out)
    # NaT is the least integer, and is the result where there is any.
    least = _totals("min", _as_integers(a), None, {})
    if verb == "max" and least != np.iinfo("i8").min:
        least = _totals("max", _as_integers(a), None, {})
    return _give(least.view(a.dtype), out)


def min(a: Any, axis: Any = None, *, out: Any = None) -> Any:
    """numpy.min(): NaN and NaT where there is any."""
    return _extreme("min", a, axis, out)


def max(a: Any, axis: Any = None, *, out: Any = None) -> Any:
    """numpy.max(): NaN and NaT where there is any."""
    return _extreme("max", a, axis, out)


# ---- arrays of an array ----

def _line(a: Any, axis: Any, verb: str) -> Any:
    """The elements of an array of a single line, or of all lines for None."""
    if axis is None or a.ndim == 0:
        return a.reshape(-1)
    if _axis(a, axis, verb) is not None and a.ndim > 1:
        raise TypeError(f"runrig.{verb}: the kernel has no axis: give an array "
                        "of one dimension, or axis=None")
    return a


def _result_like(a: Any, dtype: Any, out: Any) -> Any:
    """A C-contiguous array in a segment with the elements of `a`: `out`, where
    `out` lies in a segment too."""
    if out is not None and out.dtype == dtype and out.shape == a.shape and \
            out.flags.c_contiguous and out.flags.writeable and locate(out):
        if out is not a:
            out[...] = a
        return out
    made = empty(a.shape, dtype)
    made[...] = a
    return made


def sort(a: Any, axis: Any = -1, kind: Any = None, *, out: Any = None) -> Any:
    """A sorted copy, as numpy.sort(); sort(a, out=a) sorts in place.

    NaN and NaT come last.  kind="stable" keeps the order of equal elements that
    can be told apart, -0.0 and 0.0.
    """
    np = need_numpy()
    a = _array(a, "sort", NUMBERS + "gGmM")
    if kind not in (None, "quicksort", "mergesort", "heapsort", "stable"):
        raise ValueError(f"sort kind must be one of 'quick', 'heap', or "
                         f"'stable' (got {kind!r})")
    if out is not None and out.shape != (a if axis is not None else
                                         a.reshape(-1)).shape:
        raise ValueError(f"out has shape {out.shape}")
    if _is_small(a, "sort"):
        return _give_array(np.sort(a, axis, kind), out)
    a = _line(a, axis, "sort")
    result = _result_like(a, a.dtype.newbyteorder("="), out)
    keys = result
    if a.dtype.kind in "mM":
        # The least integer, NaT, becomes the greatest.
        keys = result.view("u8")
        keys += np.uint64(2 ** 63 - 1)
    stable = kind in ("stable", "mergesort")
    _run("sort", (_memory_operand(keys, True, None),),
         (("stable", "yes"),) if stable else ())
    if a.dtype.kind in "mM":
        keys -= np.uint64(2 ** 63 - 1)
    if result is out:
        return out
    return _give_array(result, out)


def _give_array(value: Any, out: Any) -> Any:
    if out is None:
        return value
    out[...] = value
    return out


def cumsum(a: Any, axis: Any = None, *, out: Any = None) -> Any:
    """numpy.cumsum(): integers wrap; floats of 16 and 32 bits as doubles."""
    np = need_numpy()
    a = _array(a, "cumsum", REAL)
    # The pages of a new segment cost more than the sums.
    kind = "cumsum" if out is not None and locate(out) else "cumsum, new"
    if _is_small(a, kind):
        return np.cumsum(a, axis=axis, out=out)
    a = _line(a, axis, "cumsum")
    dtype = np.cumsum(np.ones(1, a.dtype)).dtype
    result = _result_like(a, dtype, out)
    _run("scan", (_memory_operand(result, True, None),))
    return out if result is out else _give_array(result, out)


def histogram(a: Any, bins: int = 10, range: Any = None) -> Any:
    """numpy.histogram() of equal bins: (counts, edges)."""
    np = need_numpy()
    if not isinstance(bins, (int, np.integer)):
        raise TypeError("runrig.histogram: bins is a number of equal bins")
    a = _array(a, "histogram", REAL[1:])
    if _is_small(a, "histogram"):
        return np.histogram(a, bins, range)
    ends = (min(a), max(a)) if range is None else range
    edges = np.histogram_bin_edges(np.asarray(ends, a.dtype)
                                   if range is None else a.reshape(-1)[:1],
                                   bins, range)
    outcome = _run("histogram",
                   (_memory_operand(a.reshape(-1), False, "x"),),
                   (("bins", int(bins)), ("low", float(edges[0])),
                    ("high", float(edges[-1]))))
    counts = np.asarray(outcome.arrays["counts"])
    return counts.astype(np.intp), edges


# ---- places and counts ----

def _place(verb: str, a: Any, axis: Any, out: Any) -> Any:
    np = need_numpy()
    a = _array(a, verb, REAL)
    if a.size == 0 or _is_small(a, "reduce"):
        return getattr(np, verb)(a, axis=axis, out=out)
    a = _line(a, axis, verb)
    outcome = _run(verb, (_memory_operand(a, False, "x"),))
    found = np.asarray(outcome.arrays["result"]).reshape(())
    return _give(found.astype(np.intp), out)


def argmin(a: Any, axis: Any = None, *, out: Any = None) -> Any:
    """numpy.argmin(): the first place of the least element, or of NaN."""
    return _place("argmin", a, axis, out)


def argmax(a: Any, axis: Any = None, *, out: Any = None) -> Any:
    """numpy.argmax(): the first place of the greatest element, or of NaN."""
    return _place("argmax", a, axis, out)


def argsort(a: Any, axis: Any = -1, kind: Any = None) -> Any:
    """numpy.argsort() of a line, always stable."""
    np = need_numpy()
    a = _array(a, "argsort", REAL)
    if _is_small(a, "argsort"):
        return np.argsort(a, axis, "stable")
    a = _line(a, axis, "argsort")
    order = empty(a.shape, np.int64)
    _run("argsort", (_memory_operand(a, False, "x"),
                     _memory_operand(order, True, "order")))
    return order.astype(np.intp, copy=False)


def unique(ar: Any, return_counts: bool = False) -> Any:
    """numpy.unique(): the values in order, with return_counts how often each."""
    np = need_numpy()
    a = _array(ar, "unique", REAL)
    if _is_small(a, "unique"):
        return np.unique(a, return_counts=return_counts)
    outcome = _run("unique", (_memory_operand(a.reshape(-1), False, "x"),))
    values = np.asarray(outcome.arrays["values"])
    if not return_counts:
        return values
    return values, np.asarray(outcome.arrays["counts"]).astype(np.intp)


def bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    """numpy.bincount()."""
    np = need_numpy()
    a = _array(x, "bincount", REAL[:11])
    if a.ndim != 1:
        raise ValueError("object too deep for desired array")
    if _is_small(a, "bincount"):
        return np.bincount(a, weights, minlength)
    if not np.can_cast(a.dtype, np.intp, "safe"):
        raise TypeError(f"runrig.bincount: cannot cast {a.dtype} to intp")
    operands = [_memory_operand(a, False, "x")]
    if weights is not None:
        w = np.ascontiguousarray(weights, dtype=float)
        if w.shape != a.shape:
            raise ValueError("The weights and list don't have the same length.")
        operands.append(_memory_operand(w, False, "weights"))
    try:
        outcome = _run("bincount", tuple(operands),
                       (("minlength", int(minlength)),))
    except RunError as error:
        if error.errno == errno.EINVAL:
            raise ValueError(str(error)) from None  # a negative element
        raise
    counts = np.asarray(outcome.arrays["counts"])
    return counts if weights is not None else counts.astype(np.intp)


def quantile(a: Any, q: Any, axis: Any = None, *, out: Any = None) -> Any:
    """numpy.quantile() of all elements, by linear interpolation.

    Between two equal infinities lies that infinity, where NumPy says NaN.
    """
    return _quantiles("quantile", a, q, axis, out)


def median(a: Any, axis: Any = None, *, out: Any = None) -> Any:
    """numpy.median() of all elements."""
    return _quantiles("median", a, None, axis, out)


def _quantiles(verb: str, a: Any, q: Any, axis: Any, out: Any) -> Any:
    np = need_numpy()
    a = _array(a, verb, REAL[1:])
    words = () if q is None else (q,)
    function = getattr(np, verb)
    if _is_small(a, "quantile"):
        return function(a, *words, axis=axis, out=out)
    a = _line(a, axis, verb)
    due = np.asarray(function(np.ones(1, a.dtype), *words))
    operand = _memory_operand(a, False, "x")
    found = [_run("quantile", (operand,), (("q", float(one)),)).arrays["result"]
             for one in np.atleast_1d(0.5 if q is None else q).ravel()]
    return _give(np.asarray(found).reshape(due.shape).astype(due.dtype), out)


# ---- products ----

def cumprod(a: Any, axis: Any = None, *, out: Any = None) -> Any:
    """numpy.cumprod(): integers wrap; floats of 16 and 32 bits as doubles."""
    np = need_numpy()
    a = _array(a, "cumprod", REAL)
    if _is_small(a, "cumsum"):
        return np.cumprod(a, axis=axis, out=out)
    a = _line(a, axis, "cumprod")
    dtype = np.cumprod(np.ones(1, a.dtype)).dtype
    outcome = _run("cumprod", (_memory_operand(a, False, "x"),))
    found = np.asarray(outcome.arrays["result"]).astype(dtype, copy=False)
    return found if out is None else _give_array(found, out)



def dot(a: Any, b: Any, *, out: Any = None) -> Any:
    """numpy.dot() of two lines, or of a matrix and a line (matvec)."""
    np = need_numpy()
    a, b = _array(a, "dot", REAL[1:]), _array(b, "dot", REAL[1:])
    if (a.ndim, b.ndim) == (2, 1):
        return matvec(a, b, out=out)
    if (a.ndim, b.ndim) != (1, 1):
        raise TypeError("runrig.dot: two lines, or a matrix and a line")
    if len(a) != len(b):
        raise ValueError(f"shapes {a.shape} and {b.shape} not aligned")
    if _is_small(a, "dot") or _is_small(b, "dot"):
        return np.dot(a, b, out=out)
    outcome = _run("dot", (_memory_operand(a, False, "x"),
                           _memory_operand(b, False, "y")))
    found = np.asarray(outcome.arrays["result"]).reshape(())
    return _give(found.astype(np.result_type(a, b)), out)


def matvec(a: Any, x: Any, *, out: Any = None) -> Any:
    """The product of a matrix and a line of floats; summed as doubles."""
    np = need_numpy()
    a, x = _array(a, "matvec", "efd"), _array(x, "matvec", "efd")
    if (a.ndim, x.ndim) != (2, 1):
        raise TypeError("runrig.matvec: a matrix and a line")
    if a.shape[1] != len(x):
        raise ValueError(f"shapes {a.shape} and {x.shape} not aligned")
    if _is_small(a, "matvec"):
        return np.dot(a, x, out=out)
    outcome = _run("matvec", (_memory_operand(a, False, "a"),
                              _memory_operand(x, False, "x")))
    found = np.asarray(outcome.arrays["y"])
    return _give(found.astype(np.result_type(a, x), copy=False), out)
