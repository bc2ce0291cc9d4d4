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
//! | [`lists`] | access control lists, by the host's own tools on a channel beside |
//! | [`parent`] | why there is no directory to put a file into |
//! | [`bulk`] | reading and writing much, many requests in flight |
//!
//! A client of our own, because names and handles have to stay bytes (a name need not be UTF-8), requests have
//! to be pipelined both ways, and every byte here comes from a host that is assumed hostile: bounded by packet,
//! parsed by hand in one file, fuzzed by its tests.
//!
//! May touch: one SSH channel (and one beside it for access control lists). Must never touch: local files, the vault, the policy (whoever calls has asked it).

pub mod bulk;
pub mod calls;
pub mod channel;
pub mod error;
pub mod landing;
pub mod lists;
pub mod packet;
pub mod parent;
pub mod place;

pub use channel::{Pending, Sftp};
pub use error::SftpError;
pub use packet::{Attrs, Code, Kind, Name, Reply, flag};
