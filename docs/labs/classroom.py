# SPDX-License-Identifier: MIT
"""Marks of `runrig lab check --json` for classroom systems.

Usage: runrig lab check FOLDER... --json | python3 classroom.py SYSTEM

	gradescope   results.json of a submission: a test for each lab
	github       what autograding-grading-reporter takes from GitHub Classroom
	moodle       CSV for the import of grades: a line for each folder

A mark is the share of right cases, of 100 points.  In Moodle's table a student is
the last folder of the path that is no lab: hand-in/alice/04 is alice's.
"""
import base64
import csv
import json
import pathlib
import sys


def points(mark):
    return round(100 * mark["right"] / mark["cases"]) if mark["cases"] else 0


def student(mark):
    parts = [part for part in pathlib.Path(mark["folder"]).resolve().parts
             if not part[:2].isdigit()]
    return parts[-1]


def gradescope(marks):
    json.dump({"tests": [
        {"name": mark["lab"], "score": points(mark), "max_score": 100,
         "status": "passed" if mark["passed"] else "failed",
         "output": mark["text"]} for mark in marks]}, sys.stdout)


def github(marks):
    tests = [{"name": mark["lab"], "score": points(mark),
              "status": "pass" if mark["passed"] else "fail",
              "message": mark["hint"], "test_code": "runrig lab check",
              "filename": "start.c", "line_no": 0, "execution_time": ""}
             for mark in marks]
    passed = all(mark["passed"] for mark in marks)
    result = {"version": 1, "status": "pass" if passed else "fail",
              "max_score": 100 * len(marks), "tests": tests}
    print("result=" + base64.b64encode(json.dumps(result).encode()).decode())


def moodle(marks):
    table = csv.writer(sys.stdout)
    table.writerow(["ID number", "Lab", "Grade", "Feedback"])
    table.writerows([student(mark), mark["lab"], points(mark), mark["hint"]]
                    for mark in marks)


SYSTEMS = {"gradescope": gradescope, "github": github, "moodle": moodle}

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in SYSTEMS:
        sys.exit(__doc__)
    SYSTEMS[sys.argv[1]](json.load(sys.stdin))
