//! The idle workload: the HTTP server with very many connections, see `benches/c/idle_load.c`, which
//! measures. Server on CPU 0, client on CPU 1.
//!
//! Where the limit of descriptors does not let one process have them all, several share the port, on
//! the same CPU; their memory and CPU time are added.

use super::http::serve;
use super::make::{self, binary};
use super::measure::{Fail, Run, Running, Watch, rows};
use super::plan::{Contender, Program};
use crate::sh::{cmd, free_port, output};
use std::time::Duration;

/// Who makes the load.
pub const LOAD: Program =
    Program { name: "idle-load", make: |p| make::c(p, "idle_load.c", &[]), versions: Vec::new };

/// `seconds` of load with few and with many active connections each.
pub fn run(
    contender: &Contender,
    connections: u64,
    seconds: u64,
    patience: Duration,
) -> Result<Run, Fail> {
    let watch = Watch::begin();
    let port = free_port().map_err(Fail::Broken)?;
    let client = binary(LOAD.name);
    let limit = output(cmd(&client).arg("limit")).map_err(Fail::Broken)?;
    let servers = servers(connections, limit.trim().parse().unwrap_or(0))?;
    let mut running = Vec::new();
    for nth in 1..=servers {
        running.push(serve(contender, port, 1, nth)?);
    }
    let pids: Vec<String> = running.iter().map(|s| s.id().to_string()).collect();
    let mut line = vec![client.display().to_string(), port.to_string(), pids.join(",")];
    line.extend([connections, seconds].map(|n| n.to_string()));
    let out = Running::spawn(line, &[], Some(1))?.finish(patience)?;
    if !running.iter_mut().all(Running::alive) {
        return Err(Fail::Broken("a server ended under load".into()));
    }
    drop(running);
    Ok(Run { rows: rows(&out), cpu: None, foreign: watch.foreign() })
}

/// How many servers it takes: the kernel deals connections by hash, so not all get the same number.
fn servers(connections: u64, limit: u64) -> Result<usize, Fail> {
    let each = limit.saturating_sub(100) * 85 / 100;
    match connections.div_ceil(each.max(1)) {
        n @ 1..=32 => Ok(n as usize),
        _ => Err(Fail::Cannot(format!("a process may have {limit} descriptors only"))),
    }
}

#[test]
fn as_many_servers_as_the_limit_asks_for() {
    let n = |limit| servers(100_000, limit).ok();
    assert_eq!((n(1 << 20), n(20_000), n(1024)), (Some(1), Some(6), None));
}
