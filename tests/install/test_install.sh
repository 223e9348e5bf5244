#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Install into a folder of its own; build a program outside the tree against
# that copy, by what pkg-config says; run it, and each installed program.
#
# Usage: test_install.sh BUILD_DIR PROGRAM.c KERNELS_PROGRAM.c [INSTALLED_PROGRAM...]
set -eu

build=$1
source=$2
kernels_source=$3
shift 3
read -ra cc <<<"${CC:-cc}"

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

# The one installed file of that name.
installed() {
	local path
	path=$(find "$place" -name "$1" ! -type d -print -quit)
	if [ -z "$path" ]; then
		echo "$1 was not installed" >&2
		return 1
	fi
	echo "$path"
}

meson install -C "$build" --no-rebuild --quiet --destdir "$place"

description=$(installed runrig.pc)
library=$(installed librunrig.so)
export PKG_CONFIG_PATH=${description%/*}
export PKG_CONFIG_SYSROOT_DIR=$place
export LD_LIBRARY_PATH=${library%/*}

read -ra flags <<<"$(pkg-config --cflags --libs runrig)"
mkdir "$place/elsewhere"
cd "$place/elsewhere"
"${cc[@]}" -std=c17 -Wall -Wextra -Wpedantic -Werror \
	-o program "$source" "${flags[@]}"
./program

# The library of kernels, by its own description.
read -ra flags <<<"$(pkg-config --cflags --libs runrig-kernels)"
"${cc[@]}" -std=c17 -Wall -Wextra -Wpedantic -Werror \
	-o kernels_program "$kernels_source" "${flags[@]}"
[ "$(./kernels_program)" = "1 1 2 3 4 5 6 9 " ]

# The core needs hwloc and the C library alone.
needs=$(readelf -d "$library" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' |
	grep -vE '^(libhwloc|libc|libm|libpthread|libdl|ld-linux.*)\.so' || true)
if [ -n "$needs" ]; then
	echo "librunrig.so needs $needs" >&2
	exit 1
fi

for name in "$@"; do
	path=$(installed "$name")
	"$path" --help >/dev/null
done
