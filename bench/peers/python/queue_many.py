#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""64 bytes through one queue, from PUTTERS processes to TAKERS: rig_queue, a POSIX
message queue, Boost's message_queue and Python's multiprocessing.Queue, in turns.

Usage: queue_many.py PROGRAM [ROUNDS]

PROGRAM is rigbench-queue-many of the build folder, which is there where Boost is.
Prints the median of the rounds in nanoseconds a message, the quartiles, and the ratio
of rig_queue.
"""
import multiprocessing
import statistics
import subprocess
import sys
import time

COUNTS = {"rig": 100000, "rig-1000": 100000, "mq": 20000, "boost": 20000, "python": 4000}


def puts(queue, go, count):
    message = b"x" * 64
    go.wait()
    for _ in range(count):
        queue.put(message)


def takes(queue, count):
    for _ in range(count):
        assert len(queue.get()) == 64


def python_once(putters, takers, count):
    context = multiprocessing.get_context("fork")
    queue, go = context.Queue(10), context.Event()
    people = [context.Process(target=puts, args=(queue, go, count))
              for _ in range(putters)]
    people += [context.Process(target=takes,
                               args=(queue, count * putters // takers))
               for _ in range(takers)]
    for process in people:
        process.start()
    time.sleep(0.2)
    begin = time.monotonic_ns()
    go.set()
    for process in people:
        process.join()
    return (time.monotonic_ns() - begin) / (count * putters)


def once(program, kind, putters, takers):
    count = COUNTS[kind] // putters
    if kind == "python":
        return python_once(putters, takers, count)
    done = subprocess.run([program, kind, str(putters), str(takers),
                           str(count)], stdout=subprocess.PIPE, text=True,
                          check=True)
    return float(done.stdout)


def main(program, rounds="11"):
    for putters, takers in ((1, 1), (4, 4)):
        times = {kind: [] for kind in COUNTS}
        for _ in range(int(rounds)):
            for kind, found in times.items():
                found.append(once(program, kind, putters, takers))
        rig = statistics.median(times["rig"])
        print(f"{putters} to {takers}, 64 bytes, ns a message"
              "       median   quartiles            rig_queue is")
        for kind, found in times.items():
            low, middle, high = statistics.quantiles(found, n=4)
            print(f"  {kind:38} {middle:9.0f}  [{low:.0f}, {high:.0f}]".ljust(72)
                  + f"{rig / middle:.3f} x", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
