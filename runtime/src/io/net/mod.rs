//! Networking: names, addresses, and what every network program would otherwise write.
//!
//! ```text
//!   addr      addresses, from text and to text
//!   names     getaddrinfo and getnameinfo, on threads that may be left alone with them (`blocking`)
//!   listen    sockets that wait for peers        dial      sockets that are connected
//! ```

pub mod addr;
pub mod dial;
mod fd;
pub mod listen;
pub mod names;
