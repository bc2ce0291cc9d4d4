//! Makes another process call the kernel, as code that took it over would.
//!
//! A debugger that calls functions in the process does more than that, and cannot everywhere: gdb 13 does not know the
//! registers of newer processors and fails to put them back.

use std::fmt;

use nix::errno::Errno;

/// Whether it can be done here: each processor has registers of its own.
pub const POSSIBLE: bool = cfg!(target_arch = "x86_64");

/// A system call.
#[derive(Clone)]
pub struct Call {
    number: i64,
    arguments: Vec<Argument>,
}

/// What a call is given.
#[derive(Clone)]
pub enum Argument {
    /// A number, or an address.
    Number(i64),
    /// A text, put where the process can read it.
    Text(String),
}

impl From<i64> for Argument {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Argument {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl Call {
    /// The call of a number, with up to six arguments.
    pub fn new(number: i64, arguments: impl IntoIterator<Item = Argument>) -> Self {
        Self { number, arguments: arguments.into_iter().collect() }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut call = f.debug_tuple(&format!("call {}", self.number));
        for argument in &self.arguments {
            match argument {
                Argument::Number(number) => call.field(number),
                Argument::Text(text) => call.field(text),
            };
        }
        call.finish()
    }
}

/// Has the first thread of a process, which waits in a call, make these calls; what the kernel answered to each.
pub fn make(pid: i32, calls: &[Call]) -> Vec<Result<i64, Errno>> {
    registers::make(pid, calls)
}

#[cfg(not(target_arch = "x86_64"))]
mod registers {
    pub fn make(_: i32, _: &[super::Call]) -> Vec<Result<i64, nix::errno::Errno>> {
        unimplemented!("see POSSIBLE")
    }
}

#[cfg(target_arch = "x86_64")]
mod registers {
    use nix::errno::Errno;
    use nix::libc::{c_long, user_regs_struct};
    use nix::sys::ptrace;
    use nix::sys::signal::Signal;
    use nix::sys::wait::{WaitStatus, waitpid};
    use nix::unistd::Pid;

    use super::{Argument, Call};
    use crate::world::eventually;

    /// Below the stack's end: what a function may keep there without saying so.
    const RED_ZONE: u64 = 128;
    /// Room for one text.
    const ROOM: u64 = 4096;

    pub fn make(pid: i32, calls: &[Call]) -> Vec<Result<i64, Errno>> {
        let pid = Pid::from_raw(pid);
        let (before, call_at) = eventually("that it waits in a call", || stopped_in_a_call(pid));
        let answers = calls.iter().map(|call| one(pid, before, call_at, call)).collect();
        ptrace::setregs(pid, before).expect("it is stopped");
        ptrace::detach(pid, None).expect("it is stopped");
        answers
    }

    /// Stops a process in a call: its registers, and where the instruction is that makes one. One that was at work goes on.
    fn stopped_in_a_call(pid: Pid) -> Option<(user_regs_struct, u64)> {
        ptrace::attach(pid).expect("root may");
        assert!(matches!(waitpid(pid, None), Ok(WaitStatus::Stopped(..))), "it stops");
        let registers = ptrace::getregs(pid).expect("it is stopped");
        // It came out of a call a moment ago: the instruction is the one before.
        let call_at = registers.rip - 2;
        let instruction = ptrace::read(pid, call_at as ptrace::AddressType).expect("its code can be read");
        if instruction & 0xffff == 0x050f {
            return Some((registers, call_at));
        }
        ptrace::detach(pid, None).expect("it is stopped");
        None
    }

    fn one(pid: Pid, before: user_regs_struct, call_at: u64, call: &Call) -> Result<i64, Errno> {
        let mut place = before.rsp - RED_ZONE;
        let mut arguments = call.arguments.iter().map(|argument| match argument {
            Argument::Number(number) => *number as u64,
            Argument::Text(text) => {
                place = (place - ROOM) & !15;
                write(pid, place, text);
                place
            }
        });
        let mut next = || arguments.next().unwrap_or_default();
        let (rdi, rsi, rdx, r10, r8, r9) = (next(), next(), next(), next(), next(), next());
        // No call is under way that would be begun again.
        let orig_rax = u64::MAX;
        let rax = call.number as u64;
        let registers =
            user_regs_struct { rip: call_at, rax, orig_rax, rdi, rsi, rdx, r10, r8, r9, ..before };
        ptrace::setregs(pid, registers).expect("it is stopped");
        loop {
            ptrace::step(pid, None).expect("it is stopped");
            match waitpid(pid, None) {
                Ok(WaitStatus::Stopped(_, Signal::SIGTRAP)) => break,
                Ok(WaitStatus::Stopped(..)) => {}
                other => panic!("{call:?} ended it: {other:?}"),
            }
        }
        let answer = ptrace::getregs(pid).expect("it is stopped").rax as i64;
        if (-4095..0).contains(&answer) { Err(Errno::from_raw(-answer as i32)) } else { Ok(answer) }
    }

    fn write(pid: Pid, place: u64, text: &str) {
        assert!((text.len() as u64) < ROOM, "{text:?} is too long");
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize((bytes.len() / 8 + 1) * 8, 0);
        let (words, _) = bytes.as_chunks::<8>();
        for (n, word) in words.iter().enumerate() {
            let word = c_long::from_ne_bytes(*word);
            ptrace::write(pid, (place + 8 * n as u64) as ptrace::AddressType, word)
                .expect("its stack can be written");
        }
    }
}
