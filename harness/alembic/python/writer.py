"""Revisions that Alembic writes by the service's own template: `Writer`."""

import contextlib
import os
import shutil


class Writer:
    """The writer of a revision file for a configuration and its options."""

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
                dropped = leave_out_drops(directive.upgrade_ops)
                directive.upgrade_ops.reverse_into(directive.downgrade_ops)
                # A function of nothing but comments is none.
                if dropped and directive.upgrade_ops.as_diffs():
                    directive.upgrade_ops.ops.append(commented(dropped))

        command.revision(
            config,
            message=options.message,
            autogenerate=True,
            process_revision_directives=without_drops,
        )


def leave_out_drops(container):
    """Takes from operations those by which data would be lost, and returns these."""
    from alembic.operations import ops

    gone = {
        (operation.schema, operation.table_name)
        for operation in container.ops
        if isinstance(operation, ops.DropTableOp)
    }
    kept, dropped = [], []
    for operation in container.ops:
        if isinstance(operation, ops.OpContainer):
            dropped += leave_out_drops(operation)
        table = getattr(operation, "schema", None), getattr(operation, "table_name", None)
        if isinstance(operation, ops.DropColumnOp) or table in gone:
            dropped += operation.ops if isinstance(operation, ops.OpContainer) else [operation]
        else:
            kept.append(operation)
    container.ops[:] = kept
    return dropped


def commented(dropped):
    """An operation that is written as comments, which show what was left out."""
    from alembic.autogenerate.render import render_op, renderers
    from alembic.operations import ops

    class Commented(ops.MigrateOperation):
        pass

    @renderers.dispatch_for(Commented)
    def render(context, operation):
        lines = [line for one in dropped for text in render_op(context, one) for line in text.splitlines()]
        return ["# What loses data is left to you, once nothing reads it any more:"] + [f"# {line}" for line in lines]

    return Commented()
