//! A JSON value of any shape.

use crate::reader::{Number, Read, Reader, Result};
use crate::writer::{write_float, write_list, write_signed, write_string, write_unsigned, Write};

#[derive(PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Unsigned(u64),
    Negative(i64),
    Float(f64),
    String(String),
    Array(Vec<Value>),
    Object(Vec<(String, Value)>),
}

impl Write for Value {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Value::Null => out.extend_from_slice(b"null"),
            Value::Bool(true) => out.extend_from_slice(b"true"),
            Value::Bool(false) => out.extend_from_slice(b"false"),
            Value::Unsigned(number) => write_unsigned(*number, out),
            Value::Negative(number) => write_signed(*number, out),
            Value::Float(number) => write_float(*number, out),
            Value::String(text) => write_string(text, out),
            Value::Array(items) => write_list(b"[]", items, out, |item, out| item.write(out)),
            Value::Object(members) => write_list(b"{}", members, out, |(key, value), out| {
                write_string(key, out);
                out.push(b':');
                value.write(out);
            }),
        }
    }
}

impl Read for Value {
    fn read(reader: &mut Reader) -> Result<Value> {
        match reader.peek().ok_or("a value is missing")? {
            b'n' => reader.literal("null").map(|()| Value::Null),
            b't' => reader.literal("true").map(|()| Value::Bool(true)),
            b'f' => reader.literal("false").map(|()| Value::Bool(false)),
            b'"' => Ok(Value::String(reader.string()?.into_owned())),
            b'[' => {
                let mut items = Vec::new();
                reader.elements(b"[]", |reader| {
                    items.push(Value::read(reader)?);
                    Ok(())
                })?;
                Ok(Value::Array(items))
            }
            b'{' => {
                let mut members = Vec::new();
                reader.members(|reader, key| {
                    members.push((key.into_owned(), Value::read(reader)?));
                    Ok(())
                })?;
                Ok(Value::Object(members))
            }
            b'-' | b'0'..=b'9' => Ok(match reader.number()? {
                Number::Unsigned(number) => Value::Unsigned(number),
                Number::Negative(number) => Value::Negative(number),
                Number::Float(number) => Value::Float(number),
            }),
            _ => Err("no JSON value begins so"),
        }
    }
}
