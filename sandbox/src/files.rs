//! Files, by Landlock: what is not named cannot be opened, made, removed or executed.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetError, RulesetStatus, Scope, path_beneath_rules,
};

use super::SandboxError;

/// The interface the rules are written for (Linux 6.12). Older kernels enforce what they know.
const WRITTEN_FOR: ABI = ABI::V6;

/// What stays open. Paths that are not there are passed over.
#[derive(Debug, Default, Clone)]
pub struct Files {
    /// May be read, with everything below.
    pub read: Vec<PathBuf>,
    /// May be read and executed, with everything below.
    pub execute: Vec<PathBuf>,
    /// May be read, written, made and removed, with everything below.
    pub write: Vec<PathBuf>,
    /// May be read, written, made, removed and executed, with everything below.
    pub all: Vec<PathBuf>,
    /// Whether TCP connections to others may be made.
    pub connect: bool,
    /// Whether processes outside may be sent signals and abstract sockets of others be connected to.
    pub others: bool,
}

/// Takes every other file away, from this thread and all it starts from now on.
///
/// # Errors
/// When the kernel has no Landlock, or refuses.
pub fn restrict(files: &Files) -> Result<(), SandboxError> {
    let status = rules(files).map_err(|error| SandboxError::Refused("Landlock", error.to_string()))?;
    match status {
        RulesetStatus::NotEnforced => Err(SandboxError::Unsupported("Landlock")),
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Ok(()),
    }
}

fn rules(files: &Files) -> Result<RulesetStatus, RulesetError> {
    let all = AccessFs::from_all(WRITTEN_FOR);
    let execute = AccessFs::from_read(WRITTEN_FOR);
    let read = execute & !AccessFs::Execute;
    let write = all & !AccessFs::Execute;
    let mut rules = Ruleset::default().set_compatibility(CompatLevel::BestEffort).handle_access(all)?;
    if !files.connect {
        rules = rules.handle_access(AccessNet::ConnectTcp)?;
    }
    if !files.others {
        rules = rules.scope(Scope::from_all(WRITTEN_FOR))?;
    }
    let status = rules
        .create()?
        .add_rules(path_beneath_rules(&files.read, read))?
        .add_rules(path_beneath_rules(&files.execute, execute))?
        .add_rules(path_beneath_rules(&files.write, write))?
        .add_rules(path_beneath_rules(&files.all, all))?
        .restrict_self()?;
    Ok(status.ruleset)
}

/// The path itself, or the nearest folder above it that is there.
pub fn nearest(path: &Path) -> PathBuf {
    path.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/")).to_owned()
}
