//! Models of other shapes than one class a table: what they do is tried too.

use rstest::rstest;

use super::{ENV, commit, green, judged, red, revision};
use crate::base_ref::monorepo::git;
use crate::monorepo::{Monorepo, PLAIN, upgrade};

const MODELS: &str = r#"
import sqlalchemy as sa
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, column_property, mapped_column


class Base(DeclarativeBase):
    pass


class Person(Base):
    __tablename__ = "people"
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(20))
    first: Mapped[str] = mapped_column(sa.String(40))
    last: Mapped[str] = mapped_column(sa.String(40))
    full = column_property(first + " " + last)

    @hybrid_property
    def shout(self):
        return self.last + "!"


class Engineer(Person):
    """Has a table of its own."""

    __tablename__ = "engineers"
    __mapper_args__ = {"polymorphic_identity": "engineer"}

    id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), primary_key=True)
    language: Mapped[str] = mapped_column(sa.String(40))


class Guest(Person):
    """Lives in the table of its parent."""

    __mapper_args__ = {"polymorphic_identity": "guest"}

    room: Mapped[int | None] = mapped_column(sa.Integer)


class Stay(MappedAsDataclass, Base):
    __tablename__ = "stays"

    room: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[int] = mapped_column(primary_key=True)
    note: Mapped[str | None] = mapped_column(sa.Text, default=None)


tags = sa.Table(
    "tags",
    Base.metadata,
    sa.Column("person_id", sa.ForeignKey("people.id"), primary_key=True),
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("weight", sa.Integer),
)
"#;

const FIRST: &str = r#"
op.create_table(
    "people",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("first", sa.String(40), nullable=False),
    sa.Column("last", sa.String(40), nullable=False),
    sa.Column("room", sa.Integer),
)
op.create_table(
    "engineers",
    sa.Column("id", sa.Integer, sa.ForeignKey("people.id"), primary_key=True),
    sa.Column("language", sa.String(40), nullable=False),
)
op.create_table(
    "stays",
    sa.Column("room", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("note", sa.Text),
)
op.create_table(
    "tags",
    sa.Column("person_id", sa.Integer, sa.ForeignKey("people.id"), primary_key=True),
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("weight", sa.Integer),
)
"#;

fn monorepo() -> Monorepo {
    let monorepo = Monorepo::new();
    monorepo.service("orders", PLAIN, ENV, &[&upgrade(FIRST)]);
    monorepo.write("orders/models.py", MODELS);
    git(
        monorepo.path(),
        &["init", "--quiet", "--initial-branch=main", "."],
    );
    commit(&monorepo, "base");
    git(monorepo.path(), &["checkout", "--quiet", "-b", "topic"]);
    monorepo
}

#[test]
fn what_leaves_all_of_them_is_green() {
    let monorepo = monorepo();
    revision(
        &monorepo,
        "for table in (\"people\", \"engineers\", \"stays\", \"tags\"):\n    op.add_column(table, sa.Column(\"extra\", sa.Text))",
    );
    let judged = judged(&monorepo);
    green(&judged, "statements of its models as before");
    assert!(!judged.stderr.contains("left out"), "{}", judged.all());
}

#[rstest]
#[case::of_a_subclass("engineers", "language", "models.py:26 at ")]
#[case::in_the_table_of_the_parent("people", "room", "models.py:11 at ")]
#[case::of_a_composite_key("stays", "note", "models.py:44 at ")]
#[case::of_a_table_without_class("tags", "weight", "SELECT tags.person_id")]
#[case::behind_a_column_property("people", "first", "models.py:11 at ")]
fn what_is_taken_from_one_is_red(#[case] table: &str, #[case] column: &str, #[case] of: &str) {
    let monorepo = monorepo();
    revision(
        &monorepo,
        &format!("op.drop_column(\"{table}\", \"{column}\")"),
    );
    let key = format!("\"r2 {table}.{column} gone\"");
    red(&judged(&monorepo), &["42703", of, &key]);
}
