#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""/dev/shm after any process involved was killed at any moment.

Two makers (in C and in Python), a manager, a pool, and attachers in both languages
use each other's memory.  Then one of the processes, or several at
once, gets SIGKILL: a program, a manager's process, a warden, a worker.  Then

  * segments in use, segments made to stay, and segments of others are there,
    with any `runrig clean` meanwhile;
  * the survivors play on and end well;
  * where a next of kin lived, the dead maker's name is gone by itself, and all
    segments of runrig's are gone after `runrig clean`.

The test has a separate /dev/shm where the system allows that (unshare), so that
"all" means all.  RUNRIG_ROUNDS and RUNRIG_SEED in the environment make the test longer
and replay a round; a failure prints the round's seed.
"""
import os
import random
import signal
import subprocess
import sys
import time
import unittest

from waits import until

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib")
ACTOR = os.environ["ACTOR"]
RUNRIG = os.environ["RUNRIG"]
ROUNDS = int(os.environ.get("RUNRIG_ROUNDS", "9"))
SEED = int(os.environ.get("RUNRIG_SEED", "0"))
SHM = "/dev/shm"
DEADLINE = 60  # seconds after which something hangs; nothing takes so long

ROLES = ("c-create", "python-create", "c-manage", "manager", "c-pool",
         "warden", "worker", "c-attach", "python-attach")

# The other side, by CPython alone.  Attaching makes CPython's tracker an owner.
PYTHON = r"""
import os, select, sys
from multiprocessing import resource_tracker, shared_memory
from multiprocessing.shared_memory import ShareableList, SharedMemory

def goes_on():
    return not select.select([0], [], [], 0.001)[0]

def create(prefix):
    held = [ShareableList([1, "text", None], name=prefix + "-python"),
            SharedMemory(prefix + "-memory", True, 4096)]
    print("name", "list=" + held[0].shm.name)
    print("name", held[1].name)
    print("ready", flush=True)
    while goes_on():
        for made in (SharedMemory(create=True, size=100),
                     ShareableList([2, 3]).shm):
            made.close()
            made.unlink()
    for memory in (held[0].shm, held[1]):
        memory.close()
        try:
            memory.unlink()
        except FileNotFoundError:
            pass  # another Python's tracker has been here

def attach(prefix, *names):
    held = []
    for name in names:  # to hold one is to use it
        try:
            held.append(SharedMemory(name.split("=")[-1]))
            print("holds", held[-1].name)
        except FileNotFoundError:
            pass
    print("ready", flush=True)
    turn = 0
    while goes_on():
        name = names[turn % len(names)]
        turn += 1
        try:
            memory = SharedMemory(name.split("=")[-1])
            memory.buf[0] = memory.buf[0]
            memory.close()
        except (FileNotFoundError, ValueError):
            pass  # gone, or not sized yet

resource_tracker.ensure_running()
print("pid tracker", resource_tracker._resource_tracker._pid)
globals()[sys.argv[1]](*sys.argv[2:])
"""


def own_dev_shm():
    """Run again with a separate /dev/shm, where the system allows."""
    if os.environ.get("RUNRIG_OWN_SHM"):
        return
    words = ["unshare", "--mount"]
    if os.geteuid():
        words += ["--user", "--map-root-user"]
    script = f'mount -t tmpfs -o size=64m,mode=1777 none {SHM} && exec "$@"'
    words += ["sh", "-c", script, "sh"]
    if subprocess.run([*words, "true"], capture_output=True,
                      check=False).returncode:
        print("with the machine's /dev/shm: unshare is not allowed here")
        return
    os.environ["RUNRIG_OWN_SHM"] = "1"
    os.execvp(words[0], [*words, sys.executable, *sys.argv])


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def names_there():
    return set(os.listdir(SHM))


class Actor:
    def __init__(self, role, *words, python=False):
        self.role = ("python-" if python else "c-") + role
        command = ([sys.executable, "-c", PYTHON] if python else [ACTOR])
        self.process = subprocess.Popen(
            [*command, role, *words], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.pids = {self.role: [self.process.pid]}
        self.names, self.holds = [], []
        self.killed = False

    def await_ready(self):
        for line in self.process.stdout:
            word, *rest = line.split()
            if word == "ready":
                return
            if word == "name":
                self.names.append(rest[0])
            elif word == "holds":
                self.holds.append(rest[0])
            else:
                self.pids.setdefault(rest[0], []).append(int(rest[1]))
        raise AssertionError(f"{self.role}: {self.process.stderr.read()}")

    def all_pids(self):
        return [pid for pids in self.pids.values() for pid in pids]

    def end(self):
        """Let the process end by itself; returns the exit status."""
        self.process.stdin.close()
        self.words = self.process.stderr.read()
        self.process.stdout.close()
        self.process.stderr.close()
        return self.process.wait(DEADLINE)


class Leftovers(unittest.TestCase):
    def clean(self):
        done = subprocess.run([RUNRIG, "clean"], capture_output=True, text=True,
                              timeout=DEADLINE, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def await_end(self, pids):
        until(lambda: not any(map(alive, pids)), "the actors to end")

    def cast(self, prefix):
        """Everybody, playing."""
        makers = [Actor("create", prefix), Actor("manage", prefix),
                  Actor("pool", prefix), Actor("create", prefix, python=True)]
        actors = list(makers)
        try:
            names = []
            for maker in makers:
                maker.await_ready()
                names += maker.names
            names = ["list=" + name if name.endswith("-list") else name
                     for name in names]
            for python in (False, True):
                actors.append(Actor("attach", prefix, *names, python=python))
                actors[-1].await_ready()
        except BaseException:
            for actor in actors:
                actor.process.kill()
                actor.end()
            raise
        return actors

    def kill(self, rng, turn, actors):
        """Kill some of the processes, at once; returns their names."""
        everyone = [(role, pid, actor) for actor in actors
                    for role, pids in actor.pids.items() for pid in pids
                    if role != "tracker"]
        # Each process in turn, and often no other.
        first = rng.choice([one for one in everyone
                            if one[0] == ROLES[turn % len(ROLES)]])
        victims = [first] + rng.sample(everyone, rng.choice((0, 0, 0, 1, 2)))
        for role, pid, actor in victims:
            actor.killed |= pid == actor.process.pid
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # the killed one's kin were quick
        return [role for role, _, _ in victims]

    def look_while_in_use(self, actors):
        """A clean removes no segment in use."""
        users = [actor for actor in actors if not actor.killed]
        used = {name.split("=")[-1] for actor in users
                if actor.role in ("c-create", "c-pool", "python-create")
                for name in actor.names}
        # A living holder keeps a segment from being stale; the tracker of a killed
        # attacher removes the attacher's segments.
        if any(actor.role == "python-attach" and actor.killed
               for actor in actors):
            used = set()
        self.clean()
        self.assertLessEqual(used, names_there())
        for actor in users:
            if actor.role == "python-attach":
                makers = {name for maker in actors
                          if maker.role == "c-create" for name in maker.names}
                self.assertLessEqual(makers & set(actor.holds), names_there())

    def play(self, turn, prefix, kept):
        rng = random.Random(turn)
        before = names_there()
        actors = self.cast(prefix)
        time.sleep(rng.uniform(0, 0.06))
        victims = self.kill(rng, turn, actors)
        try:
            self.await_end(actor.process.pid for actor in actors if actor.killed)
            time.sleep(rng.uniform(0, 0.02))
            if rng.random() < 0.5:
                self.look_while_in_use(actors)
        finally:
            statuses = {actor.role: actor.end() for actor in actors}
            self.await_end(pid for actor in actors for pid in actor.all_pids())
        for actor in actors:
            self.assertEqual(statuses[actor.role],
                             -signal.SIGKILL if actor.killed else 0,
                             (victims, actor.role, actor.words))
        left = {name for name in names_there() - before
                if not name.startswith("psm_")}
        if len(set(victims)) == 1 and victims[0] != "c-create":
            self.assertEqual(left, set(), (victims, "its kin left these"))
        self.clean()
        left = {name for name in names_there() - before
                if not name.startswith("psm_")}
        # Python's own, where the tracker came before the maker's death.
        left -= {prefix + "-python", prefix + "-memory"}
        self.assertEqual(left, set(), (victims, "clean left these"))
        self.assertLessEqual(kept, names_there(), victims)
        return victims

    def test_any_death_leaves_nothing(self):
        prefix = f"left-{os.getpid()}"
        kept = {prefix + "-kept", "psm_" + prefix}
        subprocess.run([RUNRIG, "create", prefix + "-kept", "1000"],
                       check=True, capture_output=True)
        with open(f"{SHM}/psm_{prefix}", "wb") as file:
            file.write(bytes(10))
        os.chmod(f"{SHM}/psm_{prefix}", 0o600)
        seen = {}
        try:
            for number in range(ROUNDS):
                with self.subTest(RUNRIG_SEED=SEED + number):
                    for role in self.play(SEED + number,
                                          f"{prefix}-{number}", kept):
                        seen[role] = seen.get(role, 0) + 1
        finally:
            for name in kept:
                os.unlink(f"{SHM}/{name}")
        print("killed:", ", ".join(f"{n} {role}" for role, n in sorted(seen.items())))


if __name__ == "__main__":
    own_dev_shm()
    unittest.main(verbosity=1)
