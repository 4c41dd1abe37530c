//! The sample with nothing left out: an outbox, notes, an accepted schema, a published history
//! and the walk down and up again, all of it as it should be.

use super::{evidence, migrated, service, transcript};
use crate::alembic::graph::Graph;
use crate::evidence::notes::{Content, NotesFile};
use crate::evidence::outbox::{ExpectedIndex, Index, Outbox};
use crate::evidence::stairway::{FullDowngrade, RoundTrip};
use crate::evidence::{Catalog, Evidence, Merge, PublishedRevisions, SchemaFile, Stairway};
use crate::manifest::{
    Deployed, IndexConvention, NotesConvention, OutboxConvention, Service, Topic,
};
use crate::schema;

/// A service to which every criterion applies.
pub fn whole_service() -> Service {
    Service {
        deployed: Deployed::BaseRef("origin/main".into()),
        outbox: Some(OutboxConvention {
            table: "event_outbox".into(),
            indexes: vec![IndexConvention {
                name: "ix".into(),
                columns: vec!["a".into()],
                predicate: None,
                unique: false,
                method: "btree".into(),
                include: Vec::new(),
            }],
        }),
        notes: Some(NotesConvention {
            files: vec!["README.md".into(), "alembic/README.md".into()],
            topics: vec![topic("heads"), topic("enums")],
        }),
        ..service()
    }
}

/// Evidence on which every criterion is green.
pub fn whole_evidence() -> Evidence {
    let mut evidence = evidence();
    migrated(&mut evidence).outbox = Some(outbox());
    Evidence {
        notes: Some(notes(
            Some("# A\n\n## Heads\n\nOne."),
            Some("# Enums\n\nOnce."),
        )),
        published: Some(published()),
        schema: Some(accepted(&schema::text("a", &Catalog::default()))),
        stairway: Some(stairway()),
        ..evidence
    }
}

/// Each revision down and up again, and then all of them.
pub fn stairway() -> Stairway {
    Stairway {
        trips: vec![trip("r1"), trip("r2")],
        unreached: Vec::new(),
        full_downgrade: Some(FullDowngrade {
            down: transcript("downgrade base", "r2 r1"),
            stopped_at: None,
            left: Vec::new(),
            again: Some(transcript("upgrade heads", "r1 r2")),
            lost: Vec::new(),
        }),
    }
}

fn topic(about: &str) -> Topic {
    Topic {
        id: about.into(),
        title: format!("several {about}"),
        headings: vec![about.into()],
        words: Vec::new(),
        paragraph: format!("## {about}\n\nOne is enough.\n"),
    }
}

pub fn notes(readme: Option<&str>, migrations: Option<&str>) -> Vec<NotesFile> {
    let file = |path: &str, text: Option<&str>| NotesFile {
        path: path.into(),
        content: text.map_or(Content::Missing, |text| Content::Text(text.into())),
    };
    vec![
        file("/root/a/README.md", readme),
        file("/root/a/alembic/README.md", migrations),
    ]
}

pub fn outbox() -> Outbox {
    let definition = "CREATE INDEX ON public.event_outbox USING btree (a)".to_owned();
    Outbox {
        table: "event_outbox".into(),
        schemas: vec!["public".into()],
        tables: vec!["public.event_outbox".into()],
        expected: vec![ExpectedIndex {
            name: "ix".into(),
            statement: "CREATE INDEX ix ON public.event_outbox USING btree (a)".into(),
            definition: Ok(definition.clone()),
        }],
        actual: vec![Index {
            name: "ix".into(),
            schema: "public".into(),
            table: "event_outbox".into(),
            definition,
            valid: true,
            constraint: false,
            partitioned: false,
        }],
    }
}

pub fn accepted(text: &str) -> SchemaFile {
    SchemaFile {
        path: "schemas/a.sql".into(),
        content: Content::Text(text.into()),
        of_no_service: Vec::new(),
    }
}

pub fn merge(graph: Graph) -> Merge {
    Merge {
        base_ref: "origin/main".into(),
        commit: "1".repeat(40),
        parted: "2".repeat(40),
        graph,
        ours: ["r2".to_owned()].into(),
        theirs: ["r3".to_owned()].into(),
        conflicts: Vec::new(),
        brought: Vec::new(),
        published: Vec::new(),
    }
}

pub fn published() -> PublishedRevisions {
    PublishedRevisions {
        base_ref: "origin/main".into(),
        parted: "2".repeat(40),
        count: 1,
        changes: Vec::new(),
        added: Vec::new(),
    }
}

pub fn trip(id: &str) -> RoundTrip {
    RoundTrip {
        revision: id.into(),
        up: transcript("upgrade", id),
        up_after_others: None,
        down: Some(transcript("downgrade", id)),
        left: Vec::new(),
        again: Some(transcript("upgrade", id)),
        lost: Vec::new(),
    }
}
