//! Headers as they are on the wire: names are bytes there, which the client crate takes for UTF-8.

#![expect(unsafe_code, reason = "the client crate panics on a name that is not UTF-8, librdkafka does not")]

use std::{
    ffi::{CStr, c_void},
    ptr,
};

use rdkafka::message::{BorrowedHeaders, OwnedHeaders};
use rdkafka_sys as sys;

/// A name and perhaps a value.
pub type Header = (Vec<u8>, Option<Vec<u8>>);

/// Makes headers to send.
pub fn made_of(headers: &[Header]) -> OwnedHeaders {
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

/// Reads all headers, in order.
pub fn all(headers: &BorrowedHeaders) -> Vec<Header> {
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
