#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# builds.sh - the other ways to build, each in a fresh folder: a prefix without root,
# static linking, link-time optimization, the same bytes from two folders, the oldest
# compilers of Debian 12, and systems for which configuring stops with a reason.
#
# A way whose tools are missing is skipped, and named.  The last line counts.
#
# Usage: builds.sh [WAY...]
set -euo pipefail
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
passed=0 failed=0 skipped=0
ways=(prefix static lto bytes gcc11 clang13 meson061 hwloc24 bits32 musl release)

# fresh_from SOURCE FOLDER OPTION...: the library, the kernels and the command, built
# in FOLDER.
fresh_from() {
	local from=$1 folder=$2
	shift 2

	if meson setup "$folder" "$from" -Dwerror=true -Dtests=disabled \
		-Dbench=disabled -Dexamples=disabled -Dhosts=disabled \
		-Dmanual=disabled -Dlibdir=lib "$@" >"$folder.log" 2>&1 &&
		ninja -C "$folder" >>"$folder.log" 2>&1; then
		return
	fi
	tail -n 20 "$folder.log" >&2
	return 1
}

fresh() {
	fresh_from "$source" "$@"
}

# reverses FOLDER: the command of the build works.
reverses() {
	"$1/cli/runrig" run reverse length=1e5 -n 2 | grep -q 'verified'
}

# needs PROGRAM...: 77 where one is missing.
needs() {
	local program
	for program in "$@"; do
		command -v "$program" >/dev/null || {
			echo "no $program"
			return 77
		}
	done
}

# A user without privileges installs into a folder of the user's, and builds a program
# there; test_install.sh has the other languages.
way_prefix() {
	local home=$place/home run=() flags

	fresh "$place/prefix" -Dprefix="$home/runrig" || return
	mkdir -p "$home"
	chmod 755 "$place"
	if [ "$(id -u)" -eq 0 ]; then
		chown -R nobody "$home" "$place/prefix"
		run=(setpriv --reuid nobody --clear-groups env "HOME=$home")
	fi
	"${run[@]}" meson install -C "$place/prefix" --no-rebuild --quiet || return
	"${run[@]}" "$home/runrig/bin/runrig" run reverse length=1e5 -n 2 || return
	read -ra flags < <(PKG_CONFIG_PATH=$home/runrig/lib/pkgconfig \
		pkg-config --cflags --libs runrig)
	cc "$source/docs/examples/hello.c" -Wl,-rpath,"$home/runrig/lib" \
		"${flags[@]}" -o "$home/hello" && "${run[@]}" "$home/hello"
}

# Static linking by the flags of pkg-config; the program needs no librunrig.so.
way_static() {
	local flags

	fresh "$place/static" -Ddefault_library=both -Dprefix="$place/static-root" &&
		meson install -C "$place/static" --no-rebuild --quiet || return
	read -ra flags < <(PKG_CONFIG_PATH=$place/static-root/lib/pkgconfig \
		pkg-config --static --cflags --libs runrig)
	# The archive's own name: the linker prefers a shared library beside it.
	cc "$source/docs/examples/hello.c" "${flags[@]/#-lrunrig/-l:librunrig.a}" \
		-o "$place/hello" || return
	if readelf -d "$place/hello" | grep -q librunrig; then
		echo "the program needs librunrig.so" >&2
		return 1
	fi
	"$place/hello"
}

way_lto() {
	fresh "$place/lto" -Db_lto=true && reverses "$place/lto"
}

# The same bytes from two folders: sources copied elsewhere, and built elsewhere.
way_bytes() {
	local name

	fresh "$place/bytes" -Dprefix=/usr || return
	mkdir "$place/copied"
	cp -a "$source/." "$place/copied/" 2>/dev/null || true
	fresh_from "$place/copied" "$place/another-name" -Dprefix=/usr || return
	for name in bytes another-name; do
		DESTDIR=$place/$name-root meson install -C "$place/$name" --no-rebuild \
			--quiet || return
	done
	diff -r "$place/bytes-root" "$place/another-name-root"
}

way_gcc11() {
	needs gcc-11 || return
	CC=gcc-11 fresh "$place/gcc11" -Dbindings=disabled && reverses "$place/gcc11"
}

way_clang13() {
	needs clang-13 || return
	# Debian has libomp for the default clang alone: the kernels want OpenMP, the library not.
	CC=clang-13 fresh "$place/clang13" -Dbindings=disabled || return
	if [ -x "$place/clang13/cli/runrig" ]; then
		reverses "$place/clang13"
	else
		cc "$source/docs/examples/hello.c" -I"$source/runtime/include" \
			-Wl,-rpath,"$place/clang13/runtime" \
			"$place/clang13/runtime/librunrig.so" -o "$place/hello13" &&
			"$place/hello13"
	fi
}

# MESON061 names a meson.py of that version, and HWLOC24 the prefix of an hwloc 2.4:
# Debian 12 packages neither.
way_meson061() {
	[ -n "${MESON061:-}" ] || {
		echo "MESON061 names no meson.py"
		return 77
	}
	/usr/bin/python3 "$MESON061" setup "$place/meson061" "$source" -Dtests=enabled \
		-Dbench=enabled -Dmanual=disabled
}

way_hwloc24() {
	[ -n "${HWLOC24:-}" ] || {
		echo "HWLOC24 names no prefix"
		return 77
	}
	PKG_CONFIG_PATH=$HWLOC24/lib/pkgconfig fresh "$place/hwloc24" || return
	LD_LIBRARY_PATH=$HWLOC24/lib reverses "$place/hwloc24"
}

# refused FOLDER WORDS MESON_OPTION...: configuring fails, and one line has the words.
refused() {
	local log=$place/refused.log

	if meson setup "$place/$1" "$source" "${@:3}" >"$log" 2>&1; then
		echo "configuring was not refused" >&2
		return 1
	fi
	[ "$(grep -c "ERROR: .*$2" "$log")" -eq 1 ] || {
		tail -n 5 "$log" >&2
		return 1
	}
}

way_bits32() {
	echo 'int main(void) { return 0; }' |
		gcc -m32 -x c - -o "$place/small" 2>/dev/null || {
		echo "no gcc-12-multilib"
		return 77
	}
	# As a cross build, for a kernel need not run what is built.
	cat >"$place/bits32.ini" <<'EOF'
[binaries]
c = ['gcc', '-m32']
pkgconfig = 'pkg-config'
[properties]
needs_exe_wrapper = true
[host_machine]
system = 'linux'
cpu_family = 'x86'
cpu = 'i686'
endian = 'little'
EOF
	refused bits32 "64 bits" --cross-file "$place/bits32.ini"
}

way_musl() {
	needs musl-gcc || return
	CC=musl-gcc refused musl "glibc"
}

# The script for a release, in a clone: a tag, a tarball with the tag's files, raw
# samples, the machine's record, checksums; and no second tag of the same version.
way_release() {
	local clone=$place/clone

	[ -x "$source/build/bench/rigbench" ] || {
		echo "no build/bench/rigbench"
		return 77
	}
	git clone --quiet "$source" "$clone"
	export RIGBENCH=$source/build/bench/rigbench
	export GIT_COMMITTER_NAME=release GIT_COMMITTER_EMAIL=release@localhost
	echo '{}' >"$place/samples.json"
	(cd "$clone" && packaging/release "$place/samples.json") >/dev/null || return
	(cd "$clone/release" && sha256sum --quiet -c SHA256SUMS) || return
	diff <(tar -tzf "$clone"/release/*.tar.gz | grep -v '/$' | cut -d / -f 2- |
		sort) <(git -C "$clone" ls-tree -r --name-only HEAD | sort) || return
	if (cd "$clone" && packaging/release "$place/samples.json") 2>/dev/null; then
		echo "a second release of one version was not refused" >&2
		return 1
	fi
}

for way in "${@:-${ways[@]}}"; do
	echo "=== $way"
	status=0
	("way_$way") || status=$?
	case $status in
	0) passed=$((passed + 1)) ;;
	77) skipped=$((skipped + 1)) ;;
	*)
		echo "$way failed" >&2
		failed=$((failed + 1))
		;;
	esac
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
