"""Revisions that Alembic writes by the service's own template: `Writer`."""

import contextlib
import os
import shutil


class Writer:
    """What writes a revision file for a configuration and its options."""

    @staticmethod
    @contextlib.contextmanager
    def template(config):
        """Alembic's own template, for as long as it is needed, where the service has none."""
        import alembic
        from alembic.script import ScriptDirectory

        own = os.path.join(ScriptDirectory.from_config(config).dir, "script.py.mako")
        if os.path.exists(own):
            yield
            return
        generic = os.path.join(os.path.dirname(alembic.__file__), "templates", "generic")
        shutil.copyfile(os.path.join(generic, "script.py.mako"), own)
        try:
            yield
        finally:
            os.remove(own)

    @staticmethod
    def merge(config, options):
        from alembic import command

        command.merge(config, options.revisions, message=options.message)

    @staticmethod
    def revision(config, options, upgrade, downgrade):
        from alembic import util
        from alembic.script import ScriptDirectory

        ScriptDirectory.from_config(config).generate_revision(
            util.rev_id(),
            options.message,
            head="head",
            upgrades="\n    ".join(upgrade),
            downgrades="\n    ".join(downgrade),
            imports="",
        )

    @staticmethod
    def autogenerate(config, options):
        from alembic import command

        def without_drops(context, revision, directives):
            for directive in directives:
                leave_out_drops(directive.upgrade_ops)
                directive.upgrade_ops.reverse_into(directive.downgrade_ops)

        command.revision(
            config,
            message=options.message,
            autogenerate=True,
            process_revision_directives=without_drops,
        )


def leave_out_drops(container):
    """Takes from operations those by which data would be lost."""
    from alembic.operations import ops

    gone = {
        (operation.schema, operation.table_name)
        for operation in container.ops
        if isinstance(operation, ops.DropTableOp)
    }
    kept = []
    for operation in container.ops:
        if isinstance(operation, ops.OpContainer):
            leave_out_drops(operation)
        table = getattr(operation, "schema", None), getattr(operation, "table_name", None)
        if not isinstance(operation, ops.DropColumnOp) and table not in gone:
            kept.append(operation)
    container.ops[:] = kept
