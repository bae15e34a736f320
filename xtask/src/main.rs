//! `cargo xtask`: everything that the workspace does beyond compiling.
mod step;

fn main() {
    println!("{:?}", step::Outcome::check(true));
}
