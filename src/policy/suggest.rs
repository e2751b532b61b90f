//! "Did you mean".

/// Names the candidate that is nearest to a name which does not exist, if one is near.
pub(super) fn did_you_mean<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<String> {
    // A third of the letters may differ; more, and the advice would be a guess.
    let limit = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|&(distance, _)| distance <= limit)
        .min()
        .map(|(_, candidate)| format!("did you mean `{candidate}`?"))
}

/// The Levenshtein distance, letters in any case and `_` for `-` counting as equal.
fn distance(one: &str, two: &str) -> usize {
    let fold = |letter: char| if letter == '_' { '-' } else { letter.to_ascii_lowercase() };
    let two: Vec<char> = two.chars().map(fold).collect();
    let mut row: Vec<usize> = (0..=two.len()).collect();
    for (i, a) in one.chars().map(fold).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &b) in two.iter().enumerate() {
            let substituted = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[two.len()]
}
