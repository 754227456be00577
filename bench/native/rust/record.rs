//! The record of the crate's own example: a struct, read and written field by field.

use crate::reader::{self, Number, Read, Reader, Result};
use crate::value::Value;
use crate::writer::{self, write_list, write_signed, write_string, Write};

#[derive(PartialEq)]
pub struct Record {
    a: i32,
    b: String,
    c: Vec<i32>,
}

impl Record {
    /// The value as a record, if it has just these fields in this order, and so is written the same.
    pub fn from_value(value: &Value) -> Option<Record> {
        let text = writer::write(value);
        let record: Record = reader::read(&text).ok()?;
        (writer::write(&record) == text).then_some(record)
    }
}

impl Write for Record {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"a\":");
        write_signed(self.a.into(), out);
        out.extend_from_slice(b",\"b\":");
        write_string(&self.b, out);
        out.extend_from_slice(b",\"c\":");
        write_list(b"[]", &self.c, out, |&number, out| write_signed(number.into(), out));
        out.push(b'}');
    }
}

impl Read for Record {
    fn read(reader: &mut Reader) -> Result<Record> {
        let (mut a, mut b, mut c) = (None, None, None);
        reader.members(|reader, key| {
            let twice = match &*key {
                "a" => a.replace(integer(reader)?).is_some(),
                "b" => b.replace(reader.string()?.into_owned()).is_some(),
                "c" => c.replace(integers(reader)?).is_some(),
                _ => return Err("a field that the record does not have"),
            };
            if twice {
                Err("a field twice")
            } else {
                Ok(())
            }
        })?;
        match (a, b, c) {
            (Some(a), Some(b), Some(c)) => Ok(Record { a, b, c }),
            _ => Err("a field is missing"),
        }
    }
}

fn integer(reader: &mut Reader) -> Result<i32> {
    reader.peek();
    let number = match reader.number()? {
        Number::Unsigned(number) => i32::try_from(number).ok(),
        Number::Negative(number) => i32::try_from(number).ok(),
        Number::Float(_) => None,
    };
    number.ok_or("not an integer of 32 bits")
}

fn integers(reader: &mut Reader) -> Result<Vec<i32>> {
    let mut numbers = Vec::new();
    reader.elements(b"[]", |reader| {
        numbers.push(integer(reader)?);
        Ok(())
    })?;
    Ok(numbers)
}
