//! The program: arguments to `cli`, its exit code back.
fn main() {}
