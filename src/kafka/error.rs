//! How errors of librdkafka are sorted, all tables side by side: each function answers one question about
//! what must be done next.
//!
//! | question | function |
//! | --- | --- |
//! | what becomes of a transaction whose call failed? | [`fault`], [`is_fenced`] |
//! | is a record to blame that was not sent, or not delivered? | [`send_fault`], [`delivery_fault`] |
//! | does a refusal say what the topic takes? | [`is_teaching`] |
//! | does the topic take no records at all? | [`closes_topic`] |
//! | does the topic not exist? | [`is_missing_topic`] |
//! | as what does an aborted transaction count? | [`abort_cause`] |
//! | will the cluster have got over it in a moment? | [`is_passing`] |
//! | will it have got over it once all brokers are back? | [`is_outage`] |
//! | is a right missing to read? | [`is_refused_read`] |
//! | as what does an error of a connection count? | [`kind`] |

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use super::{
    context::ErrorKind,
    ffi::NativeError,
    worker::{AbortCause, Fault, SendFault},
};

/// Sorts a failed transaction call by librdkafka's rule: retriable, abortable or fatal; an error without any
/// of these marks is fatal.
///
/// The brokers forget the id of a producer that was idle for `transactional.id.expiration.ms`.
/// librdkafka aborts for that, but never asks for a new epoch.
pub(super) fn fault(error: &NativeError) -> Fault {
    if error.code == Code::InvalidProducerIdMapping {
        Fault::Forgotten
    } else if error.is_fatal {
        Fault::Fatal
    } else if error.requires_abort {
        Fault::Abortable
    } else if error.is_retriable {
        Fault::Retriable
    } else {
        Fault::Fatal
    }
}

/// Whether another producer has taken over the transactional id.
pub(super) fn is_fenced(error: &NativeError) -> bool {
    matches!(error.code, Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch)
}

/// Sorts errors of a record: those that the same record will meet again, and those of the moment.
pub(super) fn send_fault(code: Code) -> SendFault {
    match code {
        Code::MessageSizeTooLarge
        | Code::InvalidMessage
        | Code::InvalidMessageSize
        | Code::MessageBatchTooLarge
        | Code::InvalidTimestamp
        | Code::InvalidRecord
        | Code::PolicyViolation
        | Code::UnknownTopic
        | Code::UnknownTopicOrPartition
        | Code::UnknownPartition
        | Code::InvalidTopic
        | Code::TopicAuthorizationFailed => SendFault::Refused,
        _ => SendFault::Undelivered,
    }
}

/// Sorts what the brokers answer to a batch. If the topic teaches something, the record is to blame only when
/// that does not help.
pub(super) fn delivery_fault(code: Code) -> SendFault {
    if is_teaching(code) { SendFault::Undelivered } else { send_fault(code) }
}

/// Whether a refused delivery says what the topic takes, so that the next attempt can be another one.
pub(super) fn is_teaching(code: Code) -> bool {
    matches!(
        code,
        Code::InvalidTimestamp | Code::InvalidRecord | Code::MessageSizeTooLarge | Code::MessageBatchTooLarge
    )
}

/// Whether an error is about a topic as it is now, whatever the record.
pub(super) fn closes_topic(code: Code) -> bool {
    is_missing_topic(code) || matches!(code, Code::TopicAuthorizationFailed | Code::UnknownPartition)
}

/// Whether a topic does not exist: the brokers say so, or librdkafka does.
pub(super) fn is_missing_topic(code: Code) -> bool {
    matches!(code, Code::UnknownTopicOrPartition | Code::UnknownTopic)
}

/// Why a record that was not sent or not delivered makes its transaction fail.
pub(super) fn abort_cause(code: Code, fault: SendFault) -> AbortCause {
    match fault {
        SendFault::Refused => AbortCause::Refused,
        SendFault::Undelivered if is_teaching(code) => AbortCause::Refused,
        // librdkafka had given the transaction up before.
        SendFault::Undelivered if code == Code::State => AbortCause::Broker,
        SendFault::Undelivered => AbortCause::Undelivered,
    }
}

/// Whether a cluster answers so that is still getting ready: a topic was just created, or a broker has just started.
pub(super) fn is_passing(error: &KafkaError) -> bool {
    matches!(
        code(error),
        Some(
            Code::NotLeaderForPartition
                | Code::LeaderNotAvailable
                | Code::UnknownTopicOrPartition
                | Code::CoordinatorLoadInProgress
                | Code::CoordinatorNotAvailable
                | Code::NotCoordinator
                | Code::UnstableOffsetCommit
        )
    )
}

/// Whether an error goes away by itself once all brokers are up and reachable.
pub(super) const fn is_outage(code: Code) -> bool {
    matches!(
        code,
        Code::AllBrokersDown
            | Code::BrokerNotAvailable
            | Code::BrokerTransportFailure
            | Code::ConcurrentTransactions
            | Code::CoordinatorLoadInProgress
            | Code::CoordinatorNotAvailable
            | Code::LeaderNotAvailable
            | Code::NetworkException
            | Code::NotCoordinator
            | Code::NotEnoughReplicas
            | Code::NotLeaderForPartition
            | Code::OperationTimedOut
            | Code::RequestTimedOut
            | Code::Resolve
            | Code::UnstableOffsetCommit
    )
}

/// Whether the brokers refuse to let a topic be read.
pub(super) fn is_refused_read(error: &KafkaError) -> bool {
    matches!(code(error), Some(Code::TopicAuthorizationFailed | Code::GroupAuthorizationFailed))
}

/// Sorts what clients report of their connections.
pub(super) fn kind(code: Option<Code>) -> ErrorKind {
    match code {
        Some(Code::BrokerTransportFailure | Code::Resolve | Code::OperationTimedOut) => ErrorKind::Transport,
        Some(Code::AllBrokersDown) => ErrorKind::AllBrokersDown,
        Some(
            Code::Authentication
            | Code::SaslAuthenticationFailed
            | Code::UnsupportedSASLMechanism
            | Code::IllegalSASLState
            | Code::SSL,
        ) => ErrorKind::Authentication,
        Some(
            Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed,
        ) => ErrorKind::Authorization,
        _ => ErrorKind::Other,
    }
}

/// The code of an error, if it has one.
pub(super) fn code(error: &KafkaError) -> Option<Code> {
    match error {
        KafkaError::Transaction(error) => Some(error.code()),
        other => other.rdkafka_error_code(),
    }
}

/// Name and meaning of an error, without librdkafka's wrapping.
pub(super) fn describe(error: &KafkaError) -> String {
    match error {
        KafkaError::Transaction(error) => error.string(),
        other => code(other).map_or_else(|| other.to_string(), |code| code.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_that_takes_no_records_refuses_them_and_teaches_nothing() {
        let codes = [
            Code::UnknownTopicOrPartition,
            Code::UnknownTopic,
            Code::UnknownPartition,
            Code::TopicAuthorizationFailed,
        ];
        for code in codes {
            assert!(closes_topic(code) && !is_teaching(code), "{code:?}");
            assert_eq!(delivery_fault(code), SendFault::Refused, "{code:?}");
            assert_eq!(abort_cause(code, SendFault::Refused), AbortCause::Refused, "{code:?}");
        }
        assert!(!closes_topic(Code::PolicyViolation) && !closes_topic(Code::InvalidRecord));
    }

    #[test]
    fn a_delivery_that_teaches_blames_no_record_before_the_lesson_was_tried() {
        for code in [Code::InvalidTimestamp, Code::InvalidRecord, Code::MessageSizeTooLarge] {
            assert_eq!(send_fault(code), SendFault::Refused, "{code:?}");
            assert_eq!(delivery_fault(code), SendFault::Undelivered, "{code:?}");
            assert_eq!(abort_cause(code, delivery_fault(code)), AbortCause::Refused, "{code:?}");
        }
    }
}
