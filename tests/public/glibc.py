#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a program or a library takes from glibc is no newer than glibc 2.31, or the
sources do without where glibc has it not.

A newer glibc moves functions from one library to another under a new version, and
keeps the old version for old programs: such a function is no newer than its oldest
version.  Headers have not this test: they need a build against glibc 2.31.

Usage: glibc.py COMPILER FILE...
"""
import re
import subprocess
import sys

FLOOR = (2, 31)

# Before 2.33 these were functions of the headers, which called others.
OF_HEADERS = {name + width for name in ("stat", "fstat", "lstat", "fstatat", "mknod",
                                        "mknodat") for width in ("", "64")}

# Asked for by #if, or when the build is configured: base/glibc.c, machine/inherit.c,
# and the vectors of libmvec in kernels/meson.build.
OPTIONAL = re.compile("__libc_single_threaded|sigabbrev_np|strerrordesc_np|"
                      "__rseq_(offset|size)|_ZGV.*")


def versions(path, defined):
    """The symbols of a file, and the versions of glibc of each."""
    text = subprocess.run(["readelf", "-W", "--dyn-syms", path], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    found = {}
    for line in text.splitlines():
        symbol = re.search(r"\s(\S+) (\w+)@+GLIBC_([\d.]+)", line)
        if symbol and (symbol[1] != "UND") == defined:
            number = tuple(int(part) for part in symbol[3].split("."))
            found.setdefault(symbol[2], set()).add(number)
    return found


def main():
    compiler, *files = sys.argv[1:]
    oldest = dict.fromkeys(OF_HEADERS, (2, 0))
    for name in ("libc.so.6", "libm.so.6"):
        path = subprocess.run(compiler.split() + ["-print-file-name=" + name],
                              check=True, stdout=subprocess.PIPE, text=True).stdout
        for symbol, numbers in versions(path.strip(), True).items():
            oldest.setdefault(symbol, min(numbers))
    assert oldest["malloc"] < FLOOR < oldest.get("arc4random", (2, 36))
    wrong, count = [], 0
    for file in files:
        for symbol, numbers in sorted(versions(file, False).items()):
            count += 1
            needed = min(oldest.get(symbol, (9,)), min(numbers))
            if needed > FLOOR and not OPTIONAL.fullmatch(symbol):
                wrong.append(f"{file}: {symbol} came with glibc "
                             f"{'.'.join(map(str, min(numbers)))}")
    print("\n".join(wrong) or f"{count} symbols of glibc; 2.31 has all that are needed")
    return bool(wrong or not count)


if __name__ == "__main__":
    sys.exit(main())
