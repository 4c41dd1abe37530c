"""The usual way, one service after the other: start a server, `alembic upgrade head`,
verify the indexes, stop the server.

Written to be fast at that: no sleeps, a copied data directory in memory, no fsync,
the next step begins the moment the last one ended, and bytecode is warm.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# As such scripts do it: the URL comes from the service's own settings.
VERIFY = """
import asyncio, importlib, sys
import asyncpg
settings = importlib.import_module(f"services.{sys.argv[1]}.config").settings

async def main():
    connection = await asyncpg.connect(settings.database_url.replace("+asyncpg", ""))
    rows = await connection.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'event_outbox'")
    found = {row["indexname"]: row["indexdef"] for row in rows}
    assert "(published_at, created_at) WHERE (published_at IS NULL)" in found["ix_event_outbox_unpublished"]
    assert "(aggregate_type, aggregate_id)" in found["ix_event_outbox_aggregate"]
    await connection.close()

asyncio.run(main())
"""
OPTIONS = (
    "fsync=off", "full_page_writes=off", "synchronous_commit=off", "autovacuum=off", "jit=off",
    "shared_buffers=16MB", "listen_addresses=127.0.0.1", "unix_socket_directories=",
    "dynamic_shared_memory_type=mmap",
)  # fmt: skip


class Servers:
    """Local servers, each from a copy of one initialised data directory."""

    def __init__(self, binaries):
        self.binaries = Path(binaries)
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.home = Path(tempfile.mkdtemp(prefix="migration-harness-bench-", dir=memory))
        self.account = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            user = pwd.getpwnam("nobody")
            self.account = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            os.chown(self.home, user.pw_uid, user.pw_gid)
        self.run(["initdb", "-D", "template", "-U", "postgres", "--auth=trust", "--no-sync",
                  "--encoding=UTF8", "--locale=C", "--wal-segsize=1"])  # fmt: skip

    def run(self, words):
        words = [str(self.binaries / words[0]), *words[1:]]
        subprocess.run(words, cwd=self.home, check=True, stdout=subprocess.DEVNULL, **self.account)

    def start(self):
        """A server, its port and its directory, once it accepts connections."""
        data = self.home / "data"
        copy = ["cp", "-a", "template", "data"]
        subprocess.run(copy, cwd=self.home, check=True, **self.account)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        words = [str(self.binaries / "postgres"), "-D", str(data), "-p", str(port)]
        for option in OPTIONS:
            words += ["-c", option]
        server = subprocess.Popen(
            words, cwd=self.home, stderr=subprocess.DEVNULL, **self.account
        )
        while "ready" not in state(data):
            if server.poll() is not None:
                raise SystemExit("the server of the usual script does not start")
            time.sleep(0.002)
        return server, port, data

    def stop(self, server, data):
        server.send_signal(signal.SIGQUIT)
        server.wait()
        shutil.rmtree(data)

    def remove(self):
        shutil.rmtree(self.home)


def state(data):
    try:
        return (data / "postmaster.pid").read_text()
    except OSError:
        return ""


def usual(servers, python, root, services):
    """Runs the script for each service; fails where a step fails."""
    path = f"{root}:{Path(root) / 'libs'}"
    for name in services:
        server, port, data = servers.start()
        url = f"postgresql+asyncpg://postgres@127.0.0.1:{port}/postgres"
        environment = {**os.environ, f"{name.upper()}_DATABASE_URL": url, "PYTHONPATH": path}
        directory = Path(root) / "services" / name
        alembic = [str(Path(python).parent / "alembic"), "upgrade", "head"]
        verify = [python, "-c", VERIFY, name]
        for words in (alembic, verify):
            done = subprocess.run(words, cwd=directory, env=environment, capture_output=True)
            if done.returncode:
                sys.exit(done.stderr.decode())
        servers.stop(server, data)
