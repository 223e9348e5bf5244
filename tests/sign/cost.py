#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What it costs a call that ranks which call differently are found.

Runs the call with and without that in turn, each in a process of its own, and
prints the median of the differences and the quarter above and below it.

Usage: cost.py WITH WITHOUT [ROUNDS [CALLS]]
"""
import statistics
import subprocess
import sys


def took(program, calls):
    return float(subprocess.run([program, str(calls)], check=True,
                                capture_output=True, text=True).stdout)


def main():
    program, without = sys.argv[1:3]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 41
    calls = int(sys.argv[4]) if len(sys.argv) > 4 else 2000000
    times = [(took(program, calls), took(without, calls))
             for _ in range(rounds)]
    more = [a - b for a, b in times]
    low, middle, high = (statistics.quantiles(more, n=4) if rounds > 1
                         else more * 3)
    print(f"a call takes {min(a for a, _ in times):.2f} ns, without "
          f"{min(b for _, b in times):.2f}; "
          f"more: {middle:.2f} ns ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
