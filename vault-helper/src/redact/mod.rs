//! The redactor: the one door through which bytes leave the helper.
//!
//! Every payload of a reply is a [`Clean`] or a [`CleanText`], and only this module can build one from
//! bytes that came from elsewhere. A secret is enrolled before it is first used, for as long as anything
//! could still echo it; from that moment every live stream masks it, in every form `forms` knows.
//!
//! May touch: memory. Must never touch: files, sockets, clocks (time is passed in), logs, the vault.
//! Secrets held here are wiped when the last [`Enrollment`] of them goes.

mod block;
mod cells;
mod clean;
mod detect;
mod dump;
mod escapes;
mod forms;
mod hold;
mod index;
mod islands;
mod lane;
mod marks;
mod material;
mod normal;
mod registry;
mod screen;
mod shapes;
mod stream;
mod strength;
mod weak;

pub use clean::{Clean, CleanText, trusted_text};
pub use detect::{Exact, SecretFound};
pub(crate) use escapes::{Token, terminal};
pub use registry::{Enrollment, Redactor, SecretKind};
pub use screen::{Cursor, Rendered, Screen};
pub use stream::StreamRedactor;
pub use strength::{Strength, Weak};

/// What stands where a secret stood: fixed, so that it tells neither the length nor the name.
pub const MASK: &str = "[redacted]";

/// Numbers for tests that look random and are the same in every run: each below what it is asked for.
#[cfg(test)]
fn dice() -> impl FnMut(usize) -> usize {
    let mut state = 1_u32;
    move |below| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    }
}
