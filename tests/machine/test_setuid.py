#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A set-uid program: no pool of it, and nothing of the environment heeded.

hwloc runs the plugins that HWLOC_PLUGINS_PATH leads to.  So a set-uid program
that made a pool would run what its user likes, with its owner's rights.
"""
import errno
import os
import shutil
import subprocess
import tempfile
import unittest

PRIVILEGED = os.environ["PRIVILEGED"]
NOBODY = 65534
OWNER = 54321  # nobody's number, and none of root's rights either
LATE_S = 60


def said(program, **variables):
    """The output of the program, started by nobody: {first word: the rest}."""
    text = subprocess.run(
        [program], user=NOBODY, group=NOBODY, extra_groups=[], cwd="/",
        env={"PATH": "/bin", **variables}, check=True, capture_output=True,
        text=True, timeout=LATE_S).stdout
    return dict(line.split(" ", 1) for line in text.splitlines())


# LeakSanitizer traces the program, which nobody may.
@unittest.skipIf(os.environ.get("SANITIZED", "none") != "none",
                 "a sanitizer is not for set-uid programs")
@unittest.skipIf(os.geteuid() != 0, "only root can make a program set-uid")
class SetUid(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        os.chmod(folder.name, 0o755)
        self.program = os.path.join(folder.name, "privileged")
        shutil.copy(PRIVILEGED, self.program)
        os.chown(self.program, OWNER, OWNER)

    def mode(self, mode):
        os.chmod(self.program, mode)
        found = said(self.program, RUNRIG_PLACE="no such place")
        if mode & 0o6000 and found["secure"] == "0":
            self.skipTest("no set-uid programs in " + tempfile.gettempdir())
        return found

    def test_without_the_bit_the_environment_counts(self):
        found = self.mode(0o755)
        self.assertEqual(found["secure"], "0")
        self.assertEqual(int(found["pool"]), -errno.EINVAL)
        self.assertIn("no such place", found["why"])
        self.assertEqual(found["segment"], "0")

    def test_without_the_bit_it_has_pools(self):
        os.chmod(self.program, 0o755)
        self.assertEqual(said(self.program)["pool"], "0")

    def test_with_it_there_is_no_pool(self):
        for mode in 0o4755, 0o2755:
            found = self.mode(mode)
            self.assertEqual(int(found["pool"]), -errno.EPERM, found)
            self.assertEqual(int(found["plan"]), -errno.EPERM, found)
            self.assertIn("set-uid", found["why"])

    def test_its_segments_are_its_owners(self):
        found = self.mode(0o4755)
        self.assertEqual(found["segment"], "0", found)
        self.assertEqual(found["owner"], f"{OWNER} mode 600")


if __name__ == "__main__":
    unittest.main()
