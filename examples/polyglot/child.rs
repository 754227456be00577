//! Factorises numbers for main.ts.

mod channel;
use channel::{fail, number, Channel};

const HEADER_BYTES: usize = 8;
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
    let (Some(jobs), Some(results)) = (
        Channel::find(&table, "jobs"),
        Channel::find(&table, "results"),
    ) else {
        fail("was not started with the channels 'jobs' and 'results'")
    };
    let mut packet = Vec::new();
    while jobs.receive(&mut packet) {
        let mut rest = &packet[..];
        let mut answers = Vec::new();
        while let Some((header, behind)) = rest.split_first_chunk::<HEADER_BYTES>() {
            let length = u64::from_ne_bytes(*header) as usize;
            if behind.len() < length {
                fail("got a message too long for one packet, which it does not take");
            }
            let (payload, others) = behind.split_at(length);
            rest = others;
            let Some(n) = std::str::from_utf8(payload)
                .ok()
                .and_then(|text| number(text, "n"))
            else {
                fail("got a job without \"n\"")
            };
            let answer = factorise(n);
            if !answers.is_empty()
                && (!results.coalesce || answers.len() + answer.len() > ROOMY_PACKET)
            {
                results.send(&answers);
                answers.clear();
            }
            answers.extend((answer.len() as u64).to_ne_bytes());
            answers.extend(answer.as_bytes());
        }
        results.send(&answers);
    }
}
