#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""packaging/Dockerfile without Docker: its instructions, in fresh roots by debootstrap.

FROM is a copy of a minimal Debian 12, RUN runs in the root, COPY copies git's files,
and ENTRYPOINT and CMD run in the end, as USER, with a /dev/shm of 64 MiB, as in a
container.  Layers of an image and a daemon are not tested.

Needs root.  RUNRIG_ROOT names a folder with a finished debootstrap, to be copied.

Usage: dockerfile.py
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def run(*words, **options):
    subprocess.run(words, check=True, **options)


def instructions():
    text = (SOURCE / "packaging" / "Dockerfile").read_text()
    text = re.sub(r"(?m)^#.*\n", "", text).replace("\\\n", "")
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name, _, rest = line.partition(" ")
        yield name, rest


def fresh(root):
    if "RUNRIG_ROOT" in os.environ:
        run("cp", "-a", os.environ["RUNRIG_ROOT"] + "/.", root)
    else:
        run("debootstrap", "--variant=minbase", "bookworm", root,
            stdout=subprocess.DEVNULL)
    run("mount", "-t", "proc", "proc", f"{root}/proc")
    run("mount", "--rbind", "/dev", f"{root}/dev")
    run("mount", "-t", "tmpfs", "-o", "mode=1777,size=64m", "tmpfs", f"{root}/dev/shm")
    shutil.copy("/etc/resolv.conf", f"{root}/etc/resolv.conf")


class Stage:
    def __init__(self, root):
        self.root, self.user, self.folder = root, "root", "/"
        os.makedirs(root)
        fresh(root)

    def within(self, *words):
        env = {"PATH": PATH, "HOME": self.folder, "DEBIAN_FRONTEND": "noninteractive",
               "http_proxy": os.environ.get("http_proxy", "")}
        run("chroot", "--userspec", self.user, self.root, "sh", "-c",
            'cd "$0" && exec "$@"', self.folder, *words, env=env,
            stdin=subprocess.DEVNULL)


def build(place):
    stages, stage, entry, command = {}, None, [], []
    for name, rest in instructions():
        print("===", name, rest, flush=True)
        if name == "FROM":
            image, _, called = rest.partition(" AS ")
            assert image == "debian:12", image
            stage = stages[called] = Stage(f"{place}/root{len(stages)}")
        elif name == "RUN":
            stage.within("sh", "-c", rest)
        elif name == "COPY" and rest.startswith("--from="):
            called, path, to = rest[len("--from="):].split()
            run("cp", "-a", f"{stages[called].root}{path}/.", stage.root + to)
        elif name == "COPY":
            path, to = rest.split()
            assert path == "."
            os.makedirs(stage.root + to)
            files = subprocess.run(["git", "-C", SOURCE, "ls-files", "-z"], check=True,
                                   capture_output=True).stdout
            run("sh", "-c", f"cd '{SOURCE}' && tar -c --null -T - | "
                f"tar -x -C '{stage.root}{to}'", input=files)
        elif name == "USER":
            stage.user = f"{rest}:{rest}"
        elif name == "WORKDIR":
            stage.folder = rest
        elif name == "ENTRYPOINT":
            entry = json.loads(rest)
        elif name == "CMD":
            command = json.loads(rest)
        else:
            sys.exit(f"dockerfile.py: what is {name}?")
    for words in command, ["run", "reverse", "length=1e5", "-n", "2"], ["demo"]:
        print("===", *entry, *words, flush=True)
        try:
            stage.within(*entry, *words)
        except subprocess.CalledProcessError as error:
            # The doctor's 5: something of this machine is amiss, in words.
            if words != command or error.returncode != 5:
                raise


def main():
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        print("needs root and debootstrap")
        sys.exit(77)
    if os.environ.get("IN_NAMESPACE") != "yes":
        os.environ["IN_NAMESPACE"] = "yes"
        os.execvp("unshare", ["unshare", "-m", "-p", "-f", "--mount-proc",
                              "--kill-child", "--propagation", "private",
                              sys.executable, __file__])
    place = tempfile.mkdtemp()
    run("mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", place)
    try:
        build(place)
    finally:
        run("umount", "-l", place)
        os.rmdir(place)


if __name__ == "__main__":
    main()
