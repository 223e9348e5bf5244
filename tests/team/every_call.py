#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Print a C call of every function of the headers that is given a team and returns an
error: rig_team_recv(team, zero, 0, 0, 0, 0, zero), where `zero` is memory of zeros.

Functions that any thread may call are named in ANY_THREAD; so is rig_team_free(), which
does nothing to the team of all.

Usage: every_call.py INCLUDE_FOLDER
"""
import pathlib
import re
import sys

COMMENT = re.compile(r"/\*.*?\*/", re.S)
CALL = re.compile(r"^RIG_API int (rig_\w+)\(\s*struct rig_team \*team"
                  r"(?:,\s*([^;]*?))?\);", re.S | re.M)
ANY_THREAD = {"rig_team_cart_coords", "rig_team_cart_rank", "rig_team_cart_shift",
              "rig_team_fail", "rig_team_free"}


def argument(declaration):
    """A value of zeros for a parameter."""
    return "zero" if re.search(r"[*\[]", declaration) else "0"


def calls(folder):
    for header in sorted(folder.glob("runrig/*.h")):
        for name, rest in CALL.findall(COMMENT.sub("", header.read_text())):
            if name in ANY_THREAD:
                continue
            words = [argument(part) for part in rest.split(",") if part]
            yield f"CALL({name}, {', '.join(['team', *words])})"


if __name__ == "__main__":
    print("\n".join(calls(pathlib.Path(sys.argv[1]))))
