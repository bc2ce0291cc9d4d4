//! placeholder

pub mod redact;
pub mod vault;
