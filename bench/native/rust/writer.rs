//! JSON text of numbers and strings, digit by digit and escape by escape.

/// What can be written as JSON.
pub trait Write {
    fn write(&self, out: &mut Vec<u8>);
}

/// The JSON text of a message, in a buffer of its own.
pub fn write<Message: Write>(message: &Message) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    message.write(&mut out);
    out
}

/// "00" to "99", so that two digits cost one division.
const PAIRS: [u8; 200] = {
    let mut pairs = [0; 200];
    let mut number = 0;
    while number < 100 {
        pairs[2 * number] = b'0' + (number / 10) as u8;
        pairs[2 * number + 1] = b'0' + (number % 10) as u8;
        number += 1;
    }
    pairs
};

const LONGEST_U64: usize = 20;

pub fn write_unsigned(mut number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; LONGEST_U64];
    let mut at = LONGEST_U64;
    while number >= 10 {
        let pair = 2 * (number % 100) as usize;
        number /= 100;
        at -= 2;
        digits[at..at + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
    }
    // The last pair may have been the whole of an even count of digits.
    if number > 0 || at == LONGEST_U64 {
        at -= 1;
        digits[at] = b'0' + number as u8;
    }
    out.extend_from_slice(&digits[at..]);
}

pub fn write_signed(number: i64, out: &mut Vec<u8>) {
    if number < 0 {
        out.push(b'-');
    }
    write_unsigned(number.unsigned_abs(), out);
}

/// The shortest digits that read back as the same number; JSON has none for what is not finite.
pub fn write_float(number: f64, out: &mut Vec<u8>) {
    use std::io::Write;
    if number.is_finite() {
        write!(out, "{number:?}").expect("a Vec takes all");
    } else {
        out.extend_from_slice(b"null");
    }
}

/// What follows the backslash, by byte: 0 for what stands for itself, 'u' for four hexadecimal digits.
const ESCAPES: [u8; 256] = {
    let mut escapes = [0; 256];
    let mut byte = 0;
    while byte < 0x20 {
        escapes[byte] = b'u';
        byte += 1;
    }
    escapes[0x08] = b'b';
    escapes[b'\t' as usize] = b't';
    escapes[b'\n' as usize] = b'n';
    escapes[0x0c] = b'f';
    escapes[b'\r' as usize] = b'r';
    escapes[b'"' as usize] = b'"';
    escapes[b'\\' as usize] = b'\\';
    escapes
};

const HEXADECIMAL: &[u8; 16] = b"0123456789abcdef";

pub fn write_string(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let mut from = 0;
    out.push(b'"');
    for (at, &byte) in bytes.iter().enumerate() {
        let escape = ESCAPES[byte as usize];
        if escape == 0 {
            continue;
        }
        out.extend_from_slice(&bytes[from..at]);
        out.extend_from_slice(&[b'\\', escape]);
        if escape == b'u' {
            let low = [HEXADECIMAL[(byte >> 4) as usize], HEXADECIMAL[(byte & 15) as usize]];
            out.extend_from_slice(&[b'0', b'0', low[0], low[1]]);
        }
        from = at + 1;
    }
    out.extend_from_slice(&bytes[from..]);
    out.push(b'"');
}

/// Elements with commas between, within brackets.
pub fn write_list<Item>(brackets: &[u8; 2], items: &[Item], out: &mut Vec<u8>, each: impl Fn(&Item, &mut Vec<u8>)) {
    out.push(brackets[0]);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        each(item, out);
    }
    out.push(brackets[1]);
}
