//! Models of other shapes than one class a table: what they do is tried too.

use rstest::rstest;

use super::{ENV, commit, green, judged, red, revision};
use crate::base_ref::monorepo::git;
use crate::judge::packages;
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
    with(PLAIN, ENV, FIRST, MODELS)
}

fn with(manifest: &str, env: &str, first: &str, models: &str) -> Monorepo {
    let monorepo = Monorepo::new();
    monorepo.service("orders", manifest, env, &[&upgrade(first)]);
    monorepo.write("orders/models.py", models);
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

const SQLMODEL: &str = r#"
from sqlmodel import Field, SQLModel


class Hero(SQLModel, table=True):
    __tablename__ = "heroes"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=40)
    age: int | None = None


Base = SQLModel
"#;

const HEROES: &str = r#"
op.create_table(
    "heroes",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(40), nullable=False),
    sa.Column("age", sa.Integer),
)
"#;

#[rstest]
#[case::column("op.drop_column(\"heroes\", \"age\")", "\"r2 heroes.age gone\"")]
#[case::narrower(
    "op.execute(\"ALTER TABLE heroes ALTER name TYPE varchar(30) USING left(name, 30)\")",
    "\"r2 heroes.name narrower\""
)]
fn models_of_sqlmodel_are_tried(#[case] lines: &str, #[case] key: &str) {
    let installed = packages("sqlmodel", "sqlmodel", &["sqlmodel==0.0.50"]).unwrap();
    let manifest = format!("{PLAIN}[env]\nPYTHONPATH = {installed:?}\n");
    let monorepo = with(&manifest, ENV, HEROES, SQLMODEL);
    revision(
        &monorepo,
        "op.add_column(\"heroes\", sa.Column(\"x\", sa.Text))",
    );
    green(&judged(&monorepo), "statements of its models as before");
    revision(&monorepo, lines);
    red(&judged(&monorepo), &["models.py:5 at ", key]);
}

const SALES: &str = r#"
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    metadata = sa.MetaData(schema="sales")


class Item(Base):
    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(40))


class Short(Base):
    """A view."""

    __tablename__ = "short"
    __table_args__ = {"info": {"is_view": True}}

    id: Mapped[int] = mapped_column(primary_key=True)
    first: Mapped[str] = mapped_column(sa.Text)


class Lent(Base):
    """Belongs to another service, and is not there where this one is tried."""

    __tablename__ = "lent"

    id: Mapped[int] = mapped_column(primary_key=True)
"#;

const ITEMS: &str = r#"
op.execute("CREATE SCHEMA sales")
op.execute("CREATE TABLE sales.items (id serial PRIMARY KEY, name varchar(40) NOT NULL, note text)")
op.execute("CREATE VIEW sales.short AS SELECT id, left(name, 3) AS first FROM sales.items")
"#;

#[rstest]
#[case::column(
    "op.execute(\"DROP VIEW sales.short\")\nop.drop_column(\"items\", \"name\", schema=\"sales\")",
    "\"r2 sales.items.name gone\""
)]
#[case::view(
    "op.execute(\"DROP VIEW sales.short\")\nop.execute(\"CREATE VIEW sales.short AS SELECT id FROM sales.items\")",
    "\"r2 sales.short.first gone\""
)]
#[case::schema(
    "op.execute(\"ALTER TABLE sales.items SET SCHEMA public\")",
    "\"r2 sales.items gone\""
)]
fn tables_and_views_of_a_schema_are_tried_and_what_is_elsewhere_is_left_out(
    #[case] lines: &str,
    #[case] key: &str,
) {
    let env = ENV.replace(
        "target_metadata=Base.metadata",
        "target_metadata=Base.metadata, include_schemas=True, include_object=lambda thing, name, *_: name != \"lent\"",
    );
    assert_ne!(env, ENV);
    let manifest = format!("{PLAIN}[model_drift]\nowned_elsewhere = [\"sales.lent\"]\n");
    let monorepo = with(&manifest, &env, ITEMS, SALES);
    revision(
        &monorepo,
        "op.drop_column(\"items\", \"note\", schema=\"sales\")",
    );
    green(&judged(&monorepo), "statements of its models as before");
    revision(&monorepo, lines);
    red(&judged(&monorepo), &[key]);
}
