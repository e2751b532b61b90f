//! The proof and the compiled table against a reading of the rules that only tries every case.

use std::collections::BTreeSet;

use super::{super::*, ELECTIONS, MODELS, *};

const TABLES: u32 = 10_000;
const SOURCES: [&str; 3] = ["x", "y", "unheard-of"];
const TIERS: [Option<&str>; 4] = [Some("gold"), Some("silver"), Some("unheard-of"), None];
const OFFERS: [&str; 3] = ["o1", "o2", "unheard-of"];

/// A small generator of its own, so that a table can be made again from its number.
struct Random {
    state: u64,
    /// The columns that the rules of this table ask for, some of the first seven.
    columns: Vec<usize>,
}

impl Random {
    fn of(number: u32) -> Self {
        let state = u64::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut random = Self { state, columns: (0..7).collect() };
        while random.columns.len() > 4 {
            let dropped = random.below(random.columns.len() as u64) as usize;
            random.columns.remove(dropped);
        }
        random
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) % bound
    }

    fn one_in(&mut self, chance: u64) -> bool {
        self.below(chance) == 0
    }
}

/// One case, each value as its place in the lists below: requester, category, model, support, azure, source,
/// tier, offer.
type Point = [usize; 8];
const COLUMNS: [(&str, &[&str]); 8] = [
    ("requester", &["customer", "partner", "publisher"]),
    ("category", &["none", "billing", "break-fix"]),
    ("model", &["direct-bill", "indirect-provider", "indirect-reseller"]),
    ("technical-support", &["refer", "coordinate", "no-partner"]),
    ("azure-based", &["yes", "no"]),
    ("source", &["x", "y"]),
    ("attribute.tier", &["gold", "silver", "none"]),
    ("offer", &["o1", "o2"]),
];
/// How many values a case can have in each column; of categories, one stands for all that no rule of the test names.
const SIZES: Point = [3, 4, 3, 3, 2, 3, 4, 3];

/// What is written in a rule about one column.
#[derive(Clone, Debug)]
struct Asked {
    column: usize,
    names: Vec<usize>,
    is_negated: bool,
}

impl Asked {
    fn accepts(&self, point: &Point) -> bool {
        let (column, value) = (self.column, point[self.column]);
        // Places of values in TIERS: gold, silver, any other, none; as names: gold, silver, none.
        let name = match (column, value) {
            (6, 2) => usize::MAX,
            (6, 3) => 2,
            _ => value,
        };
        self.names.contains(&name) != self.is_negated
    }
}

#[derive(Clone, Debug)]
struct Row {
    asked: Vec<Asked>,
    goes_to_microsoft: bool,
    overrides: Vec<usize>,
}

impl Row {
    fn takes(&self, point: &Point) -> bool {
        self.asked.iter().all(|asked| asked.accepts(point))
    }
}

#[derive(Debug)]
struct Table {
    rules: Vec<Row>,
    exceptions: Vec<Row>,
    invariants: Vec<Row>,
}

/// Makes a table by splitting the space of cases again and again, then breaks it now and then.
fn table(random: &mut Random) -> Table {
    let mut regions: Vec<Vec<Asked>> = vec![Vec::new()];
    for _ in 0..random.below(6) {
        let region = regions.swap_remove(random.below(regions.len() as u64) as usize);
        let free: Vec<usize> = random
            .columns
            .iter()
            .copied()
            .filter(|&c| region.iter().all(|asked| asked.column != c))
            .collect();
        let Some(&column) = free.get(random.below(free.len().max(1) as u64) as usize) else {
            regions.push(region);
            continue;
        };
        let names = some_names(random, column);
        for is_negated in [false, true] {
            let mut half = region.clone();
            half.push(Asked { column, names: names.clone(), is_negated });
            regions.push(half);
        }
    }
    let mut rules: Vec<Row> = regions.into_iter().map(|asked| row(random, asked, Vec::new())).collect();
    match random.below(8) {
        0 if rules.len() > 1 => drop(rules.pop()),
        1 => {
            let asked = any_conditions(random);
            rules.push(row(random, asked, Vec::new()));
        }
        2 => {
            let place = random.below(rules.len() as u64) as usize;
            rules[place].asked.pop();
        }
        _ => {}
    }
    let mut exceptions = Vec::new();
    for _ in 0..random.below(4) {
        let column = if random.one_in(2) { 7 } else { 5 };
        let named = Asked { column, names: some_names(random, column), is_negated: random.one_in(12) };
        let asked = any_conditions(random).into_iter().fold(vec![named], one_a_column);
        let overrides: BTreeSet<usize> =
            (0..=random.below(3)).map(|_| random.below(rules.len() as u64) as usize).collect();
        exceptions.push(row(random, asked, overrides.into_iter().collect()));
    }
    let invariants = (0..random.below(2)).map(|_| {
        let asked = (0..3).filter_map(|_| any_conditions(random).pop()).fold(Vec::new(), one_a_column);
        Row { asked, goes_to_microsoft: true, overrides: Vec::new() }
    });
    let invariants = invariants.collect();
    Table { rules, exceptions, invariants }
}

fn one_a_column(mut all: Vec<Asked>, asked: Asked) -> Vec<Asked> {
    if all.iter().all(|other| other.column != asked.column) {
        all.push(asked);
    }
    all
}

fn row(random: &mut Random, asked: Vec<Asked>, overrides: Vec<usize>) -> Row {
    Row { asked, goes_to_microsoft: random.one_in(6), overrides }
}

/// Some of the names of a column, at least one, and never all of a closed column's.
fn some_names(random: &mut Random, column: usize) -> Vec<usize> {
    let count = COLUMNS[column].1.len();
    let mut names: Vec<usize> = (0..count).filter(|_| random.one_in(2)).collect();
    if names.is_empty() || names.len() == count {
        names = vec![random.below(count as u64) as usize];
    }
    names
}

fn any_conditions(random: &mut Random) -> Vec<Asked> {
    let mut asked = Vec::new();
    for column in random.columns.clone() {
        if random.one_in(4) {
            asked.push(Asked { column, names: some_names(random, column), is_negated: random.one_in(3) });
        }
    }
    asked
}

fn toml(table: &Table) -> String {
    let when = |row: &Row| {
        let conditions: Vec<String> = row
            .asked
            .iter()
            .map(|asked| {
                let (column, values) = COLUMNS[asked.column];
                let names: Vec<String> =
                    asked.names.iter().map(|&name| format!("\"{}\"", values[name])).collect();
                let names = names.join(", ");
                if asked.is_negated {
                    format!("{column} = {{ not = [{names}] }}")
                } else {
                    format!("{column} = [{names}]")
                }
            })
            .collect();
        format!("when = {{ {} }}", conditions.join(", "))
    };
    let owner = |row: &Row| {
        if row.goes_to_microsoft { "owner = \"microsoft-commerce\"" } else { "triage = \"no-rule\"" }
    };
    let mut text = "[attributes.tier]\nvalues = [\"gold\", \"silver\"]\n".to_owned();
    for (index, rule) in table.rules.iter().enumerate() {
        text += &format!("[[rule]]\nid = \"r{index}\"\n{}\n{}\nreason = \"r\"\n", when(rule), owner(rule));
    }
    for (index, exception) in table.exceptions.iter().enumerate() {
        text += &format!("[[exception]]\nid = \"e{index}\"\n{}\n{}\n", when(exception), owner(exception));
        let overrides: Vec<String> = exception.overrides.iter().map(|rule| format!("\"r{rule}\"")).collect();
        text += &format!("overrides = [{}]\nreason = \"r\"\n", overrides.join(", "));
    }
    for (index, invariant) in table.invariants.iter().enumerate() {
        text += &format!("[[invariant]]\nid = \"i{index}\"\n{}\n", when(invariant));
        text += "never = \"microsoft-commerce\"\nreason = \"r\"\n";
    }
    text
}

/// All cases that differ in the columns that the table asks for; the others cannot matter.
fn points(table: &Table) -> Vec<Point> {
    let rows = || table.rules.iter().chain(&table.exceptions).chain(&table.invariants);
    let mut points = vec![[0; 8]];
    for column in (0..8).filter(|column| rows().any(|row| row.asked.iter().any(|a| a.column == *column))) {
        let grown = points.iter().flat_map(|point| {
            (0..SIZES[column]).map(move |value| {
                let mut point: Point = *point;
                point[column] = value;
                point
            })
        });
        points = grown.collect();
    }
    points
}

/// What is wrong with a table, by trying every case.
fn faults(table: &Table, points: &[Point]) -> BTreeSet<&'static str> {
    let mut faults = BTreeSet::new();
    let mut met = BTreeSet::new();
    for point in points {
        let takers: Vec<usize> =
            (0..table.rules.len()).filter(|&rule| table.rules[rule].takes(point)).collect();
        if takers.is_empty() {
            faults.insert("hole");
        }
        if takers.len() > 1 {
            faults.insert("overlap");
        }
        for &rule in &takers {
            let overriding: Vec<usize> = (0..table.exceptions.len())
                .filter(|&e| {
                    table.exceptions[e].overrides.contains(&rule) && table.exceptions[e].takes(point)
                })
                .collect();
            if overriding.len() > 1 {
                faults.insert("overlap");
            }
            met.extend(overriding.iter().map(|&exception| (exception, rule)));
            let deciding = overriding.iter().map(|&e| &table.exceptions[e]).chain([&table.rules[rule]]);
            let to_microsoft = deciding.filter(|row| row.goes_to_microsoft).count() > 0;
            if to_microsoft && table.invariants.iter().any(|invariant| invariant.takes(point)) {
                faults.insert("invariant");
            }
        }
    }
    for (index, exception) in table.exceptions.iter().enumerate() {
        if exception.overrides.iter().any(|&rule| !met.contains(&(index, rule))) {
            faults.insert("dead");
        }
        if !exception.asked.iter().any(|asked| matches!(asked.column, 5 | 7) && !asked.is_negated) {
            faults.insert("unnamed");
        }
    }
    faults
}

/// What decides a case without absent values.
fn deciding(table: &Table, point: &Point) -> usize {
    let rule = table.rules.iter().position(|rule| rule.takes(point)).expect("the table is complete");
    let exception = table.exceptions.iter().position(|e| e.overrides.contains(&rule) && e.takes(point));
    exception.map_or(rule, |exception| table.rules.len() + exception)
}

/// What decides a case of whose model, support and azure-based some are absent (a bit each).
fn expected(table: &Table, point: &Point, absent: u8) -> Result<usize, TriageReason> {
    let runs = |bit: u8| if absent >> bit & 1 == 1 { 0..SIZES[2 + bit as usize] } else { 0..1 };
    let mut completions = Vec::new();
    for model in runs(0) {
        for support in runs(1) {
            for azure in runs(2) {
                let mut completed = *point;
                for (bit, value) in [model, support, azure].into_iter().enumerate() {
                    if absent >> bit & 1 == 1 {
                        completed[2 + bit] = value;
                    }
                }
                completions.push((completed, deciding(table, &completed)));
            }
        }
    }
    if completions.iter().all(|(_, rule)| *rule == completions[0].1) {
        return Ok(completions[0].1);
    }
    let splits = |column: usize| {
        completions.iter().any(|(one, rule)| {
            completions.iter().any(|(two, other)| {
                let apart: Vec<usize> = (0..8).filter(|&c| one[c] != two[c]).collect();
                apart == [column] && rule != other
            })
        })
    };
    let reasons = [(2, REASONS[0]), (3, REASONS[1]), (4, REASONS[2])];
    let splitting = reasons.into_iter().filter(|(column, _)| splits(*column)).map(|(_, reason)| reason);
    Err(splitting.min_by_key(|reason| *reason as i32).expect("some column splits"))
}

/// Their order in the enum is another than that of the columns.
const REASONS: [TriageReason; 3] =
    [TriageReason::MissingModel, TriageReason::UnknownPartner, TriageReason::IncompleteOffer];

fn check_decisions(policy: &Policy, table: &Table, point: &Point, absent: u8) {
    let fact = |bit: u8| absent >> bit & 1 == 1;
    let attributes = [TIERS[point[6]]];
    let categories = [Category::Unspecified, Category::Billing, Category::BreakFix, Category::Other];
    // The values of `category` are in another order than the names of the test.
    let category = categories[point[1]];
    let case = Case {
        requester: [Role::Customer, Role::Partner, Role::Publisher][point[0]],
        category,
        severity: Severity::B,
        model: if fact(0) { Fact::Absent(REASONS[0]) } else { Fact::Known(MODELS[point[2]]) },
        technical_support: if fact(1) { Fact::Absent(REASONS[1]) } else { Fact::Known(ELECTIONS[point[3]]) },
        azure_based: if fact(2) { Fact::Absent(REASONS[2]) } else { Fact::Known(point[4] == 0) },
        source: SOURCES[point[5]],
        attributes: &attributes,
        offer: OFFERS[point[7]],
        publisher: "",
        partner: "",
    };
    let found = match policy.decide(&case) {
        Verdict::Rule(index) => Ok(index.get()),
        Verdict::Absent(reason) => Err(reason),
    };
    assert_eq!(found, expected(table, point, absent), "{case:?}\n{}", toml(table));
}

#[test]
fn the_proof_and_the_compiled_table_agree_with_brute_force_on_random_tables() {
    let mut accepted = 0;
    let mut seen = BTreeSet::new();
    for number in 0..TABLES {
        let mut random = Random::of(number);
        let table = table(&mut random);
        let points = points(&table);
        let faults = faults(&table, &points);
        let loaded = Policy::load("random.toml", &toml(&table));
        let found: BTreeSet<&str> = match &loaded {
            Ok(_) => BTreeSet::new(),
            Err(refused) => refused.findings().iter().map(|finding| finding.kind.code()).collect(),
        };
        assert_eq!(found, faults, "table {number}:\n{}\n{:?}", toml(&table), loaded.as_ref().err());
        seen.extend(faults);
        let Ok(policy) = loaded else { continue };
        accepted += 1;
        // Other cases for each table, each with every absence, to keep the test short.
        for point in points.iter().skip(number as usize % 11).step_by(11 + points.len() / 20) {
            for absent in 0..8 {
                check_decisions(&policy, &table, point, absent);
            }
        }
    }
    assert!(accepted > TABLES / 4, "{accepted} of {TABLES} accepted");
    assert_eq!(seen, BTreeSet::from(["hole", "overlap", "invariant", "dead", "unnamed"]));
}
