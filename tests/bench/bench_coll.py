# SPDX-License-Identifier: MIT
"""rigbench from outside: the verbs of a team, and MPI's."""
import json
import unittest

from bench_lib import (LONG, SHORT, names, rigbench, obeys_schema)


class Collectives(unittest.TestCase):
    """Every verb, private, in a segment and lent, right at the last call."""

    def test_ours_are_right(self):
        verbs = ["send", "allreduce_init"] + (
            ["bcast", "scan", "iallreduce"] if LONG else [])
        done = rigbench("coll", *verbs, *SHORT, "--json")
        found = json.loads(done.stdout)
        obeys_schema(self, found)
        for cell in found["cells"]:
            self.assertEqual(cell["status"], "ok",
                             (cell["id"], cell.get("reason")))
            self.assertGreater(cell["verify"]["passes"], 0, cell["id"])
        names = {cell["name"] for cell in found["cells"]}
        self.assertLessEqual({"runrig", "runrig, segment", "runrig, lent",
                              "floor"}, names)

    def test_mpi_is_right_too(self):
        verbs = ["barrier"] + (["gather", "allreduce_init"] if LONG else [])
        done = rigbench("coll", *verbs, *SHORT[:-1], "openmpi,mpich",
                        "--json")
        found = json.loads(done.stdout)["cells"]
        self.assertEqual({cell["contest"].split(",")[0] for cell in found},
                         set(verbs))
        for cell in found:
            self.assertIn(cell["status"], ("ok", "skipped"),
                          (cell["id"], cell.get("reason")))
            if cell["status"] == "skipped":
                self.assertRegex(cell["reason"], "not (built|installed)|"
                                                 "no persistent collectives")

    def test_no_such_verb(self):
        done = rigbench("coll", "yell", check=1)
        self.assertRegex(done.stderr, r"\Arigbench: coll: no verb yell; "
                                      r"there are barrier .*\n\Z")
