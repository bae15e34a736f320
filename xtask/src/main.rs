//! `cargo xtask`: everything that the workspace does beyond compiling. `cargo xtask help` lists it.
//!
//! ```text
//! main        the command line
//! package      build, install: the libraries as others get them
//! cross        the archive for other machines and C libraries
//! linking      what those export, need, and can be linked with
//! test, step   the steps of a test run, their logs, the closing line
//! aarch64      the runtime's tests under emulation
//! conformance  the suite's driver
//! components   real programs as clients and peers
//! zig          the Zig package: tests, other targets, the file that is fetched
//! pypi         toolchains, unpacked below target
//! examples     the C programs: built, tried
//! demo         their figures on one screen
//! bench        photonrt beside other runtimes
//! gate         instructions of the hot operations, counted
//! robust       poor systems, failing calls, bad peers, bad timing
//! soak         tests over and over
//! sh           running programs
//! ```

mod aarch64;
mod bench;
mod components;
mod conformance;
mod cross;
mod demo;
mod examples;
mod gate;
mod linking;
mod package;
mod pypi;
mod robust;
mod sh;
mod soak;
mod step;
mod test;
mod zig;

use lexopt::{Arg, Parser, ValueExt};
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask COMMAND

  build                    the libraries, headers and pkg-config file, into target/photonrt
  install [--prefix DIR]   the same, copied to DIR (/usr/local)
  zig-package              the Zig package with archives, for `zig fetch`, into target/zig
  bench [OPTION...]        measured beside other runtimes; `bench --help` lists the options
  gate [--update]          counts instructions against benches/gate.toml, or records them
  demo                     builds, serves HTTP, prints this machine's figures on one screen
  test [STEP...]           everything checked, or the steps named; closes with a line of counts
       [--without STEP]...   but these
       [--target aarch64]    the runtime's tests for that machine, under emulation
  conformance [ARG...]     the conformance suite; arguments go to conformance/run
  soak [--minutes N]       tests over and over for N (60) minutes
";

fn main() -> ExitCode {
    match command() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) => {
            eprintln!("cargo xtask: {e}");
            ExitCode::FAILURE
        }
    }
}

/// True if all went well; an error is one of usage or of a program that could not be run.
fn command() -> Result<bool, String> {
    let mut args = Parser::from_env();
    let name = match args.next().map_err(text)? {
        Some(Arg::Value(v)) => v.string().map_err(text)?,
        Some(Arg::Long("help") | Arg::Short('h')) | None => "help".into(),
        Some(other) => return Err(other.unexpected().to_string()),
    };
    match name.as_str() {
        "help" => {
            print!("{HELP}");
            Ok(true)
        }
        "build" => {
            end(args)?;
            package::build()?;
            println!("{}", package::dir().display());
            Ok(true)
        }
        "zig-package" => {
            end(args)?;
            let made = zig::make()?;
            made.skipped.iter().for_each(|(what, why)| println!("without {what}: {why}"));
            println!("{}", made.file.display());
            Ok(true)
        }
        "install" => install(args).map(|()| true),
        "bench" => bench::run(&rest(args)?).map(|()| true),
        "gate" => {
            let flag = args.next().map_err(text)?;
            match flag {
                None => gate::run(false),
                Some(Arg::Long("update")) => end(args).and_then(|()| gate::run(true)),
                Some(other) => Err(other.unexpected().to_string()),
            }
        }
        "demo" => end(args).and_then(|()| demo::run()).map(|()| true),
        "test" => test::run(&test_options(args)?),
        "conformance" => conformance::run(&rest(args)?),
        "soak" => soak(args),
        other => Err(format!("no command {other}\n\n{HELP}")),
    }
}

fn text(e: lexopt::Error) -> String {
    e.to_string()
}

/// Refuses whatever has not been read.
fn end(mut args: Parser) -> Result<(), String> {
    match args.next().map_err(text)? {
        Some(arg) => Err(arg.unexpected().to_string()),
        None => Ok(()),
    }
}

/// All arguments that are left, as they stand.
fn rest(mut args: Parser) -> Result<Vec<String>, String> {
    let raw = args.raw_args().map_err(text)?;
    raw.map(|a| a.into_string().map_err(|a| format!("not UTF-8: {a:?}"))).collect()
}

fn install(mut args: Parser) -> Result<(), String> {
    let mut prefix = std::path::PathBuf::from("/usr/local");
    while let Some(arg) = args.next().map_err(text)? {
        match arg {
            Arg::Long("prefix") => prefix = args.value().map_err(text)?.into(),
            other => return Err(other.unexpected().to_string()),
        }
    }
    let prefix = std::path::absolute(&prefix).map_err(|e| format!("{}: {e}", prefix.display()))?;
    package::install(&prefix)?;
    println!("installed below {}", prefix.display());
    Ok(())
}

fn test_options(mut args: Parser) -> Result<test::Options, String> {
    let mut options = test::Options::default();
    while let Some(arg) = args.next().map_err(text)? {
        match arg {
            Arg::Value(step) => options.only.push(step.string().map_err(text)?),
            Arg::Long("without") => {
                options.without.push(args.value().and_then(|v| v.string()).map_err(text)?);
            }
            Arg::Long("target") => {
                match args.value().and_then(|v| v.string()).map_err(text)?.as_str() {
                    "aarch64" => options.only = vec!["aarch64".into()],
                    other => return Err(format!("--target {other}: only aarch64 is emulated")),
                }
            }
            other => return Err(other.unexpected().to_string()),
        }
    }
    Ok(options)
}

fn soak(mut args: Parser) -> Result<bool, String> {
    let mut minutes = 60;
    while let Some(arg) = args.next().map_err(text)? {
        match arg {
            Arg::Long("minutes") => minutes = args.value().and_then(|v| v.parse()).map_err(text)?,
            other => return Err(other.unexpected().to_string()),
        }
    }
    soak::run(minutes)
}
