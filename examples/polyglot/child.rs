//! Factorises numbers for main.ts.

mod channel;
use channel::{fail, frames, number, Channel, LONGEST_PACKET};

/// Longer packets gain little, and every socket takes these.
const ROOMY_PACKET: usize = 16 * 1024;

fn factorise(n: u64) -> String {
    let (mut factors, mut rest, mut divisor) = (Vec::new(), n, 2);
    while divisor * divisor <= rest {
        while rest % divisor == 0 {
            factors.push(divisor.to_string());
            rest /= divisor;
        }
        divisor += 1;
    }
    if rest > 1 {
        factors.push(rest.to_string());
    }
    format!("{{\"n\":{n},\"factors\":[{}]}}", factors.join(","))
}

fn main() {
    let table = std::env::var("WORMHOLE_CHANNELS").unwrap_or_default();
    let find = |name| Channel::find(&table, name).unwrap_or_else(|| fail("was started without channels"));
    let (jobs, results) = (find("jobs"), find("results"));
    let mut buffer = vec![0; LONGEST_PACKET];
    while let Some(packet) = jobs.receive(&mut buffer) {
        let mut answers = Vec::new();
        for payload in frames(packet) {
            let job = std::str::from_utf8(payload).unwrap_or_default();
            let answer = factorise(number(job, "n").unwrap_or_else(|| fail("got a job without \"n\"")));
            if !answers.is_empty() && (!results.coalesce || answers.len() + answer.len() > ROOMY_PACKET) {
                results.send(&answers);
                answers.clear();
            }
            answers.extend((answer.len() as u64).to_ne_bytes());
            answers.extend(answer.as_bytes());
        }
        results.send(&answers);
    }
}
