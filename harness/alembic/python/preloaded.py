"""Modules that a parent has imported, and that a fork sees once it imports them itself.

Executed in a namespace of its own, as forks.py is. A fork of an interpreter that has
imported more than a service does would not be what a fresh one is: `sys.modules` and
the attributes of packages name modules that nobody asked for. `Recording` notes in the
parent which modules each import asks for; `Withheld` takes them away in the fork and
hands each one back, with those it asks for, to whoever imports it. Such an import
executes nothing and leaves what it would have left.

A module is handed back only where the fork's own path leads to the same file, so
PYTHONPATH and `sys.path.insert` mean what they mean in a fresh interpreter.
"""

import builtins
import importlib
import importlib.util
import os
import sys
import types
from importlib.machinery import ModuleSpec, PathFinder


class InstalledBytecode:
    """Takes a package's bytecode from where its installation left it, which `pycache_prefix`
    hides: in a fresh checkout nothing is kept there yet. Nothing is written beside a package.
    """

    def __enter__(self):
        self.plain = PathFinder.__dict__["find_spec"]
        self.find = PathFinder.find_spec
        self.kept = sys.pycache_prefix, sys.dont_write_bytecode
        PathFinder.find_spec = staticmethod(self.search)
        return self

    def __exit__(self, *_):
        PathFinder.find_spec = self.plain
        sys.pycache_prefix, sys.dont_write_bytecode = self.kept

    def search(self, name, path=None, target=None):
        """Comes right before the loader looks for bytecode."""
        spec = self.find(name, path, target)
        sys.pycache_prefix = None
        is_there = spec is not None and spec.has_location and is_compiled(spec.origin)
        if is_there:
            sys.dont_write_bytecode = True
        else:
            sys.pycache_prefix, sys.dont_write_bytecode = self.kept
        return spec


def is_compiled(source):
    try:
        return os.path.exists(importlib.util.cache_from_source(source))
    except (NotImplementedError, ValueError):
        return False


class Recording:
    """Notes which modules each module asks for while it is executed."""

    def __init__(self):
        self.needs = {}  # name of a module -> names of those it asked for

    def __enter__(self):
        self.plain = builtins.__import__, importlib.import_module, PathFinder.__dict__["find_spec"]
        self.find = PathFinder.find_spec
        builtins.__import__ = self.by_statement
        importlib.import_module = self.by_name
        PathFinder.find_spec = staticmethod(self.by_search)
        return self

    def __exit__(self, *_):
        builtins.__import__, importlib.import_module, PathFinder.find_spec = self.plain

    def by_statement(self, name, globals=None, locals=None, fromlist=(), level=0):
        try:
            return self.plain[0](name, globals, locals, fromlist, level)
        finally:
            self.note(sys._getframe(1), absolute(name, globals, level), fromlist or ())

    def by_name(self, name, package=None):
        module = self.plain[1](name, package)
        self.note(sys._getframe(1), getattr(module.__spec__, "name", name), ())
        return module

    def by_search(self, name, path=None, target=None):
        """Every first import comes here, also those that C code makes."""
        spec = self.find(name, path, target)
        if spec is not None:
            self.note(sys._getframe(1), name, ())
        return spec

    def note(self, frame, name, names):
        wanted = self.needs.setdefault(executed(frame), set())
        wanted.add(name)
        if "*" in names:
            names = public(sys.modules.get(name))
        wanted.update(below for below in (f"{name}.{leaf}" for leaf in names) if below in sys.modules)


def executed(frame):
    """The module whose code is being executed; None where it is none of the parent's imports."""
    while frame is not None:
        if frame.f_code.co_name == "<module>":
            return frame.f_globals.get("__name__")
        frame = frame.f_back
    return None


def absolute(name, module, level):
    if not level:
        return name
    module = module or {}
    package = module.get("__package__")
    if package is None:
        package = module.get("__name__", "")
        package = package if "__path__" in module else package.rpartition(".")[0]
    try:
        return importlib.util.resolve_name("." * level + name, package)
    except (ImportError, ValueError):
        return name


def public(module):
    names = attributes(module).get("__all__", ())
    return [name for name in names if isinstance(name, str)] if isinstance(names, (list, tuple)) else ()


def attributes(module):
    """The contents of a module, without asking an object that only stands in for one."""
    return vars(module) if issubclass(type(module), types.ModuleType) else {}


class Withheld:
    """The modules that are there and not seen."""

    def __init__(self, seen, needs):
        """Takes away all but those in `seen`."""
        modules = dict(sys.modules)
        kept = {n: m for n, m in modules.items() if n not in seen and can_be_handed_back(n, m)}
        self.needs, self.modules = needs, kept
        self.specs = {name: vars(module)["__spec__"] for name, module in kept.items()}
        self.place = {name: place for place, name in enumerate(kept)}
        self.holders = {}  # name of a module -> the package that had it as an attribute
        for name, module in kept.items():
            package, _, leaf = name.rpartition(".")
            holder = attributes(modules.get(package))
            if holder.get(leaf) is module:
                del holder[leaf]
                self.holders[name] = holder
            del sys.modules[name]
        self.same = {}  # name of a top-level module -> whether it is the one that would be found
        self.find = PathFinder.find_spec
        PathFinder.find_spec = staticmethod(self.search)

    def search(self, name, path=None, target=None):
        spec = self.find(name, path, target)
        module = self.modules.get(name)
        if spec is None or module is None or not self.is_same(name, spec):
            return spec
        spec.loader = HandsBack(self, spec.loader)
        return spec

    def is_same(self, name, spec):
        if not is_one_file(spec, self.specs[name]):
            return False
        tops = {other.partition(".")[0] for other in self.asked_for(name)}
        return all(self.is_found(top) for top in tops - {name})

    def is_found(self, top):
        if top not in self.same:
            known = self.specs.get(top)
            spec = known and self.find(top)
            self.same[top] = known is None or (spec is not None and is_one_file(spec, known))
        return self.same[top]

    def asked_for(self, name):
        """It and all that its import leads to, as far as that is still withheld."""
        found, left = set(), [name]
        while left:
            name = left.pop()
            if name in found or (name not in self.modules and name not in self.needs):
                continue
            found.add(name)
            left += self.needs.get(name, ())
            package = name.rpartition(".")[0]
            if package:
                left.append(package)
        return found & self.modules.keys()

    def hand_back(self, name):
        for other in sorted(self.asked_for(name), key=self.place.get):
            module = self.modules.pop(other)
            vars(module)["__spec__"] = self.specs[other]
            sys.modules.setdefault(other, module)
            if other in self.holders:
                self.holders[other].setdefault(other.rpartition(".")[2], module)


def can_be_handed_back(name, module):
    """Tells whether an import would find it by its name, in a file or a namespace."""
    spec = attributes(module).get("__spec__")
    named = isinstance(spec, ModuleSpec) and spec.name == name
    return named and (spec.has_location or spec.submodule_search_locations is not None)


def is_one_file(found, known):
    if found.origin != known.origin:
        return False
    if found.has_location:
        return True
    return list(found.submodule_search_locations or ()) == list(known.submodule_search_locations or ())


class HandsBack:
    """The loader of a module that is withheld; for anything else, the plain one."""

    def __init__(self, withheld, plain):
        self.withheld, self.plain = withheld, plain

    def create_module(self, spec):
        return self.withheld.modules.get(spec.name)

    def exec_module(self, module):
        self.withheld.hand_back(vars(module)["__spec__"].name)

    def __getattr__(self, name):
        return getattr(self.plain, name)
