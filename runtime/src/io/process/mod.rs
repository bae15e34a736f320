//! Processes and signals: waiting for children, and for what the system tells.

pub mod child;
pub mod signal;
