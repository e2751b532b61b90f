//! Lines of a file, each of bounded length.

use std::io::{self, BufRead};

/// Reads lines one after the other into one buffer.
pub(super) struct Lines<I> {
    input: I,
    buffer: Vec<u8>,
    number: u64,
}

/// One line.
pub(super) struct Line<'a> {
    /// Counted from 1.
    pub number: u64,
    /// Its bytes without the line end, white space around it, and a byte order mark at the start of the file;
    /// cut at the limit.
    pub bytes: &'a [u8],
    /// The length without line end, cut or not.
    pub len: usize,
}

impl<I: BufRead> Lines<I> {
    pub fn new(input: I) -> Self {
        Self { input, buffer: Vec::new(), number: 0 }
    }

    /// Reads the next line, keeping at most `limit` of its bytes in memory; `None` at the end.
    pub fn next(&mut self, limit: usize) -> io::Result<Option<Line<'_>>> {
        self.buffer.clear();
        let mut len = 0;
        loop {
            let chunk = match self.input.fill_buf() {
                Err(interrupted) if interrupted.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            if chunk.is_empty() && len == 0 {
                return Ok(None);
            }
            let end = memchr::memchr(b'\n', chunk);
            let part = &chunk[..end.unwrap_or(chunk.len())];
            let room = limit.saturating_sub(self.buffer.len()).min(part.len());
            self.buffer.extend_from_slice(&part[..room]);
            len += part.len();
            let (is_last, used) =
                (end.is_some() || chunk.is_empty(), part.len() + usize::from(end.is_some()));
            self.input.consume(used);
            if is_last {
                break;
            }
        }
        self.number += 1;
        let mut bytes = self.buffer.as_slice();
        if self.number == 1 {
            bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        }
        Ok(Some(Line { number: self.number, bytes: bytes.trim_ascii(), len }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(input: &[u8], limit: usize) -> Vec<(u64, Vec<u8>, usize)> {
        let mut lines = Lines::new(io::BufReader::with_capacity(3, input));
        let mut found = Vec::new();
        while let Some(line) = lines.next(limit).expect("memory can be read") {
            found.push((line.number, line.bytes.to_vec(), line.len));
        }
        found
    }

    #[test]
    fn lines_come_trimmed_and_counted_with_or_without_a_last_line_end() {
        let expected = vec![(1, b"ab".to_vec(), 6), (2, b"".to_vec(), 0), (3, b"cdefg".to_vec(), 5)];
        assert_eq!(all("\u{feff}ab\r\n\ncdefg\n".as_bytes(), 10), expected);
        assert_eq!(all("\u{feff}ab\r\n\ncdefg".as_bytes(), 10), expected);
        assert_eq!(all(b"", 10), vec![]);
    }

    #[test]
    fn a_line_over_the_limit_is_cut_and_the_next_one_is_whole() {
        assert_eq!(all(b"abcdefgh\nij\n", 4), vec![(1, b"abcd".to_vec(), 8), (2, b"ij".to_vec(), 2)]);
    }
}
