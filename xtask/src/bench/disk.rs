//! Random reads of a file: ours against fio, with the same file, block size, depth and CPU.
//!
//! The file lies in `target`, so on whatever disk that is on, and stays there for the next run. It has
//! been written out and lies in the page cache when the work begins; with O_DIRECT that does not count.

use super::make::binary;
use super::measure::{Fail, Row, Run, Running, Watch, children_seconds, rows};
use super::plan::Contender;
use crate::sh::target;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

const MIB: usize = 1 << 20;
const SIZE: usize = 256 * MIB;

/// `pread4k` or `pread4k_direct`, for `ms` milliseconds.
pub fn run(
    contender: &Contender,
    workload: &str,
    ms: u64,
    patience: Duration,
) -> Result<Run, Fail> {
    let file = target().join("photonrt/bench/pread.dat");
    prepare(&file).map_err(|e| Fail::Broken(format!("{}: {e}", file.display())))?;
    let watch = Watch::begin();
    let file_name = file.display().to_string();
    let fio = contender.program.name == "fio";
    let line = if fio {
        fio_line(&file_name, workload.ends_with("direct"), ms)
    } else {
        let program = binary(contender.program.name).display().to_string();
        vec![program, workload.into(), ms.to_string(), file_name]
    };
    let before = children_seconds();
    let out = Running::spawn(line, contender.env, Some(1))?.finish(patience)?;
    let cpu = Some(children_seconds() - before);
    let foreign = watch.foreign();
    let rows = if fio { fio_rows(workload, &out).unwrap_or_default() } else { rows(&out) };
    if rows.is_empty() {
        return Err(Fail::Broken(format!("not understood:\n{out}")));
    }
    Ok(Run { rows, cpu, foreign })
}

/// Makes the file unless it is there, and reads it once.
fn prepare(path: &PathBuf) -> std::io::Result<()> {
    if fs::metadata(path).map_or(0, |m| m.len()) != SIZE as u64 {
        write_file(path)?;
    }
    let mut file = File::open(path)?;
    let mut buf = vec![0; MIB];
    while file.read(&mut buf)? > 0 {}
    Ok(())
}

/// Bytes that no file system can leave out or compress; on the disk when this returns.
fn write_file(path: &Path) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    let mut x = 42u64;
    let mut next = || {
        x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (x >> 32) as u32
    };
    for _ in 0..SIZE / MIB {
        let chunk: Vec<u8> = (0..MIB / 4).flat_map(|_| next().to_le_bytes()).collect();
        file.write_all(&chunk)?;
    }
    file.sync_all()
}

/// One job in fio's own process. Without its bookkeeping of latencies and of blocks seen, which ours
/// does not have either.
fn fio_line(file: &str, direct: bool, ms: u64) -> Vec<String> {
    let text = format!(
        "fio --name=pread --rw=randread --bs=4k --ioengine=io_uring --iodepth=64 --numjobs=1 \
         --thread --readonly --invalidate=0 --gtod_reduce=1 --norandommap --time_based \
         --minimal --terse-version=3 --size={SIZE} --runtime={ms}ms --direct={}",
        u8::from(direct)
    );
    let mut line: Vec<String> = text.split_whitespace().map(String::from).collect();
    line.push(format!("--filename={file}"));
    line
}

/// Reads a second and CPU time a read from fio's line of fields.
fn fio_rows(workload: &str, out: &str) -> Option<Vec<Row>> {
    const RATE: usize = 7;
    const USER: usize = 87;
    let line = out.lines().find(|l| l.starts_with("3;"))?;
    let fields: Vec<&str> = line.split(';').collect();
    let number = |at: usize| fields.get(at)?.trim_end_matches('%').parse::<f64>().ok();
    let rate = number(RATE).filter(|r| *r > 0.0)?;
    let cpu = (number(USER)? + number(USER + 1)?) / 100.0;
    let row =
        |name: &str, value, unit: &str| Row { name: name.to_string(), value, unit: unit.into() };
    Some(vec![
        row(workload, rate, "reads/s"),
        row(&format!("{workload}_cpu"), cpu * 1e6 / rate, "us"),
    ])
}

#[test]
fn fio_s_line_is_read() {
    let mut fields = vec!["0"; 130];
    (fields[0], fields[7], fields[87], fields[88]) = ("3", "500000", "20.0%", "60.0%");
    let rows = fio_rows("pread4k", &format!("a note\n{}\n", fields.join(";"))).unwrap();
    assert_eq!((rows[0].value, rows[1].value), (500000.0, 1.6));
    assert_eq!((rows[0].name.as_str(), rows[1].name.as_str()), ("pread4k", "pread4k_cpu"));
    assert_eq!(fio_rows("pread4k", "nothing"), None);
}
