#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What runrig.hpp must not let through is a compile error that says why.

Usage: test_refused.py INCLUDE_DIR... -- COMPILER [WORD...]
"""
import subprocess
import sys
import unittest

HEAD = """
#include <string>
#include <runrig/runrig.hpp>
struct plain { int n; };
struct text { std::string words; };
struct huge { char bytes[RIG_ARGS_MAX + 1]; };
struct large { char bytes[RIG_RESULT_MAX + 1]; };
"""
ACCEPTED = ["pool.run({}, plain{3}, [](rig::team, const plain &a) "
            "{ return a.n; });"]
REFUSED = {
    "pool.run({}, [n](rig::team) { return n; });": "captures nothing",
    "pool.run({}, [&](rig::team) { return n; });": "captures nothing",
    "pool.run({}, text{}, [](rig::team, const text &) {});":
        "copied byte by byte",
    "pool.run({}, 3, [](rig::team, int) {});": "are one struct",
    "pool.run({}, &n, [](rig::team, int *) {});": "are one struct",
    "pool.run({}, huge{}, [](rig::team, const huge &) {});": "RIG_ARGS_MAX",
    "pool.run({}, [](rig::team) { return std::string(); });":
        "copied byte by byte",
    "pool.run({}, [](rig::team t) { return t.get(); });": "no pointer",
    "pool.run({}, [](rig::team) { return large{}; });": "RIG_RESULT_MAX",
    "(void)rig::segment(80).as<std::string>().size();": "copied byte by",
    "rig::segment a(1); rig::segment b = a;": "deleted",
}


def compiled(bodies):
    """(exit status, errors); body i is said to stand in a file called case_i."""
    source = HEAD + "".join(
        f'#line 1 "case_{i}_"\nvoid f{i}(rig::pool &pool, int n) '
        f"{{ (void)n; (void)pool; {body} }}\n"
        for i, body in enumerate(bodies))
    done = subprocess.run(
        [*COMPILER, "-std=c++17", "-fsyntax-only", "-x", "c++", *INCLUDES, "-"],
        input=source, text=True, capture_output=True, check=False)
    return done.returncode, done.stderr


class Refused(unittest.TestCase):
    def test_what_is_right_is_accepted(self):
        self.assertEqual(compiled(ACCEPTED), (0, ""))

    def test_each_mistake_is_an_error_that_says_why(self):
        status, said = compiled(REFUSED)
        self.assertNotEqual(status, 0)
        for i, (body, pattern) in enumerate(REFUSED.items()):
            with self.subTest(body):
                self.assertIn(f"case_{i}_:", said)
                self.assertIn(pattern, said)


if __name__ == "__main__":
    split = sys.argv.index("--")
    INCLUDES = ["-I" + folder for folder in sys.argv[1:split]]
    COMPILER = sys.argv[split + 1:]
    unittest.main(argv=sys.argv[:1])
