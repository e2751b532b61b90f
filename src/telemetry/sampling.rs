//! Which tickets the router traces.

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

use super::context::{Parent, is_plainly_unsampled, parse};

/// Decides for each record whether it is traced, as the sampler of that name in the OpenTelemetry specification does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// Whether a record that carries a trace context is sampled as its sender sampled it.
    follows_parent: bool,
    /// Other records are sampled if their trace id is below this bound, out of 2^63.
    bound: u64,
}

/// Where a recorded trace comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The trace.
    pub trace_id: TraceId,
    /// The parent span; `None` if the trace begins here.
    pub parent: Option<SpanId>,
}

const ALL: u64 = 1 << 63;

impl Sampling {
    /// Makes a sampler that takes `ratio` of what it decides itself: from 0, nothing, to 1, everything.
    #[must_use]
    pub fn new(follows_parent: bool, ratio: f64) -> Self {
        Self { follows_parent, bound: (ratio.clamp(0.0, 1.0) * ALL as f64) as u64 }
    }

    /// Decides about a record with this `traceparent`. Takes a few nanoseconds if the sender did not record, about 20
    /// if there is no context.
    #[must_use]
    pub fn decide(&self, traceparent: Option<&[u8]>, ids: &RandomIdGenerator) -> Option<Origin> {
        let parent = match traceparent {
            Some(header) if self.follows_parent && is_plainly_unsampled(header) => return None,
            header => header.and_then(parse),
        };
        let is_sampled = match parent {
            Some(parent) if self.follows_parent => parent.is_sampled,
            Some(Parent { trace_id, .. }) => self.takes(trace_id),
            None if self.bound == 0 => false,
            None => {
                let trace_id = ids.new_trace_id();
                return self.takes(trace_id).then_some(Origin { trace_id, parent: None });
            }
        };
        let parent = parent.filter(|_| is_sampled)?;
        Some(Origin { trace_id: parent.trace_id, parent: Some(parent.span_id) })
    }

    /// Every program that samples by a ratio chooses the same trace ids.
    fn takes(self, trace_id: TraceId) -> bool {
        let [.., a, b, c, d, e, f, g, h] = trace_id.to_bytes();
        u64::from_be_bytes([a, b, c, d, e, f, g, h]) >> 1 < self.bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLED: &[u8] = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const UNSAMPLED: &[u8] = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

    fn decide(sampling: Sampling, header: Option<&[u8]>) -> Option<Origin> {
        sampling.decide(header, &RandomIdGenerator::default())
    }

    #[test]
    fn a_sampler_that_follows_the_parent_does_as_the_parent_did() {
        for ratio in [0.0, 0.5, 1.0] {
            let origin = decide(Sampling::new(true, ratio), Some(SAMPLED)).unwrap();
            assert_eq!(origin.trace_id.to_string(), "0af7651916cd43dd8448eb211c80319c");
            assert_eq!(origin.parent.unwrap().to_string(), "b7ad6b7169203331");
            assert_eq!(decide(Sampling::new(true, ratio), Some(UNSAMPLED)), None);
        }
    }

    #[test]
    fn a_sampler_of_its_own_mind_takes_the_trace_or_not_whatever_the_parent_did() {
        for header in [SAMPLED, UNSAMPLED] {
            assert!(decide(Sampling::new(false, 1.0), Some(header)).unwrap().parent.is_some());
            assert_eq!(decide(Sampling::new(false, 0.0), Some(header)), None);
        }
    }

    #[test]
    fn a_record_without_a_readable_context_begins_a_trace_or_none() {
        for header in [None, Some(&b"nonsense"[..]), Some(&SAMPLED[..54])] {
            let origin = decide(Sampling::new(true, 1.0), header).unwrap();
            assert!(origin.parent.is_none() && origin.trace_id != TraceId::INVALID);
            assert_eq!(decide(Sampling::new(true, 0.0), header), None);
        }
    }

    #[test]
    fn a_ratio_takes_about_that_part_of_the_traces_and_always_the_same_ones() {
        let ids = RandomIdGenerator::default();
        let tenth = Sampling::new(true, 0.1);
        let taken = (0..100_000).filter(|_| tenth.decide(None, &ids).is_some()).count();
        assert!((9_000..11_000).contains(&taken), "{taken}");
        let (tenth, half) = (Sampling::new(false, 0.1), Sampling::new(false, 0.5));
        for _ in 0..1_000 {
            let header = super::super::context::format(ids.new_trace_id(), ids.new_span_id());
            let by_tenth = decide(tenth, Some(&header)).is_some();
            assert!(!by_tenth || decide(half, Some(&header)).is_some());
            assert_eq!(by_tenth, decide(tenth, Some(&header)).is_some());
        }
    }
}
