//! JSON text read strictly (RFC 8259) into owned values.

use std::borrow::Cow;

pub type Result<Value> = std::result::Result<Value, &'static str>;

/// What can be read from JSON.
pub trait Read: Sized {
    fn read(reader: &mut Reader) -> Result<Self>;
}

/// The one value that is the whole of `text`.
pub fn read<Message: Read>(text: &[u8]) -> Result<Message> {
    let mut reader = Reader { text, at: 0, depth: 0 };
    let message = Message::read(&mut reader)?;
    match reader.peek() {
        None => Ok(message),
        Some(_) => Err("something follows the value"),
    }
}

pub enum Number {
    Unsigned(u64),
    Negative(i64),
    Float(f64),
}

/// As many as serde_json takes: the crate refuses deeper ones.
const DEEPEST: usize = 127;

pub struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    /// The next byte that is not white space.
    pub fn peek(&mut self) -> Option<u8> {
        while let Some(&byte) = self.text.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }

    pub fn expect(&mut self, wanted: u8) -> Result<()> {
        if self.peek() != Some(wanted) {
            return Err("another character was expected");
        }
        self.at += 1;
        Ok(())
    }

    pub fn literal(&mut self, word: &str) -> Result<()> {
        if !self.text[self.at..].starts_with(word.as_bytes()) {
            return Err("no JSON value begins so");
        }
        self.at += word.len();
        Ok(())
    }

    /// Calls `each` at the beginning of every element between two brackets.
    pub fn elements(&mut self, brackets: &[u8; 2], mut each: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.expect(brackets[0])?;
        if self.depth == DEEPEST {
            return Err("too many brackets in one another");
        }
        self.depth += 1;
        if self.peek() != Some(brackets[1]) {
            loop {
                each(self)?;
                if self.peek() != Some(b',') {
                    break;
                }
                self.at += 1;
            }
        }
        self.depth -= 1;
        self.expect(brackets[1])
    }

    /// Calls `each` with the key of every member, at the beginning of its value.
    pub fn members(&mut self, mut each: impl FnMut(&mut Self, Cow<'a, str>) -> Result<()>) -> Result<()> {
        self.elements(b"{}", |reader| {
            let key = reader.string()?;
            reader.expect(b':')?;
            each(reader, key)
        })
    }

    /// A string, borrowed from the text where nothing in it is escaped.
    pub fn string(&mut self) -> Result<Cow<'a, str>> {
        self.expect(b'"')?;
        let plain = self.plain()?;
        if self.text[self.at] == b'"' {
            self.at += 1;
            return Ok(Cow::Borrowed(plain));
        }
        let mut unescaped = String::from(plain);
        while self.text[self.at] != b'"' {
            self.at += 1;
            unescaped.push(self.escape()?);
            unescaped.push_str(self.plain()?);
        }
        self.at += 1;
        Ok(Cow::Owned(unescaped))
    }

    /// What stands for itself, up to a quote or a backslash.
    fn plain(&mut self) -> Result<&'a str> {
        let from = self.at;
        loop {
            match self.text.get(self.at) {
                None => return Err("a string does not end"),
                Some(b'"' | b'\\') => break,
                Some(0..=0x1f) => return Err("a control character in a string"),
                Some(_) => self.at += 1,
            }
        }
        std::str::from_utf8(&self.text[from..self.at]).map_err(|_| "a string is not UTF-8")
    }

    fn byte(&mut self) -> Result<u8> {
        let byte = *self.text.get(self.at).ok_or("a string does not end")?;
        self.at += 1;
        Ok(byte)
    }

    fn escape(&mut self) -> Result<char> {
        Ok(match self.byte()? {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.code_point(),
            _ => return Err("no such escape"),
        })
    }

    fn code_point(&mut self) -> Result<char> {
        let mut code = self.hexadecimal()?;
        if (0xd800..0xdc00).contains(&code) && self.text[self.at..].starts_with(b"\\u") {
            self.at += 2;
            // Out of its range, the difference wraps, and the sum is no code point.
            let low = self.hexadecimal()?.wrapping_sub(0xdc00);
            code = if low < 0x400 {
                0x10000 + ((code - 0xd800) << 10) + low
            } else {
                code
            };
        }
        char::from_u32(code).ok_or("half a surrogate pair")
    }

    fn hexadecimal(&mut self) -> Result<u32> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = (self.byte()? as char)
                .to_digit(16)
                .ok_or("\\u without four hexadecimal digits")?;
            code = code << 4 | digit;
        }
        Ok(code)
    }

    pub fn number(&mut self) -> Result<Number> {
        let from = self.at;
        let negative = self.text.get(self.at) == Some(&b'-');
        self.at += negative as usize;
        let first = self.at;
        let (whole, fits) = self.digits()?;
        if self.at > first + 1 && self.text[first] == b'0' {
            return Err("a number begins with 0");
        }
        let integral = !matches!(self.text.get(self.at), Some(b'.' | b'e' | b'E'));
        if integral && fits && !negative {
            return Ok(Number::Unsigned(whole));
        }
        // -0 is a float: there is no such integer.
        if integral && fits && 0 < whole && whole <= i64::MIN.unsigned_abs() {
            return Ok(Number::Negative((whole as i64).wrapping_neg()));
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.text.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.text.get(self.at) {
                self.at += 1;
            }
            self.digits()?;
        }
        let digits = std::str::from_utf8(&self.text[from..self.at]).map_err(|_| "a number is not ASCII")?;
        match digits.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Number::Float(number)),
            _ => Err("a number out of range"),
        }
    }

    /// At least one digit: their value, and whether a u64 holds it.
    fn digits(&mut self) -> Result<(u64, bool)> {
        let from = self.at;
        let mut value: u64 = 0;
        let mut fits = true;
        while let Some(digit @ b'0'..=b'9') = self.text.get(self.at) {
            match value
                .checked_mul(10)
                .and_then(|tens| tens.checked_add((digit - b'0') as u64))
            {
                Some(more) => value = more,
                None => fits = false,
            }
            self.at += 1;
        }
        if self.at > from {
            Ok((value, fits))
        } else {
            Err("a digit was expected")
        }
    }
}
