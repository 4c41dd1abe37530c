//! Looks for fixes of a service and proves each: [`Search`].
//!
//! A state is what the files are with the fixes so far. What the criteria propose there is
//! tried, all of it at once and else one by one, and becomes the next state where nothing that
//! was green is red. Safe fixes come first, so that they are proved without the others.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::bench::{Bench, Judgement};
use super::known::{Known, known};
use super::overlay::{Files, relative};
use crate::criteria::fixes;
use crate::criteria::proposal::{Act, Class, Fix, Proposal, PublishedIds, Refusal};
use crate::criteria::{
    Acceptance, Blocker, Verdict, deployed_schema, downgrade, enum_types, model_drift,
    published_revisions, upgrade_head,
};
use crate::error::Result;
use crate::evidence::Migrated;
use crate::manifest::Service;
use crate::patch::{Patch, edited};

/// A fix that was proved, with the state that it leads to.
pub(super) struct Step {
    pub(super) fix: Fix,
    pub(super) turned: Vec<&'static str>,
    pub(super) stayed: usize,
    pub(super) before: Files,
    pub(super) after: Files,
    /// The findings of its criterion that are there afterwards; none where it could not judge.
    pub(super) open: Option<Vec<Known>>,
}

/// The search for the fixes of one service.
pub(super) struct Search<'a> {
    bench: &'a Bench<'a>,
    published: PublishedIds,
    is_selected: &'a dyn Fn(&str) -> bool,
    say: &'a dyn Fn(&str),
    /// The time for all attempts, and when it is over.
    limit: Duration,
    deadline: Instant,
    /// The state so far, and how it is judged.
    pub(super) files: Files,
    pub(super) judged: Judgement,
    pub(super) steps: Vec<Step>,
    /// The fixes that were not proved.
    refused: Vec<Refusal>,
    /// The defects of the present state that have no fix.
    reasons: Vec<Refusal>,
    tried: Vec<Fix>,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        bench: &'a Bench<'a>,
        published: PublishedIds,
        (files, judged): (Files, Judgement),
        is_selected: &'a dyn Fn(&str) -> bool,
        say: &'a dyn Fn(&str),
        limit: Duration,
    ) -> Self {
        Self {
            bench,
            published,
            is_selected,
            say,
            deadline: Instant::now() + limit,
            limit,
            files,
            judged,
            steps: Vec::new(),
            refused: Vec::new(),
            reasons: Vec::new(),
            tried: Vec::new(),
        }
    }

    /// Goes on until nothing more is proposed that helps, or time is up.
    pub(super) fn run(&mut self) -> Result<()> {
        loop {
            let proposals = self.proposals();
            let mut found: Vec<Vec<Fix>> = Vec::new();
            self.reasons.clear();
            for proposal in proposals {
                if let Proposal::Refusal(refusal) = &proposal {
                    self.reasons.push(refusal.clone());
                }
                let mut fixes = proposal.fixes();
                fixes.retain(|fix| !self.tried.contains(fix) && !self.waits(fix));
                found.push(fixes);
            }
            found.retain(|fixes| !fixes.is_empty());
            let class = |fixes: &Vec<Fix>| fixes.first().map(|fix| fix.class);
            let first = found.iter().filter_map(class).min();
            found.retain(|fixes| class(fixes) == first);
            if found.is_empty() || !self.round(found)? {
                return Ok(());
            }
        }
    }

    /// Tells whether a new revision has to wait until what is below it can be judged.
    fn waits(&self, fix: &Fix) -> bool {
        let below = [
            &upgrade_head::CRITERION,
            &enum_types::CRITERION,
            &downgrade::CRITERION,
        ];
        let is_red = |id: &str| {
            let verdict = self.judged.verdict(id);
            id != fix.criterion && verdict.is_some() && !self.judged.is_green(id)
        };
        fix.changes_schema && below.iter().any(|criterion| is_red(criterion.id))
    }

    /// Tries fixes, each with what may be taken instead; tells whether there is more to do.
    fn round(&mut self, found: Vec<Vec<Fix>>) -> Result<bool> {
        let together: Vec<Fix> = found
            .iter()
            .filter_map(|fixes| fixes.first())
            .cloned()
            .collect();
        if together.len() > 1 && self.attempt(&together)?.is_ok() {
            return Ok(true);
        }
        for fix in found.into_iter().flatten() {
            if self.is_over() {
                let over = self.limit.as_secs();
                self.refuse(Refusal {
                    criterion: fix.criterion,
                    why: format!("{}: not tried, since {over} s are over", fix.what),
                });
                continue;
            }
            let tried = self.attempt(std::slice::from_ref(&fix))?;
            match tried {
                // What else is proposed may be another thing now.
                Ok(()) => return Ok(true),
                Err(why) => {
                    let why = format!("{}: {why}", fix.what);
                    let criterion = fix.criterion;
                    self.tried.push(fix);
                    self.refuse(Refusal { criterion, why });
                }
            }
        }
        Ok(!self.is_over())
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.deadline
    }

    /// The reasons why what is red still has no fix.
    pub(super) fn refused(&self) -> Vec<Refusal> {
        let all = self.refused.iter().chain(&self.reasons);
        let red = all.filter(|refusal| !self.judged.is_green(refusal.criterion));
        red.cloned().collect()
    }

    fn refuse(&mut self, refusal: Refusal) {
        if !self.refused.contains(&refusal) {
            self.refused.push(refusal);
        }
    }

    /// The proposals of the criteria that are red.
    fn proposals(&self) -> Vec<Proposal> {
        let overlay = self.judged.overlay.as_ref();
        let service = overlay.map_or(self.bench.service, |overlay| &overlay.service);
        let all = fixes::proposed(service, &self.judged.evidence, &self.published);
        let is_red = |id: &str| matches!(self.judged.verdict(id), Some(Ok(Verdict::Fail(_))));
        let meant = |proposal: &Proposal| {
            proposal
                .criterion()
                .is_some_and(|id| is_red(id) && (self.is_selected)(id))
        };
        all.into_iter().filter(meant).collect()
    }

    /// Tries fixes together; where they are proved, they are the next steps.
    fn attempt(&mut self, fixes: &[Fix]) -> Result<Result<(), String>> {
        let mut states = vec![self.files.clone()];
        for fix in fixes {
            (self.say)(&format!("trying: {}", fix.what));
            let last = states.last().cloned().unwrap_or_default();
            match self.applied(fix, &last)? {
                Ok(files) => states.push(files),
                Err(why) => return Ok(Err(why)),
            }
        }
        let after = states.last().cloned().unwrap_or_default();
        if after == self.files {
            return Ok(Err("it changes nothing".to_owned()));
        }
        let judged = self.bench.judge(&after, Some(self.deadline))?;
        if self.is_over() {
            let over = self.limit.as_secs();
            return Ok(Err(format!("not proved within {over} s")));
        }
        if let Some(why) = self.objection(fixes, &judged) {
            return Ok(Err(why));
        }
        for fix in fixes {
            if let Some(why) = self.other_catalog(fix, &judged)? {
                return Ok(Err(why));
            }
        }
        let was = self.judged.green();
        let (stayed, turned): (Vec<_>, Vec<_>) =
            judged.green().into_iter().partition(|id| was.contains(id));
        for (at, fix) in fixes.iter().enumerate() {
            self.steps.push(Step {
                fix: fix.clone(),
                turned: turned.clone(),
                stayed: stayed.len(),
                before: states.get(at).cloned().unwrap_or_default(),
                after: states.get(at + 1).cloned().unwrap_or_default(),
                open: known(&judged, fix.criterion),
            });
        }
        (self.files, self.judged) = (after, judged);
        Ok(Ok(()))
    }

    /// The files with a fix, or why it cannot be applied.
    fn applied(&self, fix: &Fix, files: &Files) -> Result<Result<Files, String>> {
        match &fix.act {
            Act::Edit(patch) => Ok(self.patched(patch, files)),
            Act::Write(writing) => {
                let history = &self.judged.evidence.history;
                self.bench.write(writing, history, files, self.deadline)
            }
        }
    }

    /// The files with a patch; its positions are those of the state so far.
    fn patched(&self, patch: &Patch, files: &Files) -> Result<Files, String> {
        let overlay = self.judged.overlay.as_ref();
        let service = overlay.map_or(self.bench.service, |overlay| &overlay.service);
        let mut after = files.clone();
        for (file, edits) in patch.files() {
            let shown = service.shown(file);
            let below = inside(service, file);
            let below = below.ok_or(format!("{shown} lies outside of the service"))?;
            let known = |files: &Files| match files.get(&below) {
                Some(content) => content.clone(),
                None => std::fs::read(self.bench.service.root.join(&below)).ok(),
            };
            if known(files) != known(&self.files) {
                return Err(format!("another fix changes {shown} too"));
            }
            let content = known(files).unwrap_or_default();
            let edited = edited(&content, edits);
            let edited = edited.ok_or(format!("two of its edits of {shown} meet"))?;
            after.insert(below, Some(edited));
        }
        Ok(after)
    }

    /// The reason why a state is no step forward.
    fn objection(&self, fixes: &[Fix], judged: &Judgement) -> Option<String> {
        let is_unsafe = fixes.iter().all(|fix| fix.class == Class::Unsafe);
        let other_schema = fixes.iter().any(|fix| fix.changes_schema);
        for (criterion, after) in &judged.verdicts {
            let is_accepted_later = other_schema && criterion.id == deployed_schema::CRITERION.id;
            if !self.judged.is_green(criterion.id) || judged.is_green(criterion.id) {
                continue;
            }
            let is_accepted = is_unsafe
                && criterion.id == published_revisions::CRITERION.id
                && accepted(after).is_some();
            if !(is_accepted || is_accepted_later && matches!(after, Ok(Verdict::Fail(_)))) {
                return Some(format!(
                    "it turns {} red: {}",
                    criterion.id,
                    first_line(after)
                ));
            }
        }
        if let Some(worse) = self.worse(judged) {
            let said = judged.verdict(worse).map(first_line).unwrap_or_default();
            return Some(format!("{worse} has more findings with it, first: {said}"));
        }
        let idle = fixes
            .iter()
            .find(|fix| !self.helps(fix.criterion, judged))?;
        let verdict = judged.verdict(idle.criterion);
        let said = verdict.map(first_line).unwrap_or_default();
        Some(format!("{} stays red with it: {said}", idle.criterion))
    }

    /// Tells whether a criterion is green now, or nearer to it: fewer findings, an upgrade that
    /// fails later, or at another statement, or nothing of its own but what was red before.
    fn helps(&self, criterion: &str, judged: &Judgement) -> bool {
        let (before, after) = (
            UpgradeProgress::read(&self.judged),
            UpgradeProgress::read(judged),
        );
        match (
            findings(&self.judged, criterion),
            findings(judged, criterion),
        ) {
            (Some(was), Some(is)) if is >= was => {
                let is_further = after.revisions > before.revisions
                    || (after.revisions == before.revisions && after.failed != before.failed);
                // Where nothing stopped, one revision more is nothing gained.
                before.is_stopped && is_further
            }
            (Some(_), Some(_)) => true,
            (Some(_), None) => match judged.verdict(criterion) {
                Some(Ok(Verdict::Blocked {
                    by: Blocker::Criterion(by),
                    ..
                })) => !self.judged.is_green(by),
                _ => false,
            },
            (None, _) => false,
        }
    }

    /// The criterion that has more to say than before, although nothing gets further.
    fn worse(&self, judged: &Judgement) -> Option<&'static str> {
        if UpgradeProgress::read(&self.judged).failed != UpgradeProgress::read(judged).failed {
            return None;
        }
        let all = judged.verdicts.iter().map(|(criterion, _)| criterion.id);
        let count = |judged: &Judgement, id| findings(judged, id).filter(|count| *count > 0);
        let mut all = all.filter(|id| *id != deployed_schema::CRITERION.id);
        all.find(|id| match (count(&self.judged, id), count(judged, id)) {
            (Some(was), Some(is)) => is > was,
            _ => false,
        })
    }

    /// The difference that the order of revisions makes, where the fix decides about it.
    fn other_catalog(&self, fix: &Fix, judged: &Judgement) -> Result<Option<String>> {
        let Some(patch) = &fix.same_as else {
            return Ok(None);
        };
        let files = match self.patched(patch, &self.files) {
            Ok(files) => files,
            Err(why) => return Ok(Some(why)),
        };
        (self.say)("trying the other order of the same revisions");
        let other = match self.bench.catalog(&files, self.deadline)? {
            Ok(catalog) => catalog,
            Err(why) => return Ok(Some(format!("the other order does not work: {why}"))),
        };
        let migrated = judged.evidence.migrated.as_ref();
        let Some(catalog) = migrated.and_then(Migrated::schema) else {
            return Ok(Some("it reaches no head".to_owned()));
        };
        let changes = other.changes(&catalog);
        Ok(changes.first().map(|change| {
            format!(
                "the order of the revisions decides about {}",
                change.object()
            )
        }))
    }
}

/// The lines of the manifest that accept everything that is red; none where some of it cannot be.
pub(super) fn accepted(verdict: &Result<Verdict>) -> Option<Vec<Acceptance>> {
    let Ok(Verdict::Fail(findings)) = verdict else {
        return None;
    };
    let can_be = findings
        .iter()
        .all(|finding| !finding.acceptances.is_empty());
    let lines = findings
        .iter()
        .flat_map(|finding| finding.acceptances.clone());
    can_be.then(|| lines.collect())
}

/// The number of a criterion's findings; none where it could not judge.
fn findings(judged: &Judgement, criterion: &str) -> Option<usize> {
    match judged.verdict(criterion) {
        Some(Ok(Verdict::Fail(findings))) => {
            // All differences of the models are one finding.
            let models = judged.evidence.models.as_ref();
            let models = models.filter(|_| criterion == model_drift::CRITERION.id);
            Some(models.map_or(findings.len(), |models| models.drifts.len()))
        }
        Some(Ok(verdict)) if !verdict.is_red() => Some(0),
        _ => None,
    }
}

/// The progress of upgrades.
struct UpgradeProgress<'a> {
    /// The revisions that they finished.
    revisions: usize,
    /// Tells whether one of them did not get to its end.
    is_stopped: bool,
    /// The statements at which they failed.
    failed: Vec<&'a str>,
}

impl<'a> UpgradeProgress<'a> {
    /// The same of the history in one go, revision by revision, and on the way back.
    fn read(judged: &'a Judgement) -> Self {
        let evidence = &judged.evidence;
        let migrated = evidence.migrated.iter().map(Migrated::reached);
        let stepped = evidence.stepped.iter().map(|stepped| &stepped.upgrade);
        let ways: Vec<_> = migrated.chain(stepped).collect();
        let steps = ways.iter().flat_map(|way| &way.steps);
        let trips = evidence
            .stairway
            .iter()
            .flat_map(|stairway| &stairway.trips);
        let downs = trips.filter_map(|trip| trip.down.as_ref());
        let ended: Vec<_> = ways.iter().copied().chain(downs).collect();
        let failed = ended.iter().filter_map(|way| way.failed_statement());
        Self {
            revisions: steps.filter(|step| step.seconds.is_some()).count(),
            is_stopped: ended.iter().any(|way| !way.finished()),
            failed: failed.map(|statement| statement.sql.as_str()).collect(),
        }
    }
}

/// A path relative to the root, of a file that the service itself has.
fn inside(service: &Service, file: &Path) -> Option<PathBuf> {
    let is_link = std::fs::symlink_metadata(file).is_ok_and(|meta| meta.is_symlink());
    let is_inside = file.starts_with(&service.directory) && !is_link;
    relative(service, file).filter(|_| is_inside)
}

/// The first line of what is red.
pub(super) fn first_line(verdict: &Result<Verdict>) -> String {
    match verdict {
        Ok(Verdict::Fail(findings)) => {
            let first = findings.first().map(|finding| finding.title.clone());
            first.unwrap_or_default()
        }
        Ok(Verdict::Blocked { by, because }) => format!("blocked by {by}: {because}"),
        Ok(_) => String::new(),
        Err(error) => error.message.clone(),
    }
}
