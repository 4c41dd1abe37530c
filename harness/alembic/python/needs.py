"""The things that an exception says are missing, for somebody to provide: `needed`."""

import linecache
import os
import re
import sys

from migration_harness_asked import asked
from migration_harness_frames import frames_of, modules_of

# Libraries that read settings, and name the variable that they did not find in capitals.
READERS = ("decouple", "dynaconf", "environ", "environs", "starlette")
VARIABLE = re.compile(r"\b[A-Z][A-Z0-9_]{2,}\b")


def needed(error):
    """A module, a section, a driver, the variables of settings or what the caller gives, of the
    error or of what led to it."""
    outermost, seen = error, set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, ModuleNotFoundError) and error.name:
            return {"kind": "module", "name": error.name}
        if [type(error).__module__, type(error).__name__] == ["sqlalchemy.exc", "NoSuchModuleError"]:
            return {"kind": "dialect", "name": dialect(error)}
        try:
            found = caller_or_setting(error)
        except Exception:
            found = None  # an exception of the service's own may answer anything
        if found:
            return found
        error = error.__cause__ or error.__context__
    return asked.need(outermost)


def dialect(error):
    """The name that SQLAlchemy looked up: `postgresql.psycopg`, or `driver` of `driver://`."""
    frames = frames_of(error)
    name = frames[-1].f_locals.get("name") if frames else None
    return name if isinstance(name, str) else ""


def lacks_migrate(error):
    """Tells whether env.py did not find what Flask-Migrate puts on an application."""
    if not isinstance(error, KeyError) or error.args != ("migrate",):
        return False
    frames = frames_of(error)
    flask = sys.modules.get("flask")
    return flask is not None and frames[-1].f_globals.get("current_app") is flask.current_app


def caller_or_setting(error):
    """The thing that whoever runs the service gives it: options, a driver, a section, variables."""
    found = asked.needed(error) or driver(error)
    if found:
        return found
    if lacks_migrate(error):
        return {"kind": "extension"}
    section = logging_section(error)
    if section:
        return {"kind": "section", "name": section}
    names = variables(error)
    return {"kind": "variables", "names": names} if names else None


def driver(error):
    """A driver for asyncio, where an engine for it was made with another one, or the other way round."""
    modules = modules_of(error)
    name = (type(error).__module__, type(error).__name__)
    if name == ("sqlalchemy.exc", "InvalidRequestError") and modules[-1:] == ["sqlalchemy.ext.asyncio.engine"]:
        return {"kind": "driver", "is_async": True}
    if name == ("sqlalchemy.exc", "MissingGreenlet"):
        return {"kind": "driver", "is_async": False}
    return None


def logging_section(error):
    """The section that `logging.config.fileConfig` did not find, which says its name alone."""
    modules = modules_of(error)
    is_lookup = isinstance(error, KeyError) and modules[-1:] == ["configparser"]
    return str(error.args[0]) if is_lookup and "logging.config" in modules else None


def variables(error):
    frames = frames_of(error)
    if not frames:
        return []
    if isinstance(error, KeyError) and frames[-1].f_code is type(os.environ).__getitem__.__code__:
        return [str(error.args[0])]
    if type(error).__name__ == "ValidationError" and hasattr(error, "errors"):
        made = [settings_in(frame) for frame in frames]
        made.append(getattr(error, "model", None))  # before pydantic 2, whose frames are C
        names = [name for settings in made for name in of_settings(error, settings)]
        return list(dict.fromkeys(names))
    reader = frames[-1].f_globals.get("__name__", "").partition(".")[0]
    named = VARIABLE.findall(str(error))
    return named[:1] if reader in READERS else [name for name in named if is_read(name, frames[-1])][:1]


def is_read(name, frame):
    """Tells whether a variable that is not set is read by the file that raised and spoke of it."""
    if name in os.environ:
        return False
    lines = "".join(linecache.getlines(frame.f_code.co_filename))
    return re.search(rf"\b(?:environ|getenv)\b[^\n]{{0,20}}\s*[\"']{name}[\"']", lines) is not None


def settings_in(frame):
    """The class of what is made in a frame."""
    if frame.f_code.co_name != "__init__" or not frame.f_code.co_varnames:
        return None
    return type(frame.f_locals.get(frame.f_code.co_varnames[0]))


def of_settings(error, settings):
    """The variables of fields without a value, as pydantic would read them."""
    bases = [base.__name__ for base in getattr(settings, "__mro__", ())]
    if "BaseSettings" not in bases:
        return []
    missing = [e["loc"] for e in error.errors() if e["type"] in ("missing", "value_error.missing")]
    return [variable(settings, [str(part) for part in place]) for place in missing]


def variable(settings, place):
    config = getattr(settings, "model_config", None) or vars(getattr(settings, "__config__", object))
    get = config.get
    fields = getattr(settings, "model_fields", None) or getattr(settings, "__fields__", {})
    if place[0] not in fields:
        return place[0]  # by its alias, which is the variable
    names = getattr(getattr(fields[place[0]], "field_info", None), "extra", {}).get("env_names")
    if names:  # pydantic before 2
        return min(names).upper()
    name = (get("env_prefix") or "") + (get("env_nested_delimiter") or "__").join(place)
    return name if get("case_sensitive") else name.upper()
