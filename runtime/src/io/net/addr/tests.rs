//! Addresses: text that is one and text that is none, and there and back for many.
#![allow(unsafe_code)]

use super::*;
use crate::rng::Rng;

fn text(addr: &Addr) -> String {
    let mut out = [0xff; 300];
    let len = addr.format(&mut out).unwrap();
    assert_eq!(out[len], 0);
    String::from_utf8(out[..len].to_vec()).unwrap()
}

#[test]
fn text_that_is_an_address() {
    for (from, to) in [
        ("1.2.3.4:80", "1.2.3.4:80"),
        ("1.2.3.4", "1.2.3.4:0"),
        ("[::1]:65535", "[::1]:65535"),
        ("[::1]", "[::1]:0"),
        ("::1", "[::1]:0"),
        ("::", "[::]:0"),
        ("[2001:DB8:0:0::0:1]:7", "[2001:db8::1]:7"),
        ("[::ffff:1.2.3.4]:5", "[::ffff:1.2.3.4]:5"),
        ("[fe80::1%4000000000]:80", "[fe80::1%4000000000]:80"),
        ("fe80::1%4000000000", "[fe80::1%4000000000]:0"),
        ("unix:/run/x y", "unix:/run/x y"),
        ("unix:relative", "unix:relative"),
    ] {
        assert_eq!(text(&Addr::parse(from.as_bytes()).unwrap()), to);
    }
}

#[test]
fn text_that_is_none() {
    let none = [
        "",
        ":",
        ":80",
        "1.2.3.4:",
        "1.2.3.4:65536",
        "1.2.3.4:+1",
        "1.2.3.4:-1",
        "1.2.3.4: 1",
        "1.2.3:80",
        "1.2.3.4:80 ",
        " 1.2.3.4:80",
        "01.2.3.4:80",
        "[::1",
        "[::1]80",
        "[::1]:",
        "[::1]:x",
        "[]:80",
        "[1.2.3.4]:80",
        "::1:80:",
        "[::1%]:80",
        "localhost:80",
        "localhost",
        "unix:",
        "unix",
        "[::1]:80x",
    ];
    for bad in none {
        assert_eq!(Addr::parse(bad.as_bytes()).err(), Some(Errno::EINVAL), "{bad:?}");
    }
    assert_eq!(Addr::parse(b"\xff").err(), Some(Errno::EINVAL));
    for gone in ["[fe80::1%no-such-if]:1", "fe80::1%a-name-of-more-than-sixteen-bytes"] {
        assert_eq!(Addr::parse(gone.as_bytes()).err(), Some(Errno::ENODEV));
    }
}

#[test]
fn there_and_back() {
    let rng = Rng::new(1);
    for round in 0..20_000 {
        let port = rng.next() as u16;
        let bytes = u128::from(rng.next()) << 64 | u128::from(rng.next());
        // Runs of zeros and mapped addresses have forms of their own.
        let bytes = match round % 4 {
            0 => bytes,
            1 => bytes & u128::from(rng.next()) << 32,
            2 => bytes & 0xffff_0000_0000_ffff_0000_ffff_0000_0000,
            _ => 0xffff_0000_0000 | bytes & 0xffff_ffff,
        };
        // No machine has interfaces with such numbers.
        let scope = if round % 3 == 0 { rng.next() as u32 | 1 << 31 } else { 0 };
        let v6 = Addr::ip(Ipv6Addr::from(bytes).into(), scope, port);
        let v4 = Addr::ip(Ipv4Addr::from(bytes as u32).into(), 0, port);
        for addr in [v6, v4] {
            let text = text(&addr);
            assert_eq!(Addr::parse(text.as_bytes()), Ok(addr), "{text}");
        }
    }
}

#[test]
fn interfaces_by_name() {
    let mut name = [0; libc::IF_NAMESIZE];
    let Some(name) = (1..50).find_map(|n| sys::interface_name(n, &mut name).map(String::from))
    else {
        return eprintln!("no network interface here, not even the loopback");
    };
    let written = format!("[fe80::1%{name}]:80");
    let addr = Addr::parse(written.as_bytes()).unwrap();
    assert_ne!(addr.parts().unwrap().1, 0);
    assert_eq!(text(&addr), written);
}

#[cfg(target_os = "linux")]
#[test]
fn local_names() {
    for (from, to) in [("unix:@", "unix:@"), ("unix:@a b", "unix:@a b"), ("unix:./@x", "unix:./@x")]
    {
        let addr = Addr::parse(from.as_bytes()).unwrap();
        assert_eq!(text(&addr), to);
        assert_eq!(addr.path().is_some(), from.ends_with("@x"));
    }
    // A path that looks like a name of the other kind, and what no C text can hold.
    let mut at = Addr::unix(b"?x").unwrap();
    let place = (&raw mut at.storage).cast::<u8>();
    // SAFETY: inside the storage.
    unsafe { place.add(PATH_AT).write(b'@') };
    assert_eq!(text(&at), "unix:./@x");
    assert_eq!(text(&Addr::unix(b"@a\0b").unwrap()), "unix:@a@b");
    assert_eq!(Addr::unix(b"/a\0b").err(), Some(Errno::EINVAL));
    let longest = [b'x'; PATH_MAX - 1];
    assert_eq!(text(&Addr::unix(&longest).unwrap()).len(), 5 + longest.len());
    assert_eq!(Addr::unix(&[b'x'; PATH_MAX]).err(), Some(Errno::ENAMETOOLONG));
    // As the system gives them: unnamed, and a path that fills all there is.
    let (raw, _) = at.raw();
    // SAFETY: as many bytes.
    unsafe {
        assert_eq!(text(&Addr::from_raw(raw, PATH_AT as socklen_t).unwrap()), "unix:");
        let full = Addr::unix(&longest).unwrap();
        let full = Addr::from_raw(full.raw().0, (PATH_AT + longest.len()) as socklen_t).unwrap();
        assert_eq!(text(&full).len(), 5 + longest.len());
    }
}

#[test]
fn no_room() {
    let addr = Addr::parse(b"[2001:db8::1]:8080").unwrap();
    let whole = text(&addr);
    for room in 0..40 {
        let mut out = [b'!'; 41];
        assert_eq!(addr.format(&mut out[..room]), Ok(whole.len()));
        let fits = whole.len().min(room.saturating_sub(1));
        assert_eq!(&out[..fits], &whole.as_bytes()[..fits]);
        assert!(room == 0 || out[fits] == 0);
        assert!(out[room..].iter().all(|&b| b == b'!'), "written beyond {room}");
    }
}

#[test]
fn what_is_no_address() {
    let addr = Addr::parse(b"1.2.3.4:5").unwrap();
    let (raw, len) = addr.raw();
    // SAFETY: as many bytes, or refused before they are looked at.
    unsafe {
        assert_eq!(Addr::from_raw(std::ptr::null(), len).err(), Some(Errno::EFAULT));
        assert_eq!(Addr::from_raw(raw, 1).err(), Some(Errno::EINVAL));
        assert_eq!(Addr::from_raw(raw, 10_000).err(), Some(Errno::EINVAL));
        let short = Addr::from_raw(raw, len - 1).unwrap();
        assert_eq!(short.format(&mut []), Err(Errno::EINVAL));
    }
    let mut other = addr;
    other.storage.ss_family = libc::AF_APPLETALK as libc::sa_family_t;
    assert_eq!(other.format(&mut []), Err(Errno::EAFNOSUPPORT));
}

#[test]
fn hosts() {
    for bad in [
        "",
        " ",
        ".",
        "1.2.3",
        "999.1.1.1",
        "1.2.3.4.5",
        "127.0.0.1 ",
        "127.0.0.1:80",
        "[::1]",
        ":::",
        "12345::1",
        "host:80",
        "a b",
        "a\tb",
        "foo.0x7f",
        "0x",
        "17",
        "a/b",
    ] {
        let host = Host::new(bad.as_bytes());
        assert_eq!(host.err(), Some(Errno::EINVAL), "{bad:?}");
    }
    assert!(Host::new(&[b'a'; 256]).is_err());
    assert!(Host::new(b"\xff").is_err());
    for name in ["localhost", "example.org.", "a_b.c", "1.2.3.x", "b\u{fc}cher.example", "face"] {
        assert!(matches!(Host::new(name.as_bytes()), Ok(Host::Name(n)) if n.to_str() == Ok(name)));
    }
    for address in ["127.0.0.1", "::1", "fe80::1%7"] {
        assert!(matches!(Host::new(address.as_bytes()), Ok(Host::Ip(..))), "{address}");
    }
}
