#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The cost of the check for ranks that call differently, in a call.

Runs the call with and without the check in turn, each in a separate process, and
compares the undisturbed times: the fastest, and the twentieth part from there.

Usage: cost.py WITH WITHOUT [ROUNDS [CALLS]]
"""
import subprocess
import sys


def took(program, calls):
    return float(subprocess.run([program, str(calls)], check=True,
                                capture_output=True, text=True).stdout)


def main():
    programs = sys.argv[1:3]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 201
    calls = int(sys.argv[4]) if len(sys.argv) > 4 else 100000
    times = [sorted(each) for each in
             zip(*([took(program, calls) for program in programs]
                   for _ in range(rounds)))]
    for name, at in ("fastest", 0), ("one of twenty", rounds // 20):
        here, without = (each[at] for each in times)
        print(f"{name}: a call takes {here:.2f} ns, without {without:.2f}; "
              f"more: {here - without:.2f} ns")


if __name__ == "__main__":
    main()
