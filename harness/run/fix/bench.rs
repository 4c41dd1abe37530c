//! Judges a service by all criteria that apply, apart from any run: [`Bench`].

use std::path::PathBuf;
use std::time::Instant;

use tokio::runtime::Runtime;

use super::overlay::{Files, Overlay, relative};
use crate::criteria::{self, Criterion, Verdict};
use crate::error::{HarnessError, Result, Stage};
use crate::evidence::{Catalog, Evidence, History, Part};
use crate::gather::Writing;
use crate::gather::progress::Progress;
use crate::gather::store::Store;
use crate::manifest::Service;
use crate::report;
use crate::run::base;

/// The means to judge a service with some files changed.
pub(super) struct Bench<'a> {
    pub(super) service: &'a Service,
    pub(super) runtime: &'a Runtime,
    pub(super) cores: usize,
}

/// The verdicts of all criteria on one state of the files.
pub(super) struct Judgement {
    pub(super) verdicts: Vec<(&'static Criterion, Result<Verdict>)>,
    pub(super) evidence: Evidence,
    /// The seconds that each of them took.
    pub(super) seconds: Vec<f64>,
    /// The overlay that was judged, if the state is not that of the working tree.
    pub(super) overlay: Option<Overlay>,
}

impl Judgement {
    /// The verdict of one criterion.
    pub(super) fn verdict(&self, criterion: &str) -> Option<&Result<Verdict>> {
        let mut verdicts = self.verdicts.iter();
        verdicts
            .find(|(one, _)| one.id == criterion)
            .map(|(_, verdict)| verdict)
    }

    /// Tells whether a criterion is green.
    pub(super) fn is_green(&self, criterion: &str) -> bool {
        let verdict = self.verdict(criterion);
        verdict.is_some_and(|verdict| verdict.as_ref().is_ok_and(|verdict| !verdict.is_red()))
    }

    /// The ids of the criteria that are green.
    pub(super) fn green(&self) -> Vec<&'static str> {
        let all = self.verdicts.iter().map(|(criterion, _)| criterion.id);
        all.filter(|id| self.is_green(id)).collect()
    }

    /// The criteria that are red.
    pub(super) fn red(&self) -> Vec<&'static Criterion> {
        let all = self.verdicts.iter().map(|(criterion, _)| *criterion);
        all.filter(|criterion| !self.is_green(criterion.id))
            .collect()
    }
}

impl Bench<'_> {
    /// Judges the service with these files in the place of those that are there; what is not
    /// judged by `until` is red.
    ///
    /// # Errors
    /// Nothing can be written, or the files of the service cannot be read.
    pub(super) fn judge(&self, files: &Files, until: Option<Instant>) -> Result<Judgement> {
        let store = self.store(until)?;
        let overlay = match files.is_empty() {
            true => None,
            false => Some(self.overlay(files, &store)?),
        };
        let service = overlay
            .as_ref()
            .map_or(self.service, |overlay| &overlay.service);
        let applying: Vec<&Criterion> = criteria::ALL
            .iter()
            .filter(|one| one.waived(service).is_none())
            .collect();
        let parts: Vec<Part> = applying.iter().flat_map(|one| one.needs).copied().collect();
        let mut verdicts = Vec::new();
        let mut evidence = Evidence::default();
        let mut seconds = Vec::new();
        for criterion in applying {
            let began = Instant::now();
            let gathered = store.evidence(
                service,
                criterion.needs,
                &parts,
                self.runtime,
                &silent(self.service),
            );
            let judged = gathered.and_then(|mut gathered| {
                base::compare(criterion, service, &mut gathered)?;
                let verdict = criterion.verdict(service, &gathered);
                let merge = gathered.merge.take().or(evidence.merge.take());
                evidence = Evidence { merge, ..gathered };
                Ok(verdict)
            });
            verdicts.push((criterion, judged));
            seconds.push(began.elapsed().as_secs_f64());
        }
        store.end(self.runtime)?;
        Ok(Judgement {
            verdicts,
            evidence,
            seconds,
            overlay,
        })
    }

    /// The catalog at head with these files, or why there is none.
    ///
    /// # Errors
    /// Nothing can be judged.
    pub(super) fn catalog(&self, files: &Files, until: Instant) -> Result<Result<Catalog, String>> {
        let store = self.store(Some(until))?;
        let overlay = self.overlay(files, &store)?;
        let needs = [Part::Migrated];
        let say = silent(self.service);
        let gathered = store.evidence(&overlay.service, &needs, &needs, self.runtime, &say);
        store.end(self.runtime)?;
        let migrated = match gathered {
            Ok(gathered) => gathered.migrated,
            Err(error) => return Ok(Err(error.message)),
        };
        let Some(migrated) = migrated else {
            return Ok(Err("nothing ran".to_owned()));
        };
        let error = migrated
            .reached()
            .outcome
            .error()
            .map(|raised| raised.line());
        Ok(migrated
            .schema()
            .ok_or(error.unwrap_or("it did not get to its end".to_owned())))
    }

    /// The files with the revision that Alembic wrote among them, or why it wrote none.
    ///
    /// # Errors
    /// No server or no interpreter can be had.
    pub(super) fn write(
        &self,
        writing: &Writing,
        history: &History,
        files: &Files,
        until: Instant,
    ) -> Result<Result<Files, String>> {
        let store = self.store(Some(until))?;
        let overlay = self.overlay(files, &store)?;
        let say = silent(self.service);
        let ran = store.write(writing, &overlay.service, history, self.runtime, &say);
        store.end(self.runtime)?;
        let ran = match ran {
            Ok(ran) => ran,
            Err(error) => return Ok(Err(error.message)),
        };
        if !ran.finished() {
            let error = ran.outcome.error().map(|raised| raised.line());
            let error = error.unwrap_or("it did not end".to_owned());
            return Ok(Err(format!("`alembic {}`: {error}", ran.command)));
        }
        let changed = overlay.changed().map_err(|cause| {
            HarnessError::new(
                Stage::Evidence,
                format!("the overlay cannot be read: {cause}"),
            )
        })?;
        let own = relative(self.service, &self.service.directory).unwrap_or_default();
        let mut written = changed
            .iter()
            .filter(|(file, now)| files.get(*file) != Some(now));
        if let Some((file, _)) = written.find(|(file, _)| !file.starts_with(&own)) {
            return Ok(Err(format!(
                "Alembic writes {}, which lies outside of the service",
                file.display()
            )));
        }
        let removed = files.iter().filter(|(_, content)| content.is_none());
        let removed = removed.map(|(file, _)| (file.clone(), None));
        Ok(Ok(changed.into_iter().chain(removed).collect()))
    }

    fn overlay(&self, files: &Files, store: &Store) -> Result<Overlay> {
        let bytecode = directory().join("pycache");
        Overlay::lay(self.service, files, store.directory(), &bytecode)
    }

    fn store(&self, until: Option<Instant>) -> Result<Store> {
        store(std::slice::from_ref(&self.service.name), self.cores, until)
    }
}

/// A store of its own for these services.
///
/// # Errors
/// No directory for its files can be made.
pub(super) fn store(services: &[String], cores: usize, until: Option<Instant>) -> Result<Store> {
    Ok(Store::apart(&directory(), services, cores)?.ending(until))
}

/// The directory for the files of runs.
fn directory() -> PathBuf {
    let directory = report::directory();
    directory.canonicalize().unwrap_or(directory)
}

/// Says what happens while a state is judged to those who ask for everything.
fn silent(service: &Service) -> impl Fn(Progress) + Sync {
    let name = service.name.clone();
    move |progress| {
        if let Progress::Ran { command, .. } = &progress {
            report::progress(&name, &Progress::Detail(command.clone()));
        }
    }
}
