//! "Did you mean".

use crate::nearest::nearest;

/// Names the candidate that is nearest to a name which does not exist, if one is near.
pub(super) fn did_you_mean<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<String> {
    // A third of the letters may differ; more, and the advice would be a guess.
    let limit = (name.chars().count() / 3).max(1);
    nearest(name, candidates, limit).map(|candidate| format!("did you mean `{candidate}`?"))
}
