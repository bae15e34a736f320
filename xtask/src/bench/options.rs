//! The command line of `cargo xtask bench`.

use super::plan::{self, Contender, Kind, WORKLOADS, Workload, contenders};
use std::path::PathBuf;

/// What was asked for.
#[derive(Debug, Default)]
pub struct Options {
    only: Vec<String>,
    peers: Option<Vec<String>>,
    pub rounds: usize,
    pub quick: bool,
    /// Where every value goes, too.
    pub json: Option<PathBuf>,
    /// Makes the report of this run, or only that of an earlier one.
    pub publish: bool,
    pub report: Option<PathBuf>,
    /// A revision, or an earlier run's JSON.
    pub baseline: Option<String>,
    /// Whether a row that is worse than the baseline's is a failure.
    pub check: bool,
}

const USAGE: &str = "usage: cargo xtask bench [OPTION...]
  --only WORKLOAD,...       some workloads
  --peers PEER,...|none     some peers, or only ours and the limits
  --rounds N                5, or 3 with --quick
  --quick                   less work a run: a first look, not for quoting
  --json FILE               every value, too
  --publish                 afterwards docs/BENCHMARKS.md, its plots, README.md's table
  --report FILE             only that, from an earlier run's JSON
  --baseline REV|FILE       ours beside ours at a git revision, in the same rounds; or against an earlier run
  --check                   fails if a row of ours is worse than the baseline by 5 % beyond the noise";

/// The help text.
pub fn help() -> String {
    format!("{USAGE}\n\n{}", plan::listing())
}

impl Options {
    pub fn parse(args: &[String]) -> Result<Options, String> {
        use lexopt::prelude::*;
        let mut o = Options::default();
        let mut p = lexopt::Parser::from_args(args);
        let list = |v: std::ffi::OsString| -> Result<Vec<String>, lexopt::Error> {
            Ok(v.string()?.split(',').map(String::from).collect())
        };
        let usage = |e: lexopt::Error| format!("{e}\n{USAGE}");
        while let Some(arg) = p.next().map_err(usage)? {
            match arg {
                Long("only") => o.only = p.value().and_then(list).map_err(usage)?,
                Long("peers") => o.peers = Some(p.value().and_then(list).map_err(usage)?),
                Long("rounds") => o.rounds = p.value().and_then(|v| v.parse()).map_err(usage)?,
                Long("quick") => o.quick = true,
                Long("json") => o.json = Some(p.value().map_err(usage)?.into()),
                Long("publish") => o.publish = true,
                Long("report") => o.report = Some(p.value().map_err(usage)?.into()),
                Long("baseline") => {
                    o.baseline = Some(p.value().and_then(|v| v.string()).map_err(usage)?);
                }
                Long("check") => o.check = true,
                other => return Err(usage(other.unexpected())),
            }
        }
        if o.rounds == 0 {
            o.rounds = if o.quick { 3 } else { 5 };
        }
        o.valid()?;
        Ok(o)
    }

    /// A misspelt name must not pass for an empty run.
    fn valid(&self) -> Result<(), String> {
        let workloads: Vec<&str> = WORKLOADS.iter().map(|w| w.name).collect();
        let peers = contenders().filter(|c| c.kind == Kind::Peer);
        let peers: Vec<&str> = peers.map(|c| c.name).chain(["none"]).collect();
        let unknown = |asked: &[String], known: &[&str]| {
            asked
                .iter()
                .find(|a| !known.contains(&a.as_str()))
                .map(|a| format!("{a}: not one of {}", known.join(", ")))
        };
        if self.check && self.baseline.is_none() {
            return Err(format!("--check needs a --baseline to check against\n{USAGE}"));
        }
        let asked = self.peers.as_deref().unwrap_or_default();
        unknown(&self.only, &workloads).or(unknown(asked, &peers)).map_or(Ok(()), Err)
    }

    pub fn wants(&self, workload: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|o| o == workload)
    }

    pub fn workloads(&self) -> impl Iterator<Item = &'static Workload> {
        WORKLOADS.iter().filter(|w| self.wants(w.name))
    }

    pub fn admits(&self, c: &Contender) -> bool {
        c.kind != Kind::Peer || self.peers.as_ref().is_none_or(|p| p.iter().any(|n| n == c.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(&line.split_whitespace().map(String::from).collect::<Vec<_>>())
    }

    #[test]
    fn options() {
        let o = parse("--only yield2,http --peers may --quick").unwrap_or_else(|e| panic!("{e}"));
        assert_eq!((o.only.len(), o.rounds, o.quick), (2, 3, true));
        assert!(o.wants("http") && !o.wants("idle"));
        let admitted: Vec<&str> =
            contenders().filter(|c| o.admits(c) && c.kind == Kind::Peer).map(|c| c.name).collect();
        assert_eq!(admitted, ["may"]);
        assert!(parse("--only yeild2").is_err_and(|e| e.contains("not one of")));
        assert!(parse("--peers tokyo").is_err());
        assert!(parse("--rounds x").is_err_and(|e| e.contains("usage")));
        assert!(parse("--check").is_err_and(|e| e.contains("--baseline")));
        assert!(parse("--check --baseline main").is_ok());
    }
}
