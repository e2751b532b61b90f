//! What is read from standard input, in memory that does not grow with it.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, BufRead, BufReader, ErrorKind, Read},
    path::Path,
};

use anyhow::Context as _;

use super::exit::{Exit, Failure, OrExit as _};

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// All of it is in the buffer.
    Whole,
    /// It has this number of bytes, more than the limit, and is not in the buffer.
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

/// Reads tickets, one a line, or as JSON is printed for people: over several lines, the first of which begins with `{`
/// and the last with `}`.
pub struct Tickets<R> {
    input: R,
    max_bytes: usize,
    /// Lines that were read to look for the end of a ticket, and are none of it.
    ahead: VecDeque<(Piece, Vec<u8>)>,
}

impl<R: BufRead> Tickets<R> {
    /// Reads from here on; a ticket has at most this many bytes.
    pub fn new(input: R, max_bytes: usize) -> Self {
        Self { input, max_bytes, ahead: VecDeque::new() }
    }

    /// Reads the next ticket into `text`, whose content is replaced; `None` at the end.
    ///
    /// # Errors
    ///
    /// Those of reading.
    pub fn next(&mut self, text: &mut Vec<u8>) -> io::Result<Option<Piece>> {
        let first = match self.ahead.pop_front() {
            Some((piece, line)) => {
                *text = line;
                Some(piece)
            }
            None => next_line(&mut self.input, self.max_bytes, text)?,
        };
        let is_begun = text.starts_with(b"{") && !text.trim_ascii_end().ends_with(b"}");
        if first != Some(Piece::Whole) || !is_begun || !self.ahead.is_empty() {
            return Ok(first);
        }
        let (mut size, mut line) = (text.len(), Vec::new());
        while let Some(piece) = next_line(&mut self.input, self.max_bytes, &mut line)? {
            let (is_end, is_other) = (line.starts_with(b"}"), line.starts_with(b"{"));
            size += 1 + line.len();
            self.ahead.push_back((piece, std::mem::take(&mut line)));
            if piece != Piece::Whole || is_other || size > self.max_bytes {
                break;
            }
            if is_end {
                for (_, line) in self.ahead.drain(..) {
                    text.push(b'\n');
                    text.extend(line);
                }
                break;
            }
        }
        Ok(first)
    }
}

impl<R: Read> Tickets<BufReader<R>> {
    /// Returns whether there is more that was read already.
    pub fn is_at_hand(&self) -> bool {
        !self.ahead.is_empty() || !self.input.buffer().is_empty()
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

/// Opens the file that a command reads, or its standard input.
///
/// # Errors
///
/// The file cannot be read (exit 64).
pub fn open<'i>(file: Option<&Path>, input: &'i mut dyn Read) -> Result<Box<dyn Read + 'i>, Failure> {
    let Some(path) = file else { return Ok(Box::new(input)) };
    let file = File::open(path).with_context(|| format!("cannot read `{}`", path.display()));
    Ok(Box::new(file.or_exit(Exit::Usage)?))
}

#[cfg(test)]
mod tests {
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

    /// The tickets of a text.
    fn tickets(text: &str) -> Vec<String> {
        let mut input = Tickets::new(text.as_bytes(), 32);
        let (mut ticket, mut all) = (Vec::new(), Vec::new());
        while input.next(&mut ticket).expect("reading memory does not fail").is_some() {
            all.push(String::from_utf8_lossy(&ticket).into_owned());
        }
        all
    }

    #[test]
    fn a_ticket_is_a_line_or_what_is_printed_over_several() {
        let printed = "{\n  \"a\": {\n  },\n\n  \"b\": 1\n}";
        let joined = printed.replace("\n\n", "\n");
        assert_eq!(tickets(&format!("{printed}\n{{}}\n{printed}")), [&*joined, "{}", &*joined]);
        // One that is cut off takes none of the others with it.
        assert_eq!(tickets("{\"a\":\n{\"b\":1}\n{}"), ["{\"a\":", "{\"b\":1}", "{}"]);
        assert_eq!(tickets("{\n\"a\"\n"), ["{", "\"a\""]);
        let long = "\"x\",".repeat(8);
        assert_eq!(tickets(&format!("{{\n{long}\n}}\n{{}}")).last().map(String::as_str), Some("{}"));
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
