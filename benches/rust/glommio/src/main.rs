//! glommio: an io_uring executor for each OS thread, tasks never move. http PORT NTHREADS
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use glommio::{LocalExecutorBuilder, Placement, spawn_local};
use peer_common::*;

async fn serve(mut c: glommio::net::TcpStream) -> std::io::Result<()> {
    let (mut buf, mut st) = ([0u8; 4096], 0u8);
    loop {
        let n = c.read(&mut buf).await?;
        if n == 0 {
            return Ok(());
        }
        for _ in 0..feed(&mut st, &buf[..n]) {
            c.write_all(RESP).await?;
        }
    }
}

/// It binds by itself, with SO_REUSEPORT.
async fn http(port: usize) {
    let l = glommio::net::TcpListener::bind(("127.0.0.1", port as u16)).expect("a listener");
    loop {
        if let Ok(c) = l.accept().await {
            c.set_nodelay(true).ok();
            spawn_local(serve(c)).detach();
        }
    }
}

fn run(port: usize) {
    LocalExecutorBuilder::new(Placement::Unbound)
        .make()
        .unwrap_or_else(|e| skip("http", &format!("no executor: {e}")))
        .run(http(port));
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
