//! What a process takes from itself, for both programs: attributes, files, system calls.
//!
//! This crate only ever takes away. It touches the calling process and nothing else, and holds no secret. What is taken
//! cannot be had back: children inherit it.
//!
//! | module | what is taken |
//! |---|---|
//! | [`attributes`] | core dumps, debuggers, new privileges, swapped-out memory |
//! | [`files`] | every file but those named (Landlock) |
//! | [`calls`] | system calls by a reviewed table (seccomp) |

pub mod attributes;
pub mod calls;
pub mod files;

/// Something could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The kernel does not offer it.
    #[error("this kernel does not offer {0}")]
    Unsupported(&'static str),
    /// The kernel refused.
    #[error("{0}: {1}")]
    Refused(&'static str, String),
}
