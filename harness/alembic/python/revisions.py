"""Loads each revision file once per interpreter, and executes anew what is run.

Alembic executes every revision file for every command, and links the graph that they
form. Here both are done for the first command only, unless files come or go; but the
one revision that a later command runs is executed again for it, because a type or a
table that lives in the module may remember what was done with it.
"""

import os

from migration_harness_door import door


class Revisions:
    """The modules of revision files, and for which command each was executed."""

    def __init__(self):
        self.command = 0
        self.known = {}  # places -> (their state, what a map of their revisions holds)
        self.executed = {}  # id of a module -> command
        self.scripts = None  # the directory that was last loaded whole

    def watch(self):
        from alembic import util
        from alembic.script import ScriptDirectory
        from alembic.script.revision import RevisionMap

        load = ScriptDirectory._load_revisions
        ours = door.ours(self.load)
        ScriptDirectory._load_revisions = lambda scripts: ours(scripts, load)
        RevisionMap._revision_map = Linked(self, RevisionMap.__dict__["_revision_map"].fget)
        self.execute = util.load_python_file

    def load(self, scripts, load):
        with door.theirs():
            found = list(load(scripts))
        self.executed.update((id(script.module), self.command) for script in found)
        folders = {os.path.dirname(os.path.abspath(script.path)) for script in found}
        places = places_of(scripts)
        self.known[places] = (state_of(folders.union(places)), None)
        self.scripts = scripts
        return found

    def linked(self, scripts):
        """The contents of a map of these revisions once they are linked; None where a file has
        come or gone since."""
        state, held = self.known.get(places_of(scripts), (None, None))
        if not held or not state or state != state_of(state):
            return None
        self.scripts = scripts
        return held

    def keep(self, scripts, held):
        places = places_of(scripts)
        if places in self.known:
            self.known[places] = (self.known[places][0], held)

    def begin(self):
        """Another command: what it runs is executed for it."""
        self.command += 1

    def function(self, script, name):
        """`upgrade` or `downgrade` of a revision, executed for this command."""
        if self.executed.get(id(script.module), self.command) != self.command:
            with door.theirs():
                script.module = self.execute(*os.path.split(os.path.abspath(script.path)))
        with door.theirs():
            return getattr(script.module, name)


class Linked:
    """`RevisionMap._revision_map`, which Alembic makes when it is first asked for."""

    def __init__(self, revisions, link):
        self.link = link
        self.linked, self.keep = door.ours(revisions.linked), door.ours(revisions.keep)

    def __get__(self, revision_map, owner):
        scripts = getattr(revision_map._generator, "__self__", None)
        held = scripts and self.linked(scripts)
        if held:
            linked = {**held, "_revision_map": dict(held["_revision_map"])}
        else:
            linked = {"_revision_map": self.link(revision_map)}
        revision_map.__dict__.update(linked)
        if scripts and not held:
            plain = {k: v for k, v in vars(revision_map).items() if k != "_generator"}
            self.keep(scripts, plain)
        return revision_map.__dict__["_revision_map"]


def places_of(scripts):
    with door.theirs():
        return tuple(map(str, scripts._version_locations))


def state_of(folders):
    """The time at which files last came to each folder, or left it."""
    try:
        return {folder: os.stat(folder).st_mtime_ns for folder in folders}
    except OSError:
        return None


revisions = Revisions()
