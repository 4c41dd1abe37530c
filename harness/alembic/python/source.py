"""Places of statements (`place_of`), and exceptions as data (`described`)."""

import functools
import itertools
import os
import traceback

from migration_harness_flask import needs_application
from migration_harness_places import isinstance_of
from migration_harness_needs import needed

FRAMES_KEPT = 12  # innermost frames of a traceback that are reported
STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep
NOTES_KEPT = 4  # what else is said of an exception
ABORTED = "25P02"  # in_failed_sql_transaction: something else failed before


class Source:
    """The service's directory, to which relative names of files refer."""

    directory = None

    def absolute(self, name):
        return os.path.normpath(os.path.join(self.directory or "", name))


source = Source()


@functools.lru_cache(maxsize=None)
def position(code, instruction):
    """Line, column, end line and end column (1-based; columns from Python 3.11)."""
    if hasattr(code, "co_positions"):
        found = next(itertools.islice(code.co_positions(), instruction // 2, None), None)
        if found and found[0] is not None:
            line, end_line, column, end_column = found
            return {
                "line": line,
                "end_line": end_line or line,
                "column": None if column is None else column + 1,
                "end_column": None if end_column is None else end_column + 1,
            }
    return None


def own_place(frame):
    """The innermost frame of the service's side, as a place in the source."""
    while frame is not None:
        name = source.absolute(frame.f_code.co_filename)
        if not frame.f_code.co_filename.startswith("<") and own(name):
            return place_in(frame)
        frame = frame.f_back
    return None


def place_in(frame):
    module = frame.f_globals
    return {
        "revision": module["revision"] if is_revision(module) else None,
        "file": source.absolute(frame.f_code.co_filename),
        **(position(frame.f_code, frame.f_lasti) or {"line": frame.f_lineno}),
    }


def is_revision(module):
    return isinstance_of(module.get("revision"), str) and "down_revision" in module


def place_of(frame):
    """The innermost frame that runs in a revision file, as a place in the source."""
    while frame is not None:
        module = frame.f_globals
        if is_revision(module):
            return place_in(frame)
        frame = frame.f_back
    return None


def connecting_place(frame):
    """The place that a connection is told of: in a revision, if one is running, or else the
    innermost one of the service's side."""
    return place_of(frame) or own_place(frame)


def line_of(function, module):
    """The line where a function of a module begins; None where it comes from elsewhere."""
    code = getattr(function, "__code__", None)
    is_of_module = code is not None and code.co_filename == getattr(module, "__file__", None)
    return code.co_firstlineno if is_of_module else None


def sqlstate_of(error):
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        for name in ("sqlstate", "pgcode"):
            state = attribute_of(error, name)
            if isinstance_of(state, str):
                return state
        if fields_of(error):
            return fields_of(error)["C"]
        orig = attribute_of(error, "orig")
        error = orig if isinstance_of(orig, BaseException) else error.__cause__
    return None


def attribute_of(error, name):
    """An attribute of an exception, which may be of any class."""
    try:
        return getattr(error, name, None)
    except Exception:
        return None


def text_of(error):
    """The text of an exception; `__str__`, too, is the service's code."""
    try:
        return str(error)
    except Exception as fault:
        return f"(its text cannot be read: {type(fault).__name__})"


def code_of(error):
    """SQLAlchemy's name for an error (https://docs.sqlalchemy.org/en/20/errors.html)."""
    code = attribute_of(error, "code")
    return code if isinstance(code, str) else None


def fields_of(error):
    """The fields of PostgreSQL's message, by their letters, where pg8000 raised it
    (https://www.postgresql.org/docs/current/protocol-error-fields.html)."""
    args = attribute_of(error, "args")
    fields = args[0] if type(args) is tuple and args else None
    return fields if type(fields) is dict and {"C", "M"} <= fields.keys() else None


def message_of(error):
    """Its text; instead of a dictionary of fields what PostgreSQL says."""
    fields = fields_of(error) or fields_of(attribute_of(error, "orig"))
    text = text_of(error)
    return text.replace(str(fields), fields["M"]) if fields else text


def first_line(error):
    lines = message_of(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def described(error):
    """An exception as data: the one that a person has to act on, and where in the service it
    came from; what else was raised on the way to it, or because of it, as notes."""
    outermost, beside = chain_of(error)
    chosen = acted_on(outermost)
    chain = [one for one, _ in outermost]
    position = next(at for at, one in enumerate(chain) if one is chosen)
    notes = [f"it came out as {in_line(one)}" for one in chain[:position]]
    earlier = [one for one in chain[position + 1 :] if in_line(one) != in_line(chosen)]
    notes += [f"raised while this was handled: {in_line(one)}" for one in earlier]
    notes += [f"beside it: {in_line(one)}" for one in beside]
    notes += [text_of(note) for one in chain for note in attribute_of(one, "__notes__") or ()]
    # A library that raises for the service has no frame of the service's own.
    frames = [frames_of(one) for one in reversed(chain[: position + 1])]
    return {
        "type": type(chosen).__name__,
        "message": message_of(chosen),
        "sqlstate": sqlstate_of(chosen),
        "needs_application": needs_application(chosen),
        "frames": next(filter(None, frames), []),
        "notes": notes[:NOTES_KEPT],
        "code": code_of(chosen),
        "needs": needed(error),
        "exit_status": exit_status(chosen),
    }


def exit_status(error):
    """The status of `sys.exit(1)`, which says nothing else; None for any other exception."""
    code = error.code if isinstance_of(error, SystemExit) else None
    return code if isinstance_of(code, int) else None


def frames_of(error):
    """The service's own frames that an exception went through, outermost first."""
    frames = []
    for frame, line in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename.startswith("<"):
            continue  # not a file: a mako template, a string that is executed
        name = source.absolute(frame.f_code.co_filename)
        module = frame.f_globals
        frames.append(
            {
                "file": name,
                "line": line,
                "function": frame.f_code.co_name,
                "revision": module["revision"] if is_revision(module) else None,
            }
        )
    if isinstance(error, SyntaxError) and error.filename:
        name = source.absolute(error.filename)
        frames.append({"file": name, "line": error.lineno or 1, "function": "", "revision": None})
    return [f for f in frames if f["revision"] or own(f["file"])][-FRAMES_KEPT:]


def acted_on(chain):
    """The exception of a chain that a person has to act on: the first thing that PostgreSQL
    refused, if there is any; else the root of the causes that were named."""
    refused = [one for one, _ in chain if sqlstate_of(one) not in (None, ABORTED)]
    if refused:
        return refused[-1]
    named = itertools.takewhile(lambda link: link[1], chain)
    return list(named)[-1][0]


def chain_of(error):
    """An exception and what led to it, each with whether it was named as the cause; and what
    was raised beside it. A group of exceptions says nothing that its members do not."""
    chain, beside, is_cause = [], [], True
    while error is not None and all(error is not one for one, _ in chain):
        if is_group(error):
            beside += error.exceptions[1:]
            error = error.exceptions[0]
            continue
        chain.append((error, is_cause))
        error, is_cause = led_to(error)
    return chain, beside


def led_to(error):
    """The exception that led to this one, and whether that is its cause; an exception that was meant
    to replace another one, as most that are raised while one is handled, is no effect."""
    if sqlstate_of(error) == ABORTED:
        orig = attribute_of(error, "orig")
        driver = orig if isinstance_of(orig, BaseException) else error
        return driver.__cause__ or driver.__context__, True
    if speaks_for_itself(error):
        return None, False
    if error.__cause__ is not None:
        return error.__cause__, True
    if is_import_of_application(error):
        return error.__context__, True
    # `except Exception: sys.exit(1)` says nothing of what happened.
    handled = None if error.__suppress_context__ else error.__context__
    return handled, isinstance(error, SystemExit)


def is_import_of_application(error):
    """Tells whether Flask says so of an import that failed: it puts the traceback into its text,
    and replaces the exception (`flask.cli.locate_app`)."""
    name = (type(error).__module__, type(error).__name__)
    return name == ("flask.cli", "NoAppException") and isinstance_of(error.__context__, ImportError)


def is_group(error):
    """Tells whether it is an ExceptionGroup, also that of the backport for older Pythons."""
    return hasattr(type(error), "subgroup") and bool(attribute_of(error, "exceptions"))


def speaks_for_itself(error):
    """Tells whether the text of an exception has what its cause says: Alembic's CommandError is
    made for people, and SQLAlchemy repeats the driver's error that it wraps."""
    names = [(one.__module__, one.__name__) for one in type(error).__mro__]
    is_command_error = ("alembic.util.exc", "CommandError") in names
    return is_command_error or isinstance_of(attribute_of(error, "orig"), BaseException)


def in_line(error):
    return f"{type(error).__name__}: {first_line(error)}"


def own(name):
    """Tells whether a file belongs to the service's side: not to the harness, not to a package, not
    to Python. A service may be installed as a package itself, and lie below Python's
    prefix: in an image that is often /usr, and the service /usr/src/app."""
    top = source.directory
    rest = name[len(top) :] if top and name.startswith(top + os.sep) else name
    inside = not any(part in rest for part in ("site-packages", "dist-packages"))
    ours = os.path.dirname(name) == os.path.dirname(__file__)
    return inside and not ours and not name.startswith(STANDARD_LIBRARY)
