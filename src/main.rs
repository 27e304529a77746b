//! The `bedrail` binary.

fn main() {}
