#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# wheel.sh - the package for Python by pip: built in a fresh virtual environment with
# Debian's meson-python, and without build isolation, which would ask the network.
# Then a sort and the cookbook of docs/python.md run on the installed package.
#
# Usage: wheel.sh RUNRIG KERNELS.so PYTHON_FAULTS.so
set -euo pipefail
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

/usr/bin/python3 -c 'import mesonpy, numpy, venv' 2>/dev/null || {
	echo "needs python3-mesonpy, python3-numpy and python3-venv"
	exit 77
}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
unset PYTHONPATH

# meson-python builds within the source: here, a copy of git's files.
mkdir "$place/source"
git -C "$source" ls-files -z | (cd "$source" && tar -c --null -T -) |
	tar -x -C "$place/source"
/usr/bin/python3 -m venv --system-site-packages "$place/venv"
"$place/venv/bin/pip" install --quiet --no-index --no-build-isolation \
	"$place/source" >"$place/log" 2>&1 || {
	tail -n 30 "$place/log" >&2
	exit 1
}

cd "$place"
"$place/venv/bin/python3" -c 'import runrig, numpy as np
a = runrig.array(np.random.rand(10**7))
b = runrig.sort(a)
assert (b[1:] >= b[:-1]).all()'
"$place/venv/bin/python3" -c 'import runrig, sys
sys.exit(not runrig.__file__.startswith(sys.prefix))'
# Not the libraries of the build.
env -u LD_LIBRARY_PATH RUNRIG="$1" KERNELS="$2" PYTHON_FAULTS="$3" \
	"$place/venv/bin/python3" "$source/tests/python/test_python_cookbook.py"
