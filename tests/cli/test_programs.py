#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""runrig exec: programs as ranks, how each end of theirs is told, and that
nothing of them is left."""
import os
import re
import resource
import signal
import subprocess
import tempfile
import time
import unittest

RUNRIG = os.environ["RUNRIG"]
RANK = os.environ["RANK"]
PROGRAMS = os.environ["EXAMPLES"]

# Against hanging only: the machine may be busy.
LIMIT_S = 60


def start(*words, environment=None, **other):
    merged = dict(os.environ, **(environment or {}))
    return subprocess.Popen([RUNRIG, "exec", *map(str, words)], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env=merged, **other)


def run(*words, **other):
    """(status, stdout, stderr)"""
    process = start(*words, **other)
    out, err = process.communicate(timeout=LIMIT_S)
    return process.returncode, out, err


def limit(soft, hard):
    """Set the limits of descriptors in a child."""
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def ranks_left(mark):
    """Processes that have the mark among their arguments."""
    found = []
    for pid in os.listdir("/proc"):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if mark.encode() in file.read().split(b"\0"):
                    found.append(pid)
        except (FileNotFoundError, NotADirectoryError, ProcessLookupError):
            pass
    return found


def await_none(mark):
    end = time.monotonic() + LIMIT_S
    while ranks_left(mark):
        if time.monotonic() > end:
            raise AssertionError(f"left: {ranks_left(mark)}")
        time.sleep(0.01)


class Ranks(unittest.TestCase):
    def check(self, words, status, *, out=(), err=(), **other):
        got, stdout, stderr = run(*words, **other)
        said = f"{words}: {got}\n{stdout}\n{stderr}"
        self.assertEqual(got, status, said)
        for pattern in out:
            self.assertRegex(stdout, pattern, said)
        for pattern in err:
            self.assertRegex(stderr, pattern, said)
        return stdout, stderr

    def test_a_team(self):
        for size in (1, 2, 5):
            out, err = self.check(["-n", size, "--", RANK], 0)
            self.assertEqual(
                sorted(out.splitlines()),
                [f"rank {r} of {size}: {size * (size + 1) // 2}"
                 for r in range(size)])
            self.assertEqual(err, "")

    def test_alone(self):
        done = subprocess.run([RANK], capture_output=True, text=True,
                              timeout=LIMIT_S)
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (0, "rank 0 of 1: 1\n", ""))

    def test_alone_and_waiting_for_itself(self):
        done = subprocess.run([RANK, "lonely"], capture_output=True, text=True,
                              timeout=LIMIT_S)
        self.assertEqual(done.returncode, -signal.SIGABRT)
        self.assertIn("deadlock", done.stderr)

    def test_programs_that_do_not_join(self):
        self.check(["-n", 2, "true"], 0)
        self.check(["-n", 2, "false"], 1)
        self.check(["-n", 2, "--", "sh", "-c", "exit $((RUNRIG_RANK * 7))"], 7)
        self.check(["-n", 2, "sh", "-c", "kill -9 $$"], 137)

    def test_a_parent_that_ignores_children(self):
        def ignore():
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)

        self.check(["-n", 2, "--", "sh", "-c", "exit 7"], 7, preexec_fn=ignore)
        self.check(["-n", 2, "sh", "-c", '"$0"; exit $?', RANK], 0,
                   out=["rank 1 of 2: 3"], preexec_fn=ignore)
        self.check(["-n", 2, RANK, "signal", 9], 137,
                   err=["rank 1 .*killed by SIGKILL"], preexec_fn=ignore)

    def test_environment(self):
        out, _ = self.check(
            ["-np", 2, "-x", "OWN=5", "--wdir", "/", "sh", "-c",
             "echo $RUNRIG_RANK $RUNRIG_SIZE $MPI_LOCALRANKID "
             "$MPI_LOCALNRANKS $OWN $PWD"], 0)
        self.assertEqual(sorted(out.splitlines()),
                         ["0 2 0 2 5 /", "1 2 1 2 5 /"])

    def test_deaths(self):
        where = r"rank 0 \(pid \d+.*\) waiting (at|in) .*main\+0x"
        self.check(["-n", 2, RANK, "fault"], 128 + signal.SIGSEGV,
                   err=[r"rank 1 .*SIGSEGV at address 0x8 in act\+0x|"
                        r"rank 1 .*SIGSEGV at address 0x8 in main\+0x", where])
        self.check(["-n", 2, RANK, "signal", 9], 137,
                   err=[r"rank 1 .*killed by SIGKILL", where])
        self.check(["-n", 2, RANK, "exit", 3], 3,
                   err=[r"rank 1 .*left by exit\(3\)", where])
        self.check(["-n", 2, RANK, "exit", 0], 125,
                   err=[r"rank 1 .*left by exit\(0\)", where])

    def test_ends_that_are_none(self):
        self.check(["-n", 2, RANK, "after", 6], 6)
        out, _ = self.check(["-n", 2, RANK, "atexit"], 0)
        self.assertEqual(out.count("atexit"), 2)

    def test_who_waits_for_ever(self):
        self.check(["-n", 2, RANK, "leave"], 125,
                   err=["deadlock", "rank 0 .*waiting", "rank 1 .*returned"])
        self.check(["-n", 3, RANK, "lonely"], 125,
                   err=["deadlock", r"rank 1 .*recv from rank 0, tag 7"])
        self.check(["-n", 2, RANK, "differ"], 125, err=["bcast"])

    def test_a_limit(self):
        self.check(["-n", 2, "--limit", "0.3", RANK, "sleep"], 124,
                   err=[r"limit of 0\.300 s"])

    def test_who_never_joins(self):
        for status, told in ((0, 125), (3, 3)):
            self.check(["-n", 3, RANK, "stranger", status], told,
                       err=[rf"rank 1 ended \(exit status {status}\) without "
                            r"joining, and rank \d \(pid \d+\) waits"])

    def test_grandchildren(self):
        self.check(["-n", 2, "sh", "-c", '"$0" "$@"; true', RANK], 0,
                   out=["rank 1 of 2: 3"])
        self.check(["-n", 2, "sh", "-c", '"$0" "$@"', RANK, "signal", 9], 137,
                   err=["rank 1 .*SIGKILL"])
        self.check(["-n", 2, "sh", "-c", '"$0" "$@"; sleep 1000', RANK,
                    "signal", 9], 125,
                   err=["rank 1 .*has ended, and only its tracer or its parent"])

    def test_forks_and_joining_twice(self):
        self.check(["-n", 2, RANK, "fork"], 0, out=["the fork: signal 11"])
        self.check(["-n", 2, RANK, "twice"], 0, out=["again: -114"])

    def test_a_handler_of_the_program(self):
        self.check(["-n", 2, RANK, "handler"], 99, out=["own handler"],
                   err=[r"rank 1 .*left by exit\(99\)"])

    def test_labels(self):
        text = "x" * 3000
        out, _ = self.check(
            ["-n", 3, "-l", "sh", "-c",
             f"for i in 1 2 3 4 5 6 7 8 9; do printf '%s' {text}; "
             f"echo {text}; done; printf end"], 0)
        lines = out.splitlines()
        self.assertEqual(len(lines), 3 * 10)
        for line in lines:
            self.assertRegex(line, rf"^\[[0-2]\] ({text}{text}|end)$")

    def test_a_full_disk(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([RUNRIG, "exec", "-n", "2", "-l", "yes"],
                                  stdout=full, stderr=subprocess.PIPE,
                                  text=True, timeout=LIMIT_S)
        self.assertEqual(done.returncode, 125)
        self.assertIn("No space left", done.stderr)

    def test_standard_input(self):
        done = subprocess.run([RUNRIG, "exec", "-n", "2", "-l", "cat"],
                              input="hello\n", stdout=subprocess.PIPE,
                              text=True, timeout=LIMIT_S)
        self.assertEqual((done.returncode, done.stdout), (0, "[0] hello\n"))
        done = subprocess.run(["sh", "-c", '"$0" exec -n 2 "$1" <&- ',
                               RUNRIG, RANK], stdout=subprocess.PIPE,
                              text=True, timeout=LIMIT_S)
        self.assertEqual(done.returncode, 0)
        self.assertIn("rank 1 of 2: 3", done.stdout)

    def test_bindings(self):
        self.check(["-n", 2, "--report-bindings", "true"], 0,
                   err=[r"rank 1: (package \d+, node -?\d+, core \d+|not)"])

    def test_trace(self):
        self.check(["-n", 2, "--trace", "-", RANK], 0,
                   out=[r"(?m)^ +1 \|.*\|"])

    def test_what_is_wrong(self):
        self.check(["-n", 0, "true"], 125, err=["-n 0: not a number of ranks"])
        self.check([], 125, err=["say a program"])
        self.check(["-n", 2], 125, err=["say a program"])
        self.check(["-n", 2, "/nowhere"], 127, err=["/nowhere: No such file"])
        self.check(["-n", 2, "/etc/passwd"], 126, err=["Permission denied"])
        self.check(["--wdir", "/nowhere", "true"], 127, err=["/nowhere"])
        self.check(["--limit", "never", "true"], 125, err=["--limit never"])
        self.check(["-x", "NOT_THERE", "true"], 125, err=["-x NOT_THERE=VALUE"])
        self.check(["--place", "moon", "true"], 125, err=["moon"])
        self.check(["-n", 2, "true"], 125, err=["mpiexec has started 4"],
                   environment={"PMI_SIZE": "4"})
        self.check(["--frob", "true"], 125, err=["no option --frob"])
        out, _ = self.check(["--trace", "/nowhere/x", "echo", "ran"], 125,
                            err=["/nowhere/x: No such file"])
        self.assertEqual(out, "")
        self.check(["-n", 2, "env", "RUNRIG_RANK=0", RANK], 9,
                   err=["started as rank 1, and RUNRIG_RANK says 0",
                        "rank 1 ended .* without joining"])
        for words in (["-n", 0, "true"], ["-n", 2, "/nowhere"]):
            _, err = self.check(words, 125 if 0 in words else 127)
            self.assertEqual(len(err.splitlines()), 1)

    def test_few_descriptors(self):
        """A soft limit is raised, for the launcher alone."""
        out, _ = self.check(["-n", 6, RANK], 0, out=["rank 5 of 6: 21"],
                            preexec_fn=limit(12, 200))
        out, _ = self.check(["-n", 6, "sh", "-c", "ulimit -n"], 0,
                            preexec_fn=limit(12, 200))
        self.assertEqual(out, "12\n" * 6)
        # Only rank 0 has the launcher's input.
        with open("/dev/zero") as zero:
            out, _ = self.check(["-n", 6, "readlink", "/proc/self/fd/0"], 0,
                                preexec_fn=limit(12, 200), stdin=zero)
        self.assertEqual(sorted(out.splitlines()),
                         ["/dev/null"] * 5 + ["/dev/zero"])

    def test_a_hard_limit(self):
        """Each hard limit is enough, or the words say which one is."""
        mark = f"mark-{os.getpid()}-limit"
        for words, step in ((["true"], 1), ([RANK], 1), (["-l", RANK], 1),
                            (["sh", "-c", '"$0"; exit $?', RANK, mark], 5)):
            sums = 0 if words == ["true"] else 6
            enough = set()
            for hard in range(5, 41, step):
                status, out, err = run("-n", 6, *words,
                                       preexec_fn=limit(hard, hard))
                said = f"{words}, {hard}: {status}\n{out}\n{err}"
                self.assertEqual(ranks_left(mark), [], said)
                if status == 0:
                    self.assertEqual(out.count("of 6: 21\n"), sums, said)
                    continue
                self.assertEqual(status, 125, said)
                told = re.search(
                    rf"hard limit of descriptors is {hard} \(ulimit -Hn\), "
                    r"and (\d+) are enough for 6 ranks\n", err)
                self.assertTrue(told, said)
                self.assertGreater(int(told[1]), hard, said)
                enough.add(int(told[1]))
            for hard in enough:
                out, _ = self.check(["-n", 6, *words], 0,
                                    preexec_fn=limit(hard, hard))
                self.assertEqual(out.count("of 6: 21\n"), sums)

    def test_signals(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            mark = f"mark-{os.getpid()}-{number}"
            process = start("-n", 2, RANK, "sleep", 0, mark)
            for _ in range(2):
                process.stdout.readline()
            process.send_signal(number)
            process.communicate(timeout=LIMIT_S)
            self.assertEqual(process.returncode, 128 + number)
            self.assertEqual(ranks_left(mark), [])

    def test_output_that_another_process_holds(self):
        """The launcher waits for no process that is not its own."""
        mark = f"mark-{os.getpid()}-held"
        process = start("-n", 2, "-l", RANK, "sleep", 0, mark)
        for _ in range(2):
            process.stdout.readline()
        holders = [os.open(f"/proc/{pid}/fd/1", os.O_WRONLY)
                   for pid in ranks_left(mark) if int(pid) != process.pid]
        try:
            os.write(holders[0], b"the last words")
            process.terminate()
            out, _ = process.communicate(timeout=LIMIT_S)
        finally:
            for holder in holders:
                os.close(holder)
        self.assertEqual(len(holders), 2)
        self.assertEqual(process.returncode, 128 + signal.SIGTERM)
        self.assertRegex(out, r"^\[[01]\] the last words\n$")
        self.assertEqual(ranks_left(mark), [])

    def test_a_launcher_that_is_killed(self):
        mark = f"mark-{os.getpid()}"
        for words in ([RANK, "sleep", 0, mark],
                      ["sh", "-c", '"$0" "$@"; true', RANK, "sleep", 0, mark]):
            process = start("-n", 2, *words)
            for _ in range(2):
                process.stdout.readline()
            process.kill()
            process.wait(timeout=LIMIT_S)
            await_none(mark)
            process.stdout.close()
            process.stderr.close()

    def test_children_that_stay(self):
        mark = f"mark-{os.getpid()}-stays"
        self.check(["-n", 2, "sh", "-c",
                    "setsid sh -c 'sleep 1000; true' \"$0\" >/dev/null 2>&1 &",
                    mark], 0)
        self.assertEqual(ranks_left(mark), [])

    def test_examples(self):
        for name, said in (("ring", "all counted"), ("pi", "3.14159265"),
                           ("heat", "1000.000000")):
            program = os.path.join(PROGRAMS, "program_" + name)
            for size in (1, 4):
                self.check(["-n", size, program], 0, out=[said])


if __name__ == "__main__":
    unittest.main()
