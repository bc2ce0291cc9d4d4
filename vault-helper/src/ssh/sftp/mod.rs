//! Files on a host, over SFTP version 3.
//!
//! | module | what it holds |
//! |---|---|
//! | [`packet`] | packets as bytes, without IO |
//! | [`channel`] | [`Sftp`]: an open SFTP channel; many requests may be under way |
//! | [`error`] | what can go wrong, and its public code |
//! | [`calls`] | one method a request of the protocol |
//! | [`place`] | paths as the server knows them |
//! | [`landing`] | writing a file under a temporary name and putting it into place |
//! | [`bulk`] | reading and writing much, many requests in flight |
//!
//! A client of our own, because names and handles have to stay bytes (a name need not be UTF-8), requests have
//! to be pipelined both ways, and every byte here comes from a host that is assumed hostile: bounded by packet,
//! parsed by hand in one file, fuzzed by its tests.
//!
//! May touch: one SSH channel. Must never touch: local files, the vault, the policy (whoever calls has asked it).

pub mod bulk;
pub mod calls;
pub mod channel;
pub mod error;
pub mod landing;
pub mod packet;
pub mod place;

pub use channel::{Pending, Sftp};
pub use error::SftpError;
pub use packet::{Attrs, Code, Kind, Name, Reply, flag};
