"""Tries every way to another database of a server behind the relay.

Given a JSON object on stdin; says as JSON which of the ways led there, and what each
of the others ran into. Nothing of the harness holds it back but the relay itself.
"""

import asyncio
import ctypes
import glob
import json
import os
import socket
import struct
import subprocess
import sys
import threading

import asyncpg
import psycopg
import psycopg2
import psycopg.pq

given = json.load(sys.stdin)
HOST, PORT, USER, PASSWORD = given["host"], given["port"], given["user"], given["password"]
OWN, OTHER, SERVER, BIN = given["own"], given["other"], given["server"], given["bin"]
LEAK = "CREATE TABLE leaked (way text)"
NAMED = dict(host=HOST, port=PORT, user=USER, password=PASSWORD)
ENVIRONMENT = {
    "PATH": os.environ["PATH"], "HOME": given["home"], "PGHOST": HOST, "PGPORT": str(PORT),
    "PGUSER": USER, "PGPASSWORD": PASSWORD, "LC_ALL": "C",
}  # fmt: skip


def url(database, port=PORT, query=""):
    return f"postgresql://{USER}:{PASSWORD}@{HOST}:{port}/{database}{query}"


def query(connection, sql=LEAK):
    cursor = connection.cursor()
    cursor.execute(sql)
    connection.commit()
    return cursor


def through_psycopg(conninfo="", **named):
    query(psycopg.connect(conninfo, connect_timeout=10, **named))


async def through_asyncpg(database):
    connection = await asyncpg.connect(database=database, timeout=10, **NAMED)
    await connection.execute(LEAK)


async def through_psycopg_async():
    connection = await psycopg.AsyncConnection.connect(dbname=OTHER, **NAMED)
    await connection.execute(LEAK)
    await connection.commit()


def through_pq(conninfo):
    connection = psycopg.pq.PGconn.connect(conninfo.encode())
    assert connection.status == psycopg.pq.ConnStatus.OK, connection.error_message.decode()
    result = connection.exec_(LEAK.encode())
    assert result.status == psycopg.pq.ExecStatus.COMMAND_OK, result.error_message.decode()


def through_ctypes():
    place = os.path.dirname(os.path.dirname(psycopg2.__file__))
    libpq = ctypes.CDLL(glob.glob(f"{place}/psycopg2_binary.libs/libpq*")[0])
    libpq.PQconnectdb.restype = libpq.PQerrorMessage.restype = ctypes.c_void_p
    libpq.PQexec.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    libpq.PQstatus.argtypes = libpq.PQerrorMessage.argtypes = [ctypes.c_void_p]
    connection = libpq.PQconnectdb(url(OTHER).encode())
    assert libpq.PQstatus(connection) == 0, ctypes.string_at(libpq.PQerrorMessage(connection))
    libpq.PQexec(connection, LEAK.encode())


def program(*words, shell=None, **environment):
    words = ["sh", "-c", shell] if shell else [os.path.join(BIN, words[0]), *words[1:]]
    ran = subprocess.run(
        words, env={**ENVIRONMENT, **environment}, stdin=subprocess.DEVNULL, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, cwd=given["home"],
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout


def packet(*parameters, version=3 << 16, end=b"\0"):
    body = struct.pack("!I", version)
    for text in parameters:
        body += (text if isinstance(text, bytes) else text.encode()) + b"\0"
    body += end
    return struct.pack("!I", len(body) + 4) + body


def through_bytes(*packets, password=PASSWORD, port=PORT, before=b""):
    """A startup packet of one's own; in if the server gets to ask for a query."""
    with socket.create_connection((HOST, port), timeout=10) as raw:
        stream = raw.makefile("rb")
        if before:
            raw.sendall(before)
            answer = stream.read(1)
            assert answer == b"N", answer
        raw.sendall(b"".join(packets))
        while True:
            kind = stream.read(1)
            assert kind, "closed"
            body = stream.read(struct.unpack("!I", stream.read(4))[0] - 4)
            if kind == b"R" and body[:4] == struct.pack("!I", 3):
                text = password.encode() + b"\0"
                raw.sendall(b"p" + struct.pack("!I", len(text) + 4) + text)
            elif kind == b"R":
                assert body[:4] == struct.pack("!I", 0), body
            else:
                assert kind != b"E", body.replace(b"\0", b" ")
            if kind == b"Z":
                text = LEAK.encode() + b"\0"
                raw.sendall(b"Q" + struct.pack("!I", len(text) + 4) + text)
                stream.read(5)
                return


def dblink(port, password):
    with psycopg.connect(dbname=OWN, autocommit=True, **NAMED) as connection:
        parameters = f"host={HOST} port={port} dbname={OTHER} user={USER} password={password}"
        connection.execute("SELECT dblink_exec(%s, %s)", (parameters, LEAK))


SSL_REQUEST, GSS_REQUEST = struct.pack("!II", 8, 80877103), struct.pack("!II", 8, 80877104)
OTHERS = packet("user", USER, "database", OTHER)
CHILD = f"import psycopg; c = psycopg.connect({url(OTHER)!r}); c.execute({LEAK!r}); c.commit()"

with open(f"{given['home']}/pg_service.conf", "w") as file:
    file.write(f"[other]\nhost={HOST}\nport={PORT}\ndbname={OTHER}\n")
with open(f"{given['home']}/.pgpass", "w") as file:
    os.fchmod(file.fileno(), 0o600)
    file.write(f"*:*:*:*:{PASSWORD}\n")

WAYS = {
    "psycopg": lambda: through_psycopg(dbname=OTHER, **NAMED),
    "psycopg, a URL": lambda: through_psycopg(url(OTHER)),
    "psycopg, encrypted if possible": lambda: through_psycopg(dbname=OTHER, sslmode="prefer", **NAMED),
    "psycopg, the database in the query": lambda: through_psycopg(url(OWN, query=f"?dbname={OTHER}")),
    "psycopg, asynchronous": lambda: asyncio.run(through_psycopg_async()),
    "psycopg, replication": lambda: through_psycopg(dbname=OWN, replication="database", **NAMED),
    "psycopg, the maintenance database": lambda: through_psycopg(dbname="postgres", **NAMED),
    "psycopg, a template": lambda: through_psycopg(dbname="template1", **NAMED),
    "psycopg, encrypted": lambda: through_psycopg(dbname=OTHER, sslmode="require", **NAMED),
    "psycopg.pq": lambda: through_pq(url(OTHER)),
    "psycopg.pq, as somebody else": lambda: through_pq(url(OTHER).replace(f"//{USER}:", "//postgres:")),
    "libpq by ctypes": through_ctypes,
    "psycopg2": lambda: query(psycopg2.connect(dbname=OTHER, **NAMED)),
    "asyncpg": lambda: asyncio.run(through_asyncpg(OTHER)),
    "a child Python": lambda: program(sys.executable, "-c", CHILD),
    "psql": lambda: program("psql", "-d", OTHER, "-c", LEAK),
    "psql in a script": lambda: program(shell=f"{BIN}/psql '{url(OTHER)}' -c '{LEAK}'"),
    "psql, another database from within": lambda: program(
        shell=f"printf '\\\\connect {OTHER}\\n{LEAK};\\n' | {BIN}/psql -v ON_ERROR_STOP=1 -d {OWN}"
    ),
    "psql, a service file": lambda: program(
        "psql", "service=other", "-c", LEAK, PGSERVICEFILE=f"{given['home']}/pg_service.conf"
    ),
    "psql, by variables": lambda: program("psql", "-c", LEAK, PGDATABASE=OTHER),
    "psql, a password file": lambda: program("psql", "-c", LEAK, PGDATABASE=OTHER, PGPASSWORD=""),
    "psql, options": lambda: program("psql", "-c", LEAK, PGDATABASE=OTHER, PGOPTIONS="-c role=postgres"),
    "createdb": lambda: program("createdb", "leaked"),
    "createdb, from its own": lambda: program("createdb", f"--maintenance-db={OTHER}", "leaked"),
    "dropdb": lambda: program("dropdb", OTHER),
    "pg_dump": lambda: program("pg_dump", OTHER),
    "pg_dumpall": lambda: program("pg_dumpall"),
    "vacuumdb --all": lambda: program("vacuumdb", "--all"),
    "pg_basebackup": lambda: program("pg_basebackup", "-D", f"{given['home']}/backup"),
    "pg_receivewal": lambda: program("pg_receivewal", "-D", given["home"], "--no-loop", "--endpos=0/1"),
    "the server itself, psycopg": lambda: through_psycopg(url(OTHER, SERVER)),
    "the server itself, its own database": lambda: through_psycopg(url(OWN, SERVER)),
    "the server itself, psql": lambda: program("psql", "-d", OTHER, "-c", LEAK, PGPORT=str(SERVER)),
    "the server itself, no password": lambda: program(
        "psql", "-w", "-d", OTHER, "-c", LEAK, PGPORT=str(SERVER), PGPASSWORD=""
    ),
    "the server itself, asyncpg": lambda: asyncio.run(
        asyncpg.connect(url(OTHER, SERVER), timeout=10)
    ),
    "a packet": lambda: through_bytes(OTHERS),
    "a packet, the user's own database": lambda: through_bytes(packet("user", USER)),
    "a packet, an empty database": lambda: through_bytes(packet("user", USER, "database", "")),
    "a packet, the database twice": lambda: through_bytes(
        packet("user", USER, "database", OWN, "database", OTHER)
    ),
    "a packet, the database twice, ours last": lambda: through_bytes(
        packet("user", USER, "database", OTHER, "database", OWN)
    ),
    "a packet, a database after its end": lambda: through_bytes(
        packet("user", USER, "database", OWN, "", "database", OTHER)
    ),
    "a packet, without an end": lambda: through_bytes(
        packet("user", USER, "database", OTHER, end=b"")
    ),
    "a packet, a database with a space": lambda: through_bytes(
        packet("user", USER, "database", f"{OWN} ")
    ),
    "a packet, a database in capitals": lambda: through_bytes(
        packet("user", USER, "database", OWN.upper())
    ),
    "a packet, a name that is cut": lambda: through_bytes(
        packet("user", USER, "database", OTHER.ljust(80, "x"))
    ),
    "a packet, no UTF-8": lambda: through_bytes(
        packet("user", USER, "database", OTHER.encode() + b"\xff")
    ),
    "a packet, as somebody else": lambda: through_bytes(
        packet("user", "postgres", "database", OWN)
    ),
    "a packet, replication": lambda: through_bytes(
        packet("user", USER, "database", OWN, "replication", "true")
    ),
    "a packet, replication by another word": lambda: through_bytes(
        packet("user", USER, "database", OWN, "replication", "YES")
    ),
    "a packet, version 2": lambda: through_bytes(packet("user", USER, version=2 << 16)),
    "a packet, version 3.2": lambda: through_bytes(
        packet("user", USER, "database", OTHER, version=(3 << 16) + 2)
    ),
    "a packet, an option": lambda: through_bytes(
        packet("user", USER, "database", OTHER, "options", f"-c dbname={OWN}")
    ),
    "a packet after SSL": lambda: through_bytes(OTHERS, before=SSL_REQUEST),
    "a packet after GSS": lambda: through_bytes(OTHERS, before=GSS_REQUEST),
    "a packet behind SSL": lambda: through_bytes(before=SSL_REQUEST + OTHERS),
    "a packet, no password": lambda: through_bytes(OTHERS, password=""),
    "a packet, the user as password": lambda: through_bytes(OTHERS, password=USER),
    "a packet to the server itself": lambda: through_bytes(OTHERS, port=SERVER),
    "dblink, through the relay": lambda: dblink(PORT, PASSWORD),
    "dblink, within the server": lambda: dblink(SERVER, PASSWORD),
}


def outcome(way):
    try:
        way()
        return None
    except BaseException as error:
        return f"{type(error).__name__}: {error}"[:300]


async def own_by_asyncpg():
    connection = await asyncpg.connect(database=OWN, **NAMED)
    return await connection.fetchval("SELECT current_database()")


async def own_by_psycopg_async():
    connection = await psycopg.AsyncConnection.connect(dbname=OWN, **NAMED)
    return (await (await connection.execute("SELECT current_database()")).fetchone())[0]


def own_is_cancelled():
    connection = psycopg.connect(dbname=OWN, **NAMED)
    threading.Timer(0.3, connection.cancel).start()
    try:
        connection.execute("SELECT pg_sleep(30)")
    except psycopg.errors.QueryCanceled:
        return OWN


def own_is_large():
    """More than any buffer holds, in both directions at once."""
    with psycopg.connect(dbname=OWN, **NAMED) as connection:
        text = "x" * (8 << 20)
        assert connection.execute("SELECT %s::text", (text,)).fetchone()[0] == text
    return OWN


CURRENT = "SELECT current_database()"
OWNS = {
    "psycopg": lambda: query(psycopg.connect(dbname=OWN, **NAMED), CURRENT).fetchone()[0],
    "psycopg_async": lambda: asyncio.run(own_by_psycopg_async()),
    "psycopg2": lambda: query(psycopg2.connect(dbname=OWN, **NAMED), CURRENT).fetchone()[0],
    "asyncpg": lambda: asyncio.run(own_by_asyncpg()),
    "psql": lambda: program("psql", "-d", OWN, "-c", CURRENT) or OWN,
    "cancelled": own_is_cancelled,
    "large": own_is_large,
}

ways = {name: outcome(way) for name, way in WAYS.items()}
print(json.dumps({"ways": ways, "own": {name: own() for name, own in OWNS.items()}}))
