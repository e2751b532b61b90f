//! The proof: complete, unambiguous, no dead rule, the invariants hold, the exceptions likewise.

mod exception;
mod hole;
mod invariant;
mod overlap;
mod party;
mod size;

use super::{
    classes::{self, Classes},
    column::Column,
    draft::Draft,
    finding::Finding,
    grid::Grid,
    region::Region,
    values::ValueSet,
    words,
};

/// Findings of one kind beyond this number are only counted: nobody reads them, and they can be millions.
const MAX_OF_A_KIND: usize = 20;

/// What a proof leaves behind for compiling.
pub(super) struct Proof {
    pub(super) classes: Vec<Classes>,
    pub(super) grid: Grid,
}

/// Proves a policy; every reason why it cannot be proved is a finding.
pub(super) fn prove(draft: &Draft, findings: &mut Vec<Finding>) -> Option<Proof> {
    overlap::find(draft, findings);
    invariant::find(draft, findings);
    party::find(draft, findings);
    exception::find(draft, findings);
    let classes = classes::classes(draft);
    let Some(cells) = classes::cells(&classes) else {
        findings.push(size::too_large(draft, &classes));
        return None;
    };
    let grid = Grid::of(&classes, &draft.rules, cells);
    hole::find(draft, &classes, &grid, findings);
    Some(Proof { classes, grid })
}

/// Words an example ticket of the region.
fn example(draft: &Draft, region: &Region) -> String {
    format!("for example: {}", words::example(&draft.columns, region))
}

/// Writes the conditions of a region as TOML.
fn when(draft: &Draft, region: &Region) -> String {
    let condition = |(column, set): (usize, &ValueSet)| {
        let column: &Column = &draft.columns[column];
        format!("{} = {}", words::key(column), words::Terms::of(column, set).to_toml())
    };
    let conditions: Vec<String> = region.narrowed().map(condition).collect();
    if conditions.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", conditions.join(", ")) }
}

/// Says on the last finding how many more of its kind there are.
fn count_rest(found: usize, findings: &mut [Finding]) {
    if let Some(last) = findings.last_mut().filter(|_| found > MAX_OF_A_KIND) {
        last.notes.push(format!("{} more like this are not shown", found - MAX_OF_A_KIND));
    }
}
