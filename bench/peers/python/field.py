#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""field.py KIND: ways for programs in Python to hand bytes over, as contenders.

  pipe      multiprocessing.Pipe, send_bytes: no pickling
  queue     two multiprocessing.Queue, of arrays that are pickled
  manager   two queues of a multiprocessing.Manager, which is a third process
  joblib    joblib's memmap: a file in /dev/shm, named through a pipe, mapped there
  http      http.server and http.client over a Unix socket: a POST and its answer
  grpc      gRPC over a Unix socket: a unary call of bytes and its answer
"""
import multiprocessing
import os
import queue
import shutil
import socket
import sys
import tempfile


import rigbench_contender

# Seconds that a side waits for an answer that will not come.
IDLE_S = 600


class Pipe(rigbench_contender.Contender):
    name, summary, copies = "python-pipe", "multiprocessing.Pipe", 2

    def create(self, link):
        self.ends = multiprocessing.Pipe()

    def attach(self, link):
        self.ends[not link.side].close()

    def send(self, link, data):
        self.ends[link.side].send_bytes(data)

    def get(self, link):
        return self.ends[link.side].recv_bytes()

    def leave(self, link):
        for end in self.ends:
            end.close()


class Queue(rigbench_contender.Contender):
    name, summary, copies = "python-queue", "multiprocessing.Queue", 4

    def create(self, link):
        context = multiprocessing.get_context("fork")
        self.ways = [context.Queue(link.slots + 1) for _ in range(2)]

    def send(self, link, data):
        # A thread pickles the array later, when the array may have changed.
        self.ways[link.side].put(data.copy())

    def get(self, link):
        return self.ways[not link.side].get()

    def destroy(self, link):
        for way in self.ways:
            way.close()


class Manager(Queue):
    name, summary, copies = ("python-manager",
                             "queues of a multiprocessing.Manager", 6)

    def create(self, link):
        self.manager = multiprocessing.get_context("fork").Manager()
        self.ways = [self.manager.Queue(link.slots + 1) for _ in range(2)]

    def send(self, link, data):
        self.ways[link.side].put(data)

    def destroy(self, link):
        self.manager.shutdown()


class Joblib(Pipe):
    name, summary, copies = ("joblib-memmap",
                             "joblib.dump in /dev/shm, load by mmap_mode", 1)

    def create(self, link):
        super().create(link)
        if not link.bytes:
            raise NotImplementedError("a mapping has no empty message")
        self.folder = tempfile.mkdtemp(prefix="rigbench-", dir="/dev/shm")
        self.count = 0

    def send(self, link, data):
        self.count += 1
        path = os.path.join(self.folder, f"{link.side}-{self.count}")
        joblib.dump(data, path)
        super().send(link, path.encode())

    def get(self, link):
        self.path = super().get(link).decode()
        return joblib.load(self.path, mmap_mode="r")

    def done(self, link):
        os.unlink(self.path)

    def destroy(self, link):
        shutil.rmtree(self.folder, ignore_errors=True)


class Served(rigbench_contender.Contender):
    """Side 0 calls, side 1 serves: a message of side 1 is the answer to the last
    message of side 0; without a message the answer is empty."""

    def create(self, link):
        if link.pattern == "crash":
            raise NotImplementedError("a server that is killed is what its "
                                      "client's time-out is for")
        self.folder = tempfile.mkdtemp(prefix="rigbench-")
        self.path = os.path.join(self.folder, "socket")

    def destroy(self, link):
        shutil.rmtree(self.folder, ignore_errors=True)


class Http(Served):
    name, summary, copies = ("http-unix",
                             "http.server and http.client, a Unix socket", 2)

    def create(self, link):
        super().create(link)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()

    def attach(self, link):
        self.open = False  # side 0: an answer is due; side 1: it owes one
        if link.side == 0:
            self.client = http.client.HTTPConnection("localhost")
            self.client.sock = socket.socket(socket.AF_UNIX)
            self.client.sock.connect(self.path)
            return
        peer, _ = self.listener.accept()
        self.served = handler()
        self.served.rfile = peer.makefile("rb", -1)
        self.served.wfile = peer.makefile("wb", 0)

    def send(self, link, data):
        if link.side == 1:
            self.answer(data)
            return
        if self.open:
            self.client.getresponse().read()
        self.client.request("POST", "/", memoryview(data),
                            {"Content-Length": str(len(data))})
        self.open = True

    def get(self, link):
        if link.side == 0:
            self.open = False
            return self.client.getresponse().read()
        if self.open:
            self.answer(b"")
        server = self.served
        server.raw_requestline = server.rfile.readline(65537)
        if not server.raw_requestline or not server.parse_request():
            raise BrokenPipeError("the client has gone")
        self.open = True
        return server.rfile.read(int(server.headers["Content-Length"]))

    def answer(self, data):
        self.open = False
        self.served.send_response(200)
        self.served.send_header("Content-Length", str(len(data)))
        self.served.end_headers()
        self.served.wfile.write(data)

    def leave(self, link):
        self.listener.close()


def handler():
    """A request handler of http.server whose connection is told from outside."""
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args):
            pass

        client_address = ("", 0)
        request_version = "HTTP/1.1"
        requestline = command = ""

    return Handler.__new__(Handler)


class Grpc(Served):
    name, summary, copies = "grpc-unix", "gRPC, unary calls, a Unix socket", 4

    def attach(self, link):
        # Bytes as they are: no message of protobuf is in the way.
        plain = {"request_deserializer": None, "response_serializer": None}
        options = [("grpc.max_send_message_length", -1),
                   ("grpc.max_receive_message_length", -1)]
        self.open = None
        if link.side == 0:
            channel = grpc.insecure_channel("unix:" + self.path, options)
            grpc.channel_ready_future(channel).result(timeout=IDLE_S)
            self.call = channel.unary_unary("/rigbench/Hand")
            return
        self.came, self.answers = queue.SimpleQueue(), queue.SimpleQueue()
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(1),
                                  options=options)
        self.server.add_generic_rpc_handlers((
            grpc.method_handlers_generic_handler("rigbench", {
                "Hand": grpc.unary_unary_rpc_method_handler(self.serve,
                                                            **plain)}),))
        self.server.add_insecure_port("unix:" + self.path)
        self.server.start()

    def serve(self, request, context):
        del context
        self.came.put(request)
        return self.answers.get()

    def send(self, link, data):
        if link.side == 1:
            self.open = None
            self.answers.put(data.tobytes())
            return
        if self.open:
            self.open.result()
        self.open = self.call.future(data.tobytes())

    def get(self, link):
        if link.side == 0:
            answer, self.open = self.open.result(), None
            return answer
        if self.open:
            self.answers.put(b"")
        self.open = True
        return self.came.get()


KINDS = {"pipe": (Pipe, ()), "queue": (Queue, ()), "manager": (Manager, ()),
         "joblib": (Joblib, ("joblib",)),
         "http": (Http, ("http.client", "http.server")),
         "grpc": (Grpc, ("grpc", "concurrent.futures"))}


def main():
    kind, modules = KINDS[sys.argv[1]]
    del sys.argv[1]
    for module in modules:
        try:
            globals()[module.split(".")[0]] = __import__(module)
        except ImportError:
            print("cannot", sys.executable, "has no", module, flush=True)
            return
    rigbench_contender.main(kind)


if __name__ == "__main__":
    main()
