"""Forks workers off one interpreter that has imported what services share.

Executed by worker.py in a namespace of its own, so that no service finds it among
the modules. `serve` imports what the plan lists, listens, and returns in the
children alone, each of which is by then what a fresh worker would be: its own
arguments, working directory, environment, path and descriptors, and no module that
it has not imported (preloaded.py). Between the parent and each child stands a
supervisor, which does for a fork what supervisor.sh does for a program.

Packages that leave traces outside of themselves (a thread, an open file, a signal
handler) cannot be shared. The parent writes the package's name down and begins again
without it.
"""

import gc
import importlib.util
import json
import logging
import os
import select
import signal
import socket
import sys
import threading

LISTENER = 3
IDLE = 0.2  # seconds between two looks at what has ended


class Unfit(Exception):
    """A fork would not be what a fresh interpreter is, because of a package."""

    def __init__(self, what, package):
        super().__init__(f"the import of {what}")
        self.package = package


class Reads(os._Environ):
    """`os.environ` while modules are imported: notes which variables they read."""

    names = set()
    everything = False

    def __getitem__(self, name):
        if not copied_again():
            Reads.names.add(name)
        return super().__getitem__(name)

    def __iter__(self):
        Reads.everything = Reads.everything or not copied_again()
        return super().__iter__()


def copied_again():
    """Tells whether wsgiref asks: its copy of the environment is made again in each worker."""
    frame = sys._getframe(2)
    for _ in range(3):
        if frame is not None and frame.f_globals.get("__name__") == "wsgiref.handlers":
            return True
        frame = frame and frame.f_back
    return False


class Traces:
    """The state that a module may not have changed once it is imported."""

    def __init__(self):
        self.before = self.look()

    def look(self):
        return {
            "starts a thread": len(os.listdir("/proc/self/task")),
            "opens a file": open_fds(),
            "handles signals": [signal.getsignal(n) for n in signal.valid_signals()],
            "changes the environment": dict(os.environ._data),
            "changes the working directory": os.getcwd(),
            "changes sys.path": list(sys.path),
            "replaces a standard stream": [sys.stdin, sys.stdout, sys.stderr],
            "replaces a hook": [sys.excepthook, sys.displayhook, threading.excepthook],
            "configures logging": [
                list(logging.root.handlers), logging.root.level, logging.root.manager.disable,
            ],
            "configures sockets": socket.getdefaulttimeout(),
            "traces calls": [sys.gettrace(), sys.getprofile()],
            "configures the collector": [gc.isenabled(), gc.get_threshold()],
        }

    def check(self, package):
        now = self.look()
        for what, before in self.before.items():
            if now[what] != before:
                raise Unfit(f"{package} {what}", package)


def open_fds():
    fds = os.listdir("/proc/self/fd")
    return {fd for fd in fds if os.path.lexists(f"/proc/self/fd/{fd}")}


class Watch:
    """Sees what an import does outside of the interpreter (an audit hook)."""

    REFUSED = {
        "socket.connect": "connects to a server",
        "subprocess.Popen": "starts a program",
        "os.system": "starts a program",
        "os.fork": "starts a process",
        "os.posix_spawn": "starts a program",
        "os.putenv": "changes the environment",
    }

    def __init__(self):
        self.active = True
        self.seen = None
        sys.addaudithook(self.hear)

    def hear(self, event, args):
        if self.active and event in self.REFUSED:
            self.seen = self.seen or self.REFUSED[event]


class Shared:
    """The imports of the parent: those of every worker, then those that most services name."""

    def __init__(self, plan, worker, preloaded):
        self.imports, self.excluded = plan["imports"], plan["excluded"]
        self.worker, self.recording = worker, preloaded["Recording"]()
        self.bytecode = preloaded["InstalledBytecode"]()
        self.withheld = preloaded["Withheld"]
        self.seen = frozenset()

    def load(self):
        """Raises `Unfit` at the first package that leaves a trace."""
        plain, os.environ.__class__ = os.environ.__class__, Reads
        try:
            with self.bytecode:
                self.worker["prepare"]()
                self.seen = frozenset(sys.modules)
                self.load_named(Traces(), Watch())
        finally:
            os.environ.__class__ = plain

    def load_named(self, traces, watch):
        places = installed()
        own = {name for place in places for name in self.worker["checked_out"](place)}
        try:
            with self.recording:
                for module, names in self.imports:
                    if top_of(module) not in own and self.may_be_shared(module, places):
                        load(module, names, watch)
                        traces.check(top_of(module))
        finally:
            watch.active = False

    def may_be_shared(self, module, places):
        top = top_of(module)
        if top in self.left_out():
            return False
        spec = importlib.util.find_spec(top)
        where = spec and [spec.origin or "", *(spec.submodule_search_locations or ())]
        return bool(where) and any(path.startswith(place) for path in where for place in places)

    def left_out(self):
        try:
            with open(self.excluded, encoding="utf-8") as file:
                return file.read().split()
        except OSError:
            return []

    def begin_again_without(self, package, given):
        """Replaces this process by itself, with the package left out; or returns."""
        if package in self.left_out() or not hasattr(sys, "orig_argv"):
            return
        try:
            os.makedirs(os.path.dirname(self.excluded), exist_ok=True)
            with open(self.excluded, "a", encoding="utf-8") as file:
                file.write(package + "\n")
        except OSError:
            return
        os.chdir("/")
        os.execve(sys.executable, sys.orig_argv, given)

    def withhold(self):
        """In a fork: what was imported is seen once it is imported."""
        self.withheld(self.seen, self.recording.needs)


def top_of(module):
    return module.partition(".")[0]


def installed():
    """Directories of installed packages, and the standard library's."""
    packages = [p for p in sys.path if os.path.basename(p) in ("site-packages", "dist-packages")]
    return [place + os.sep for place in (*packages, os.path.dirname(os.__file__))]


def load(module, names, watch):
    package = top_of(module)
    try:
        __import__(module, {}, {}, names or ["__name__"])
    except ModuleNotFoundError as error:
        if error.name is None or not (module + ".").startswith(error.name + "."):
            raise Unfit(f"{package} raises {type(error).__name__}: {error}", package) from None
    except BaseException as error:
        raise Unfit(f"{package} raises {type(error).__name__}: {error}", package) from None
    if watch.seen:
        raise Unfit(f"{package} {watch.seen}", package)


def serve(plan, worker, preloaded):
    """Answers requests; returns in each child, with the arguments of its worker."""
    with open(plan, encoding="utf-8") as file:
        plan = json.load(file)
    given, inherited = dict(os.environ._data), open_fds()
    # The objects of modules stay: the collector would look for garbage in vain.
    threshold = gc.get_threshold()
    gc.set_threshold(1 << 30)
    unfit, shared = None, Shared(plan, worker, preloaded)
    try:
        shared.load()
    except Unfit as error:
        shared.begin_again_without(error.package, given)
        unfit = str(error)
    except BaseException as error:
        unfit = f"the parent raises {type(error).__name__}: {error}"
    gc.set_threshold(*threshold)
    gc.freeze()  # a collection in a child would otherwise copy every page
    listener = socket.socket(fileno=LISTENER)
    listener.settimeout(IDLE)
    while True:
        reap()
        if gone(plan["until"]):
            os._exit(0)
        try:
            connection = listener.accept()[0]
        except OSError:
            continue
        arguments = answer(connection, listener, given, inherited, unfit, shared.seen)
        if arguments is not None:
            shared.withhold()
            return arguments


def answer(connection, listener, given, inherited, unfit, seen):
    """One request: a child returns from here, the parent goes on."""
    connection.settimeout(10)
    try:
        request, fds = receive(connection)
    except (OSError, ValueError):
        connection.close()
        return None
    reason = unfit or why_not(request, given, seen)
    forked = reason is None and os.fork()
    if forked == 0 and reason is None:
        connection.close()
        listener.close()
        return supervise(request, fds, inherited)
    try:
        connection.sendall(json.dumps({"unfit": reason}).encode() + b"\n")
    except OSError:
        pass
    connection.close()
    for fd in fds:
        os.close(fd)
    return None


def receive(connection):
    data, fds, flags, _ = socket.recv_fds(connection, 1 << 16, 8)
    while not data.endswith(b"\n"):
        more = connection.recv(1 << 16)
        if not more:
            break
        data += more
    request = json.loads(data)
    if len(fds) != 5:
        for fd in fds:
            os.close(fd)
        raise ValueError("a request comes with five descriptors")
    return request, fds


def why_not(request, given, seen):
    """The names that a service with this environment would see differently."""
    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        return f"the parent has {threads} threads"
    wanted = {os.fsencode(name): os.fsencode(value) for name, value in request["env"].items()}
    different = [
        os.fsdecode(name)
        for name in sorted(given.keys() | wanted.keys())
        if given.get(name) != wanted.get(name) and name != b"MIGRATION_HARNESS_LEASH"
    ]
    handed_over = different + request["variables"]
    for name in handed_over:
        if Reads.everything or name in Reads.names:
            return f"a shared package reads {name} when it is imported"
    for entry in path_entries(request):
        for name in shadowed(entry, seen):
            return f"{entry} of PYTHONPATH has a module {name}"
    return None


def path_entries(request):
    """The entries that PYTHONPATH puts on the path, as the interpreter and `site` make it absolute."""
    given = request["env"].get("PYTHONPATH")
    entries = given.split(os.pathsep) if given else []
    return [os.path.abspath(os.path.join(request["cwd"], entry)) for entry in entries]


def shadowed(directory, seen):
    """Modules there that a fresh interpreter would have imported by now, in place of those
    that a fork sees: a directory without `__init__.py` comes after any of them."""
    there = {top_of(name) for name in seen} | {"sitecustomize", "usercustomize"}
    try:
        entries = os.listdir(directory)
    except OSError:
        return
    for entry in sorted(entries):
        name, dot, suffix = entry.partition(".")
        package = not dot and os.path.exists(os.path.join(directory, entry, "__init__.py"))
        if name in there and (package or suffix.endswith(("py", "pyc", "so"))):
            yield name


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def gone(process):
    """Tells whether the process (id and start, as in /proc/<pid>/stat) is over."""
    try:
        with open(f"/proc/{process[0]}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return True
    return fields[19] != process[1] or fields[0] in "ZX"


# --- a child and its supervisor ----------------------------------------------


def supervise(request, fds, inherited):
    """Forks once more: the child returns, the supervisor never does."""
    lead, report, *streams = fds
    os.setpgid(0, 0)
    request["mark"] = mark(request["mark"])
    child = os.fork()
    if child == 0:
        return become(request, streams, inherited)
    try:
        stand_by(child, lead, report, request["mark"])
    finally:
        os._exit(1)


def stand_by(child, lead, report, mark):
    """Ends processes as supervisor.sh does with the ending `kill`."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: kill(child))
    pidfd = os.pidfd_open(child)
    for fd in map(int, os.listdir("/proc/self/fd")):
        if fd not in (lead, report, pidfd):
            close(fd)
    say(report, f"pid {child}")
    let_go = lead in select.select([lead, pidfd], [], [])[0]
    if let_go:
        kill(child)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    say(report, f"exit {status if status >= 0 else 128 - status}")
    if not let_go:
        os.read(lead, 16)
    end_marked(mark)
    say(report, "done")
    os.killpg(0, signal.SIGKILL)


def end_marked(mark):
    """Ends whoever left the process group and still carries the mark."""
    for _ in range(3):
        found = [pid for pid in filter(str.isdigit, os.listdir("/proc")) if carries(pid, mark)]
        for pid in found:
            kill(int(pid))
        if not found:
            return


def carries(pid, mark):
    if int(pid) == os.getpid():
        return False
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return f"MIGRATION_HARNESS_LEASH={mark}".encode() in file.read()
    except OSError:
        return False


def mark(own):
    """Gives this process a mark of its own, and returns it.

    What forks without executing anything is found by what /proc/<pid>/environ shows,
    which is the memory that the environment came in. The parent's part of the mark
    stays, so that the parent's own supervisor finds all of them.
    """
    name = b"MIGRATION_HARNESS_LEASH="
    text = os.environ["MIGRATION_HARNESS_LEASH"].partition("-")[0] + "-" + own
    with open("/proc/self/environ", "rb") as file:
        at = file.read().index(name)
    with open("/proc/self/stat", encoding="utf-8", errors="replace") as file:
        start = int(file.read().rpartition(")")[2].split()[47])
    with open("/proc/self/mem", "r+b", buffering=0) as memory:
        memory.seek(start + at + len(name))
        memory.write(text.encode())
    return text


def become(request, streams, inherited):
    """The arguments that a fresh interpreter would have been started with."""
    null = os.open("/dev/null", os.O_RDONLY)
    for number, fd in enumerate((null, *streams)):
        os.dup2(fd, number)
    for fd in open_fds() - inherited - set("0123"):
        close(int(fd))
    os.chdir(request["cwd"])
    entries = path_entries(request)
    sys.path[:] = dict.fromkeys(entries + sys.path)
    wanted = {**request["env"], "MIGRATION_HARNESS_LEASH": request["mark"]}
    for name in set(os.environ) - set(wanted) - {"PWD", "OLDPWD", "SHLVL", "_"}:
        del os.environ[name]
    os.environ.update(wanted)
    if "PWD" in os.environ:
        os.environ["PWD"] = request["cwd"]
    sys.argv = list(request["argv"])
    if hasattr(sys, "orig_argv"):
        sys.orig_argv[-len(request["argv"]):] = request["argv"]
    return sys.argv[1:]


def say(report, line):
    try:
        os.write(report, line.encode() + b"\n")
    except OSError:
        pass  # nobody reads once the harness is gone


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass


def close(fd):
    try:
        os.close(fd)
    except OSError:
        pass
