#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A cluster on this machine: hosts that meet over a network of their own.

Usage: cluster.py RUNRIG PROGRAM [MPI...]

Each host is a network namespace with a UTS namespace and a host name, and bridged to
the others; MPI libraries see hosts that share no memory, and use TCP.  Everything is
within namespaces of this script and goes with the script.  Runs `runrig run heat
--hosts` on two hosts under each MPI, kills a worker of a host in the middle, and runs
again; with RUNRIG_LONG=1 also hosts_program (PROGRAM).  Exits 77 without the right to
make namespaces.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HOSTS = ["rigA", "rigB"]
NETWORK = "10.77.0."

# Stands in for ssh: no options, the command in the namespaces of the host.
ENTER = """#!/bin/sh
while :; do
	case $1 in
	-*) shift ;;
	*) break ;;
	esac
done
host=$1
shift
exec ip netns exec "$host" unshare --uts sh -c "hostname $host; $*"
"""


def sh(command):
    subprocess.run(command, shell=True, check=True, stdout=subprocess.DEVNULL)


def make_hosts(folder):
    """The namespaces, the bridge, and the names."""
    sh("mount -t tmpfs tmpfs /run && mkdir -p /run/netns")
    sh("ip link set lo up && ip link add rigbr type bridge && "
       f"ip addr add {NETWORK}254/24 dev rigbr && ip link set rigbr up")
    names = "127.0.0.1 localhost\n"
    for i, host in enumerate(HOSTS):
        sh(f"ip netns add {host} && "
           f"ip link add v{i} type veth peer name eth0 netns {host} && "
           f"ip link set v{i} master rigbr up && "
           f"ip -n {host} addr add {NETWORK}{i + 1}/24 dev eth0 && "
           f"ip -n {host} link set eth0 up && ip -n {host} link set lo up")
        names += f"{NETWORK}{i + 1} {host}\n"
    (folder / "hosts").write_text(names)
    sh(f"mount --bind {folder}/hosts /etc/hosts")
    enter = folder / "enter"
    enter.write_text(ENTER)
    enter.chmod(0o755)
    return enter


def launcher(mpi, enter):
    """From the first host, as a user would from a cluster's."""
    hosts = ",".join(HOSTS)
    first = ["ip", "netns", "exec", HOSTS[0], "unshare", "--uts", "sh", "-c",
             f'hostname {HOSTS[0]}; exec "$@"', "sh"]
    if mpi == "mpich":
        return [*first, "mpiexec.mpich", "-launcher", "ssh", "-launcher-exec",
                str(enter), "-hosts", hosts, "-ppn", "1", "-genv", "UCX_TLS",
                "tcp,self", "-genv", "UCX_NET_DEVICES", "eth0", "-n",
                str(len(HOSTS))]
    return [*first, "mpirun.openmpi", "--allow-run-as-root", "--oversubscribe",
            "--mca", "plm_rsh_agent", str(enter), "--mca", "btl", "tcp,self",
            "--mca", "pml", "ob1", "--mca", "btl_tcp_if_include", "eth0",
            "--mca", "oob_tcp_if_include", "eth0", "--mca",
            "mpi_yield_when_idle", "1", "--host", hosts, "--map-by",
            "ppr:1:node", "--bind-to", "none", "-n", str(len(HOSTS))]


def packets():
    shown = subprocess.run(["ip", "-s", "-j", "link", "show", "v0"], check=True,
                           capture_output=True, text=True).stdout
    return json.loads(shown)[0]["stats64"]["rx"]["packets"]


def expect(right, what, done=None):
    if right:
        return 0
    print(f"cluster: {what}")
    if done:
        print(done.stdout, done.stderr, sep="\n")
    return 1


def run(command):
    try:
        return subprocess.run(command, capture_output=True, text=True,
                              timeout=60, check=False)
    except subprocess.TimeoutExpired as late:
        return subprocess.CompletedProcess(
            command, 124, (late.stdout or b"").decode(),
            (late.stderr or b"").decode() + "no end in 60 s")


# Ticks of the clock that a worker has computed for when a run is in progress.
BUSY_TICKS = 20


def busy_workers(program):
    """Workers of the program that compute, by process number."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if (entry.name.isdigit() and
                    os.readlink(entry / "exe") == os.path.realpath(program) and
                    (entry / "comm").read_text() == "runrig-worker\n" and
                    int((entry / "stat").read_text().split()[13]) > BUSY_TICKS):
                found.append(int(entry.name))
        except OSError:
            continue
    return sorted(found)


def kill_a_worker(launch, runrig):
    """A worker of the last host is killed in the middle of a run."""
    command = [*launch, runrig, "run", "heat", "--hosts", "-n", "1", "n=513",
               "tolerance=0", "sweeps=1000000000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while len(busy_workers(runrig)) < len(HOSTS):
            if time.monotonic() > deadline or process.poll() is not None:
                process.kill()
                return expect(False, "no workers came to a run")
            time.sleep(0.05)
        os.kill(busy_workers(runrig)[-1], 9)
        try:
            out, err = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            return expect(False, "the run goes on without a worker")
    return (expect(process.returncode == 3, f"exit {process.returncode}, not "
                   f"3, of a run with a dead worker: {out}{err}") +
            expect("was killed by SIGKILL" in err, f"no report: {err}"))


def check(mpi, enter, runrig, program):
    launch = launcher(mpi, enter)
    before = packets()
    heat = [*launch, runrig, "run", "heat", "--hosts", "-n", "1", "n=9"]
    done = run(heat)
    wrong = expect(done.returncode == 0 and done.stdout.count("sweeps =") == 1,
                   f"{mpi}: heat: exit {done.returncode}", done)
    wrong += expect(packets() - before > 100, f"{mpi}: heat used no network")
    wrong += kill_a_worker(launch, runrig)
    done = run(heat)
    wrong += expect(done.returncode == 0, f"{mpi}: heat after a death", done)
    if os.environ.get("RUNRIG_LONG"):
        done = run([*launch, program, "1,1", "all"])
        wrong += expect(done.returncode == 0, f"{mpi}: the verbs, and faults",
                        done)
    print(f"cluster: {mpi} on {len(HOSTS)} hosts over TCP: "
          f"{'wrong' if wrong else 'right'}")
    return wrong


def main():
    if "RUNRIG_CLUSTER" not in os.environ:
        alone = ["unshare", "--net", "--mount", "--uts", "--pid", "--fork",
                 "--mount-proc"]
        if subprocess.run([*alone, "sh", "-c", "ip link add rigbr type bridge"],
                          stderr=subprocess.DEVNULL, check=False).returncode:
            print("cluster: no right to make network namespaces (or no "
                  "iproute2): skipped")
            return 77
        os.environ["RUNRIG_CLUSTER"] = "1"
        os.execvp("unshare", [*alone, sys.executable, *sys.argv])
    runrig, program, *mpis = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        enter = make_hosts(pathlib.Path(folder))
        return sum(check(mpi, enter, runrig, program) for mpi in
                   mpis or ["openmpi", "mpich"]
                   if shutil.which("mpirun." + mpi)) != 0


if __name__ == "__main__":
    sys.exit(main())
