"""Locks and reads of a statement: `Probe`, which asks on the statement's own connection.

Locks of a transaction could be seen from outside; the number of tuples that it read, its
new files and its indexes only by itself. So all of it is asked there, in one query, after
the statement and before the next one. What the service could notice is left alone:

- nothing is asked after what takes no snapshot (SET TRANSACTION must come before it) or
  ends a transaction, and nothing in a failed one;
- every name is qualified, so that `search_path` does not matter, and a `statement_timeout`
  is lifted for the question and put back;
- a connection that commits by itself has let go of its locks before anyone can ask: there
  the statement is run in BEGIN ... ROLLBACK first, and measured in that.

A `DO` block and a function run several statements while nobody can ask. Where the harness
has laid event triggers, these ask before and after each command within.
"""

import json
import re

from migration_harness_channel import channel
from migration_harness_source import sqlstate_of

COMMITS = object()  # asks whether the connection commits each statement by itself
TRY = object()  # asks to run the statement; answered with its error, or None
SKIP = object()  # the answer where that cannot be

LEADING = re.compile(r"(?:\s|\(|;|--[^\n]*(?:\n|$)|/\*.*?\*/)*([A-Za-z]*)", re.S)
# Take no snapshot, or leave the transaction that the question would be about
# (https://www.postgresql.org/docs/current/sql-set-transaction.html).
SILENT = set(
    "abort begin checkpoint close commit deallocate discard end fetch listen lock move notify"
    " prepare release reset rollback savepoint set show start unlisten".split()
)
ROWS = {"insert", "update", "delete", "merge", "with"}
READING = {"", "select", "values", "table", "explain", "copy", "execute", "declare"}
# May run other commands than their own.
RUNNING = {"call", "do", "select", "values"} | ROWS

TRANSACTION = (
    "(SELECT l.virtualtransaction FROM pg_catalog.pg_locks l"
    " WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'virtualxid' LIMIT 1)"
)
BEFORE = (
    "SELECT CAST(pg_catalog.json_build_array(pg_catalog.current_setting('statement_timeout'),"
    " CASE WHEN pg_catalog.current_setting('statement_timeout') <> '0'"
    " THEN pg_catalog.set_config('statement_timeout', '0', true) END, "
    + TRANSACTION
    + "{flush}) AS pg_catalog.text)"
)
# Counters of a transaction go on from those of the one before, until they are flushed
# (https://www.postgresql.org/docs/current/monitoring-stats.html).
FLUSH = ", pg_catalog.pg_stat_force_next_flush() IS NULL"
COUNTERS = ", ".join(
    f"pg_catalog.pg_stat_get_xact_{name}(h.relation)"
    for name in (
        "numscans",
        "tuples_returned",
        "tuples_fetched",
        "tuples_inserted",
        "tuples_updated",
        "tuples_deleted",
    )
)
# The relations that the transaction holds locks on.
HELD = (
    "(SELECT l.relation, pg_catalog.string_agg(l.mode, ' ' ORDER BY l.mode) AS modes"
    " FROM {locks} l WHERE l.pid = pg_catalog.pg_backend_pid() AND l.granted"
    " AND l.locktype = 'relation' AND CAST(l.relation AS pg_catalog.int8) >= 16384"
    " AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d"
    " WHERE d.datname = pg_catalog.current_database()) GROUP BY l.relation)"
)
# `KNOWN` are stamps of those that are as they were when it was asked last: of two thousand
# tables that are locked, one statement changes one.
QUESTION = (
    "WITH locks AS MATERIALIZED (SELECT * FROM pg_catalog.pg_locks l"
    " WHERE l.pid = pg_catalog.pg_backend_pid()), stamped AS MATERIALIZED (SELECT h.relation, h.modes,"
    " pg_catalog.hashtextextended(pg_catalog.concat_ws(' ', h.relation, h.modes, c.relname,"
    " c.relnamespace, c.relfilenode, " + COUNTERS + "), 0) AS stamp"
    " FROM " + HELD.format(locks="locks") + " h LEFT JOIN pg_catalog.pg_class c ON c.oid = h.relation"
    " WHERE c.oid IS NULL OR c.relkind IN ('r', 'p', 'm'))"
    " SELECT CAST(pg_catalog.json_build_object('transaction', (SELECT l.virtualtransaction FROM locks l LIMIT 1),"
    " 'session', pg_catalog.pg_backend_pid(),"
    " 'lock_timeout', pg_catalog.current_setting('lock_timeout'),"
    " 'held', (SELECT pg_catalog.json_build_array(pg_catalog.count(*), coalesce(pg_catalog.sum("
    "CAST(s.relation AS pg_catalog.int8)), 0)) FROM stamped s),"
    " 'relations', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object("
    "'oid', CAST(h.relation AS pg_catalog.int8), 'kind', c.relkind, 'schema', n.nspname,"
    " 'name', c.relname, 'modes', pg_catalog.string_to_array(h.modes, ' '),"
    " 'filenode', CAST(c.relfilenode AS pg_catalog.int8),"
    " 'counters', pg_catalog.json_build_array(" + COUNTERS + "), 'stamp', h.stamp,"
    " 'indexes', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object("
    "'oid', CAST(i.indexrelid AS pg_catalog.int8), 'name', x.relname,"
    " 'filenode', CAST(x.relfilenode AS pg_catalog.int8), 'valid', i.indisvalid,"
    " 'read', pg_catalog.pg_stat_get_xact_tuples_returned(x.oid))), '[]')"
    " FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid"
    " WHERE i.indrelid = c.oid))), '[]')"
    " FROM stamped h LEFT JOIN pg_catalog.pg_class c ON c.oid = h.relation"
    " LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE NOT h.stamp = ANY (CAST('{KNOWN}' AS pg_catalog.int8[])))) AS pg_catalog.text)"
)
CALL = re.compile(r'(?:"([^"]+)"|\b([A-Za-z_]\w*))\s*\(')
FUNCTIONS = (
    "SELECT CAST(pg_catalog.count(*) AS pg_catalog.text) FROM pg_catalog.pg_proc p"
    " WHERE p.provolatile = 'v' AND CAST(p.oid AS pg_catalog.int8) >= 16384"
    " AND p.proname IN ({names})"
)
OIDS = (
    "SELECT CAST(coalesce(pg_catalog.json_agg(CAST(h.relation AS pg_catalog.int8)), '[]')"
    " AS pg_catalog.text) FROM " + HELD.format(locks="pg_catalog.pg_locks") + " h"
)
# What the event triggers ask, and what they were answered.
ASK_WITHIN = (
    "SELECT pg_catalog.set_config('migration_harness.question', '{question}', true),"
    " pg_catalog.set_config('migration_harness.looks', '', true)"
)
ANSWERED_WITHIN = (
    "SELECT '[' || pg_catalog.substr(pg_catalog.current_setting('migration_harness.looks', true), 2)"
    " || ']', pg_catalog.set_config('migration_harness.question', '', true)"
)
POINT = "migration_harness_parts"
REMEMBERED = 8  # transactions, of which a service has one for each connection

# Afterwards, where nobody could ask within the transaction: what later statements find.
CATALOG = (
    "SELECT CAST(pg_catalog.json_build_object('files', (SELECT coalesce(pg_catalog.json_agg("
    "pg_catalog.json_build_array(CAST(c.oid AS pg_catalog.int8),"
    " CAST(c.relfilenode AS pg_catalog.int8))), '[]') FROM pg_catalog.pg_class c"
    " WHERE c.relkind IN ('r', 'm') AND CAST(c.oid AS pg_catalog.int8) >= 16384),"
    " 'indexes', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object("
    "'relation', CAST(i.indrelid AS pg_catalog.int8), 'name', x.relname,"
    " 'filenode', CAST(x.relfilenode AS pg_catalog.int8))), '[]') FROM pg_catalog.pg_index i"
    " JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid"
    " WHERE CAST(x.oid AS pg_catalog.int8) >= 16384)) AS pg_catalog.text)"
)


def first_word(sql):
    return LEADING.match(sql).group(1).lower()


# What has to be read as one piece, and where a statement ends.
PIECE = re.compile(
    r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"[^\"]*\"|(\$\w*\$).*?\1|(;)|[^-/'\"$;]+|.", re.S
)


ENDING = re.compile(r"\s*(?:commit|end|abort|rollback(?!\s+to\b|\s+\w+\s+to\b))\b", re.I)


def statements_of(sql):
    parts = [""]
    for piece in PIECE.finditer(sql):
        if piece.group(2):
            parts.append("")
        else:
            parts[-1] += piece.group()
    return [part for part in parts if first_word(part)]


def ends_within(sql):
    """Tells whether one of several statements in a text ends their transaction."""
    parts = statements_of(sql)
    return len(parts) > 1 and any(ENDING.match(part) for part in parts)


def parts_of(sql):
    """The statements of a text that has several; none where they cannot be run one by one."""
    parts = statements_of(sql)
    alone = any(first_word(part) in SILENT | {"copy"} for part in parts)
    return [] if alone or len(parts) < 2 else parts


def is_silent(sql):
    """Tells whether nothing may be asked after it. One text may hold several statements."""
    return first_word(sql) in SILENT and ";" not in sql.strip().rstrip(";")


def value(rows):
    """The one value of the one row, whatever the service makes of rows; None without one."""
    try:
        row = rows[0]
        found = next(iter(row.values())) if hasattr(row, "values") else row[0]
        return json.loads(found)
    except Exception:
        return None


class Probe:
    """Asks around statements, and sends what is answered as messages."""

    def __init__(self, flushes, within):
        self.within = within  # whether event triggers ask
        self.asked = BEFORE.format(flush=FLUSH if flushes else "")
        self.calling = None  # the statement that calls a function of the service's
        self.told = None  # the statement that was run in parts first
        self.known = {}  # transaction -> the stamp of each relation that it holds a lock on

    def looked(self, transaction):
        """The locks that a transaction holds now, as far as that is not known yet; None where nobody
        can say. `whole` where nothing is known, and `gone` what it holds no more."""
        whole = transaction not in self.known
        known = self.known.pop(transaction, {})
        stamps = ",".join(map(str, known.values()))
        found = value((yield QUESTION.replace("KNOWN", stamps)))
        if found is None or found["transaction"] != transaction:
            return found
        known.update((one["oid"], one.pop("stamp")) for one in found["relations"])
        gone = []
        if [len(known), sum(known)] != found.pop("held"):
            held = value((yield OIDS)) or known
            gone = [oid for oid in known if oid not in held]
            for oid in gone:
                del known[oid]
        self.known[transaction] = known
        for old in list(self.known)[:-REMEMBERED]:
            del self.known[old]
        return {**found, "whole": whole, "gone": gone}

    def calls(self, sql):
        """Tells whether a query calls a function of the service's, which may do anything."""
        names = [plain.lower() or quoted for quoted, plain in CALL.findall(sql)]
        if first_word(sql) not in {"select", "values", "with"} or not names:
            return False
        listed = ", ".join("'" + name.replace("'", "''") + "'" for name in names)
        return bool(value((yield FUNCTIONS.format(names=listed))))

    def unprobed(self, number, sqlstate=None):
        channel.send(
            event="unprobed", number=number, sqlstate=sqlstate, calls=self.calling == number
        )

    def before(self, number, sql):
        """Questions before a statement; returns whether its locks are gone after it."""
        if is_silent(sql):
            return False
        if (yield from self.commits_itself()):
            yield from self.rehearse(number, sql)
            return True
        yield from self.in_parts(number, sql)
        yield from self.ask_within(sql)
        return False

    def commits_itself(self):
        """Tells whether a statement would be a transaction of its own: the service may have begun
        one in words of its own."""
        if (yield COMMITS) is not True:
            return False
        first, second = value((yield self.asked)), value((yield self.asked))
        return first is not None and second is not None and first[2] != second[2]

    def rehearse(self, number, sql):
        """Runs a statement in a transaction that is rolled back, unless it only reads."""
        if (yield from self.calls(sql)):
            self.calling = number
        elif first_word(sql) in READING - {"execute"}:
            return
        yield "BEGIN"
        begun = value((yield self.asked))
        yield from self.in_parts(number, sql, True)
        if self.told != number:
            yield from self.attempt(number, sql, begun)
        yield "ROLLBACK"

    def attempt(self, number, sql, begun):
        """Runs a statement before its turn, and looks after it."""
        yield from self.ask_within(sql)
        error = yield TRY
        if error is SKIP:
            self.unprobed(number)
        elif error is not None:
            self.unprobed(number, sqlstate_of(error))
        else:
            looks = yield from self.looks(sql, begun and begun[2])
            if begun is None or looks is None:
                self.unprobed(number)
            else:
                self.probed(number, looks, rehearsed=True)

    def probed(self, number, looks, **further):
        for look in looks:
            channel.send(event="probe", number=number, **further, **look)

    def looks(self, sql, transaction):
        """The looks within a statement and the one after it; None where nobody can say."""
        within = yield from self.answered_within(sql, transaction)
        found = yield from self.looked(transaction)
        return None if found is None else [*within, found]

    def ask_within(self, sql):
        """Has event triggers ask before and after each command that a statement runs."""
        if self.within and first_word(sql) in RUNNING:
            question = QUESTION.replace("KNOWN", "").replace("'", "''")
            yield ASK_WITHIN.format(question=question)

    def answered_within(self, sql, transaction):
        """The answers that they got, in order."""
        if not self.within or first_word(sql) not in RUNNING:
            return []
        looks = value((yield ANSWERED_WITHIN)) or []
        for look in looks:
            del look["held"]
            for one in look["relations"]:
                del one["stamp"]
        return [look for look in looks if look["transaction"] == transaction]

    def in_parts(self, number, sql, rehearsed=False):
        """Runs the statements of a text one by one where it has several, looks after each, and takes
        them back: what works before it locks keeps nobody out."""
        parts = parts_of(sql)
        if not parts:
            return
        yield f"SAVEPOINT {POINT}"
        begun, looks = value((yield self.asked)), []
        for part in parts:
            yield from self.ask_within(part)
            yield part
            found = yield from self.looks(part, begun and begun[2])
            if found is None:
                break
            looks += found
        yield f"ROLLBACK TO SAVEPOINT {POINT}"
        yield f"RELEASE SAVEPOINT {POINT}"
        if begun is None or found is None:
            self.known.clear()
            return
        self.probed(number, looks, rehearsed=rehearsed)
        self.told = number

    def after(self, number, sql, is_over):
        if is_silent(sql):
            return
        if is_over:
            yield self.asked  # so that its counters are no longer there
            yield from self.left(number, sql)
            return
        if ends_within(sql):
            self.unprobed(number)
            yield from self.left(number, sql)
            return
        before = value((yield self.asked))
        looks = yield from self.looks(sql, before and before[2])
        if before is not None and before[1] is not None:
            yield f"SELECT pg_catalog.set_config('statement_timeout', '{before[0]}', true)"
        if before is None or looks is None:
            self.unprobed(number)
        elif before[2] == looks[-1]["transaction"]:
            self.probed(number, looks, rehearsed=False, told=self.told == number)
        elif first_word(sql) not in READING:
            # It ended its transaction itself.
            self.unprobed(number)
            yield from self.left(number, sql)

    def left(self, number, sql):
        """Reads the catalog after a statement that changes more than rows."""
        if first_word(sql) not in READING | ROWS or self.calling == number:
            found = value((yield CATALOG))
            if found is not None:
                channel.send(event="settled", number=number, **found)
