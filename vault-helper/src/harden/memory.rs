//! Where secrets rest: an arena that nothing but this process's own instructions can read.
//!
//! What is allocated within [`secretly`] lies there, and is wiped when freed as all memory is. So lie decrypted records,
//! parsed keys, passwords that are about to be written, and what the redactor looks for. What a library holds while it
//! works with a secret, and what a function has on its stack, does not; [`scrub_stack`] overwrites the latter.
//!
//! | kind | who reads it | needs |
//! |---|---|---|
//! | secret | nobody else | memfd_secret(2): Linux 5.14, switched on (it is from 6.5 on) |
//! | locked | root | a limit of locked memory |
//! | ordinary | root, and who has the swap | nothing |

use std::cell::Cell;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::sync::atomic::Ordering;

use sallyport_sandbox::{SandboxError, attributes};
use zeroize::Zeroize;

pub use super::sys::allocator::Allocator;
use super::sys::{allocator, map};

/// The arena's size where any amount may be locked, in bytes. Pages are taken when they are first used.
const LARGEST: usize = 64 << 20;
/// A smaller one is not worth it: one login needs more.
const SMALLEST: usize = 512 << 10;
/// What is left of the limit, in bytes, for the locks of the SSH library on its session keys.
const SPARED: usize = 64 << 10;
/// The arena's size is a multiple of this: pages are no larger anywhere.
const STEP: usize = 64 << 10;
/// How much of the stack below a call is overwritten, in bytes; a call that handles a secret goes no deeper.
const STACK: usize = 48 << 10;

thread_local! {
    static SECRET: Cell<bool> = const { Cell::new(false) };
}

/// Does some work; what it allocates and leaves behind lies in the arena. It is a closure, so that no task gives its
/// thread to another one meanwhile.
pub fn secretly<T>(work: impl FnOnce() -> T) -> T {
    struct Before(bool);
    impl Drop for Before {
        fn drop(&mut self) {
            SECRET.set(self.0);
        }
    }
    let _before = Before(SECRET.replace(true));
    work()
}

/// Whether this thread is within [`secretly`].
pub(super) fn is_secret() -> bool {
    SECRET.get()
}

/// As [`secretly`], for work that has secrets on its stack: overwrites what it leaves there.
pub fn secretly_and_scrubbed<T>(work: impl FnOnce() -> T) -> T {
    // Not inlined: what it had on the stack has to lie below us.
    #[inline(never)]
    fn below<T>(work: impl FnOnce() -> T) -> T {
        secretly(work)
    }
    let done = below(work);
    scrub_stack();
    done
}

#[inline(never)]
fn scrub_stack() {
    let mut stack = [0_u8; STACK];
    black_box(&mut stack).zeroize();
    black_box(&stack);
}

/// Makes the arena, for the program's very start. What it came to is also in [`usage`].
///
/// # Errors
/// When it is not of secret memory: what it is instead, and why.
pub fn open() -> Result<(), SandboxError> {
    let what = "secret memory";
    let limit = attributes::lockable_memory()?;
    let size = usize::try_from(limit).unwrap_or(LARGEST).saturating_sub(SPARED).min(LARGEST) / STEP * STEP;
    let Some(size) = NonZeroUsize::new(size).filter(|size| size.get() >= SMALLEST) else {
        return Err(SandboxError::Refused(
            what,
            format!("the limit of locked memory is {limit} bytes (ulimit -Hl, LimitMEMLOCK=)"),
        ));
    };
    match map::secret(size) {
        Ok(start) => {
            allocator::give(start, size.get());
            Ok(())
        }
        Err(errno) => {
            let instead = map::locked(size).map(|start| allocator::give(start, size.get()));
            let said = if instead.is_ok() { "locked memory, which root can read" } else { "ordinary memory" };
            Err(SandboxError::Refused(what, format!("memfd_secret: {}; secrets are in {said}", errno.desc())))
        }
    }
}

/// How the arena is used, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Its size; zero where there is none.
    pub size: usize,
    /// What is allocated now.
    pub used: usize,
    /// The most there ever was.
    pub most: usize,
    /// How often something did not fit since the start, and was put into ordinary memory.
    pub spilled: usize,
}

/// How the arena is used now.
pub fn usage() -> Usage {
    Usage {
        size: allocator::size(),
        used: allocator::USED.load(Ordering::Relaxed),
        most: allocator::MOST.load(Ordering::Relaxed),
        spilled: allocator::SPILLED.load(Ordering::Relaxed),
    }
}
