//! The tokens of protobuf's wire format (<https://protobuf.dev/programming-guides/encoding/>).

use std::{fmt, str::Utf8Error};

use crate::ticket::{
    reason::{DeadLetterReason as Reason, Fault},
    utf8::Checked,
};

/// How a field's value is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wire {
    Varint,
    Fixed64,
    Bytes,
    GroupStart,
    GroupEnd,
    Fixed32,
}

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Varint => "a varint",
            Self::Fixed64 => "64 bits",
            Self::Bytes => "bytes",
            Self::GroupStart => "a group",
            Self::GroupEnd => "the end of a group",
            Self::Fixed32 => "32 bits",
        })
    }
}

/// A place in a message.
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
    max_depth: usize,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(bytes: &'a [u8], max_depth: usize) -> Self {
        Self { rest: bytes, max_depth }
    }

    /// Enters a message or group at this depth.
    pub(super) fn open(&self, depth: usize) -> Result<(), Fault> {
        if depth <= self.max_depth {
            return Ok(());
        }
        Err(Reason::TooDeep.with(format!("nested deeper than {}", self.max_depth)).into())
    }

    /// The next field's number and wire type; `None` at the end.
    #[inline]
    pub(super) fn key(&mut self) -> Result<Option<(u32, Wire)>, Fault> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let Ok(key) = u32::try_from(key) else { return Err(no_key(key)) };
        let wire = match key & 7 {
            0 => Wire::Varint,
            1 => Wire::Fixed64,
            2 => Wire::Bytes,
            3 => Wire::GroupStart,
            4 => Wire::GroupEnd,
            5 => Wire::Fixed32,
            _ => return Err(no_wire_type(key & 7)),
        };
        match key >> 3 {
            0 => Err(invalid("field number 0 is not allowed")),
            number => Ok(Some((number, wire))),
        }
    }

    /// The value of a known field of an integer type.
    #[inline]
    pub(super) fn number(&mut self, field: &str, wire: Wire) -> Result<u64, Fault> {
        self.expect(field, Wire::Varint, wire)?;
        self.varint()
    }

    /// The value of a known field of type string.
    #[inline]
    pub(super) fn text(
        &mut self,
        field: impl Fn() -> &'static str,
        wire: Wire,
    ) -> Result<Checked<'a>, Fault> {
        if wire != Wire::Bytes {
            return Err(wrong_type(field(), Wire::Bytes, wire));
        }
        Checked::new(self.bytes()?).map_err(|error| not_utf8(field(), error))
    }

    /// The value of a known field of a message type.
    #[inline]
    pub(super) fn message(&mut self, field: &str, wire: Wire) -> Result<Self, Fault> {
        self.expect(field, Wire::Bytes, wire)?;
        Ok(Self { rest: self.bytes()?, max_depth: self.max_depth })
    }

    /// Passes over the value of an unknown field inside `depth` messages. Groups are counted, not called into:
    /// their depth never becomes depth of calls.
    pub(super) fn skip(&mut self, number: u32, wire: Wire, depth: usize) -> Result<(), Fault> {
        if wire != Wire::GroupStart {
            return self.skip_scalar(wire);
        }
        // The start of each group that is open, innermost last. Nobody writes groups any more, so this
        // allocates for hostile input only.
        let mut open = vec![number];
        self.open(depth + 1)?;
        while let Some(innermost) = open.last() {
            match self.key()? {
                Some((number, Wire::GroupEnd)) if number == *innermost => drop(open.pop()),
                Some((number, Wire::GroupStart)) => {
                    open.push(number);
                    self.open(depth + open.len())?;
                }
                Some((_, wire)) => self.skip_scalar(wire)?,
                None => return Err(invalid("a group has no end")),
            }
        }
        Ok(())
    }

    fn skip_scalar(&mut self, wire: Wire) -> Result<(), Fault> {
        match wire {
            Wire::Varint => self.varint().map(drop),
            Wire::Fixed64 => self.take(8).map(drop),
            Wire::Bytes => self.bytes().map(drop),
            Wire::Fixed32 => self.take(4).map(drop),
            Wire::GroupStart | Wire::GroupEnd => Err(invalid("a group ends that has not begun")),
        }
    }

    #[inline]
    fn expect(&self, field: &str, expected: Wire, found: Wire) -> Result<(), Fault> {
        if expected == found { Ok(()) } else { Err(wrong_type(field, expected, found)) }
    }

    /// A length and as many bytes.
    #[inline]
    fn bytes(&mut self) -> Result<&'a [u8], Fault> {
        let len = self.varint()?;
        self.take(usize::try_from(len).unwrap_or(usize::MAX))
    }

    #[inline]
    fn take(&mut self, len: usize) -> Result<&'a [u8], Fault> {
        let Some((taken, rest)) = self.rest.split_at_checked(len) else {
            return Err(too_short(len, self.rest.len()));
        };
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, Fault> {
        if let [byte @ ..0x80, rest @ ..] = self.rest {
            self.rest = rest;
            return Ok(u64::from(*byte));
        }
        self.long_varint()
    }

    #[inline(never)]
    fn long_varint(&mut self) -> Result<u64, Fault> {
        let mut value = 0;
        for (n, byte) in self.rest.iter().take(10).enumerate() {
            // The tenth byte has room for one bit.
            if n == 9 && *byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << (7 * n);
            if *byte < 0x80 {
                self.rest = self.rest.get(n + 1..).unwrap_or_default();
                return Ok(value);
            }
        }
        Err(invalid("a varint is cut off or has more than 64 bits"))
    }
}

#[cold]
fn invalid(what: &str) -> Fault {
    Reason::InvalidProtobuf.with(what).into()
}

#[cold]
fn no_key(key: u64) -> Fault {
    invalid(&format!("{key} is no field's key"))
}

#[cold]
fn no_wire_type(wire_type: u32) -> Fault {
    invalid(&format!("wire type {wire_type} does not exist"))
}

#[cold]
fn too_short(len: usize, rest: usize) -> Fault {
    invalid(&format!("a value of {len} bytes begins {rest} bytes before the end"))
}

#[cold]
fn not_utf8(field: &str, error: Utf8Error) -> Fault {
    let detail = format!("`{field}` is not UTF-8 at its byte {}", error.valid_up_to());
    Reason::InvalidUtf8.with(detail).into()
}

#[cold]
fn wrong_type(field: &str, expected: Wire, found: Wire) -> Fault {
    invalid(&format!("`{field}` must be {expected} on the wire, found {found}"))
}
