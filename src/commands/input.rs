//! What is read from standard input, in memory that does not grow with it.

use std::io::{self, BufRead, ErrorKind, Read};

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// All of it is in the buffer.
    Whole,
    /// It has so many bytes, more than the limit, and is not in the buffer.
    TooLong(u64),
}

/// Reads the next line that is not blank, without its end, into `line`, whose content is replaced; `None` at
/// the end.
///
/// # Errors
///
/// Those of reading.
pub fn next_line(
    input: &mut impl BufRead,
    max_bytes: usize,
    line: &mut Vec<u8>,
) -> io::Result<Option<Piece>> {
    loop {
        line.clear();
        let (mut len, mut is_blank, mut is_over) = (0, true, false);
        while !is_over {
            let chunk = match input.fill_buf() {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                other => other?,
            };
            if chunk.is_empty() {
                if is_blank {
                    return Ok(None);
                }
                break;
            }
            let end = memchr::memchr(b'\n', chunk);
            is_over = end.is_some();
            let part = &chunk[..end.unwrap_or(chunk.len())];
            len += part.len() as u64;
            is_blank &= part.trim_ascii().is_empty();
            let room = max_bytes.saturating_sub(line.len());
            line.extend_from_slice(&part[..part.len().min(room)]);
            let taken = part.len() + usize::from(is_over);
            input.consume(taken);
        }
        if !is_blank {
            let is_whole = len == line.len() as u64;
            return Ok(Some(if is_whole { Piece::Whole } else { Piece::TooLong(len) }));
        }
    }
}

/// Reads all that there is but the white space around it into `text`, whose content is replaced.
///
/// # Errors
///
/// Those of reading.
pub fn all(input: &mut dyn Read, max_bytes: usize, text: &mut Vec<u8>) -> io::Result<Piece> {
    text.clear();
    let mut chunk = [0; 16 * 1024];
    // Up to the last byte that is no white space, and all that was read since the first.
    let (mut len, mut read) = (0_u64, 0_u64);
    loop {
        let part = match input.read(&mut chunk) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            other => &chunk[..other?],
        };
        if part.is_empty() {
            break;
        }
        let part = if read == 0 { part.trim_ascii_start() } else { part };
        let without_end = part.trim_ascii_end();
        if !without_end.is_empty() {
            len = read + without_end.len() as u64;
        }
        read += part.len() as u64;
        let room = max_bytes.saturating_sub(text.len());
        text.extend_from_slice(&part[..part.len().min(room)]);
    }
    let is_whole = usize::try_from(len).is_ok_and(|len| len <= max_bytes);
    text.truncate(text.trim_ascii_end().len());
    Ok(if is_whole { Piece::Whole } else { Piece::TooLong(len) })
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    /// The lines of a text, read through a small buffer.
    fn lines(text: &[u8], buffer: usize) -> Vec<(Piece, Vec<u8>)> {
        let mut input = BufReader::with_capacity(buffer, text);
        let (mut line, mut all) = (Vec::new(), Vec::new());
        while let Some(piece) = next_line(&mut input, 4, &mut line).expect("reading memory does not fail") {
            all.push((piece, if piece == Piece::Whole { line.clone() } else { Vec::new() }));
        }
        all
    }

    #[test]
    fn lines_are_read_up_to_the_limit_and_blank_ones_are_passed_over() {
        let text = b"ab\n\n  \t \r\nabcd\nabcde\n      \nlonger than the limit\nend";
        for buffer in [1, 2, 3, 64] {
            let whole = |line: &[u8]| (Piece::Whole, line.to_vec());
            let too_long = |len| (Piece::TooLong(len), Vec::new());
            let expected = [whole(b"ab"), whole(b"abcd"), too_long(5), too_long(21), whole(b"end")];
            assert_eq!(lines(text, buffer), expected, "{buffer}");
        }
        assert_eq!(lines(b"", 8), []);
        assert_eq!(lines(b"\n \n", 8), []);
    }

    #[test]
    fn all_is_read_without_the_white_space_around_it() {
        let mut text = Vec::new();
        let mut read = |mut input: &[u8]| {
            let piece = all(&mut input, 4, &mut text).expect("reading memory does not fail");
            (piece, text.clone())
        };
        assert_eq!(read(b"\n  a cd \r\n\n\n"), (Piece::Whole, b"a cd".to_vec()));
        assert_eq!(read(b"ab c d\n").0, Piece::TooLong(6));
        assert_eq!(read(b"  \n"), (Piece::Whole, Vec::new()));
        let long = [vec![b' '; 100_000], vec![b'x'; 100_000], vec![b'\n'; 100_000]].concat();
        assert_eq!(read(&long).0, Piece::TooLong(100_000));
    }
}
