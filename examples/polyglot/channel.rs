//! Packets of a channel, and how a child finds its channels: docs/wire.md without crates.

use std::fs::File;
use std::io::{Error, ErrorKind};
use std::mem::ManuallyDrop;
use std::os::raw::{c_int, c_short, c_ulong};
use std::os::unix::fs::MetadataExt;
use std::os::unix::io::FromRawFd;
use std::process;

#[repr(C)]
struct PollFd {
    fd: c_int,
    events: c_short,
    revents: c_short,
}

extern "C" {
    fn recv(fd: c_int, buffer: *mut u8, length: usize, flags: c_int) -> isize;
    fn send(fd: c_int, buffer: *const u8, length: usize, flags: c_int) -> isize;
    fn poll(fds: *mut PollFd, count: c_ulong, timeout: c_int) -> c_int;
    fn ioctl(fd: c_int, request: c_ulong, answer: *mut c_int) -> c_int;
}

const MSG_NOSIGNAL: c_int = 0x4000;
const POLLRDHUP: c_short = 0x2000;
const FIONREAD: c_ulong = 0x541b;

const HEADER_BYTES: usize = 8;
pub const LONGEST_PACKET: usize = 4_263_616;

pub fn fail(message: &str) -> ! {
    eprintln!("child.rs: {message}");
    process::exit(1)
}

/// What stands behind a key in a JSON text that has it once, from its first character on.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let quoted = format!("\"{key}\"");
    let behind = &text[text.find(&quoted)? + quoted.len()..];
    Some(behind.trim_start().strip_prefix(':')?.trim_start())
}

pub fn number(text: &str, key: &str) -> Option<u64> {
    let digits = value(text, key)?;
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

/// One end of a channel.
pub struct Channel {
    fd: c_int,
    pub coalesce: bool,
}

impl Channel {
    /// One row of the table in the environment.
    pub fn find(table: &str, name: &str) -> Option<Channel> {
        let row = value(table, name)?;
        let row = &row[..row.find('}')?];
        let fd = number(row, "fd")? as c_int;
        // Not to be closed when this file goes.
        let file = ManuallyDrop::new(unsafe { File::from_raw_fd(fd) });
        if file.metadata().ok()?.ino() != number(row, "inode")? {
            return None;
        }
        Some(Channel {
            fd,
            coalesce: value(row, "coalesce")?.starts_with("true"),
        })
    }

    /// The next packet; none once every sender is gone.
    pub fn receive<'a>(&self, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
        loop {
            let length = unsafe { recv(self.fd, buffer.as_mut_ptr(), buffer.len(), 0) };
            if length > 0 {
                return Some(&buffer[..length as usize]);
            }
            if length == 0 && self.ended() {
                return None;
            }
            let error = Error::last_os_error();
            // After a reset comes what is queued; after an empty packet the next one.
            let passes = [ErrorKind::Interrupted, ErrorKind::ConnectionReset].contains(&error.kind());
            if length < 0 && !passes {
                fail(&format!("cannot receive: {error}"));
            }
        }
    }

    /// An empty packet reads as the end does. At the end nobody sends any more and nothing is queued.
    fn ended(&self) -> bool {
        let mut queued = 0;
        let mut state = PollFd {
            fd: self.fd,
            events: POLLRDHUP,
            revents: 0,
        };
        unsafe { poll(&mut state, 1, 0) > 0 && ioctl(self.fd, FIONREAD, &mut queued) == 0 && queued == 0 }
    }

    pub fn send(&self, packet: &[u8]) {
        while unsafe { send(self.fd, packet.as_ptr(), packet.len(), MSG_NOSIGNAL) } < 0 {
            let error = Error::last_os_error();
            if error.kind() != ErrorKind::Interrupted {
                fail(&format!("cannot send: {error}"));
            }
        }
    }
}

/// The payloads of a packet.
pub fn frames(packet: &[u8]) -> Vec<&[u8]> {
    let (mut rest, mut payloads) = (packet, Vec::new());
    while !rest.is_empty() {
        if rest.len() < HEADER_BYTES {
            fail("got half a frame");
        }
        let (header, behind) = rest.split_at(HEADER_BYTES);
        let length = u64::from_ne_bytes(header.try_into().unwrap()) as usize;
        if behind.len() < length {
            fail("got a message too long for one packet, which it does not take");
        }
        payloads.push(&behind[..length]);
        rest = &behind[length..];
    }
    payloads
}
