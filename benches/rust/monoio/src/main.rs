//! monoio on io_uring: a runtime for each OS thread, tasks never move. http PORT NTHREADS
use monoio::io::{AsyncReadRent, AsyncWriteRentExt};
use peer_common::*;

/// The buffer goes to the runtime with each receive and comes back with its result.
async fn serve(mut c: monoio::net::TcpStream) -> std::io::Result<()> {
    let (mut buf, mut st) = (vec![0u8; 4096], 0u8);
    loop {
        let (r, b) = c.read(buf).await;
        let n = r?;
        if n == 0 {
            return Ok(());
        }
        for _ in 0..feed(&mut st, &b[..n]) {
            c.write_all(RESP).await.0?;
        }
        buf = b;
    }
}

async fn http(port: usize) {
    let l = monoio::net::TcpListener::from_std(listener(port)).expect("a listener");
    loop {
        if let Ok((c, _)) = l.accept().await {
            monoio::spawn(serve(c));
        }
    }
}

fn run(port: usize) {
    let mut runtime = monoio::RuntimeBuilder::<monoio::IoUringDriver>::new()
        .with_entries(1024)
        .build()
        .unwrap_or_else(|e| skip("http", &format!("no io_uring: {e}")));
    runtime.block_on(http(port));
}

fn main() {
    let a = Args::get();
    if a.name() != "http" {
        skip(&a.name(), "http only");
    }
    let port = a.n(2, 8080);
    if a.n(3, 1) > 1 {
        on_two(|_| run(port));
    } else {
        run(port);
    }
}
