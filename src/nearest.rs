//! What was probably meant by a name that does not exist.

/// Returns the candidate that is nearest to a name, if at most `limit` letters differ. The case of letters does not
/// count, nor whether a `-` or a `_` stands between words; two letters that changed places count as one.
pub(crate) fn nearest<'c>(
    name: &str,
    candidates: impl IntoIterator<Item = &'c str>,
    limit: usize,
) -> Option<&'c str> {
    let name = folded(name);
    candidates
        .into_iter()
        // Nothing closer than the difference of the lengths.
        .filter(|candidate| candidate.len().abs_diff(name.len()) <= limit * MAX_BYTES)
        .map(|candidate| (strsim::osa_distance(&name, &folded(candidate)), candidate))
        .filter(|&(distance, _)| distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// The bytes of the longest letter.
const MAX_BYTES: usize = 4;

fn folded(name: &str) -> String {
    name.trim().to_lowercase().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_one_letter_and_two_that_changed_places_are_near() {
        let known = ["harborlight.helpdesk", "harborlight.backup", "fabrikam"];
        for (name, meant) in [
            ("Harborlight.HelpDesk", Some("harborlight.helpdesk")),
            ("harborlight.helpdsek", Some("harborlight.helpdesk")),
            (" fabrikam", Some("fabrikam")),
            ("fabrikan", Some("fabrikam")),
            ("fabrikant", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known, 1), meant, "{name}");
        }
        assert_eq!(nearest("fabrikant", known, 2), Some("fabrikam"));
        assert_eq!(nearest("USER_SUPPORT", ["user-support"], 0), Some("user-support"));
    }
}
