//! The `bedrail` binary: parse, run, exit code.

use bedrail::cli::{Arguments, Exit};
use clap::Parser;

fn main() -> Exit {
    let arguments = Arguments::parse();
    match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime.block_on(bedrail::cli::main(arguments)),
        Err(_) => Exit::Error,
    }
}
