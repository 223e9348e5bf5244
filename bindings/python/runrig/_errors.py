# SPDX-License-Identifier: MIT
"""How a run ends that does not end well."""
from __future__ import annotations

import concurrent.futures
import errno
import os
import re
import signal
from typing import NamedTuple, Optional, Tuple

ENDS = ("ok", "failed", "death", "deadlock", "limit", "warden", "cancel",
        "host")
# The words of a disagreement name two ranks and their calls.
TWO_RANKS = re.compile(r"rank \d+ .*\brank \d+ ")
STATES = ("idle", "attaching", "running", "waiting", "done")


class RankReport(NamedTuple):
    """Where one rank was when the run ended."""

    pid: int
    pu: int
    """The first CPU of the rank's set; -1: not pinned."""
    state: str
    """"idle", "attaching", "running", "waiting" (at a barrier) or "done"."""
    epoch: int
    """How many barriers the rank had entered in the run."""
    where: str
    """"reverse+0x5c", or ""."""


class Report(NamedTuple):
    """How a run ended, for each of the ranks."""

    end: str
    """"ok", "failed", "death", "deadlock", "limit", "warden", "cancel", "host"."""
    rank: int
    """The rank that died or failed first; -1: none did."""
    code: int
    """The code of the run: a negative errno."""
    wait_status: int
    """As os.waitpid() gives for that rank; 0: alive; -1: not known."""
    kernel: str
    segment: int
    """The index of the array that a fault lay in; -1: none."""
    offset: int
    """The place of the fault in the array's segment, in bytes."""
    ranks: Tuple[RankReport, ...]
    text: str
    """All of the report in words."""

    @property
    def signal(self) -> Optional[signal.Signals]:
        """The signal that ended the rank; None: no signal did."""
        if self.wait_status > 0 and os.WIFSIGNALED(self.wait_status):
            return signal.Signals(os.WTERMSIG(self.wait_status))
        return None


class RunError(Exception):
    """A run that has failed; the pool lives, and has a fresh team.

    `report` says how, and where each rank was; `errno` is the kernel's code.
    """

    report: Report
    errno: int

    def __init__(self, words: str, report: Report, code: int = 0) -> None:
        super().__init__(words, report, code)
        self.report = report
        self.errno = abs(code or report.code)

    def __str__(self) -> str:
        return str(self.args[0])


class WorkerDied(RunError):
    """A worker died: by a signal, or by an exit of its own."""


class Deadlock(RunError):
    """Every rank waited for another rank, or for a rank that had returned."""


class Mismatch(RunError):
    """Ranks disagreed about the collective call to make."""


class VerifyError(RunError):
    """The result was proved wrong."""


def report_of(fields: tuple) -> Report:
    """The Report that the extension's tuple describes."""
    end, rank, code, status, kernel, segment, offset, ranks, text = fields
    return Report(ENDS[end], rank, code, status, kernel, segment, offset,
                  tuple(RankReport(pid, pu, STATES[state], epoch, where)
                        for pid, pu, state, epoch, where in ranks), text)


def _of_a_run(code: int, why: str, report: Report) -> Exception:
    if code == -errno.ETIMEDOUT:
        late = TimeoutError(errno.ETIMEDOUT, report.text.split("\n")[0] or why)
        setattr(late, "report", report)
        return late
    if code == -errno.EINTR:
        return concurrent.futures.CancelledError(why)
    if code == -errno.EOWNERDEAD:
        return WorkerDied(why, report, code)
    if code == -errno.EDEADLK:
        return Deadlock(why, report, code)
    if code == -errno.EBADMSG:
        return VerifyError(why, report, code)
    if code == -errno.EINVAL and TWO_RANKS.search(why):
        return Mismatch(why, report, code)
    if code == -errno.ECANCELED:
        return OSError(errno.ECANCELED, why)
    return RunError(why, report, code)


def error_of(code: int, why: str, report: Optional[Report]) -> Exception:
    """The exception of a negative code; `report` is None before the run."""
    if report is not None:
        return _of_a_run(code, why, report)
    if code in (-errno.EINVAL, -errno.EPROTO, -errno.ENODATA):
        return ValueError(why)
    if code == -errno.ENOMEM:
        return MemoryError(why)
    if code == -errno.EINTR:
        return concurrent.futures.CancelledError(why)
    return OSError(-code, why)
