"""The frames in which an exception was raised, outermost first."""

import traceback


def frames_of(error):
    return [frame for frame, _ in traceback.walk_tb(error.__traceback__)]


def modules_of(error):
    """The names of the modules of these frames."""
    return [frame.f_globals.get("__name__") for frame in frames_of(error)]
