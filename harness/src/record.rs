//! A record as a consumer sees it.

#![expect(
    unsafe_code,
    reason = "the client crate panics on a header whose name is not UTF-8; librdkafka does not"
)]

use std::{
    ffi::{CStr, c_void},
    ptr,
};

use rdkafka::{
    Message,
    message::{BorrowedHeaders, BorrowedMessage, OwnedHeaders},
};
use rdkafka_sys as sys;
use xxhash_rust::xxh3::Xxh3;

/// The name of a header, which is bytes on the wire, and its value if it has one.
pub type Header = (Vec<u8>, Option<Vec<u8>>);

/// A record as a consumer sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the words of Kafka")]
pub struct Record {
    pub partition: i32,
    pub offset: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    /// In order. What is not UTF-8 in a name is replaced.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// Milliseconds since 1970.
    pub timestamp: Option<i64>,
}

impl Record {
    /// The value of the last header of that name, if it is UTF-8.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().rev().find(|(found, _)| found == name)?;
        std::str::from_utf8(value.as_deref()?).ok()
    }

    /// A digest of everything but the place.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let mut digest = Xxh3::new();
        digest.update(self.key.as_deref().unwrap_or_default());
        digest.update(self.value.as_deref().unwrap_or_default());
        for (name, value) in &self.headers {
            digest.update(name.as_bytes());
            digest.update(value.as_deref().unwrap_or_default());
        }
        digest.update(&self.timestamp.unwrap_or_default().to_le_bytes());
        digest.digest()
    }
}

impl From<&BorrowedMessage<'_>> for Record {
    fn from(message: &BorrowedMessage<'_>) -> Self {
        let readable = |(name, value): Header| (String::from_utf8_lossy(&name).into_owned(), value);
        Self {
            partition: message.partition(),
            offset: message.offset(),
            key: message.key().map(<[u8]>::to_vec),
            value: message.payload().map(<[u8]>::to_vec),
            headers: message.headers().map(read_headers).into_iter().flatten().map(readable).collect(),
            timestamp: message.timestamp().to_millis(),
        }
    }
}

/// Makes headers to send.
#[must_use]
pub fn headers_of(headers: &[Header]) -> OwnedHeaders {
    let made = OwnedHeaders::new();
    for (name, value) in headers {
        let (value, len) =
            value.as_ref().map_or((ptr::null(), 0), |it| (it.as_ptr().cast::<c_void>(), it.len()));
        // SAFETY: name and value are copied with their lengths; the list is this function's own.
        let code = unsafe {
            sys::rd_kafka_header_add(
                native(made.as_borrowed()),
                name.as_ptr().cast(),
                name.len() as isize,
                value,
                len as isize,
            )
        };
        assert_eq!(code, sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR);
    }
    made
}

fn read_headers(headers: &BorrowedHeaders) -> Vec<Header> {
    let at = |index| {
        let (mut name, mut value, mut len) = (ptr::null(), ptr::null(), 0);
        // SAFETY: name and value live as long as the list, and are copied.
        unsafe {
            let code = sys::rd_kafka_header_get_all(native(headers), index, &mut name, &mut value, &mut len);
            (code == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR).then(|| {
                let value =
                    (!value.is_null()).then(|| std::slice::from_raw_parts(value.cast(), len).to_vec());
                (CStr::from_ptr(name).to_bytes().to_vec(), value)
            })
        }
    };
    (0..).map_while(at).collect()
}

/// The crate's type is a reference to librdkafka's own list.
fn native(headers: &BorrowedHeaders) -> *mut sys::rd_kafka_headers_t {
    ptr::from_ref(headers).cast_mut().cast()
}
