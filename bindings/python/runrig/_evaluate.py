# SPDX-License-Identifier: MIT
"""Expressions over arrays: runrig.evaluate(), as numexpr.evaluate()."""
from __future__ import annotations

import ast
import functools
import sys
from typing import Any, Dict, Optional, Tuple

from . import _runrig, _verbs
from ._arrays import empty, locate, need_numpy
from ._pool import _known_kernel, _memory_operand
from ._verbs import REAL, _array, _give, _is_small


def _names_of(ex: str, code: Any, local: Any, known: Any,
              depth: int) -> Dict[str, Any]:
    frame = sys._getframe(depth)
    local = frame.f_locals if local is None else local
    known = frame.f_globals if known is None else known
    found = {}
    for name in code.co_names:
        plain = "out" if name == OUT else name
        if plain in local:
            found[name] = local[plain]
        elif plain in known:
            found[name] = known[plain]
    return found


# The kernel calls the result `out`; a variable `out` has another name there.
OUT = "out_"


def _without_out(ex: str) -> str:
    if "out" not in ex:
        return ex
    tree = ast.parse(ex, mode="eval")
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == "out":
            node.id = OUT
    return ast.unparse(tree)


def _number(value: Any) -> Optional[str]:
    """A Python number as the kernel reads it; None: an array, or no number."""
    if isinstance(value, bool):
        return "True" if value else "False"
    if type(value) in (int, float):
        return repr(value)
    return None


@functools.lru_cache(maxsize=256)
def _compiled(ex: str) -> Tuple[str, Any]:
    """The expression with no name that is the kernel's own, and its code."""
    ex = _without_out(ex.strip())
    return ex, compile(ex, "<expression>", "eval")


# The dtype and the shape of the kernel's results, and the dtype that NumPy gives, by
# all that these depend on: a loop evaluates one expression again and again.
_results: Dict[Any, Tuple[Any, Any, Any]] = {}
RESULTS_MAX = 256


def _result_of(code: Any, arrays: Dict[str, Any], numbers: Dict[str, Any],
               operands: Any, settings: Any) -> Tuple[Any, Any, Any]:
    """What evaluate() gives: the kernel's dtype and shape, and NumPy's dtype."""
    np = need_numpy()
    key = (settings, tuple((name, a.dtype.str, a.shape)
                           for name, a in arrays.items()))
    found = _results.get(key)
    if found is None:
        described = _runrig.check_kernel("evaluate", operands, settings, 0, 0,
                                         0)
        _, dtype, shape, *_ = described["arrays"]["out"]
        want = _dtype_by_numpy(code, arrays, numbers, np.dtype(dtype))
        found = dtype, shape, want
        if len(_results) >= RESULTS_MAX:
            _results.clear()
        _results[key] = found
    return found


def evaluate(ex: str, local_dict: Any = None, global_dict: Any = None, *,
             out: Any = None, casting: str = "safe") -> Any:
    """The value of an expression over arrays, as numexpr.evaluate().

    evaluate("2*x + sin(y)") finds x and y in the caller's variables, or in
    `local_dict` and `global_dict`.  dtypes are those of NumPy.  ValueError: the
    expression is wrong, and the words say where.  TypeError: a variable is no
    array and no number, or `out` cannot take the result by `casting`.
    """
    np = need_numpy()
    _known_kernel("evaluate")
    try:
        ex, code = _compiled(ex)
    except SyntaxError as error:
        raise ValueError(f"expression: {error}") from None
    given = _names_of(ex, code, local_dict, global_dict, 2)
    numbers, arrays = {}, {}
    for name, value in given.items():
        text = _number(value)
        if text is not None:
            numbers[name] = text
        elif isinstance(value, (np.ndarray, np.generic, list, tuple)):
            arrays[name] = np.asarray(value)
    settings = (("expr", ex),
                ("let", ", ".join(f"{n}={t}" for n, t in numbers.items())))
    operands = tuple(_memory_operand(_array(a, "evaluate", REAL), False, name)
                     for name, a in arrays.items())
    names = {name: value for name, value in given.items()
             if name in numbers}
    dtype, shape, want = _result_of(code, arrays, names, operands, settings)
    largest = max_of(arrays.values())
    if out is not None and not np.can_cast(want, out.dtype, casting):
        raise TypeError(f"evaluate: out has dtype {out.dtype}, the result "
                        f"{want}: casting={casting!r} does not allow that")
    if largest is None or _is_small(largest, "evaluate"):
        value = _by_numpy(code, arrays, names)
        if value is not None:
            return _give(np.asarray(value).astype(want, copy=False), out)
    result = out if out is not None and locate(out) and \
        out.dtype == np.dtype(dtype) and out.shape == tuple(shape) and \
        out.flags.c_contiguous and \
        not any(np.may_share_memory(out, a) for a in arrays.values()) \
        else empty(tuple(shape), dtype)
    _verbs._run("evaluate", operands + (_memory_operand(result, True, "out"),),
         settings)
    if result is out:
        return out
    return _give(result.astype(want, copy=False), out)


def max_of(arrays: Any) -> Any:
    """The array with the most bytes; None: there is none."""
    largest = None
    for a in arrays:
        if largest is None or a.nbytes > largest.nbytes:
            largest = a
    return largest


def _by_numpy(code: Any, arrays: Dict[str, Any],
              numbers: Dict[str, Any]) -> Any:
    """The value by NumPy; None: NumPy lacks a function.  The kernel has parsed
    the expression, and refuses all other code."""
    np = need_numpy()
    names = {name: getattr(np, name) for name in code.co_names
             if hasattr(np, name)}
    names.update(arrays, **numbers, __builtins__={"abs": abs, "min": np.min,
                                                  "max": np.max,
                                                  "sum": np.sum})
    try:
        return eval(code, names)
    except (NameError, TypeError, AttributeError):
        return None


def _dtype_by_numpy(code: Any, arrays: Dict[str, Any],
                    numbers: Dict[str, Any], fallback: Any) -> Any:
    """The dtype that the NumPy installed gives the result."""
    np = need_numpy()
    ones = {name: np.ones((1,) * a.ndim, a.dtype)
            for name, a in arrays.items()}
    with np.errstate(all="ignore"):
        value = _by_numpy(code, ones, numbers)
    return fallback if value is None else np.asarray(value).dtype
