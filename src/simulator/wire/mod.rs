//! Translates between HTTP and calls: three protocols on one port.
//!
//! ```text
//!   http::Request ──> request ──> Decoded ──> (dispatch) ──> Answer ──> response ──> http::Response
//!                       └── routes                                       ├── xml
//!                                                                        └── stream
//! ```
//!
//! Service and Region come from the `SigV4` scope, since one port has no host names to tell
//! services apart. Signatures are not verified: the access key alone says who calls.

mod request;
mod response;
mod routes;
mod xml;

pub(super) use request::{Decoded, decode};
pub(super) use response::encode;
pub(super) use routes::operations;
