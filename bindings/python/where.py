# SPDX-License-Identifier: MIT
"""Print the folder below a prefix in which this Python looks for packages.

Usage: where.py PREFIX
"""
import site
import sys
import sysconfig


def main():
    prefix = sys.argv[1].rstrip("/") + "/"
    known = [sysconfig.get_path("platlib"), *site.getsitepackages(), *sys.path]
    for folder in known:
        # /usr/local is below /usr, and another prefix.
        if prefix == "/usr/" and folder.startswith("/usr/local/"):
            continue
        if folder.startswith(prefix) and folder.endswith("-packages"):
            print(folder)
            return
    # A prefix of the user's own, for PYTHONPATH.
    print(prefix + "lib/python%d.%d/site-packages" % sys.version_info[:2])


if __name__ == "__main__":
    main()
