#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Install into a folder of its own; build a program outside the tree against
# that copy, by what pkg-config says; run it, and each installed program.
#
# Usage: test_install.sh BUILD_DIR PROGRAM.c KERNELS_PROGRAM.c [INSTALLED_PROGRAM...]
set -eu

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$(cd "$1" && pwd)
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
	"$(find "$place" -path "*/bin/$name" -print -quit)" --help >/dev/null
done

# The same bytes from any folder: no installed file names the source or the build.
for path in "$root" "$build"; do
	if grep -rlF --binary-files=text "$path/" "$place" --include='*.so*' \
		--include=runrig --include=worker --include='*.pc' \
		--include='*.cmake'; then
		echo "these files name $path" >&2
		exit 1
	fi
done

# pkg-config names hwloc for static linking alone; CMake finds the installation.
case $(pkg-config --libs runrig) in
*hwloc*) exit 1 ;;
esac
pkg-config --static --libs runrig | grep -q -- -lhwloc
if command -v cmake >/dev/null; then
	mkdir "$place/with_cmake"
	cd "$place/with_cmake"
	cp "$source" program.c
	cat >CMakeLists.txt <<'EOF'
cmake_minimum_required(VERSION 3.18)
project(program C)
find_package(runrig 0.1 REQUIRED)
add_executable(program program.c)
target_link_libraries(program runrig::runrig)
EOF
	cmake -S . -B build -Drunrig_DIR="${library%/*}/cmake/runrig" >log
	cmake --build build >>log
	./build/program
fi
