"""The things that env.py asks of whoever called it, and that nobody gave it: `asked`.

`-x` arguments, and what a program that runs Alembic's commands by itself puts on its
configuration, such as a connection
(https://alembic.sqlalchemy.org/en/latest/cookbook.html#connection-sharing).
"""

from migration_harness_frames import frames_of

ARGUMENT = "argument"  # of -x
ATTRIBUTE = "attribute"  # of the configuration


class Given(dict):
    """A dictionary that remembers which keys were looked for and are not there."""

    def __init__(self, kind, values=()):
        super().__init__(values)
        self.kind = kind

    def __missing__(self, key):
        raise KeyError(key)

    def __contains__(self, key):
        return self.has(key)

    def get(self, key, default=None):
        # What has a default of its own is no need.
        return super().get(key, default) if default is not None or self.has(key) else None

    def has(self, key):
        found = super().__contains__(key)
        if not found and isinstance(key, str):
            asked.without.setdefault(self.kind, []).append(key)
        return found


class Asked:
    """The keys that were looked for in vain since the command began."""

    def __init__(self):
        self.without = {}  # kind -> keys

    def begin(self, config):
        """Another command, with this configuration."""
        self.without.clear()
        config.attributes = Given(ATTRIBUTE, config.attributes)

    def watch(self):
        from alembic.runtime.environment import EnvironmentContext

        original = EnvironmentContext.get_x_argument

        def get_x_argument(*args, **kwargs):
            found = original(*args, **kwargs)
            return Given(ARGUMENT, found) if type(found) is dict else found

        EnvironmentContext.get_x_argument = get_x_argument

    def need(self, error):
        """The keys that may be why env.py raised. Where an engine that it made instead of a
        connection fails, none is."""
        of_engine = type(error).__module__.startswith("sqlalchemy.")
        for kind in (ARGUMENT,) if of_engine else (ARGUMENT, ATTRIBUTE):
            if self.without.get(kind):
                return self.of(kind, list(dict.fromkeys(self.without[kind])), False)
        return None

    def needed(self, error):
        """The thing that an exception says is not there."""
        frames = frames_of(error)
        if isinstance(error, KeyError) and frames and frames[-1].f_code is Given.__missing__.__code__:
            return self.of(frames[-1].f_locals["self"].kind, [str(error.args[0])], True)
        name = getattr(error, "name", None) if isinstance(error, AttributeError) else None
        if isinstance(name, str) and is_configuration(getattr(error, "obj", None)):
            return {
                "kind": "caller",
                "expression": f"config.{name}",
                "instead": f'getattr(config, "{name}", None)',
                "is_certain": True,
            }
        return None

    def of(self, kind, names, is_certain):
        if kind == ARGUMENT:
            return {"kind": "arguments", "names": names, "is_certain": is_certain}
        return {
            "kind": "caller",
            "expression": f'config.attributes["{names[0]}"]',
            "instead": f'config.attributes.get("{names[0]}")',
            "is_certain": is_certain,
        }


def is_configuration(thing):
    """Tells whether it is Alembic's configuration."""
    kind = type(thing)
    return (kind.__module__, kind.__name__) == ("alembic.config", "Config")


asked = Asked()
