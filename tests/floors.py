#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Includes go down the floors, and only there.

docs/architecture.md draws the floors.  A file of the runtime includes private
headers of its own stem and of floors below; side by side only where this table
allows it.  Whatever stands on the library (programs, kernels, examples) sees
its public headers and nothing else of it.  A runtime file that the table does
not know is an error: decide where it belongs before it is used.

Usage: floors.py SOURCE_ROOT
"""
import pathlib
import re
import sys

# From the ground up: name, may its files include each other, stems.
FLOORS = [
    ("values", False, "atomic clock error rare size utf8"),
    ("machine", True,
     "environment group home huge ledger oom openmp quota room shmfile "
     "symbol topology wait"),
    ("objects", False, "barrier bypass channel dispatch value"),
    ("lists", True,
     "list_cell list_layout list_layout_item list_layout_view "
     "list_layout_write"),
    ("layout", False, "layout"),
    ("teams", True,
     "agree alltoall bcast blocks call cart exact fold gather imove ireduce "
     "mail message reduce registry scan scatter schedule share split "
     "symmetric sum team threads trace "
     "tray"),
    ("processes", True,
     "code map "
     "attach birth inherit list manager place policy pool progress replica "
     "report segment sweep tracer warden where worker caller run handed"),
]

# Each of these belongs to one file of the runtime.
SOLE = {"hwloc.h": "topology.c", "linux/futex.h": "wait.c"}

# What stands on the library, and sees only its public headers.
USERS = ["kernels", "bench", "runtime/cli", "docs", "tests/install"]

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.M)


def includes(path):
    """(name, quoted) of each include of a file."""
    for quoted, angled in INCLUDE.findall(path.read_text(encoding="utf-8")):
        yield quoted or angled, bool(quoted)


def sources(folder):
    return sorted(p for p in folder.rglob("*") if p.suffix in (".c", ".h"))


def check_runtime(root):
    floor_of = {stem: level for level, (_, _, stems) in enumerate(FLOORS)
                for stem in stems.split()}
    runtime = root / "runtime"
    for path in sorted(runtime.glob("*.[ch]")):
        level = floor_of.get(path.stem)
        if level is None:
            yield path, "is on no floor: enter it in tests/floors.py"
            continue
        name, beside, _ = FLOORS[level]
        for include, quoted in includes(path):
            if SOLE.get(include, path.name) != path.name:
                yield path, f"includes {include}: only {SOLE[include]} may"
            if not quoted:
                continue
            stem = pathlib.PurePath(include).stem
            other = floor_of.get(stem)
            if not (runtime / include).is_file() or other is None:
                yield path, f"includes {include}: no header of a floor"
            elif stem != path.stem and (other > level or
                                        other == level and not beside):
                yield path, (f"({name}) includes {include} "
                             f"({FLOORS[other][0]})")


def check_public(root):
    public = root / "runtime" / "include"
    for path in sources(public):
        for include, quoted in includes(path):
            if quoted or include in SOLE:
                yield path, f"includes {include}: only <runrig/...>, <std...>"
            elif (include.startswith("runrig/") and
                  not (public / include).is_file()):
                yield path, f"includes {include}: no such public header"


def check_users(root):
    public = root / "runtime" / "include"
    for folder in USERS:
        for path in sources(root / folder):
            for include, quoted in includes(path):
                own = any((base / include).is_file()
                          for base in (path.parent, root / folder))
                if quoted and not own:
                    yield path, f"includes {include}: none of its own headers"
                if include in SOLE:
                    yield path, f"includes {include}: the library's business"
                if (include.startswith("runrig/") and
                        not (public / include).is_file()):
                    yield path, f"includes {include}: no such public header"


def main():
    root = pathlib.Path(sys.argv[1])
    wrong = [f"{path.relative_to(root)} {what}"
             for check in (check_runtime, check_public, check_users)
             for path, what in check(root)]
    print("\n".join(wrong) or "all includes go down")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
