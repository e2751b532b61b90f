//! The compiled table: one addition a column and one index a decision.

use std::collections::HashMap;

use super::{
    absent::{AbsentColumns, Completed, ELECTIONS, complete},
    case::{Case, Fact},
    classes::Classes,
    column::{Column, FIXED, Kind, NONE},
    draft::Draft,
    grid::Grid,
    prove::Proof,
};
use crate::proto::v1::{partner::Model, ticket::requester::Role};

/// Marks a cell that holds a set of absent columns instead of a rule.
const ABSENT: u32 = 1 << 31;

/// What a cell says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cell {
    Rule(u32),
    Absent(AbsentColumns),
}

/// A dense table over the classes of values. Each column adds an offset; their sum is the place of the cell.
///
/// The columns that can be absent have one class more, so that a case with absent values is looked up like any other.
#[derive(Clone, Debug)]
pub(super) struct Table {
    cells: Vec<u32>,
    /// By `Role`, less one.
    requester: [u32; 3],
    /// By `Category`.
    category: [u32; 15],
    /// By `Severity`.
    severity: [u32; 4],
    /// By `Model`; the first is absent.
    model: [u32; 4],
    /// By election; the last is absent.
    technical_support: [u32; 4],
    /// Yes, no, absent.
    azure_based: [u32; 3],
    source: OpenOffsets,
    attributes: Vec<OpenOffsets>,
}

/// The offsets of a column with values that nobody has listed.
#[derive(Clone, Debug)]
struct OpenOffsets {
    /// Empty if the rules do not ask for the column.
    named: HashMap<Box<str>, u32>,
    none: u32,
    other: u32,
}

impl OpenOffsets {
    fn of(column: &Column, offsets: &[u32]) -> Self {
        let is_used = offsets.iter().any(|&offset| offset != 0);
        let none = column.value(NONE).filter(|_| matches!(column.kind, Kind::Attribute(_)));
        // A ticket whose attribute reads "none" has it all the same.
        let names = column.values.iter().enumerate().filter(|&(value, _)| is_used && Some(value) != none);
        let other = offsets.last().copied().unwrap_or(0);
        Self {
            named: names.map(|(value, name)| (name.as_str().into(), offsets[value])).collect(),
            none: none.map_or(other, |value| offsets[value]),
            other,
        }
    }

    fn at(&self, value: Option<&str>) -> u32 {
        match value {
            None => self.none,
            Some(_) if self.named.is_empty() => self.other,
            Some(value) => self.named.get(value).copied().unwrap_or(self.other),
        }
    }
}

impl Table {
    /// Compiles a proved policy.
    pub(super) fn of(draft: &Draft, proof: &Proof) -> Self {
        let sizes: Vec<usize> = draft
            .columns
            .iter()
            .zip(&proof.classes)
            .map(|(column, classes)| classes.len() + usize::from(column.kind.can_be_absent()))
            .collect();
        let mut strides = vec![1_usize; sizes.len()];
        for column in (0..sizes.len() - 1).rev() {
            strides[column] = strides[column + 1] * sizes[column + 1];
        }
        let offsets = |kind: Kind| -> (Vec<u32>, u32) {
            let place = draft.columns.iter().position(|column| column.kind == kind);
            let column = place.expect("every policy has the fixed columns");
            let offset =
                |class: usize| u32::try_from(class * strides[column]).expect("a table has few cells");
            let classes = &proof.classes[column];
            (classes.of_value.iter().map(|&class| offset(class)).collect(), offset(classes.len()))
        };
        let [unset, refer, coordinate, no_partner] = with_absent(offsets(Kind::TechnicalSupport));
        let [no_model, direct, provider, reseller] = with_absent(offsets(Kind::Model));
        let (azure, no_answer) = offsets(Kind::AzureBased);
        let open = |column: &Column| OpenOffsets::of(column, &offsets(column.kind).0);
        let attributes = FIXED..FIXED + draft.attributes.len();
        Self {
            cells: cells(draft, proof, &sizes),
            requester: array(&offsets(Kind::Requester).0),
            category: array(&offsets(Kind::Category).0),
            severity: array(&offsets(Kind::Severity).0),
            model: [no_model, direct, provider, reseller],
            technical_support: [refer, coordinate, no_partner, unset],
            azure_based: [azure[0], azure[1], no_answer],
            source: open(&draft.columns[FIXED - 1]),
            attributes: draft.columns[attributes].iter().map(open).collect(),
        }
    }

    /// Looks a case up; `None` if it has no requester's role.
    pub(super) fn look_up(&self, case: &Case<'_>) -> Option<Cell> {
        let requester = match case.requester {
            Role::Unspecified => return None,
            role => self.requester[role as usize - 1],
        };
        let model = case.model.known().unwrap_or(Model::Unspecified);
        let election = case.technical_support.known().map_or(ELECTIONS.len(), |election| election as usize);
        let azure_based = match case.azure_based {
            Fact::Known(true) => 0,
            Fact::Known(false) => 1,
            Fact::Absent(_) => 2,
        };
        let mut place = requester
            + self.category[case.category as usize]
            + self.severity[case.severity as usize]
            + self.model[model as usize]
            + self.technical_support[election]
            + self.azure_based[azure_based]
            + self.source.at(Some(case.source));
        for (index, attribute) in self.attributes.iter().enumerate() {
            place += attribute.at(case.attributes.get(index).copied().flatten());
        }
        let cell = self.cells[place as usize];
        Some(if cell & ABSENT == 0 { Cell::Rule(cell) } else { Cell::Absent(AbsentColumns(cell & !ABSENT)) })
    }
}

/// Puts the offset of "absent" before those of three values.
fn with_absent((values, absent): (Vec<u32>, u32)) -> [u32; 4] {
    [absent, values[0], values[1], values[2]]
}

fn array<const N: usize>(offsets: &[u32]) -> [u32; N] {
    offsets.try_into().expect("the column has as many values as its enum")
}

/// Works out every cell, those of absent values included.
fn cells(draft: &Draft, proof: &Proof, sizes: &[usize]) -> Vec<u32> {
    let places = [Kind::Model, Kind::TechnicalSupport, Kind::AzureBased].map(|kind| {
        draft.columns.iter().position(|column| column.kind == kind).expect("every policy has the column")
    });
    let mut classes = vec![0; sizes.len()];
    let mut cells = Vec::with_capacity(sizes.iter().product());
    loop {
        cells.push(cell(proof, places, &classes));
        let Some(column) = (0..classes.len()).rev().find(|&column| classes[column] + 1 < sizes[column])
        else {
            return cells;
        };
        classes[column] += 1;
        classes[column + 1..].fill(0);
    }
}

/// Works out one cell. Completing by classes is as good as by values: the values of a class have the same rule.
fn cell(proof: &Proof, places: [usize; 3], classes: &[usize]) -> u32 {
    let grid: &Grid = &proof.grid;
    let count = |column: usize| Classes::len(&proof.classes[column]);
    let is_absent = places.map(|column| classes[column] == count(column));
    let sizes = [0, 1, 2].map(|bit| if is_absent[bit] { count(places[bit]) } else { 1 });
    let completed = complete(sizes, |at| {
        let class = |(column, &class): (usize, &usize)| match places.iter().position(|&place| place == column)
        {
            Some(bit) if is_absent[bit] => at[bit],
            _ => class,
        };
        grid.cells[grid.place(classes.iter().enumerate().map(class))]
    });
    match completed {
        Completed::One(rule) => rule,
        Completed::Several(columns) => ABSENT | columns.0,
    }
}
