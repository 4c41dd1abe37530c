"""Loads each revision file once per interpreter, and executes anew what is run.

Alembic executes every revision file for every command, to know the graph. Here that
is done for the first command only, unless files come or go; but the one revision
that a later command runs is executed again for it, because a type or a table that
lives in the module may remember what was done with it.
"""

import os

from migration_harness_door import door


class Revisions:
    """The modules of revision files, and for which command each was executed."""

    def __init__(self):
        self.command = 0
        self.known = {}  # places -> (their state, what Script is made of)
        self.executed = {}  # id of a module -> command
        self.scripts = None  # the directory that was last loaded whole

    def watch(self):
        from alembic import util
        from alembic.script import Script, ScriptDirectory

        load = ScriptDirectory._load_revisions
        ours = door.ours(self.load)
        ScriptDirectory._load_revisions = lambda scripts: ours(scripts, load, Script)
        self.execute = util.load_python_file

    def load(self, scripts, load, make):
        places = tuple(map(str, scripts._version_locations))
        state, known = self.known.get(places, (None, []))
        if state and state == state_of(state):
            self.scripts = scripts
            return [make(*parts) for parts in known]
        with door.theirs():
            found = list(load(scripts))
        known = [(script.module, script.revision, script.path) for script in found]
        self.executed.update((id(script.module), self.command) for script in found)
        folders = {os.path.dirname(os.path.abspath(path)) for _, _, path in known}
        self.known[places] = (state_of(folders.union(places)), known)
        self.scripts = scripts
        return found

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


def state_of(folders):
    """When files last came to each folder, or left it."""
    try:
        return {folder: os.stat(folder).st_mtime_ns for folder in folders}
    except OSError:
        return None


revisions = Revisions()
