//! The same message again and again: written as JSON for each packet, read back from each, and compared.

use crate::fail;
use crate::halves::{run as run_halves, sound};
use crate::reader::{self, Read};
use crate::writer::{self, Write};

pub fn run<Message: Read + Write + PartialEq>(message: &Message, count: u64) {
    let bytes = writer::write(message).len();
    let time = run_halves(
        count,
        |socket| {
            for _ in 0..count {
                let text = writer::write(message);
                sound("cannot send", socket.send(&text));
            }
        },
        |socket| {
            for index in 0..count {
                let text = sound("cannot receive", socket.receive());
                match reader::read::<Message>(&text) {
                    Ok(received) if received == *message => {}
                    Ok(_) => fail(&format!("message {index} is not the one that was sent")),
                    Err(reason) => fail(&format!("message {index} is not JSON: {reason}")),
                }
            }
            count
        },
    );
    let seconds = time.as_secs_f64();
    println!("{{\"seconds\":{seconds:.9},\"messages\":{count},\"bytes\":{bytes}}}");
}
