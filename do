#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# do - set up what is missing, build, and do it.
#
# .ci/packages has the Debian packages of each word.  On a terminal the script asks
# before installing; --yes or CI=1 says yes beforehand.  Without root the script
# uses the installed packages and names the missing packages.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() {
	cat <<'EOF'
usage: ./do [--yes] WORD

  demo      the three programs of the article, then the big reverse
  test      the everyday tests; about 3 minutes on two cores, once built
  gate      the tests that only the gate runs; about 3 minutes more
  docs      the documents as HTML, in build/packaging/html
  deb       Debian packages, in build-deb
  labs      the labs, and apart the solutions, as archives in build-labs
  bench     rigbench against Open MPI, MPICH, OpenMP and Python
  lint      clang-format, clang-tidy, shellcheck
  cluster   heat on two hosts of a network within this machine, under two MPIs
  sanitize  the tests with AddressSanitizer and UBSan, in build-asan
  torture   the long tests: kills, loops, every interleaving

Each installs what is missing (asking first, unless --yes or CI=1), builds in
build/, and does it.
EOF
}

say() {
	echo "do: $*" >&2
}

# build FOLDER MESON_OPTION...: set up or set up anew, and compile.
build() {
	local folder=$1 tool log
	shift

	for tool in meson ninja; do
		command -v $tool >/dev/null || {
			say "no $tool, and no building without it"
			exit 5
		}
	done
	say "building in $folder"
	mkdir -p "$folder"
	log=$folder/do.log
	if [ -f "$folder/build.ninja" ]; then
		meson configure "$folder" "$@" >"$log" 2>&1
	else
		meson setup "$folder" "$@" >"$log" 2>&1
	fi || {
		cat "$log" >&2
		say "meson could not set up $folder"
		exit 5
	}
	ninja -C "$folder" >"$log" 2>&1 || {
		cat "$log" >&2
		say "the build in $folder failed"
		exit 5
	}
	grep -F 'warning:' "$log" >&2 || true
}

# tests FOLDER MESON_TEST_OPTION...: run the tests; the last line is the count.
tests() {
	local folder=$1 log=$1/meson-logs/testlog.json
	local result passed=0 failed=0 skipped=0 status=0
	shift

	rm -f "$log"
	# A job more than there are cores: some tests sleep to show that a limit ends a
	# wait.
	meson test -C "$folder" --no-rebuild --print-errorlogs \
		--num-processes $(($(nproc) + 1)) "$@" || status=$?
	[ -f "$log" ] || {
		say "meson test did not run"
		exit 5
	}
	while read -r result; do
		case $result in
		OK | EXPECTEDFAIL) passed=$((passed + 1)) ;;
		SKIP) skipped=$((skipped + 1)) ;;
		*) failed=$((failed + 1)) ;;
		esac
	done < <(grep -o '"result": "[A-Z]*"' "$log" | cut -d '"' -f 4)
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$status" -eq 0 ] && [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

do_demo() {
	.ci/need build
	build build
	build/cli/runrig demo
}

do_test() {
	.ci/need build test
	build build -Dtests=enabled -Dbench=enabled
	tests build --no-suite stress --no-suite guest --no-suite gate
}

do_gate() {
	.ci/need build test
	build build -Dtests=enabled -Dbench=enabled
	tests build --suite gate
}

do_docs() {
	.ci/need build docs
	build build -Dbench=enabled -Dmanual=auto
	ninja -C build site
}

do_deb() {
	.ci/need build deb
	packaging/deb
}

do_labs() {
	packaging/labs
}

do_bench() {
	.ci/need build bench
	build build -Dbench=enabled
	if build/bench/rigbench --help | grep -qw suite; then
		build/bench/rigbench suite quick
	else
		build/bench/rigbench sync
		build/bench/rigbench kernel reverse triad
	fi
}

do_lint() {
	local sources scripts script status=0

	.ci/need build test lint
	build build -Dtests=enabled -Dbench=enabled

	# Examples formatted for a page, which shows each example unchanged.
	mapfile -t sources < <(git ls-files '*.c' '*.h' |
		grep -vx "docs/examples/\\(hello\\|article_.\\|contender/mine\\).c")
	say "clang-format"
	clang-format --dry-run --Werror "${sources[@]}" || status=1

	# The sources of the build, without sources that are built several times.
	mapfile -t sources < <(git ls-files '*.c' | while read -r script; do
		grep -qF "\"../$script\"" build/compile_commands.json &&
			echo "$script"
	done)
	say "clang-tidy"
	printf '%s\0' "${sources[@]}" |
		xargs -0 -n 4 -P "$(nproc)" clang-tidy --quiet -p build 2>/dev/null ||
		status=1

	mapfile -t scripts < <(git ls-files | while read -r script; do
		[ -f "$script" ] && head -n 1 "$script" |
			grep -qaE '^#!.*\b(ba)?sh\b' && echo "$script"
	done)
	say "shellcheck"
	shellcheck "${scripts[@]}" || status=1
	return $status
}

do_cluster() {
	.ci/need build test
	build build -Dtests=enabled -Dbench=enabled
	/usr/bin/python3 tests/hosts/cluster.py build/cli/runrig \
		build/tests/hosts/hosts_program
}

do_sanitize() {
	.ci/need build test
	build build-asan -Dtests=enabled -Dbench=enabled \
		-Dbuildtype=debugoptimized -Db_lundef=false \
		-Db_sanitize=address,undefined
	CK_TIMEOUT_MULTIPLIER=4 tests build-asan \
		--no-suite stress --no-suite guest \
		--timeout-multiplier 4
}

do_torture() {
	local tally=$PWD/build/tally status=0

	.ci/need build test
	build build -Dtests=enabled -Dbench=enabled
	rm -f "$tally"
	RUNRIG_TALLY=$tally tests build --suite stress || status=1
	if [ -f "$tally" ]; then
		printf '%-52s %10s %10s %12s\n' \
			fault tried survived 'worst (ms)'
		cat "$tally"
	fi
	return $status
}

word=
for argument in "$@"; do
	case $argument in
	--yes | -y) export CI=1 ;;
	demo | test | gate | docs | deb | labs | bench | lint | cluster | sanitize | \
		torture)
		[ -z "$word" ] || {
			usage >&2
			exit 1
		}
		word=$argument
		;;
	-h | --help | help)
		usage
		exit
		;;
	*)
		say "no such word: $argument"
		usage >&2
		exit 1
		;;
	esac
done
if [ -z "$word" ]; then
	usage
	exit
fi
"do_$word"
