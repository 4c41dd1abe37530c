//! The next candidates after a refusal: only for what PostgreSQL names in it.

use std::collections::BTreeSet;

use super::candidates::Candidate;
use super::catalog::Tables;
use super::conditions::Check;
use super::dictionary::names;
use super::draft::{Choice, Draft, DraftRow, Solution};
use super::server::Refusal;
use super::spelling::Value;

/// So many rows of a foreign key's table are tried.
const PARENTS: usize = 25;

/// A part of a row that may be chosen otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Slot(usize),
    Link(usize),
}

/// The checks that a refusal may be about: the one of the table that it names, or those of the
/// columns of a domain, of which it names none.
#[must_use]
pub fn violated<'d>(draft: &'d Draft, refusal: &Refusal) -> Vec<&'d Check> {
    if refusal.state != "23514" {
        return Vec::new();
    }
    let checks = draft.checks.iter();
    if refusal.datatype.is_empty() {
        let named = checks.filter(|check| check.name == refusal.constraint);
        return named.take(1).collect();
    }
    let domain = format!("domain {} ", refusal.datatype);
    checks
        .filter(|check| check.name.starts_with(&domain))
        .collect()
}

/// The candidates by which a check holds, if it was asked for.
#[must_use]
pub fn solution<'d>(draft: &'d Draft, name: &str) -> Option<&'d Solution> {
    let mut solutions = draft.solutions.iter().rev();
    solutions.find(|solution| solution.names.contains(name))
}

/// Takes candidates of a solution in turn: all of a column's own, since other tables may refer
/// to one of them only; the best few of several columns, and further ones where those are
/// refused.
pub fn take(solution: &Solution, choice: &mut Choice) {
    if solution.tuples.is_empty() {
        return;
    }
    let row = usize::try_from(choice.row).unwrap_or_default();
    let span = match solution.slots.len() {
        1 => solution.tuples.len(),
        _ => (solution.tuples.len() / 4).clamp(1, 8),
    };
    let at = if choice.tries <= 1 {
        row % span
    } else {
        row + choice.tries
    };
    let tuple = &solution.tuples[at % solution.tuples.len()];
    for (slot, candidate) in solution.slots.iter().zip(tuple) {
        choice.candidates[*slot] = *candidate;
    }
    choice.known.clone_from(&choice.candidates);
}

fn is_taken(solution: &Solution, choice: &Choice) -> bool {
    let slots = solution.slots.iter();
    let chosen: Vec<usize> = slots.map(|slot| choice.candidates[*slot]).collect();
    solution.tuples.contains(&chosen)
}

/// Takes the next candidates for a row that was refused. `turn` is another one for each
/// row and round, so that rows try different ones.
pub fn advance(
    tables: &Tables,
    draft: &Draft,
    choice: &mut Choice,
    filled: &DraftRow,
    refusal: &Refusal,
    turn: usize,
) {
    choice.tries += 1;
    let solved = violated(draft, refusal).into_iter();
    let solved = solved.filter_map(|check| solution(draft, &check.name));
    // A domain may be that of elements and fields too, of which the checks know nothing.
    let is_ahead = |solution: &&Solution| {
        !solution.tuples.is_empty() && (refusal.datatype.is_empty() || !is_taken(solution, choice))
    };
    let ahead: Vec<&Solution> = solved.filter(is_ahead).collect();
    if !ahead.is_empty() {
        ahead
            .into_iter()
            .for_each(|solution| take(solution, choice));
        return;
    }
    let parts = blamed(tables, draft, filled, refusal);
    let is_named = refusal.state.starts_with("23") || refusal.state.starts_with("22");
    let is_cumulative = is_named && parts.len() <= 4;
    // Columns under a CHECK change together.
    let is_solved = |slot: usize| {
        draft
            .solutions
            .iter()
            .find(|solution| solution.slots.contains(&slot) && solution.tuples.len() > 1)
    };
    let solved = parts.iter().find_map(|part| match part {
        Part::Slot(at) => is_solved(*at),
        Part::Link(_) => None,
    });
    match solved {
        Some(solution) if is_cumulative => take(solution, choice),
        _ => vary(draft, choice, &parts, turn, is_cumulative),
    }
}

fn alternatives(draft: &Draft, part: Part) -> usize {
    match part {
        Part::Slot(at) => draft.slots[at].candidates.len(),
        Part::Link(_) => PARENTS,
    }
}

/// One part at a time first, then several at once.
fn vary(draft: &Draft, choice: &mut Choice, parts: &[Part], turn: usize, is_cumulative: bool) {
    if parts.is_empty() {
        return;
    }
    let set = |choice: &mut Choice, part: Part, to: usize| match part {
        Part::Slot(at) => choice.candidates[at] = to % draft.slots[at].candidates.len().max(1),
        Part::Link(at) => choice.shifts[at] = to,
    };
    if is_cumulative {
        let part = parts[choice.tries % parts.len()];
        let now = match part {
            Part::Slot(at) => choice.candidates[at],
            Part::Link(at) => choice.shifts[at],
        };
        set(choice, part, now + 1);
        choice.known.clone_from(&choice.candidates);
        return;
    }
    choice.candidates.clone_from(&choice.known);
    let singles: usize = parts
        .iter()
        .map(|part| alternatives(draft, *part).saturating_sub(1))
        .sum();
    if turn < singles {
        // Candidates of the same rank of each part, one after the other.
        let mut left = turn;
        for rank in 1.. {
            let able: Vec<Part> = parts
                .iter()
                .copied()
                .filter(|part| alternatives(draft, *part) > rank)
                .collect();
            if let Some(part) = able.get(left) {
                // The first of a part is the one that it has.
                let now = match *part {
                    Part::Slot(at) => choice.candidates[at],
                    Part::Link(at) => choice.shifts[at],
                };
                return set(choice, *part, now + rank);
            }
            if able.is_empty() {
                return;
            }
            left -= able.len();
        }
    }
    let mut state = turn.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    for part in parts {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        set(
            choice,
            *part,
            (state >> 16) % alternatives(draft, *part).max(1),
        );
    }
}

/// The parts of a row that a refusal is about.
fn blamed(tables: &Tables, draft: &Draft, filled: &DraftRow, refusal: &Refusal) -> Vec<Part> {
    let own = refusal.table.is_empty()
        || refusal.table == draft.table.name
        || draft
            .table
            .leaves
            .iter()
            .any(|leaf| leaf.name.ends_with(&refusal.table));
    let mut numbers: BTreeSet<i16> = BTreeSet::new();
    if own {
        let columns = draft.table.columns.iter();
        numbers.extend(
            columns
                .filter(|column| column.name == refusal.column)
                .map(|column| column.number),
        );
        numbers.extend(constrained(draft, refusal));
    }
    if !refusal.datatype.is_empty() {
        numbers.extend(columns_of_domain(tables, draft, &refusal.datatype));
    }
    if numbers.is_empty() {
        numbers.extend(mentioned(tables, draft, filled, refusal));
    }
    if numbers.is_empty() {
        let sources = draft.table.triggers.iter();
        let named = |name: &str| sources.clone().any(|trigger| names(&trigger.source, name));
        let columns = draft
            .table
            .columns
            .iter()
            .filter(|column| named(&column.name));
        numbers.extend(columns.map(|column| column.number));
    }
    let all = parts(draft, |number| numbers.contains(&number));
    if all.is_empty() {
        parts(draft, |_| true)
    } else {
        all
    }
}

/// The columns whose elements or fields are of a domain.
fn columns_of_domain(tables: &Tables, draft: &Draft, domain: &str) -> Vec<i16> {
    let leads_to = |oid: i64| {
        let found = tables.types.get(&oid);
        let element = found.and_then(|found| found.element);
        let fields = found
            .into_iter()
            .flat_map(|found| found.fields.iter().map(|field| field.type_oid));
        let mut inner = element
            .into_iter()
            .chain(fields)
            .filter_map(|oid| tables.types.get(&oid));
        inner.any(|found| found.name == domain)
    };
    let slots = draft
        .slots
        .iter()
        .filter(|slot| leads_to(slot.column.type_oid));
    slots.map(|slot| slot.column.number).collect()
}

fn constrained(draft: &Draft, refusal: &Refusal) -> Vec<i16> {
    let name = refusal.constraint.as_str();
    let conditions = draft.table.conditions.iter().filter(|one| one.name == name);
    let checks = draft
        .checks
        .iter()
        .filter(|one| !name.is_empty() && one.name == name);
    let uniques = draft.table.uniques.iter().filter(|one| one.name == name);
    let mut found: Vec<i16> = conditions.flat_map(|one| one.columns.clone()).collect();
    found.extend(checks.flat_map(|one| one.columns.clone()));
    found.extend(uniques.flat_map(|one| one.columns.clone()));
    if found.is_empty() && ["23505", "23P01"].contains(&refusal.state.as_str()) {
        // The index of a partition has a name of its own.
        found.extend(
            draft
                .table
                .uniques
                .iter()
                .flat_map(|one| one.columns.clone()),
        );
    }
    found
}

/// The columns whose name, value or type stands in the message.
fn mentioned(tables: &Tables, draft: &Draft, filled: &DraftRow, refusal: &Refusal) -> Vec<i16> {
    let message = refusal.message.as_str();
    let slots = draft.slots.iter().zip(&filled.values);
    let by_value = slots.clone().filter(|(_, value)| matches!(value, Value::Text(text) if text.len() > 2 && message.contains(&format!("\"{text}\""))));
    let found: Vec<i16> = by_value.map(|(slot, _)| slot.column.number).collect();
    if !found.is_empty() {
        return found;
    }
    let by_name = slots
        .clone()
        .filter(|(slot, _)| message.contains(&format!("\"{}\"", slot.column.name)));
    let found: Vec<i16> = by_name.map(|(slot, _)| slot.column.number).collect();
    if !found.is_empty() || !refusal.state.starts_with("22") {
        return found;
    }
    let by_type = slots.filter(|(slot, _)| {
        message.contains(&format!("type {}", slot.column.type_text))
            || message.contains(&format!("type {}", tables.bare_text(slot.column)))
    });
    by_type.map(|(slot, _)| slot.column.number).collect()
}

fn parts(draft: &Draft, is_blamed: impl Fn(i16) -> bool) -> Vec<Part> {
    let links = draft.links.iter().enumerate();
    let links = links.filter(|(_, link)| link.key.columns.iter().any(|number| is_blamed(*number)));
    let mut found: Vec<Part> = links.map(|(nth, _)| Part::Link(nth)).collect();
    let refers = |number: i16| {
        draft
            .links
            .iter()
            .any(|link| link.key.columns.contains(&number))
    };
    for (nth, slot) in draft.slots.iter().enumerate() {
        let number = slot.column.number;
        let has_choice = slot.candidates.len() > 1
            && (!refers(number) || slot.candidates.contains(&Candidate::Null));
        if has_choice && is_blamed(number) {
            found.push(Part::Slot(nth));
        }
    }
    found
}
