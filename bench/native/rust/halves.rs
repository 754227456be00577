//! Two processes with a socket pair between them, and a second pair over which the child reports.

use crate::fail;
use crate::socket::{self, Socket};
use std::io::{Error, ErrorKind, Result};
use std::os::raw::c_int;
use std::process;
use std::time::{Duration, Instant};

extern "C" {
    fn fork() -> c_int;
    fn waitpid(pid: c_int, status: *mut c_int, options: c_int) -> c_int;
}

/// The result of a call on a socket; its failure ends the program.
pub fn sound<Value>(what: &str, result: Result<Value>) -> Value {
    result.unwrap_or_else(|error| match error.kind() {
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof => {
            fail("the other half ended early")
        }
        _ => fail(&format!("{what}: {error}")),
    })
}

/// Runs both parts over one pair. The clock goes from before the parent's part until the child has said
/// that it got `count` messages.
pub fn run(count: u64, parent: impl FnOnce(&Socket), child: impl FnOnce(&Socket) -> u64) -> Duration {
    let (ours, theirs) = sound("socketpair", socket::pair());
    let (hears, tells) = sound("socketpair", socket::pair());
    match unsafe { fork() } {
        -1 => fail(&format!("fork: {}", Error::last_os_error())),
        0 => {
            // Or nobody here would see the parent's death.
            drop((ours, hears));
            sound("cannot tell", tells.send(b"ready"));
            let got = child(&theirs);
            sound("cannot tell", tells.send(&got.to_ne_bytes()));
            process::exit(0)
        }
        pid => {
            drop((theirs, tells));
            sound("cannot hear", hears.receive());
            let start = Instant::now();
            parent(&ours);
            let got = sound("cannot hear", hears.receive());
            let time = start.elapsed();
            if got != count.to_ne_bytes() {
                fail("not every message arrived");
            }
            reap(pid);
            time
        }
    }
}

fn reap(pid: c_int) {
    let mut status = 0;
    while unsafe { waitpid(pid, &mut status, 0) } < 0 {
        let error = Error::last_os_error();
        if error.kind() != ErrorKind::Interrupted {
            fail(&format!("waitpid: {error}"));
        }
    }
    if status != 0 {
        fail(&format!("the other half ended with status {status}"));
    }
}
