//! The fixes of a service that were proved, each as a diff to copy.

use maud::{Markup, html};

use super::text;
use crate::data::{DefectWithoutFix, Fix, Fixes, Service};

/// The fixes of a service; nothing where nobody looked for any, or nothing is red.
pub fn section(service: &Service) -> Markup {
    let Some(fixes) = &service.fixes else {
        return html! {};
    };
    let is_empty = fixes.offered.is_empty() && fixes.refused.is_empty() && fixes.left.is_empty();
    html! {
        @if !is_empty {
            details.fixes open {
                summary { "Fixes of what is red" }
                @for fix in &fixes.offered { (offered(fix)) }
                @if !fixes.accepted.is_empty() {
                    p { "Accepted in the manifest with it:" }
                    ul { @for line in &fixes.accepted { li { code { (line) } } } }
                }
                (unfixed("No fix", &fixes.refused))
                (unfixed("Left red", &fixes.left))
                (next(fixes))
            }
        }
    }
}

fn offered(fix: &Fix) -> Markup {
    html! {
        article {
            h4 { (fix.criterion) " (" (fix.class.word()) "): " (fix.what) }
            p.faint { "Proved on a copy: " (fix.proved) "." }
            pre tabindex="0" {
                code.command data-what={ "the diff of " (fix.what) } { (fix.diff) }
            }
        }
    }
}

fn unfixed(title: &str, all: &[DefectWithoutFix]) -> Markup {
    html! {
        @if !all.is_empty() {
            p { (title) ":" }
            ul { @for one in all { li { code { (one.criterion) } ": " (one.why) } } }
        }
    }
}

/// The effects of writing, and the commands to type next.
fn next(fixes: &Fixes) -> Markup {
    html! {
        @if !fixes.written.is_empty() {
            ul { @for line in &fixes.written { li { (line) } } }
        }
        @for command in &fixes.commands { p { (text::command(command)) } }
    }
}
