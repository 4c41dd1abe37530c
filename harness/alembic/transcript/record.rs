//! A [`Transcript`] as it is built, event by event, and joined with those of later commands.

use std::path::PathBuf;

use super::{
    Event, Exception, Measure, OpenTransaction, Outcome, Place, Statement, StatementOutcome, Step,
    Transcript,
};

impl Transcript {
    /// An empty transcript of `command`, whose outcome is not known yet.
    #[must_use]
    pub fn new(command: impl Into<String>, output: PathBuf) -> Self {
        Self {
            command: command.into(),
            outcome: Outcome::Finished,
            seconds: 0.0,
            steps: Vec::new(),
            statements: Vec::new(),
            enums: Vec::new(),
            refused: Vec::new(),
            connected: Vec::new(),
            measures: Vec::new(),
            broken: Vec::new(),
            version_table: None,
            open_transaction: None,
            exited: None,
            raised_in_step: None,
            output,
        }
    }

    /// Adds what one event says.
    pub fn record(&mut self, event: Event) {
        match event {
            Event::Step {
                revision,
                direction,
                file,
                message,
                line,
                is_unwritten,
            } => {
                self.begin_step(Step {
                    revision,
                    direction,
                    file,
                    line,
                    is_unwritten,
                    message,
                    seconds: None,
                    awaitable: false,
                });
            }
            Event::StepRaised { error } => self.raised_in_step = Some(error),
            Event::Stepped { seconds, awaitable } => self.end_step(seconds, awaitable),
            Event::OpenTransaction { place } => self.find_open_transaction(place),
            Event::Statement {
                number,
                sql,
                place,
                beside,
                session,
            } => self.statements.push(Statement {
                number,
                sql,
                place,
                beside,
                session,
                outcome: StatementOutcome::Unfinished,
            }),
            Event::Done { number, seconds } => {
                self.end_statement(number, StatementOutcome::Done { seconds })
            }
            Event::Failed {
                number,
                sqlstate,
                message,
            } => {
                self.end_statement(number, StatementOutcome::Failed { sqlstate, message });
            }
            Event::Enum(creation) => self.enums.push(creation),
            Event::Refused(refused) => self.refused.push(refused),
            Event::Probe(probe) => self.measures.push(Measure::Probe(probe)),
            Event::Unprobed(unprobed) => self.measures.push(Measure::Unprobed(unprobed)),
            Event::Settled(settled) => self.measures.push(Measure::Settled(settled)),
            Event::Connected(connected) => self.connected.push(connected),
            Event::Broken { trace } => self.broken.push(trace),
            Event::Ready { .. }
            | Event::Unusable { .. }
            | Event::Committed { .. }
            | Event::Answer { .. } => {}
        }
    }

    /// Takes over that the command returned, and whether its last revision did.
    pub fn returned(&mut self, exited: Option<Exception>) -> Outcome {
        self.exited = exited;
        match self.raised_in_step.take() {
            Some(error) => Outcome::Swallowed(error),
            None => Outcome::Finished,
        }
    }

    fn begin_step(&mut self, step: Step) {
        self.raised_in_step = None;
        self.steps.push(step);
    }

    fn end_step(&mut self, seconds: f64, awaitable: bool) {
        if let Some(step) = self.steps.last_mut() {
            step.seconds = Some(seconds);
            step.awaitable = awaitable;
        }
    }

    fn find_open_transaction(&mut self, place: Option<Place>) {
        let begun_by = self.statements.last().map(|one| one.sql.clone());
        self.open_transaction = Some(OpenTransaction { place, begun_by });
    }

    fn end_statement(&mut self, number: u64, outcome: StatementOutcome) {
        let found = self
            .statements
            .iter_mut()
            .rev()
            .find(|statement| statement.number == number);
        if let Some(statement) = found {
            statement.outcome = outcome;
        }
    }

    /// Joins what a later command of the same walk saw; its outcome becomes this one's.
    /// Each interpreter numbers its statements from one: they go on from the last one.
    pub fn append(&mut self, mut later: Self) {
        let last = self.statements.last().map_or(0, |one| one.number);
        if later
            .statements
            .first()
            .is_some_and(|one| one.number <= last)
        {
            later
                .statements
                .iter_mut()
                .for_each(|one| one.number += last);
            let numbers = later.enums.iter_mut().filter_map(|one| one.number.as_mut());
            numbers.for_each(|number| *number += last);
            let measures = later.measures.iter_mut();
            measures.for_each(|measure| *measure.number_mut() += last);
        }
        self.outcome = later.outcome;
        self.exited = later.exited;
        self.raised_in_step = later.raised_in_step;
        self.seconds += later.seconds;
        self.steps.extend(later.steps);
        self.statements.extend(later.statements);
        self.enums.extend(later.enums);
        self.refused.extend(later.refused);
        self.connected.extend(later.connected);
        self.measures.extend(later.measures);
        self.broken.extend(later.broken);
        self.version_table = later.version_table.or(self.version_table.take());
        self.open_transaction = later.open_transaction.or(self.open_transaction.take());
    }
}
