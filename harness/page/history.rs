//! The revisions of a service, drawn as SVG.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use super::layout::{self, Layout, Line};
use super::{anchor, counted};
use crate::data::{History, Revision, Service};

/// Pixels from one revision to the next, and from one lane to the next.
const ROW: usize = 22;
const LANE: usize = 16;
/// Pixels that a letter takes, rather more than less.
const LETTER: usize = 8;
/// Letters of a message that are drawn; all of it is in the title.
const MESSAGE: usize = 70;

pub fn section(service: &Service) -> Markup {
    let Some(history) = &service.history else {
        return html! {};
    };
    let roles = Roles::new(history);
    html! {
        details open[roles.heads.len() > 1] {
            summary { "Revisions: " (roles.summary(history)) }
            @if !history.unread.is_empty() {
                p { "Not read: " @for file in &history.unread { code { (file) } " " } }
            }
            @if !history.revisions.is_empty() {
                div.scroll tabindex="0" role="region" aria-label={ "Revisions of " (service.name) } {
                    (drawing(service, history, &roles))
                }
            }
        }
    }
}

/// Words beside a revision, each with its class.
type Badges = Vec<(&'static str, String)>;

/// The relation of each revision to the others.
struct Roles<'a> {
    children: BTreeMap<&'a str, usize>,
    ids: BTreeSet<&'a str>,
    heads: Vec<&'a str>,
}

impl<'a> Roles<'a> {
    fn new(history: &'a History) -> Self {
        let mut children: BTreeMap<&str, usize> = BTreeMap::new();
        for parent in history
            .revisions
            .iter()
            .flat_map(|revision| &revision.down_revisions)
        {
            *children.entry(parent).or_default() += 1;
        }
        let ids: BTreeSet<&str> = history
            .revisions
            .iter()
            .map(|revision| revision.id.as_str())
            .collect();
        let heads = ids
            .iter()
            .copied()
            .filter(|id| !children.contains_key(id))
            .collect();
        Self {
            children,
            ids,
            heads,
        }
    }

    fn summary(&self, history: &History) -> String {
        let count =
            |is: &dyn Fn(&Revision) -> bool| history.revisions.iter().filter(|one| is(one)).count();
        let named = [
            (self.heads.len(), "head"),
            (count(&|one| self.is_branch_point(one)), "branch point"),
            (count(&|one| one.down_revisions.len() > 1), "merge point"),
            (count(&|one| one.one_way.is_some()), "one-way revision"),
        ];
        let there = named
            .into_iter()
            .filter(|(count, what)| *count > 0 || *what == "head");
        let parts: Vec<String> = there.map(|(count, what)| counted(count, what)).collect();
        format!("{}, {}", history.revisions.len(), parts.join(", "))
    }

    fn is_branch_point(&self, revision: &Revision) -> bool {
        self.children
            .get(revision.id.as_str())
            .is_some_and(|children| *children > 1)
    }

    /// The words beside a revision.
    fn badges(&self, revision: &Revision) -> Badges {
        let mut badges = Vec::new();
        if self.heads.contains(&revision.id.as_str()) {
            badges.push(("head", "head".to_owned()));
        }
        if self.is_branch_point(revision) {
            badges.push(("fork", "branch point".to_owned()));
        }
        if revision.down_revisions.len() > 1 {
            badges.push(("fork", "merge point".to_owned()));
        }
        badges.extend(
            revision
                .branch_labels
                .iter()
                .map(|label| ("label", format!("branch {label}"))),
        );
        badges.extend(
            revision
                .one_way
                .iter()
                .map(|why| ("oneway", format!("one-way: {why}"))),
        );
        let missing = revision
            .down_revisions
            .iter()
            .filter(|id| !self.ids.contains(id.as_str()));
        badges.extend(missing.map(|id| ("missing", format!("no revision {id}"))));
        badges
    }
}

fn drawing(service: &Service, history: &History, roles: &Roles<'_>) -> Markup {
    let layout = layout::lay_out(history);
    let badges: Vec<Badges> = layout
        .rows
        .iter()
        .map(|(one, _)| roles.badges(one))
        .collect();
    let depends = layout.lines.iter().any(|line| line.lane.is_none());
    let left = (layout.lanes + 1 + usize::from(depends)) * LANE;
    let column = left
        + (history
            .revisions
            .iter()
            .map(|one| one.id.chars().count())
            .max()
            .unwrap_or(0)
            + 2)
            * LETTER;
    let width = column
        + (layout.rows.iter().zip(&badges))
            .map(|((one, _), badges)| letters(one, badges))
            .max()
            .unwrap_or(0)
            * LETTER;
    let height = layout.rows.len() * ROW + ROW / 2;
    let id = anchor(&service.name);
    html! {
        svg.history role="img" xmlns="http://www.w3.org/2000/svg" width=(width) height=(height)
            viewBox={ "0 0 " (width) " " (height) } aria-labelledby={ "history-title-" (id) " history-desc-" (id) } {
            title id={ "history-title-" (id) } { "Revisions of " (service.name) ", newest first" }
            desc id={ "history-desc-" (id) } { (described(history, roles)) }
            @for line in &layout.lines {
                path.line.depends[line.depends].back[line.lane.is_none() && !line.depends] d=(path(&layout, line)) {}
            }
            @for (row, ((revision, lane), badges)) in layout.rows.iter().zip(&badges).enumerate() {
                (drawn(revision, roles, badges, center(row, *lane), (left, column)))
            }
        }
    }
}

fn letters(revision: &Revision, badges: &Badges) -> usize {
    let badges: usize = badges
        .iter()
        .map(|(_, text)| text.chars().count() + 3)
        .sum();
    revision
        .message
        .as_deref()
        .map_or(0, |message| message.chars().count().min(MESSAGE) + 2)
        + badges
}

/// The words for a screen reader instead of the drawing.
fn described(history: &History, roles: &Roles<'_>) -> String {
    let named = |is: &dyn Fn(&Revision) -> bool| {
        let ids: Vec<&str> = history
            .revisions
            .iter()
            .filter(|one| is(one))
            .map(|one| one.id.as_str())
            .collect();
        ids.join(", ")
    };
    let mut text = format!(
        "{}. Heads: {}.",
        counted(history.revisions.len(), "revision"),
        roles.heads.join(", ")
    );
    for (what, ids) in [
        ("Branch points", named(&|one| roles.is_branch_point(one))),
        ("Merge points", named(&|one| one.down_revisions.len() > 1)),
        ("One-way", named(&|one| one.one_way.is_some())),
    ] {
        if !ids.is_empty() {
            text.push_str(&format!(" {what}: {ids}."));
        }
    }
    text
}

fn drawn(
    revision: &Revision,
    roles: &Roles<'_>,
    badges: &Badges,
    (x, y): (usize, usize),
    (left, column): (usize, usize),
) -> Markup {
    let message = shortened(revision.message.as_deref().unwrap_or_default());
    let head = roles.heads.contains(&revision.id.as_str());
    let merge = revision.down_revisions.len() > 1;
    html! {
        g {
            title {
                (revision.id) @if let Some(message) = &revision.message { ": " (message) } " (" (revision.file) ":" (revision.line) ")"
                @if !revision.depends_on.is_empty() { ", depends on " (revision.depends_on.join(", ")) }
            }
            @if merge {
                path.node d={ "M" (x) " " (y - 6) "l6 6l-6 6l-6 -6z" } {}
            } @else if roles.is_branch_point(revision) {
                rect.node x=(x - 5) y=(y - 5) width="10" height="10" {}
            } @else {
                circle.node cx=(x) cy=(y) r="4.5" {}
            }
            @if head { circle.ring cx=(x) cy=(y) r="8" {} }
            @if revision.one_way.is_some() { path.bar d={ "M" (x - 7) " " (y + 9) "h14" } {} }
            text.id x=(left) y=(y + 4) { (revision.id) }
            text x=(column) y=(y + 4) {
                (message)
                @for (class, text) in badges { tspan.badge.(class) dx="10" { "[" (text) "]" } }
            }
        }
    }
}

fn shortened(message: &str) -> String {
    match message.char_indices().nth(MESSAGE) {
        Some((end, _)) => format!("{}…", message[..end].trim_end()),
        None => message.to_owned(),
    }
}

fn center(row: usize, lane: usize) -> (usize, usize) {
    (LANE + lane * LANE, ROW / 2 + row * ROW + ROW / 4)
}

/// From a revision into the line's lane, down, and into the revision below.
fn path(layout: &Layout<'_>, line: &Line) -> String {
    let at = |row: usize| center(row, layout.rows.get(row).map_or(0, |(_, lane)| *lane));
    let ((x1, y1), (x2, y2)) = (at(line.from), at(line.to));
    let lane = LANE + line.lane.unwrap_or(layout.lanes) * LANE;
    let half = ROW / 2;
    if line.lane.is_none() {
        return format!("M{x1} {y1}C{lane} {y1} {lane} {y2} {x2} {y2}");
    }
    let mut path = format!("M{x1} {y1}");
    if lane != x1 {
        let bend = y1 + ROW;
        path.push_str(&format!(
            "C{x1} {} {lane} {} {lane} {bend}",
            y1 + half,
            bend - half
        ));
    }
    if lane == x2 {
        path.push_str(&format!("V{y2}"));
    } else {
        let bend = y2.saturating_sub(ROW);
        path.push_str(&format!(
            "V{bend}C{lane} {} {x2} {} {x2} {y2}",
            bend + half,
            y2.saturating_sub(half)
        ));
    }
    path
}
