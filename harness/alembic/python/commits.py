"""The state of a deployment between two of its transactions: `Commits`.

What one of them has committed is there for everybody, although the deployment goes on. So it
waits there until the harness has looked. Whether a connection is within a transaction, its
driver knows without asking the server.
"""

from migration_harness_channel import channel
from migration_harness_probe import READING, ROWS, SILENT, first_word

# Change no schema: what rows hold is looked at with the next statement that does, or at the end.
QUIET = SILENT | ROWS | READING - {"", "select"}
IDLE = 0  # libpq's PQTRANS_IDLE
UNKNOWN = 4  # PQTRANS_UNKNOWN: the connection is closed


class Commits:
    """Waits before a statement that begins a transaction, if one before it may have committed
    a change of the schema."""

    def __init__(self):
        self.changed = []  # (connection, number) of statements that nobody looked behind

    def before(self, thing):
        if not self.changed or is_within(driver_of(thing)) is not False:
            return
        over = [one for one in self.changed if is_within(one[0]) is False]
        if over:
            self.changed = [one for one in self.changed if one not in over]
            channel.wait(event="committed", number=max(number for _, number in over))

    def after(self, number, sql, place, thing):
        word = first_word(sql)
        if word not in QUIET and (word != "select" or place is not None):
            self.changed.append((driver_of(thing), number))


def driver_of(thing):
    """The driver's connection behind one of SQLAlchemy's, or behind a cursor."""
    for name in ("driver_connection", "dbapi_connection", "_connection", "connection", "_adapt_connection"):
        inner = getattr(thing, name, None)
        if inner is not None and inner is not thing:
            return driver_of(inner)
    return thing


def is_within(connection):
    """Tells whether a driver's connection is within a transaction; None where it does not say."""
    try:
        if hasattr(connection, "is_in_transaction"):  # asyncpg
            return connection.is_in_transaction()
        if hasattr(connection, "_transaction_status"):  # pg8000
            return connection._transaction_status not in (b"I", ord("I"))
        if hasattr(connection, "get_transaction_status"):  # psycopg2
            return connection.get_transaction_status() not in (IDLE, UNKNOWN)
        return connection.info.transaction_status not in (IDLE, UNKNOWN)  # psycopg
    except Exception:
        return None
