#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The public headers from C++: compiled, linked and run.

program.cpp uses a pool, a segment and a list; a second program, made here from
the headers' text, takes the address of every public function, so that a new
header without extern "C" fails as well.
"""
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
INCLUDE = os.path.join(HERE, "..", "..", "runtime", "include")
LIBRARY = os.environ["LIBRUNRIG"]
CXX = shlex.split(os.environ.get("CXX", "")) or [
    name for name in ("g++", "c++", "clang++") if shutil.which(name)][:1]

STANDARDS = ("c++17", "c++20")


def public_functions():
    """The names of all functions that a public header declares."""
    names = set()
    folder = os.path.join(INCLUDE, "runrig")
    for header in os.listdir(folder):
        with open(os.path.join(folder, header)) as file:
            text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
        for declaration in re.findall(r"^RIG_API\b([^;]*);", text, re.M):
            names.add(re.search(r"(\w+)\s*\(", declaration)[1])
    return sorted(names)


class Cxx(unittest.TestCase):
    def build_and_run(self, source, standard):
        with tempfile.TemporaryDirectory() as folder:
            program = os.path.join(folder, "program")
            built = subprocess.run(
                CXX + ["-std=" + standard, "-Wall", "-Wextra", "-Wpedantic",
                       "-Werror", "-I" + INCLUDE, source, LIBRARY,
                       "-Wl,-rpath," + os.path.dirname(LIBRARY),
                       "-o", program], capture_output=True, text=True)
            self.assertEqual(built.returncode, 0, built.stderr)
            ran = subprocess.run([program], capture_output=True, text=True)
            self.assertEqual(ran.returncode, 0, ran.stderr)
            return ran.stdout

    def test_a_program_works(self):
        for standard in STANDARDS:
            with self.subTest(standard):
                self.build_and_run(os.path.join(HERE, "program.cpp"), standard)

    def test_every_function_is_linked(self):
        names = public_functions()
        self.assertGreater(len(names), 150)
        rows = "".join("\treinterpret_cast<void *>(&%s),\n" % name
                       for name in names)
        with tempfile.NamedTemporaryFile("w", suffix=".cpp") as source:
            source.write("#include <cstdio>\n#include <runrig/runrig.h>\n"
                         "static void *const functions[] = {\n" + rows + "};\n"
                         "int main()\n{\n\tint found = 0;\n"
                         "\tfor (void *function : functions)\n"
                         "\t\tfound += function != nullptr;\n"
                         '\tstd::printf("%d\\n", found);\n}\n')
            source.flush()
            said = self.build_and_run(source.name, STANDARDS[0])
        self.assertEqual(int(said), len(names))


if __name__ == "__main__":
    if not CXX or os.environ.get("SANITIZED", "none") != "none":
        print("needs a C++ compiler, and no sanitizer")
        sys.exit(77)
    unittest.main()
