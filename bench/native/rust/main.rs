//! What the crate wormhole-rs does, without crates: one JSON message a packet, blocking, between two processes.

mod halves;
mod reader;
mod record;
mod socket;
mod stream;
mod value;
mod writer;

use record::Record;
use std::io::{Read, Write};
use std::process;
use value::Value;

const USAGE: &str = "\
usage: rust stream --message JSON --count N   N times this message to another process
       rust rewrite --message JSON            the message as it would be written, to standard output

  --message -   reads the message from standard input

Prints one line of JSON. Exit code 2, with a message, for any failure.
";

const MOST_COUNT: u64 = 1_000_000_000;

pub fn fail(message: &str) -> ! {
    eprintln!("rust: {message}");
    process::exit(2)
}

struct Options {
    message: Option<String>,
    count: Option<u64>,
}

fn read_options(arguments: &[String]) -> Options {
    let mut options = Options {
        message: None,
        count: None,
    };
    let mut rest = arguments.iter();
    while let Some(name) = rest.next() {
        if name == "--help" || name == "-h" {
            print!("{USAGE}");
            process::exit(0)
        }
        if name != "--message" && name != "--count" {
            fail(&format!("'{name}' was not expected; --help tells more"));
        }
        let value = rest.next().unwrap_or_else(|| fail(&format!("{name} lacks its value")));
        if name == "--message" {
            options.message = Some(value.clone());
        } else {
            options.count = Some(count(value));
        }
    }
    options
}

fn count(text: &str) -> u64 {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(count) if digits && (1..=MOST_COUNT).contains(&count) => count,
        _ => fail(&format!(
            "--count takes a whole number from 1 to {MOST_COUNT}, not '{text}'"
        )),
    }
}

fn message(options: &Options) -> String {
    let text = options.message.clone().unwrap_or_else(|| fail("--message is missing"));
    if text != "-" {
        return text;
    }
    let mut text = String::new();
    if let Err(error) = std::io::stdin().read_to_string(&mut text) {
        fail(&format!("cannot read the message: {error}"));
    }
    text
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let command = arguments.first().map_or("", String::as_str);
    if command == "--help" || command == "-h" {
        print!("{USAGE}");
        return;
    }
    if command != "stream" && command != "rewrite" {
        fail("expected stream or rewrite; --help tells more");
    }
    let options = read_options(&arguments[1..]);
    let text = message(&options);
    let value: Value = match reader::read(text.as_bytes()) {
        Ok(value) => value,
        Err(reason) => fail(&format!("the message is not JSON: {reason}")),
    };
    if command == "rewrite" {
        if options.count.is_some() {
            fail("rewrite does not take --count");
        }
        let mut written = writer::write(&value);
        written.push(b'\n');
        if let Err(error) = std::io::stdout().write_all(&written) {
            fail(&format!("cannot write: {error}"));
        }
        return;
    }
    let count = options.count.unwrap_or_else(|| fail("--count is missing"));
    match Record::from_value(&value) {
        Some(record) => stream::run(&record, count),
        None => stream::run(&value, count),
    }
}
