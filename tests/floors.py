#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Includes go down the floors, and only there.

A folder of runtime/ is a floor: files include headers of the same folder and of the
floors below.  Every other folder of FOLDERS stands on the library: files include the
public headers, headers of the same folder, and headers of the folders that the table
allows.  No source lies elsewhere, but for the tests.

No file of code has more than LINES_MAX lines, wherever the file lies.

Usage: floors.py SOURCE_ROOT
"""
import pathlib
import re
import subprocess
import sys

# The folders of runtime/, from the ground up.
FLOORS = ["base", "machine", "place", "objects", "segment", "team", "pool"]

# A folder that stands on the library, and the folders whose headers its files
# may include besides its own.
FOLDERS = {
    "common": [],
    "runner": ["common"],
    "kernels": ["common", "runner"],
    "cli": ["common"],
    "bench": ["common", "runner", "kernels"],
    "bindings/fortran": [],
    "bindings/python": [],
    "docs": [],
    "hosts": [],
    "tests/install": [],
}

# One file of the runtime includes the header, and no other file.
SOLE = {"hwloc.h": "topology.c", "linux/futex.h": "wait.c"}

# The most lines of a file of code.
LINES_MAX = 600
CODE = (".c", ".h", ".def", ".cpp", ".hpp", ".f90", ".inc", ".py", ".pyi", ".sh")

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.M)


def includes(path):
    """(name, quoted) of each include of a file."""
    for quoted, angled in INCLUDE.findall(path.read_text(encoding="utf-8")):
        yield quoted or angled, bool(quoted)


def sources(folder):
    return sorted(p for p in folder.rglob("*") if p.suffix in (".c", ".h"))


def check_runtime(root):
    runtime = root / "runtime"
    for path in sources(runtime):
        floor = path.relative_to(runtime).parts[0]
        if floor == "include":
            continue
        if floor not in FLOORS or path.parent.parent != runtime:
            yield path, ("is on no floor: a source of the library lies in "
                         "one folder of runtime/" + ", ".join(FLOORS))
            continue
        for include, quoted in includes(path):
            if SOLE.get(include, path.name) != path.name:
                yield path, f"includes {include}: only {SOLE[include]} may"
            if not quoted:
                if include.startswith("runtime/"):
                    yield path, f'includes <{include}>: write "floor/name.h"'
                continue
            other = include.split("/")[0]
            if not (runtime / include).is_file():
                yield path, f'includes "{include}": no header of a floor'
            elif FLOORS.index(other) > FLOORS.index(floor):
                yield path, (f'includes "{include}": {other} stands above '
                             f'{floor}')


# Where public headers lie: the library's, and those of the kernels, which stand
# on it.
PUBLIC = ["runtime/include", "hosts/include", "runner/include"]


def is_public(root, include, places):
    return any((root / place / include).is_file() for place in places)


def check_public(root):
    for i, place in enumerate(PUBLIC):
        for path in sources(root / place):
            for include, quoted in includes(path):
                if quoted or include in SOLE:
                    yield path, (f"includes {include}: only <runrig/...>, "
                                 "<std...>")
                elif (include.startswith("runrig/") and
                      not is_public(root, include, PUBLIC[:i + 1])):
                    yield path, f"includes {include}: no such public header"


def check_users(root):
    for folder, allowed in FOLDERS.items():
        for path in sources(root / folder):
            for include, quoted in includes(path):
                first = include.split("/")[0]
                own = any((base / include).is_file()
                          for base in (path.parent, root / folder))
                if quoted and not own:
                    yield path, f'includes "{include}": none of its own headers'
                if include in SOLE:
                    yield path, f"includes {include}: the library's business"
                if include.startswith("runrig/"):
                    if not is_public(root, include, PUBLIC):
                        yield path, f"includes {include}: no such public header"
                elif not quoted and (root / include).is_file():
                    if first != folder and first not in allowed:
                        yield path, (f"includes <{include}>: {folder} sees "
                                     "<runrig/...>, its own headers"
                                     + "".join(f", <{a}/...>" for a in allowed)
                                     + " and nothing else")


def ours(root, *patterns):
    """The files that git tracks, or would: none where there is no git."""
    files = subprocess.run(["git", "-C", root, "ls-files", "-co",
                            "--exclude-standard", *patterns],
                           text=True, stdout=subprocess.PIPE, check=False)
    return files.stdout.splitlines()


def check_rooms(root):
    """Each source lies in runtime/, in a folder of the table, or among the tests."""
    for name in ours(root, "*.c", "*.h"):
        if not name.startswith(("runtime/", "tests/",
                                *(folder + "/" for folder in FOLDERS))):
            yield root / name, ("is in no folder that this test knows: move the "
                                "file, or add the folder to FOLDERS of "
                                "tests/floors.py with the folders that it sees")


def is_code(path):
    """Sources, build files, and programs without an ending."""
    if path.suffix in CODE or path.name == "meson.build":
        return True
    if path.suffix or not path.is_file() or path.is_symlink():
        return False
    with path.open("rb") as file:
        return file.read(2) == b"#!"


def check_lengths(root):
    """A file of code can be read at a sitting."""
    for name in ours(root):
        path = root / name
        if not path.is_file() or path.is_symlink() or not is_code(path):
            continue
        lines = path.read_bytes().count(b"\n")
        if lines > LINES_MAX:
            yield path, (f"has {lines} lines, and a file of code has at most "
                         f"{LINES_MAX}: part the file along its nouns, so that the "
                         "first comment of each part says a purpose; helpers that "
                         "the parts share go into a file of their own")


def main():
    root = pathlib.Path(sys.argv[1])
    wrong = [f"{path.relative_to(root)} {what}"
             for check in (check_runtime, check_public, check_users, check_rooms,
                           check_lengths)
             for path, what in check(root)]
    print("\n".join(wrong) or "all includes go down, and no file is too long")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
