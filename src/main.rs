//! The program: arguments to `cli`, its exit code back.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(evictd::cli::main(std::env::args_os()))
}
