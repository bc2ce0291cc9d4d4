//! The client of the vault helper: finding its sockets, starting it when it is
//! not there, shaking hands, and many operations at once over one connection.
//!
//! This part touches Unix sockets and the helper's executable and nothing else.
//! It must never learn what an operation means: requests, events and outcomes
//! pass through it as they are. Nothing is ever sent twice: an operation whose
//! connection broke is reported, never repeated, because it may have run.
//!
//! | module | what it holds |
//! |---|---|
//! | [`place`] | where the sockets are, and who may sit behind them |
//! | [`start`] | starting the helper |
//! | [`porter`] | a process that does both for a broker that is locked in |
//! | [`dial`] | connecting and the handshake |
//! | [`operation`] | one operation as its caller sees it |
//! | [`driver`] | the task that owns a connection |
//! | [`keeper`] | a connection made when first needed and again after it broke |

pub mod dial;
mod driver;
#[cfg(test)]
pub mod fake;
pub mod keeper;
pub mod operation;
pub mod place;
pub mod porter;
mod side;
pub mod start;
#[cfg(test)]
mod tests;

pub use keeper::Link;
pub use operation::{Input, Item, Operation};
pub use place::{Place, Trust};
pub use porter::Porter;
pub use side::{Admin, Broker, Side};

use sallyport_protocol::{ErrorCode, Failure};

/// The helper cannot be reached, or is gone.
pub fn unavailable(message: impl Into<String>, hint: impl Into<String>) -> Failure {
    Failure::new(ErrorCode::HelperUnavailable, message.into(), hint.into())
}
