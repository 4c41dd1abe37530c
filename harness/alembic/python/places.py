"""Finds where classes are defined without touching a value that is not known to be one.

A module holds anything: proxies that raise or connect when they are touched, settings
that answer every attribute. So nothing is asked of a value but its type, and attributes
are read as `type` and `ModuleType` read them, past whatever a subclass does instead.
"""

import ast
import os
import sys
from pathlib import PurePath
from types import ModuleType


def module_file(module):
    """The file of a module; None where it has none, or is no module."""
    file = attribute(module, "__file__")
    if isinstance_of(file, str):
        return file
    return str(file) if isinstance_of(file, PurePath) else None


def attribute(module, name):
    """A value of a module's own dictionary."""
    if not isinstance_of(module, ModuleType):
        return None
    return ModuleType.__getattribute__(module, "__dict__").get(name)


def isinstance_of(value, kind):
    """`isinstance` that asks the value's type only, and never `__class__`."""
    return issubclass(type(value), kind)


def mapped(metadata, own):
    """(table, place of the class that is mapped to it), as far as classes are found."""
    tables = {id(table): table.fullname for table in metadata.tables.values()}
    files = {}
    for mapper in mappers():
        key = tables.get(id(mapper.local_table))
        try:
            place = key and place_of(mapper.class_, own, files)
        except Exception:
            continue  # the table is shown without a place
        if place:
            yield key, place


def mappers():
    """Every mapper of SQLAlchemy's registries; those of base classes last, which own a
    table that others share."""
    registries = attribute(sys.modules.get("sqlalchemy.orm.mapper"), "_all_registries")
    found = []
    for registry in registries() if registries else ():
        try:
            found.extend(registry.mappers)
        except Exception:
            continue  # its tables are shown without a place
    return sorted(found, key=lambda mapper: len(type.mro(mapper.class_)), reverse=True)


def place_of(kind, own, files):
    """File and lines of a class; None where it is not of the service's side."""
    name = type.__getattribute__(kind, "__module__")
    file = module_file(sys.modules.get(name))
    if not file or not own(file):
        return None
    if file not in files:
        files[file] = classes(file)
    path = type.__getattribute__(kind, "__qualname__").replace(".<locals>", "")
    line, columns = files[file].get(path, (1, {}))
    return {"file": os.path.normpath(file), "line": line, "columns": columns}


def classes(file):
    """The classes of a file: line and lines of attributes, by qualified name."""
    found = {}

    def walk(node, path):
        for child in ast.iter_child_nodes(node):
            named = isinstance(child, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
            inner = (*path, child.name) if named else path
            if isinstance(child, ast.ClassDef):
                found[".".join(inner)] = child.lineno, attributes(child)
            walk(child, inner)

    try:
        with open(file, "rb") as source:
            walk(ast.parse(source.read()), ())
    except (OSError, SyntaxError, ValueError):
        pass
    return found


def attributes(kind):
    """Lines at which an attribute is assigned or annotated, by its name."""
    found = {}
    for node in kind.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            if isinstance(target, ast.Name):
                found.setdefault(target.id, node.lineno)
    return found
