//! placeholder

pub mod hostkeys;
pub mod redact;
pub mod vault;
