#![allow(clippy::unwrap_used)]

use pretty_assertions::assert_eq;
use rstest::rstest;

use super::*;
use crate::evidence::deployment::{AlteredValues, How};
use crate::manifest::Justification;
use crate::testing;

fn rollout(evidence: &mut Evidence) -> &mut Rollout {
    &mut evidence.deployment.as_mut().unwrap().rollouts[0]
}

fn dropped(is_meant: bool) -> AlteredValues {
    AlteredValues {
        table: "public.essays".into(),
        column: Some("title".into()),
        how: How::ColumnGone,
        rows: 20,
        of: 20,
        example: (Some("essays title 1".into()), None),
        is_meant,
    }
}

#[test]
fn a_quiet_deployment_is_green_and_an_empty_one_says_so() {
    let mut evidence = testing::evidence();
    let verdict = CRITERION.verdict(&testing::service(), &evidence);
    assert_eq!(verdict, Verdict::pass());
    let deployment = evidence.deployment.as_mut().unwrap();
    deployment.plan.pending.clear();
    deployment.rollouts.clear();
    let verdict = CRITERION.verdict(&testing::service(), &evidence);
    let notes = vec!["nothing is deployed: no revision is pending".to_owned()];
    assert_eq!(verdict, Verdict::Pass { notes });
}

#[test]
fn a_revision_that_did_not_run_is_not_judged() {
    let mut evidence = testing::evidence();
    rollout(&mut evidence).upgrade.steps.clear();
    let verdict = CRITERION.verdict(&testing::service(), &evidence);
    let text = testing::text(&verdict);
    assert!(
        text.contains("the deployment of revision r2 is missing"),
        "{text}"
    );
}

#[test]
fn what_is_lost_is_red_until_it_is_accepted() {
    let (mut service, mut evidence) = (testing::service(), testing::evidence());
    rollout(&mut evidence).altered.push(dropped(false));
    let red = testing::text(&CRITERION.verdict(&service, &evidence));
    assert!(
        red.contains("revision r2 drops essays.title with its values"),
        "{red}"
    );
    assert!(
        red.contains("[rows.accepted] \"r2 essays.title gone\""),
        "{red}"
    );
    let line = Justification {
        reason: "nobody reads it".into(),
        inherited: false,
    };
    service
        .accepted_rows
        .insert("r2 essays.title gone".into(), line);
    assert!(!CRITERION.verdict(&service, &evidence).is_red());
    rollout(&mut evidence).altered.clear();
    let stale = testing::text(&CRITERION.verdict(&service, &evidence));
    assert!(
        stale.contains("is accepted, and is not there any more"),
        "{stale}"
    );
    evidence.deployment.as_mut().unwrap().plan.pending.clear();
    assert!(!CRITERION.verdict(&service, &evidence).is_red());
}

#[rstest]
#[case::unknown_column("essays", &["id"], false)]
#[case::known_column("essays", &["id", "title"], true)]
#[case::unknown_table("works", &["id"], false)]
fn what_the_running_release_does_not_know_may_go(
    #[case] table: &str,
    #[case] columns: &[&str],
    #[case] is_red: bool,
) {
    let (service, mut evidence) = (testing::service(), testing::evidence());
    rollout(&mut evidence).altered.push(dropped(false));
    let columns = columns.iter().map(|&column| column.to_owned()).collect();
    evidence.deployment.as_mut().unwrap().known = Some(Known {
        release: evidence.running.as_ref().unwrap().release.clone(),
        tables: [(table.to_owned(), columns)].into(),
    });
    assert_eq!(CRITERION.verdict(&service, &evidence).is_red(), is_red);
}

#[test]
fn a_line_of_a_revision_that_is_in_no_history_is_red() {
    let (mut service, evidence) = (testing::service(), testing::evidence());
    let deployed = evidence.history.graph.revisions[0].id.clone();
    for (revision, is_red) in [(deployed.as_str(), false), ("squashed", true)] {
        let line = Justification {
            reason: "nobody reads it".into(),
            inherited: false,
        };
        let key = format!("{revision} essays.title gone");
        service.accepted_rows = [(key, line)].into();
        let verdict = CRITERION.verdict(&service, &evidence);
        assert_eq!(verdict.is_red(), is_red, "{revision}");
        let says =
            testing::text(&verdict).contains("no revision of the service is called squashed");
        assert_eq!(says, is_red);
    }
}

#[test]
fn what_a_statement_means_is_a_note() {
    let mut evidence = testing::evidence();
    let mut set = dropped(true);
    set.how = How::Changed;
    rollout(&mut evidence).altered.push(set);
    let Verdict::Pass { notes } = CRITERION.verdict(&testing::service(), &evidence) else {
        unreachable!("red");
    };
    assert_eq!(
        notes[0],
        "20 of 20 values of essays.title are set, as a statement says"
    );
}
