//! The findings of `fix`, for the report of its run: [`Kept`].

use std::path::Path;

use super::bench::Judgement;
use crate::criteria::{self, Criterion, Verdict};
use crate::error::Result;
use crate::evidence::Evidence;
use crate::manifest::{Manifest, Service};
use crate::report::fixes::ServiceFixes;
use crate::report::outputs::Output;
use crate::report::record::{EndedCase, Record};
use crate::report::{Case, Explanation};
use crate::run::selection::Selection;

/// The report of a run of `fix`: the cases that were selected as they are now, and the fixes.
pub(super) struct Kept<'a> {
    selection: &'a Selection,
    /// None where no report can be written, which has been said.
    record: Option<Record>,
}

impl<'a> Kept<'a> {
    /// Begins the report of the run whose files are in `run`.
    pub(super) fn begin(
        run: &Path,
        manifest: &Manifest,
        selection: &'a Selection,
        outputs: &[Output],
    ) -> Self {
        let services = manifest.services_directory();
        let cases = selection.cases();
        let record = Record::begin(run, &services, &selection.all, &cases, outputs);
        Self { selection, record }
    }

    /// Keeps the selected cases of a service.
    pub(super) fn judged(&self, service: &Service, judged: &Judgement) {
        let verdicts = judged.verdicts.iter().zip(&judged.seconds);
        for ((criterion, verdict), seconds) in verdicts {
            self.case(criterion, service, verdict, &judged.evidence, *seconds);
        }
        for criterion in criteria::ALL {
            if let Some(waived) = criterion.waived(service) {
                self.case(criterion, service, &Ok(waived), &judged.evidence, 0.0);
            }
        }
    }

    /// Keeps why a service could not be judged at all.
    pub(super) fn failed(&self, file: &Path, error: &crate::error::HarnessError) {
        let verdict = Err(error.clone());
        for criterion in criteria::ALL {
            self.keep(&EndedCase {
                case: &Case::new(criterion, file),
                verdict: &verdict,
                judged: None,
                progress: &[],
                seconds: 0.0,
            });
        }
    }

    /// Keeps the fixes of a service.
    pub(super) fn fixes(&self, fixed: &ServiceFixes) {
        if let Some(record) = &self.record {
            record.keep_fixes(fixed);
        }
    }

    /// Writes the report.
    ///
    /// # Errors
    /// An output that was asked for cannot be written.
    pub(super) fn end(&self) -> std::io::Result<()> {
        let record = self.record.as_ref();
        record.map_or(Ok(()), Record::end_beside_another)
    }

    fn case(
        &self,
        criterion: &'static Criterion,
        service: &Service,
        verdict: &Result<Verdict>,
        evidence: &Evidence,
        seconds: f64,
    ) {
        let judged = Some((service, evidence)).filter(|_| verdict.is_ok());
        let mut case = Case::new(criterion, &service.file);
        case.explanation = self.explanation(service, verdict, evidence);
        case.fix = crate::run::fixable(verdict, judged, criterion);
        self.keep(&EndedCase {
            case: &case,
            verdict,
            judged,
            progress: &[],
            seconds,
        });
    }

    fn keep(&self, ended: &EndedCase<'_>) {
        let is_selected = self
            .selection
            .contains(ended.case.criterion.id, &ended.case.service);
        if let Some(record) = self.record.as_ref().filter(|_| is_selected) {
            record.keep(ended);
        }
    }

    /// The findings that block a case, where the case that reports them was not selected.
    fn explanation(
        &self,
        service: &Service,
        verdict: &Result<Verdict>,
        evidence: &Evidence,
    ) -> Option<Explanation> {
        let is_printed = |id: &str| self.selection.contains(id, &service.name);
        Explanation::find(verdict, service, evidence, is_printed)
    }
}
