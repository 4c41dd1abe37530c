"""The conversation with the harness: `channel`."""

import json
import os
import socket
import threading


class Channel:
    """JSON lines over a socket that children of the service do not inherit."""

    def __init__(self):
        self.socket = None  # the parent of forks has nobody to talk to
        self.owner = None

    def open(self, fd):
        self.socket = socket.socket(fileno=fd)
        self.socket.set_inheritable(False)
        self.lines = self.socket.makefile("r", encoding="utf-8")
        self.owner = os.getpid()
        self.sending = threading.RLock()
        key = self.lines.readline().strip()
        # In no attribute: what is written to every open descriptor is no answer.
        self.keyed = lambda text: f"{key} {text}\n".encode("ascii")

    def send(self, **message):
        if self.socket is None or os.getpid() != self.owner:
            return  # a fork of the interpreter has no part in the conversation
        line = self.keyed(json.dumps(message, default=str, ensure_ascii=True))
        with self.sending:
            self.socket.sendall(line)

    def wait(self, **message):
        """Sends a message, and goes on when the harness has said so."""
        if self.socket is not None and os.getpid() == self.owner:
            self.send(**message)
            self.lines.readline()

    def commands(self):
        for line in self.lines:
            yield json.loads(line)
            if os.getpid() != self.owner:
                os._exit(1)


channel = Channel()
