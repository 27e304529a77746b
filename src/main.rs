//! The `bedrail` binary: parse, run, exit code.

use bedrail::cli::{Exit, arguments};

fn main() -> Exit {
    let arguments = arguments();
    match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime.block_on(bedrail::cli::main(arguments)),
        Err(_) => Exit::Error,
    }
}
