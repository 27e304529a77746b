//! The properties, as functions of an input; `fuzz/` shares them.

pub(crate) mod answers;
pub(crate) mod journal;
pub(crate) mod manifests;
pub(crate) mod wire;
