//! What earlier commands of a session changed about the meaning of later ones.

use std::collections::BTreeMap;

/// What a shell session remembers between commands: functions, aliases, variables known literally, and what became
/// unknown. A fresh shell is [`ShellState::default`].
///
/// Bounded: when a session defines more than [`ShellState::MAX_NAMES`] names or [`ShellState::MAX_BYTES`] bytes of
/// them, the state becomes unknown as a whole and every later command word is treated as redefined.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ShellState {
    pub(crate) functions: BTreeMap<String, String>,
    pub(crate) aliases: BTreeMap<String, String>,
    pub(crate) variables: BTreeMap<String, Option<String>>,
    pub(crate) lost: bool,
}

impl ShellState {
    /// Most names (functions, aliases and variables together) a state holds.
    pub const MAX_NAMES: usize = 1024;
    /// Most bytes of names and definitions a state holds.
    pub const MAX_BYTES: usize = 128 * 1024;
}
