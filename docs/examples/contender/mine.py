#!/usr/bin/env python3
"""mine.py - a transport of your own, in Python: multiprocessing's Pipe.

    rigbench ipc --contender 'cmd:python3 mine.py' transports=seg-inplace,pipe
"""
import multiprocessing

import rigbench_contender


class Mine(rigbench_contender.Contender):
    name, summary, copies = "mine", "multiprocessing.Pipe, send_bytes", 2

    def create(self, link):
        self.ends = multiprocessing.Pipe()

    def attach(self, link):
        # Without the other's end a side sees that the other has died.
        self.ends[not link.side].close()

    def send(self, link, data):
        self.ends[link.side].send_bytes(data)

    def get(self, link):
        return self.ends[link.side].recv_bytes()

    def leave(self, link):
        for end in self.ends:
            end.close()


rigbench_contender.main(Mine)
