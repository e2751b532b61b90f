//! Cases without a rule.

use super::{example, when};
use crate::policy::{
    classes::Classes,
    draft::{Draft, DraftRule},
    finding::{Finding, FindingKind},
    grid::{Grid, NO_RULE},
    region::Region,
    values::ValueSet,
    words::enumeration,
};

/// Holes beyond this number are only counted: a file with more holes is still unfinished.
const MAX_HOLES: usize = 10;
/// How many rules that nearly take the case a finding points to.
const MAX_NEAR: usize = 3;

/// Finds the holes, each as large as it can be, none overlapping another, and the row that fills each.
pub(super) fn find(draft: &Draft, classes: &[Classes], grid: &Grid, findings: &mut Vec<Finding>) {
    let mut open: Vec<bool> = grid.cells.iter().map(|&cell| cell == NO_RULE).collect();
    let mut from = 0;
    let mut ids = Vec::new();
    for number in 1.. {
        let Some(place) = (from..open.len()).find(|&place| open[place]) else { return };
        if number > MAX_HOLES {
            let rest = open.iter().filter(|&&is_open| is_open).count();
            if let Some(last) = findings.last_mut() {
                last.notes.push(format!("{rest} more cells of the table have no rule either"));
            }
            return;
        }
        let hole = grow(grid, &open, grid.combination(place));
        visit(grid, &hole, &mut |place| {
            open[place] = false;
            true
        });
        from = place;
        findings.push(finding(draft, &region(draft, classes, &hole), &mut ids));
    }
}

/// Grows a cell column by column as long as every cell of the product is open.
fn grow(grid: &Grid, open: &[bool], cell: Vec<usize>) -> Vec<Vec<usize>> {
    let mut hole: Vec<Vec<usize>> = cell.iter().map(|&class| vec![class]).collect();
    for column in 0..hole.len() {
        let mut wider = Vec::new();
        for class in 0..grid.sizes[column] {
            let saved = std::mem::replace(&mut hole[column], vec![class]);
            if class == cell[column] || visit(grid, &hole, &mut |place| open[place]) {
                wider.push(class);
            }
            hole[column] = saved;
        }
        hole[column] = wider;
    }
    hole
}

/// Visits the cells of a product until one says no; says whether none did.
fn visit(grid: &Grid, product: &[Vec<usize>], cell: &mut impl FnMut(usize) -> bool) -> bool {
    let mut at = vec![0; product.len()];
    loop {
        let classes = at.iter().zip(product).map(|(&at, classes)| classes[at]);
        if !cell(grid.place(classes)) {
            return false;
        }
        let Some(column) = (0..at.len()).rev().find(|&column| at[column] + 1 < product[column].len()) else {
            return true;
        };
        at[column] += 1;
        at[column + 1..].fill(0);
    }
}

fn region(draft: &Draft, classes: &[Classes], hole: &[Vec<usize>]) -> Region {
    let mut region = Region::all(draft.columns.len());
    for (column, chosen) in hole.iter().enumerate() {
        let mut set = ValueSet::empty(draft.columns[column].size());
        for &class in chosen {
            set.insert_all(&classes[column].members[class]);
        }
        region.narrow(column, set);
    }
    region
}

fn finding(draft: &Draft, hole: &Region, ids: &mut Vec<String>) -> Finding {
    let title = "a case has no rule";
    let mut near: Vec<(Vec<usize>, &DraftRule)> = draft
        .rules
        .iter()
        .map(|rule| {
            let apart = rule
                .region
                .narrowed()
                .filter(|(column, set)| hole.set(*column).is_some_and(|wanted| !wanted.meets(set)));
            (apart.map(|(column, _)| column).collect(), rule)
        })
        .collect();
    near.sort_by_key(|(apart, _)| apart.len());
    let fewest = near.first().map_or(0, |(apart, _)| apart.len());
    let mut near = near.into_iter().take_while(|(apart, _)| apart.len() == fewest).take(MAX_NEAR);
    let mut finding = match near.next() {
        Some((apart, rule)) => {
            Finding::new(FindingKind::Hole, title, rule.id.span.clone(), but_for(draft, &apart))
        }
        None => Finding::new(FindingKind::Hole, title, 0..0, "there are no rules"),
    };
    for (apart, rule) in near {
        finding = finding.mark(rule.id.span.clone(), but_for(draft, &apart));
    }
    finding
        .note(example(draft, hole))
        .help("add a rule for it, with the owner that it should have in place of triage:")
        .row(row(draft, hole, ids))
}

fn but_for(draft: &Draft, apart: &[usize]) -> String {
    let names: Vec<String> =
        apart.iter().map(|&column| format!("`{}`", draft.columns[column].name)).collect();
    if names.is_empty() {
        "near it".to_owned()
    } else {
        format!("takes it but for {}", enumeration(&names, "and"))
    }
}

/// Writes the rule that fills the hole, under an id that neither the policy nor an earlier row has.
fn row(draft: &Draft, hole: &Region, ids: &mut Vec<String>) -> String {
    let taken = |id: &String| {
        ids.contains(id) || draft.rules.iter().chain(&draft.exceptions).any(|rule| rule.id.value == *id)
    };
    let id = (1..)
        .map(|number| if number == 1 { "new-rule".to_owned() } else { format!("new-rule-{number}") })
        .find(|id| !taken(id))
        .expect("there are more numbers than rules");
    ids.push(id.clone());
    let when = when(draft, hole);
    format!(
        "[[rule]]\nid = \"{id}\"\nwhen = {when}\ntriage = \"no-rule\"\nreason = \"Nobody is agreed on for this \
         case, so a person decides.\"\n"
    )
}
