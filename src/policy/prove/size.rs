//! Tables that are too large to prove.

use crate::policy::{
    classes::{Classes, MAX_CELLS},
    draft::Draft,
    finding::{Finding, FindingKind},
    words::enumeration,
};

/// Names the columns that make the table large, and a condition on the largest.
pub(super) fn too_large(draft: &Draft, classes: &[Classes]) -> Finding {
    let mut columns: Vec<(usize, usize)> = classes.iter().map(Classes::len).enumerate().collect();
    columns.retain(|&(_, classes)| classes > 1);
    columns.sort_by_key(|&(_, classes)| std::cmp::Reverse(classes));
    let cells = columns.iter().map(|&(_, classes)| classes as f64).product::<f64>();
    let list: Vec<String> = columns
        .iter()
        .map(|&(column, classes)| format!("`{}` ({classes} classes of values)", draft.columns[column].name))
        .collect();
    let largest = columns.first().map_or(0, |&(column, _)| column);
    let span = draft
        .rules
        .iter()
        .flat_map(|rule| &rule.spans)
        .find(|(column, _)| *column == largest)
        .map_or(0..0, |(_, span)| span.clone());
    let size = if cells < 1e15 { format!("{cells}") } else { format!("about {cells:.1e}") };
    let title = format!("the table has {size} cells, limit is {MAX_CELLS}");
    Finding::new(FindingKind::TooLarge, title, span, "the column that the rules tell apart most finely")
        .note(format!("the cells are the product of {}", enumeration(&list, "and")))
        .help("ask for fewer of these columns, or for groups of their values rather than single ones")
        .help("a rule for a single offer, publisher, partner or source is an `[[exception]]`, which makes no cells")
}
