"""What the service does in the database, as messages: `Recorder`."""

import sys
import time
import weakref

from migration_harness_channel import channel
from migration_harness_door import door
from migration_harness_enums import created_enums, existing_labels
from migration_harness_source import first_line, place_of, sqlstate_of

SQL_KEPT = 4000  # characters of a statement that are reported


class Recorder:
    """Turns SQLAlchemy's and Alembic's events into messages."""

    def __init__(self):
        self.number = 0
        self.running = {}  # id of a cursor -> (number, start, enum creations in it)
        self.muted = False
        self.in_enum = False
        self.engines = weakref.WeakSet()
        self.contexts = []
        self.connection = None  # the driver's, of the context that env.py made last

    def before(self, conn, cursor, statement, parameters, context, executemany):
        if self.muted:
            return
        self.number += 1
        place = place_of(sys._getframe(1))
        beside = self.connection is not None and raw(conn) not in (None, self.connection)
        channel.send(
            event="statement",
            number=self.number,
            sql=statement[:SQL_KEPT],
            place=place,
            beside=beside,
        )
        created = [] if self.in_enum else self.enums_in(cursor, statement, place)
        self.running[id(cursor)] = (self.number, time.perf_counter(), created)

    def after(self, conn, cursor, statement, parameters, context, executemany):
        number, start, created = self.running.pop(id(cursor), (None, 0.0, ()))
        if number is None:
            return
        channel.send(event="done", number=number, seconds=time.perf_counter() - start)
        for creation in created:
            labels = existing_labels(cursor, creation["name"], creation["schema"])
            channel.send(event="enum", number=number, after=labels, **creation)

    def failed(self, context):
        cursor = getattr(context.execution_context, "cursor", None)
        number, start, created = self.running.pop(id(cursor), (None, 0.0, ()))
        if number is None:
            return
        error = context.original_exception
        channel.send(
            event="failed",
            number=number,
            seconds=time.perf_counter() - start,
            sqlstate=sqlstate_of(error),
            message=first_line(error),
        )
        for creation in created:
            channel.send(event="enum", number=number, after=None, **creation)

    def enums_in(self, cursor, statement, place):
        """Enum types that a statement creates, with the labels each has before it."""
        return [
            {
                "name": name,
                "schema": schema,
                "labels": labels,
                "before": existing_labels(cursor, name, schema),
                "place": place,
                "how": "sql",
            }
            for schema, name, labels in created_enums(statement)
        ]

    def enum_through(self, create, generator, enum):
        """`ENUM.create`, also where `checkfirst` keeps it from running anything."""
        raw = getattr(generator.connection, "connection", None)
        if self.muted or raw is None or not enum.name:
            with door.theirs():
                return create(generator, enum)
        cursor = raw.cursor()
        creation = {
            "name": str(enum.name),
            "schema": enum.schema and str(enum.schema),
            "labels": [str(label) for label in enum.enums],
            "place": place_of(sys._getframe(1)),
            "how": "checkfirst" if generator.checkfirst else "create",
        }
        creation["before"] = existing_labels(cursor, creation["name"], creation["schema"])
        number, self.in_enum = self.number, True
        after = None
        try:
            with door.theirs():
                create(generator, enum)
            after = existing_labels(cursor, creation["name"], creation["schema"])
        finally:
            self.in_enum = False
            ran = self.number if self.number != number else None
            channel.send(event="enum", number=ran, after=after, **creation)


def raw(connection):
    """The driver's connection below one of SQLAlchemy's; None where it has none now."""
    try:
        pooled = connection.connection
        return getattr(pooled, "dbapi_connection", None) or pooled.connection
    except Exception:
        return None


recorder = Recorder()
