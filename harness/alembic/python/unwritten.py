"""Elements of models that SQLAlchemy can make no SQL of, such as a column without a type:
`leaving_out`."""

from contextlib import contextmanager

from migration_harness_door import door


@contextmanager
def leaving_out(dialect, note):
    """While it is entered, DDL is written without them, and each is given to `note`."""
    from sqlalchemy.exc import CompileError

    plain, noted = dialect.ddl_compiler, door.ours(note)

    class Lenient(plain):
        def process(self, element, **kwargs):
            try:
                return super().process(element, **kwargs)
            except CompileError as error:
                return noted(element, error)

    dialect.ddl_compiler = Lenient
    try:
        yield
    finally:
        dialect.ddl_compiler = plain
