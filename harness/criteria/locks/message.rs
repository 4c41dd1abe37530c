//! The text of findings about locks.

use super::trace::{Blocking, Moment, Subject, Work};
use super::{Context, KeyedFinding, advice};
use crate::alembic::transcript::{Place, Statement};
use crate::criteria::Finding;
use crate::criteria::failure::failure;
use crate::criteria::keyed::short;
use crate::evidence::locks::{InvalidIndex, Mode};
use crate::text::beginning;

/// So many letters of a statement are shown.
const LETTERS: usize = 160;

impl Context<'_> {
    /// Work while others are blocked.
    pub(super) fn works(
        &self,
        moment: &Moment<'_>,
        blocking: &Blocking<'_>,
        subject: &Subject,
        work: &Work,
    ) -> KeyedFinding {
        let (blocked, table) = (
            named(&blocking.relation.schema, &blocking.relation.name),
            self.name(subject),
        );
        let is_same = blocked == table;
        let title = format!(
            "{blocked} {} while {}",
            match blocking.mode {
                Mode::AccessExclusive => "can be neither read nor written",
                _ => "cannot be written",
            },
            doing(work, &table, is_same)
        );
        let is_own = blocking.since.number == moment.statement.number;
        let under = match (is_own, is_same) {
            (true, true) => format!(" under {}", blocking.mode),
            (true, false) => format!(" under {} on {blocked}", blocking.mode),
            (false, _) => String::new(),
        };
        let by = match blocking.command {
            Some(command) if is_own => format!(", taken by {command} in it"),
            _ => String::new(),
        };
        let label = format!("{}{under}{by}", does(work, subject, &table));
        let mut finding = Finding::new(title).mark(moment.statement.place.as_ref(), label);
        if !is_own {
            let label = format!("{} on {blocked} from here on", blocking.mode);
            finding = finding.mark(blocking.since.place.as_ref(), label);
            finding = finding.note(self.together(blocking.since, moment.statement));
        }
        if moment.statement.place.is_none() {
            finding = finding.note(format!(
                "the statement: {}",
                first_line(&moment.statement.sql)
            ));
        }
        if moment.is_rehearsed {
            finding = finding.note(
                "measured in a transaction that was rolled back, since the connection commits each statement by itself",
            );
        }
        for help in advice::advice(moment, subject, work) {
            finding = finding.help(help);
        }
        let id = if subject.rows.is_some() { "L1" } else { "L2" };
        let key = format!(
            "{} {table} {id} {}",
            self.revision(moment.statement),
            word(work)
        );
        self.accept(finding, key, Some(&blocked))
    }

    /// A lock for which whoever waits behind it waits as long.
    pub(super) fn no_timeout(&self, moment: &Moment<'_>, blocking: &Blocking<'_>) -> KeyedFinding {
        let table = short(&blocking.relation.text);
        let finding = Finding::new(format!(
            "{table} is locked without a lock_timeout, so all that comes later waits as long as this does"
        ))
        .mark(
            moment.statement.place.as_ref(),
            format!("{} on {table}", blocking.mode),
        )
        .help("in env.py, on the connection before the migrations: SET lock_timeout = '5s', and deploy again where it ends one");
        let key = format!("{} {table} L3", self.revision(moment.statement));
        self.accept(finding, key, None)
    }

    /// An index that no query uses.
    pub(super) fn invalid(&self, index: &InvalidIndex) -> KeyedFinding {
        let table = short(&index.table);
        let statements = self.measured.upgrade.statements.iter().rev();
        let mut named =
            statements.filter(|one| crate::alembic::sql::mentions(&one.sql, &index.name));
        let statement = named.next();
        let finding = Finding::new(format!(
            "index {} of {table} is invalid after the deployment: it costs writes, and no query uses it",
            index.name
        ))
        .mark(statement.and_then(|one| one.place.as_ref()), "left by this")
        .help(format!(
            "with op.get_context().autocommit_block(): op.execute(\"DROP INDEX CONCURRENTLY {}\"), and build it again",
            index.name
        ));
        let revision = statement.map(|one| self.revision(one));
        let revision = revision.or_else(|| self.measured.revisions.last().cloned());
        let key = format!("{} {table} L5 {}", revision.unwrap_or_default(), index.name);
        self.accept(finding, key, None)
    }

    /// An upgrade that fails with many rows, which `rows` does not report, or was told to accept.
    pub(super) fn stopped(&self) -> KeyedFinding {
        let upgrade = &self.measured.upgrade;
        let last = upgrade.steps.last().map(|step| step.revision.clone());
        let revision = last.unwrap_or_default();
        let title = format!(
            "revision {revision} fails where tables hold many rows, so nothing after that was measured"
        );
        let mut finding = failure(upgrade).unwrap_or_default();
        let cause = std::mem::replace(&mut finding.title, title);
        finding.help.clear();
        let finding = finding
            .note(cause)
            .help("let rows/<service>.sql of the manifest plant rows with which it works");
        self.accept(finding, format!("{revision} unmeasured"), None)
    }

    /// A statement of which nobody could tell what it locks.
    pub(super) fn not_measured(&self, statement: &Statement) -> KeyedFinding {
        let revision = self.revision(statement);
        let finding = Finding::new(format!(
            "nobody could ask what a statement of revision {revision} locks"
        ))
        .mark(statement.place.as_ref(), "this one")
        .note(beginning(&statement.sql, LETTERS))
        .help(
            "give it to op.execute() by itself, not beside others in one string or past SQLAlchemy",
        );
        self.accept(finding, format!("{revision} not measured"), None)
    }

    /// The reason why two statements are in one transaction.
    fn together(&self, one: &Statement, other: &Statement) -> String {
        let revision = |one: &Statement| self.revision(one);
        match (revision(one) == revision(other), &self.measured.upgrade.open_transaction) {
            (true, _) => "both statements run in one transaction".to_owned(),
            (false, Some(_)) => "both revisions run in one transaction, which was open when env.py configured Alembic".to_owned(),
            (false, None) => "both revisions run in one transaction: env.py sets no transaction_per_migration".to_owned(),
        }
    }

    /// The revision of a statement; the last one of the deployment where it is of none.
    pub(super) fn revision(&self, statement: &Statement) -> String {
        let named = |place: &Place| place.revision.clone();
        let own = statement.place.as_ref().and_then(named);
        own.or_else(|| self.measured.revisions.last().cloned())
            .unwrap_or_default()
    }

    pub(super) fn name(&self, subject: &Subject) -> String {
        named(&subject.schema, &subject.name)
    }
}

/// A table as the manifest names it, which quotes nothing.
fn named(schema: &str, table: &str) -> String {
    match schema {
        "public" => table.to_owned(),
        schema => format!("{schema}.{table}"),
    }
}

/// The note on a statement that runs in no transaction of another.
pub(super) fn not_measured(statement: &Statement) -> String {
    let place = statement.place.as_ref();
    let line = place.map_or(String::new(), |place| format!(" in line {}", place.line));
    format!("not measured: {}{line}", first_line(&statement.sql))
}

/// The work, for a title.
fn doing(work: &Work, table: &str, is_same: bool) -> String {
    let all = if is_same { "it" } else { table };
    match work {
        Work::Rewritten => format!("all of {all} is rewritten"),
        Work::Built(index) => format!("index {index} is built"),
        Work::Scanned(_) => format!("all of {all} is scanned"),
        Work::Written(_, 0) if is_same => "its rows are changed".to_owned(),
        Work::Written(_, 0) => format!("rows of {table} are changed"),
        Work::WrittenInParts(_) => format!("rows of {all} are changed, a few at a time"),
        Work::Written(..) if is_same => "its rows are deleted".to_owned(),
        Work::Written(..) => format!("rows of {table} are deleted"),
    }
}

/// The work of a statement, for a label.
pub(super) fn does(work: &Work, subject: &Subject, table: &str) -> String {
    let of = |count: i64| match subject.rows {
        Some(rows) => format!("{} of {}", thousands(count), thousands(rows)),
        None => thousands(count),
    };
    let rows = thousands(subject.rows.unwrap_or_default());
    match work {
        Work::Rewritten => format!("rewrites {table} and its indexes ({rows} rows)"),
        Work::Built(index) => format!("builds {index} on {table} ({rows} rows)"),
        Work::Scanned(read) => format!("reads every row of {table} ({})", of(*read)),
        Work::Written(written, 0) => format!("changes {} rows of {table}", of(*written)),
        Work::WrittenInParts(changed) => {
            format!("{} rows of {table} are changed by now", of(*changed))
        }
        Work::Written(_, deleted) => format!("deletes {} rows of {table}", of(*deleted)),
    }
}

/// The word of a key.
fn word(work: &Work) -> &'static str {
    match work {
        Work::Rewritten => "rewrite",
        Work::Built(_) => "index",
        Work::Scanned(_) => "scan",
        Work::Written(..) | Work::WrittenInParts(_) => "rows",
    }
}

fn first_line(sql: &str) -> &str {
    sql.trim().lines().next().unwrap_or_default()
}

/// A number with a comma for each thousand.
pub(super) fn thousands(number: i64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn thousands_have_a_comma() {
        let texts = [0, 999, 1000, 1_234_567].map(thousands);
        assert_eq!(texts, ["0", "999", "1,000", "1,234,567"]);
    }
}
