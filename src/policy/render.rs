//! Findings as a person reads them: in the manner of a compiler.

use annotate_snippets::{
    AnnotationKind, Level, Renderer, Snippet, normalize_untrusted_str, renderer::DecorStyle,
};

use super::finding::{Finding, Span};

/// The width for which a diagnostic is laid out if the terminal's width is unknown.
const TERMINAL_COLUMNS: usize = 140;

/// Renders one finding in a file.
pub(super) fn render(name: &str, text: &str, finding: &Finding, coloured: bool) -> String {
    let renderer = if coloured { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.term_width(TERMINAL_COLUMNS).decor_style(DecorStyle::Ascii);
    let title = normalize_untrusted_str(&finding.title);
    let mut snippet = Snippet::source(text).path(name);
    for (index, mark) in finding.marks.iter().enumerate() {
        let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        let label = normalize_untrusted_str(&mark.label);
        snippet = snippet.annotation(kind.span(within(text, &mark.span)).label(label));
    }
    let mut group = Level::ERROR.primary_title(title).id(finding.kind.code()).element(snippet);
    for note in &finding.notes {
        group = group.element(Level::NOTE.message(normalize_untrusted_str(note)));
    }
    for help in &finding.helps {
        group = group.element(Level::HELP.message(normalize_untrusted_str(help)));
    }
    let mut rendered = renderer.render(&[group]);
    if let Some(row) = &finding.row {
        rendered.push_str("\n\n");
        for line in row.lines() {
            rendered.push_str("    ");
            rendered.push_str(&normalize_untrusted_str(line));
            rendered.push('\n');
        }
    }
    rendered
}

/// Moves a span into the text and to borders of characters, since the renderer panics elsewhere.
fn within(text: &str, span: &Span) -> Span {
    let floor = |at: usize| (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let start = floor(span.start);
    start..floor(span.end).max(start)
}
