# SPDX-License-Identifier: MIT
"""The Pythons of this machine, beside the one that asks."""
import glob
import os
import re
import subprocess
import sys


def is_program(path):
    try:
        with open(path, "rb") as file:
            return file.read(4) == b"\x7fELF"
    except OSError:
        return False


def other_pythons():
    """(version, path) of each other CPython 3.8 or later that works here."""
    ask = ("import ctypes, multiprocessing.shared_memory, sys; "
           "print('%d.%d.%d' % sys.version_info[:3])")
    candidates = []
    for folder in os.environ.get("PATH", "").split(":") + ["/usr/bin"]:
        candidates += glob.glob(os.path.join(folder, "python3*"))
    roots = [os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))]
    for root in roots:
        candidates += glob.glob(os.path.join(root, "versions/3*/bin/python3"))
    found = {"%d.%d.%d" % sys.version_info[:3]: None}
    for path in candidates:
        # Not the scripts that stand in for one: asking them is slow.
        if not re.fullmatch(r"python3(\.\d+)?", os.path.basename(path)) or \
                not is_program(path):
            continue
        try:
            asked = subprocess.run([path, "-c", ask], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, timeout=60)
        except (OSError, subprocess.TimeoutExpired):
            continue
        version = asked.stdout.decode().strip()
        if asked.returncode == 0 and version not in found:
            found[version] = path
    return sorted((v, p) for v, p in found.items() if p)
