"""Keeps the interpreter to the disposable server, in layers.

From the layer that says most to the one that lets least through:

1. SQLAlchemy's `do_connect` knows host, port and database (see listeners.py).
2. The drivers: libpq connects in C, where no audit hook sees it, so psycopg and
   psycopg2 are wrapped as they are imported; asyncpg too, for the database's name.
3. An audit hook sees Python's own sockets, and programs such as `psql`.
4. The kernel, where it can (Linux, Landlock from 6.7 on, and seccomp): no TCP
   connection to another port, also by Fast Open or Multipath TCP, no Unix-domain
   stream socket. The refusal holds for C code and for every child process, and cannot
   be taken back.
5. The token, which a connection must show before it is used (see listeners.py).
"""

import ctypes
import errno
import functools
import ipaddress
import os
import platform
import shlex
import socket
import struct
import sys
from string import Template
from urllib.parse import parse_qsl, unquote, urlsplit

from migration_harness_channel import channel
from migration_harness_door import door
from migration_harness_imported import after_imports
from migration_harness_source import attribute_of, connecting_place, sqlstate_of

# Programs that connect to PostgreSQL by what libpq's variables and options say.
CLIENTS = {
    "psql", "pg_dump", "pg_dumpall", "pg_restore", "pg_isready", "pgbench", "createdb",
    "dropdb", "createuser", "dropuser", "vacuumdb", "reindexdb", "clusterdb",
}  # fmt: skip
OPTIONS = {"-h": "host", "-p": "port", "-d": "dbname"}
LONG_OPTIONS = {"--host": "host", "--port": "port", "--dbname": "dbname"}
# Which of libpq's variables stand in for which parameter.
VARIABLES = {"host": "PGHOST", "hostaddr": "PGHOSTADDR", "port": "PGPORT", "dbname": "PGDATABASE"}


class WrongDatabase(Exception):
    """The service was about to use a database that is not the disposable one."""


def refusal_behind(error):
    """The refused connection that made a service raise this; None where it was caught.

    What the server itself refuses is no refusal of ours, whatever was caught before.
    """
    if sqlstate_of(error) is not None:
        return None
    return next(
        filter(None, (attribute_of(one, "migration_harness_refused") for one in chain(error))), None
    )


def chain(error):
    """An exception with what it came from: causes, contexts, groups and arguments."""
    seen, waiting = set(), [error]
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        context = None if one.__suppress_context__ else one.__context__
        parts = [*(attribute_of(one, "args") or ()), *(attribute_of(one, "exceptions") or ())]
        parts = [part for part in parts if issubclass(type(part), BaseException)]
        waiting += [*parts, *filter(None, (context, one.__cause__))]


class Target:
    """The disposable database."""

    def __init__(self, host, port, database, token, variables):
        self.host, self.port, self.database = host, port, database
        self.token, self.variables = token, variables
        self.addresses = {host}
        try:
            for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                self.addresses.add(found[4][0])
        except OSError:
            pass

    def is_address(self, address):
        return (
            isinstance(address, tuple)
            and len(address) >= 2
            and str(address[1]) == str(self.port)
            and self.is_ours(str(address[0]))
        )

    def is_server(self, host, port):
        """Tells whether each of the comma-separated hosts and ports is this server's."""
        hosts, ports = str(host).split(","), str(port).split(",")
        return all(one == str(self.port) for one in ports) and all(map(self.leads_here, hosts))

    def leads_here(self, host):
        """Tells whether a name leads to the server and nowhere else, as `localhost` does."""
        if host in self.addresses:
            return True
        try:
            found = socket.getaddrinfo(host, self.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return False
        return all(self.is_ours(address[0]) for *_, address in found)

    def is_ours(self, address):
        """Tells whether an address is the server's. On loopback every address of loopback
        counts: a name has several, and the token decides."""
        return address in self.addresses or (
            is_loopback(address) and any(map(is_loopback, self.addresses))
        )


def is_loopback(address):
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


class Guard:
    """Refuses every connection but those to the target; before there is one, all."""

    def __init__(self, report):
        self.report = report  # called with what was refused, as an event
        self.checks = {
            "socket.connect": door.ours(self.check_socket),
            "socket.sendto": door.ours(self.check_fast_open),
            "socket.sendmsg": door.ours(self.check_fast_open),
            "subprocess.Popen": door.ours(lambda _, words, __, env: self.check_program(words, env)),
            "os.system": door.ours(lambda text: self.check_program(["sh", "-c", text], None)),
            **dict.fromkeys(
                ("os.exec", "os.posix_spawn", "os.spawn"),
                door.ours(lambda *args: self.check_program(args[-2], args[-1])),
            ),
        }
        self.target = Target("127.0.0.1", 1, "no_database", "", ())
        self.confined, self.kernel = False, []

    def open(self, target):
        self.target = target
        if not self.confined:
            self.confined = True
            self.kernel = confine(target.port)
            be_first_to_be_killed()

    def watch(self):
        sys.addaudithook(self.audit)
        after_imports(connects(self))

    def refuse(self, sought, host=None, port=None, database=None):
        """Raises; `sought` is a kind that the harness knows, alone or with a name."""
        variables = ", ".join(self.target.variables)
        text = f"the service connects to another database; it should read {variables}"
        raise self.noted(WrongDatabase(text), sought, host, port, database)

    def noted(self, error, sought, *named):
        """Reports what is refused, and has the error that says so carry it."""
        host, port, database = [None if value is None else text_of(value) for value in named]
        refused = {
            "sought": sought, "host": host, "port": port, "database": database,
            "place": connecting_place(sys._getframe(1)),
        }  # fmt: skip
        self.report(event="refused", **refused)
        error.migration_harness_refused = refused
        return error

    def check(self, parameters, sought="database", environment=os.environ, any_name=False):
        """Refuses what libpq, or a driver that does as it does, would connect to.

        What is named neither here nor by a variable is a local socket, and so never
        the target (https://www.postgresql.org/docs/current/libpq-connect.html).
        """
        named = {
            key: parameters.get(key) or environment.get(variable)
            for key, variable in VARIABLES.items()
        }
        host, port = named["host"] or named["hostaddr"], named["port"] or 5432
        database = parameters.get("database") or named["dbname"]
        if (
            not self.target.is_server(host, port)
            or not self.target.is_server(named["hostaddr"] or host, port)
            or not (str(database) == self.target.database or any_name and not database)
        ):
            self.refuse(sought, host, port, database)

    # --- what Python itself does ---

    def audit(self, event, args):
        if event in self.checks:
            self.checks[event](*args)

    def check_fast_open(self, connecting, address, *_):
        if address is not None:  # TCP Fast Open
            self.check_socket(connecting, address)

    def check_socket(self, connecting, address):
        # A datagram is no database: a log, a metric, a look at DNS.
        if connecting.type == socket.SOCK_DGRAM or self.target.is_address(address):
            return
        host, port = address, None
        if isinstance(address, tuple) and len(address) > 1:
            host, port = address[:2]
        allowed = f"{self.target.host}:{self.target.port}"
        text = f"migration-harness allows connections to {allowed} only"
        raise self.noted(PermissionError(errno.EPERM, text), "socket", host, port, None)

    def check_program(self, words, environment):
        environment = os.environ if environment is None else environment
        environment = {text_of(key): text_of(value) for key, value in environment.items()}
        if isinstance(words, (str, bytes, os.PathLike)):
            words = [words]
        for program, arguments in clients([text_of(word) for word in words], environment):
            named = connection_of(arguments, environment)
            # A name that is not found may stand where only the program knows to look.
            self.check(named, {"program": program}, environment, any_name=True)


# Both are raised into the service's code on purpose.
door.passing = (WrongDatabase, PermissionError)
guard = Guard(channel.send)


def text_of(value):
    return os.fsdecode(value) if isinstance(value, (str, bytes, os.PathLike)) else str(value)


def clients(words, environment):
    """Each PostgreSQL program that a command starts, with its arguments; in the text
    of a shell's `-c` too, as far as words tell."""
    if len(words) > 2 and words[1] == "-c":
        try:
            command = Template(words[2]).safe_substitute(environment)
            lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
            lexer.whitespace_split = True
            words = list(lexer)
        except ValueError:
            words = words[2].split()
    found = []
    for place, word in enumerate(words):
        if os.path.basename(word) in CLIENTS:
            after = words[place + 1 :]
            ends = [at for at, one in enumerate(after) if one and set(one) <= set("();<>|&")]
            found.append((os.path.basename(word), after[: min(ends, default=len(after))]))
    return found


def connection_of(arguments, environment):
    """Host, port and database that options, a URL or a `key=value` string name."""
    named = {}
    rest = iter(arguments)
    for word in rest:
        key, _, value = word.partition("=")
        if key in LONG_OPTIONS:
            named[LONG_OPTIONS[key]] = value or next(rest, "")
        elif word[:2] in OPTIONS and not word.startswith("--"):
            named[OPTIONS[word[:2]]] = word[2:] or next(rest, "")
        elif "://" in word or "host=" in word or "dbname=" in word or "service=" in word:
            named["dbname"] = word
    database = named.get("dbname") or ""
    if "://" in database:
        url = urlsplit(database)
        named["dbname"] = unquote(url.path.lstrip("/"))
        named.update(host=url.hostname, port=url.port, **dict(parse_qsl(url.query)))
    elif "=" in database:
        named.pop("dbname")
        named.update(pair.split("=", 1) for pair in shlex.split(database) if "=" in pair)
    if named.get("service") or environment.get("PGSERVICE"):
        named.setdefault("host", f"service={named.get('service') or environment['PGSERVICE']}")
    return named


# --- the drivers ---------------------------------------------------------------


def connects(guard):
    """The patch for a driver's module, applied once it was imported."""

    def wrapped(name, parameters):
        return lambda module: wrap(module, name, guard, parameters)

    return {
        "psycopg.generators": wrapped("connect", psycopg_parameters),
        "psycopg2": wrapped("_connect", psycopg2_parameters),
        "psycopg2cffi": wrapped("_connect", psycopg2cffi_parameters),
        "asyncpg.connect_utils": wrapped("_connect_addr", asyncpg_parameters),
        "pg8000.core": lambda module: hasattr(module, "CoreConnection")
        and wrap(module.CoreConnection, "__init__", guard, pg8000_parameters),
    }


def wrap(module, name, guard, parameters):
    connect = getattr(module, name, None)
    if connect is None:
        return  # another version of the driver: the layers below hold

    @door.ours
    @functools.wraps(connect)
    def checked(*args, **kwargs):
        with door.theirs():
            named = parameters(*args, **kwargs)
        guard.check(named)
        with door.theirs():
            return connect(*args, **kwargs)

    setattr(module, name, checked)


def psycopg_parameters(conninfo, *args, **kwargs):
    from psycopg.conninfo import conninfo_to_dict

    return conninfo_to_dict(conninfo)


def psycopg2_parameters(dsn="", *args, **kwargs):
    from psycopg2.extensions import parse_dsn

    return parse_dsn(dsn)


def psycopg2cffi_parameters(dsn="", *args, **kwargs):
    return connection_of([dsn], os.environ)


def pg8000_parameters(self, user, host="localhost", database=None, port=5432, *args, **kwargs):
    """The parameters of a connection; the database defaults to the user's name."""
    socket_path = kwargs.get("unix_sock")
    return {"host": socket_path or host, "port": port, "database": database or user}


def asyncpg_parameters(*, addr, params, **kwargs):
    host, port = addr if isinstance(addr, (tuple, list)) else (addr, None)
    return {"host": host, "port": port, "database": params.database}


def connected_to(connection):
    """Host, port and database of an open connection, as far as its driver tells."""
    info = getattr(connection, "info", None)
    if hasattr(info, "dbname"):
        return info.host, info.port, info.dbname
    driver = getattr(connection, "driver_connection", None) or getattr(connection, "_connection", None)
    address = getattr(driver, "_addr", None)
    database = getattr(getattr(driver, "_params", None), "database", None)
    if isinstance(address, (tuple, list)):
        return address[0], address[1], database
    return address, None, database


# --- the kernel ----------------------------------------------------------------

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
# landlock(7); the numbers are the same on every architecture.
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
LANDLOCK_VERSION, LANDLOCK_NET_PORT, LANDLOCK_CONNECT_TCP = 1, 2, 1 << 1
LANDLOCK_WITH_TCP = 4
# The architecture in a seccomp filter, and its numbers of the system calls that are looked at.
SECCOMP_CALLS = {
    "x86_64": (0xC000003E, {"socket": 41, "sendto": 44, "sendmsg": 46, "sendmmsg": 307}),
    "aarch64": (0xC00000B7, {"socket": 198, "sendto": 206, "sendmsg": 211, "sendmmsg": 269}),
}
# The same number everywhere.
IO_URING_SETUP = 425
MSG_FASTOPEN, AF_SMC, IPPROTO_SMC, IPPROTO_MPTCP = 0x20000000, 43, 256, 262
# The refused calls: the call, what (argument, mask, value) must all hold, and the error that
# a kernel without the feature gives, so that a program which can do without it does.
REFUSED_CALLS = [
    # `socketpair`, which event loops use, is another call; a datagram is a log line.
    ("socket", [(0, ~0, socket.AF_UNIX), (1, 0xF, socket.SOCK_STREAM)], errno.EACCES),
    ("socket", [(0, ~0, socket.AF_UNIX), (1, 0xF, socket.SOCK_SEQPACKET)], errno.EACCES),
    # They connect by TCP, and Landlock takes them for something else.
    ("socket", [(2, ~0, IPPROTO_MPTCP)], errno.EPROTONOSUPPORT),
    ("socket", [(2, ~0, IPPROTO_SMC)], errno.EPROTONOSUPPORT),
    ("socket", [(0, ~0, AF_SMC)], errno.EAFNOSUPPORT),
    # TCP Fast Open connects without `connect`.
    ("sendto", [(3, MSG_FASTOPEN, MSG_FASTOPEN)], errno.EOPNOTSUPP),
    ("sendmsg", [(2, MSG_FASTOPEN, MSG_FASTOPEN)], errno.EOPNOTSUPP),
    ("sendmmsg", [(3, MSG_FASTOPEN, MSG_FASTOPEN)], errno.EOPNOTSUPP),
    # Its operations are system calls that no filter sees.
    ("io_uring_setup", [], errno.ENOSYS),
]  # fmt: skip
SECCOMP_ALLOW, SECCOMP_ERRNO, X32 = 0x7FFF0000, 0x00050000, 0x40000000


def confine(port):
    """Has the kernel refuse what no layer above sees, and says what it does refuse. Without the
    kernel's support those layers remain."""
    if not sys.platform.startswith("linux"):
        return []
    refused = []
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
            if confine_tcp(libc, port):
                refused.append("TCP")
            if confine_calls(libc):
                refused.append("Unix-domain sockets")
    except (OSError, AttributeError):
        pass
    return refused


def be_first_to_be_killed():
    """Makes this process the first that the kernel ends where memory runs out: a service
    that asks for all of it takes no neighbour and no server along."""
    try:
        with open("/proc/self/oom_score_adj", "w") as score:
            score.write("1000")
    except OSError:
        pass


def confine_tcp(libc, port):
    """No TCP connection but to this port, whatever the host."""
    if libc.syscall(LANDLOCK_CREATE, None, 0, LANDLOCK_VERSION) < LANDLOCK_WITH_TCP:
        return False
    handled = struct.pack("=QQ", 0, LANDLOCK_CONNECT_TCP)
    ruleset = libc.syscall(LANDLOCK_CREATE, handled, len(handled), 0)
    if ruleset < 0:
        return False
    rule = struct.pack("=QQ", LANDLOCK_CONNECT_TCP, port)
    added = libc.syscall(LANDLOCK_ADD, ruleset, LANDLOCK_NET_PORT, rule, 0) == 0
    restricted = added and libc.syscall(LANDLOCK_RESTRICT, ruleset, 0) == 0
    os.close(ruleset)
    return restricted


def confine_calls(libc):
    """No system call of `REFUSED_CALLS`, and none of another architecture's."""
    if platform.machine() not in SECCOMP_CALLS or sys.maxsize < 2**32:
        return False
    architecture, numbers = SECCOMP_CALLS[platform.machine()]
    program = filter_program(architecture, {**numbers, "io_uring_setup": IO_URING_SETUP})
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in program))
    filter_ = struct.pack("@HP", len(program), ctypes.addressof(code))
    return libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter_, 0, 0) == 0


def filter_program(architecture, numbers):
    """The filter's instructions (https://docs.kernel.org/userspace-api/seccomp_filter.html);
    of `struct seccomp_data` it reads the call at 0, the architecture at 4 and the lower
    halves of the arguments from 16 on."""
    load, equal, greater, mask, end = 0x20, 0x15, 0x35, 0x54, 0x06

    def refuse(error):
        return end, 0, 0, SECCOMP_ERRNO | error

    program = [
        (load, 0, 0, 4), (equal, 1, 0, architecture), refuse(errno.ENOSYS),
        # x32 shares the architecture of x86-64.
        (load, 0, 0, 0), (greater, 0, 1, X32), refuse(errno.ENOSYS),
    ]  # fmt: skip
    for call, conditions, error in REFUSED_CALLS:
        # Each line jumps over what is left of its rule.
        rest = 3 * len(conditions) + 1
        rule = [(load, 0, 0, 0), (equal, 0, rest, numbers[call])]
        for argument, bits, value in conditions:
            rest -= 3
            bits &= 0xFFFFFFFF
            rule += [(load, 0, 0, 16 + 8 * argument), (mask, 0, 0, bits), (equal, 0, rest, value)]
        program += [*rule, refuse(error)]
    return [*program, (end, 0, 0, SECCOMP_ALLOW)]
