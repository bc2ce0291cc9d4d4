//! System calls, by seccomp: what a table does not name does not exist (`ENOSYS`) for the process and what it starts.
//!
//! The tables ([`broker`], [`helper`], [`carrier`]) are data to be reviewed, a reason a line. Not there rather than forbidden is the
//! answer because a C library newer than a table then takes the older call, as on an older kernel; so do clone3 and
//! its flags in memory, which no filter can see. A call of another architecture's numbers ends the process.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter_all_threads,
};

use super::SandboxError;

mod broker;
mod carrier;
mod helper;

/// Calls, what has to hold of their arguments (all of it), and why they are needed. A call in several rows may be made
/// when one of them holds.
type Row = (&'static [c_long], &'static [Holds], &'static str);

/// Of an argument's lower 32 bits, which is all the kernel looks at of those that are judged here.
#[derive(Debug, Clone, Copy)]
enum Holds {
    /// The argument of this number is this value.
    Is(u8, u64),
    /// The argument of this number is anything but this value.
    Not(u8, u64),
    /// The argument of this number has none of these bits.
    Without(u8, u64),
    /// The argument of this number has all of these bits.
    With(u8, u64),
    /// The argument of this number, masked, is this value: (argument, mask, value).
    Masked(u8, u64, u64),
}

/// Leaves every thread of a serving broker the calls of its table.
///
/// # Errors
/// When the kernel refuses.
pub fn keep_those_of_a_broker() -> Result<(), SandboxError> {
    apply(broker::CALLS.iter().chain(broker::CALLS_HERE))
}

/// Leaves every thread of the helper, and what it starts, the calls of its table.
///
/// # Errors
/// When the kernel refuses.
pub fn keep_those_of_the_helper() -> Result<(), SandboxError> {
    apply(helper::CALLS.iter().chain(helper::CALLS_HERE))
}

/// Leaves every thread of a carrier the calls of its table.
///
/// # Errors
/// When the kernel refuses.
pub fn keep_those_of_a_carrier() -> Result<(), SandboxError> {
    apply(carrier::CALLS.iter().chain(carrier::CALLS_HERE))
}

fn apply<'a>(rows: impl Iterator<Item = &'a Row>) -> Result<(), SandboxError> {
    let program = filter(rows).map_err(|error| SandboxError::Refused("seccomp", error.to_string()))?;
    apply_filter_all_threads(&program).map_err(|error| SandboxError::Refused("seccomp", error.to_string()))
}

fn filter<'a>(rows: impl Iterator<Item = &'a Row>) -> Result<BpfProgram, BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for (calls, holds, _) in rows {
        for call in *calls {
            let conditions = holds.iter().map(condition).collect::<Result<Vec<_>, _>>()?;
            let rules = rules.entry(*call).or_default();
            // No rule at all means always.
            if !conditions.is_empty() {
                rules.push(SeccompRule::new(conditions)?);
            }
        }
    }
    let absent = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    SeccompFilter::new(rules, absent, SeccompAction::Allow, architecture)?.try_into()
}

fn condition(holds: &Holds) -> Result<SeccompCondition, BackendError> {
    let (argument, operator, value) = match *holds {
        Holds::Is(argument, value) => (argument, SeccompCmpOp::Eq, value),
        Holds::Not(argument, value) => (argument, SeccompCmpOp::Ne, value),
        Holds::Without(argument, bits) => (argument, SeccompCmpOp::MaskedEq(bits), 0),
        Holds::With(argument, bits) => (argument, SeccompCmpOp::MaskedEq(bits), bits),
        Holds::Masked(argument, mask, value) => (argument, SeccompCmpOp::MaskedEq(mask), value),
    };
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)
}

#[cfg(test)]
mod tests;
