"""Tells the worker's own faults from what the service raises: `Door`.

Worker and service run in one interpreter and call each other: a listener of the worker's
runs inside of a statement of the service's, and calls what it listens to. An exception
that came out of the service's code is a verdict; any other is a fault of the harness, and
what it says of the service counts no more.
"""

import functools
import traceback

from migration_harness_channel import channel


class Door:
    """Marks whose code runs."""

    def __init__(self):
        self.passing = ()  # classes of exceptions that are raised on purpose
        self.raised = None  # the last exception that came out of the service's code
        self.fault = None  # the last of the worker's own that was reported

    def theirs(self):
        """While it is entered, what is raised is the service's."""
        return Theirs(self)

    def ours(self, function):
        """A function of the worker's that the service's code calls without knowing. It goes
        on raising, so that a check that fails lets nothing through."""

        @functools.wraps(function)
        def run(*args, **kwargs):
            try:
                return function(*args, **kwargs)
            except self.passing:
                raise
            except Exception as error:
                self.blame(error)
                raise

        return run

    def blame(self, error):
        """Tells whether an exception is the worker's own, which is reported then."""
        if error is self.raised:
            return False
        if error is not self.fault:
            self.fault = error
            trace = traceback.format_exception(type(error), error, error.__traceback__)
            channel.send(event="broken", trace="".join(trace))
        return True


class Theirs:
    """A stretch of the service's code."""

    def __init__(self, door):
        self.door = door

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if error is not None:
            self.door.raised = error


door = Door()
