//! A blocking SOCK_SEQPACKET socket: the calls of the crate, one `sendmsg` to send, two `recvmsg` to receive.

use std::io::{Error, ErrorKind, Result};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::raw::{c_int, c_void};

#[repr(C)]
struct IoVec {
    base: *mut c_void,
    length: usize,
}

/// `struct msghdr` of 64-bit Linux, glibc and musl.
#[repr(C)]
struct MsgHdr {
    name: *mut c_void,
    name_length: u32,
    parts: *mut IoVec,
    part_count: usize,
    control: *mut c_void,
    control_length: usize,
    flags: c_int,
}

extern "C" {
    fn socketpair(domain: c_int, kind: c_int, protocol: c_int, ends: *mut c_int) -> c_int;
    fn sendmsg(fd: c_int, message: *const MsgHdr, flags: c_int) -> isize;
    fn recvmsg(fd: c_int, message: *mut MsgHdr, flags: c_int) -> isize;
}

const AF_UNIX: c_int = 1;
const SOCK_SEQPACKET: c_int = 5;
const SOCK_CLOEXEC: c_int = 0o2000000;
const MSG_PEEK: c_int = 0x2;
const MSG_NOSIGNAL: c_int = 0x4000;

const HEADER_BYTES: usize = 8;

pub struct Socket(OwnedFd);

pub fn pair() -> Result<(Socket, Socket)> {
    let mut ends = [0; 2];
    if unsafe { socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.as_mut_ptr()) } < 0 {
        return Err(Error::last_os_error());
    }
    let [left, right] = ends.map(|end| Socket(unsafe { OwnedFd::from_raw_fd(end) }));
    Ok((left, right))
}

impl Socket {
    /// One packet: the payload behind its length.
    pub fn send(&self, payload: &[u8]) -> Result<()> {
        let header = (payload.len() as u64).to_ne_bytes();
        let mut parts = [part(&header), part(payload)];
        let message = message(&mut parts);
        retry(|| unsafe { sendmsg(self.0.as_raw_fd(), &message, MSG_NOSIGNAL) })?;
        Ok(())
    }

    /// The payload of the next packet. Peeks at its length first, as the crate does.
    pub fn receive(&self) -> Result<Vec<u8>> {
        let mut header = [0; HEADER_BYTES];
        if self.receive_parts(&mut [part_mut(&mut header)], MSG_PEEK)? < HEADER_BYTES {
            return Err(Error::from(ErrorKind::UnexpectedEof));
        }
        let mut payload = vec![0; u64::from_ne_bytes(header) as usize];
        let got = self.receive_parts(&mut [part_mut(&mut header), part_mut(&mut payload)], 0)?;
        if got != HEADER_BYTES + payload.len() {
            return Err(Error::new(
                ErrorKind::InvalidData,
                "a packet that is shorter than its frame",
            ));
        }
        Ok(payload)
    }

    fn receive_parts(&self, parts: &mut [IoVec], flags: c_int) -> Result<usize> {
        let mut message = message(parts);
        retry(|| unsafe { recvmsg(self.0.as_raw_fd(), &mut message, flags) })
    }
}

fn part(bytes: &[u8]) -> IoVec {
    // sendmsg only reads it.
    IoVec {
        base: bytes.as_ptr() as *mut c_void,
        length: bytes.len(),
    }
}

fn part_mut(bytes: &mut [u8]) -> IoVec {
    IoVec {
        base: bytes.as_mut_ptr().cast(),
        length: bytes.len(),
    }
}

fn message(parts: &mut [IoVec]) -> MsgHdr {
    MsgHdr {
        name: std::ptr::null_mut(),
        name_length: 0,
        parts: parts.as_mut_ptr(),
        part_count: parts.len(),
        control: std::ptr::null_mut(),
        control_length: 0,
        flags: 0,
    }
}

fn retry(mut call: impl FnMut() -> isize) -> Result<usize> {
    loop {
        let result = call();
        if result >= 0 {
            return Ok(result as usize);
        }
        let error = Error::last_os_error();
        if error.kind() != ErrorKind::Interrupted {
            return Err(error);
        }
    }
}
