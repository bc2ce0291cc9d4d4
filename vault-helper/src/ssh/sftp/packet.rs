//! SFTP version 3 packets, without IO (draft-ietf-secsh-filexfer-02, and OpenSSH's PROTOCOL for the extensions).
//!
//! Names and handles are bytes, as they are on the wire: a name need not be UTF-8, and OpenSSH's handles are
//! numbers. Everything is bounded by the packet it stands in, which is bounded by [`LONGEST`].

use bytes::{Buf, BufMut, Bytes, BytesMut};
use sallyport_protocol::rope::Rope;

/// The longest packet taken from a server: OpenSSH sends no longer ones (SFTP_MAX_MSG_LENGTH).
pub const LONGEST: usize = 256 * 1024;

/// Request types.
pub mod kind {
    #![allow(missing_docs, reason = "the names are the protocol's")]
    pub const INIT: u8 = 1;
    pub const OPEN: u8 = 3;
    pub const CLOSE: u8 = 4;
    pub const READ: u8 = 5;
    pub const WRITE: u8 = 6;
    pub const LSTAT: u8 = 7;
    pub const FSTAT: u8 = 8;
    pub const SETSTAT: u8 = 9;
    pub const FSETSTAT: u8 = 10;
    pub const OPENDIR: u8 = 11;
    pub const READDIR: u8 = 12;
    pub const REMOVE: u8 = 13;
    pub const MKDIR: u8 = 14;
    pub const RMDIR: u8 = 15;
    pub const REALPATH: u8 = 16;
    pub const STAT: u8 = 17;
    pub const RENAME: u8 = 18;
    pub const READLINK: u8 = 19;
    pub const EXTENDED: u8 = 200;
}

/// How a file is opened (`SSH_FXF_*`).
pub mod flag {
    /// For reading.
    pub const READ: u32 = 0x01;
    /// For writing.
    pub const WRITE: u32 = 0x02;
    /// Writes go to the end.
    pub const APPEND: u32 = 0x04;
    /// Made when it is not there.
    pub const CREATE: u32 = 0x08;
    /// Emptied.
    pub const TRUNCATE: u32 = 0x10;
    /// Only when it is not there.
    pub const EXCLUSIVE: u32 = 0x20;
}

/// What a server says is wrong with a request (`SSH_FX_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// Nothing.
    Ok,
    /// The end of a file or listing.
    Eof,
    /// No such file.
    NoSuchFile,
    /// Not allowed.
    PermissionDenied,
    /// Anything else: the file is there already, the disk is full, the directory is not empty.
    Failure,
    /// The server does not do that.
    Unsupported,
    /// A code of later versions, or one that makes no sense.
    Other(u32),
}

impl From<u32> for Code {
    fn from(code: u32) -> Self {
        match code {
            0 => Self::Ok,
            1 => Self::Eof,
            2 => Self::NoSuchFile,
            3 => Self::PermissionDenied,
            4 => Self::Failure,
            8 => Self::Unsupported,
            other => Self::Other(other),
        }
    }
}

/// What kind of thing a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A device, socket or FIFO; or the server does not tell.
    Special,
}

/// A file's attributes; what the server did not tell is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attrs {
    /// Size in bytes.
    pub size: Option<u64>,
    /// Owner and group, by number.
    pub owner: Option<(u32, u32)>,
    /// Type and permission bits, as `st_mode`.
    pub mode: Option<u32>,
    /// Times of last access and last change, in seconds since 1970.
    pub times: Option<(u32, u32)>,
}

impl Attrs {
    /// What kind of thing it is.
    pub fn kind(&self) -> Kind {
        match self.mode.map(|mode| mode & 0o170_000) {
            Some(0o100_000) => Kind::File,
            Some(0o040_000) => Kind::Directory,
            Some(0o120_000) => Kind::Link,
            _ => Kind::Special,
        }
    }

    /// The permission bits.
    pub fn permissions(&self) -> Option<u32> {
        self.mode.map(|mode| mode & 0o7777)
    }

    /// The time of the last change.
    pub fn mtime(&self) -> Option<u32> {
        self.times.map(|(_, mtime)| mtime)
    }

    /// Only permissions, for a request.
    pub fn with_mode(mode: u32) -> Self {
        Self { mode: Some(mode), ..Self::default() }
    }
}

/// A name in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The name, without a directory.
    pub name: Bytes,
    /// What it names; a link itself, not its target.
    pub attrs: Attrs,
}

/// What a server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// How it went, and the server's own words.
    Status(Code, String),
    /// An open file or directory.
    Handle(Bytes),
    /// Bytes of a file, in the pieces in which they came.
    Data(Rope),
    /// Names.
    Names(Vec<Name>),
    /// Attributes.
    Attrs(Attrs),
    /// An extension's answer.
    Extended(Bytes),
}

/// The server sent what is not SFTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server sent a packet that is not SFTP version 3")]
pub struct Malformed;

/// A request, being put together. The length stands at its front once it is finished.
#[derive(Debug)]
pub struct Request(BytesMut);

impl Request {
    /// Begins a request of a kind with room for `room` bytes; `id` is 0 for INIT's version.
    pub fn new(kind: u8, id: u32, room: usize) -> Self {
        let mut bytes = BytesMut::with_capacity(room + 32);
        bytes.put_u32(0);
        bytes.put_u8(kind);
        bytes.put_u32(id);
        Self(bytes)
    }

    /// Appends a number.
    #[must_use]
    pub fn u32(mut self, value: u32) -> Self {
        self.0.put_u32(value);
        self
    }

    /// Appends a large number.
    #[must_use]
    pub fn u64(mut self, value: u64) -> Self {
        self.0.put_u64(value);
        self
    }

    /// Appends a string with its length. Whatever is handed in is bounded by our own types.
    #[must_use]
    pub fn bytes(mut self, value: &[u8]) -> Self {
        self.0.put_u32(u32::try_from(value.len()).unwrap_or(u32::MAX));
        self.0.put_slice(value);
        self
    }

    /// Appends attributes.
    #[must_use]
    pub fn attrs(mut self, attrs: &Attrs) -> Self {
        let flags = u32::from(attrs.size.is_some())
            | u32::from(attrs.owner.is_some()) << 1
            | u32::from(attrs.mode.is_some()) << 2
            | u32::from(attrs.times.is_some()) << 3;
        self.0.put_u32(flags);
        if let Some(size) = attrs.size {
            self.0.put_u64(size);
        }
        if let Some((user, group)) = attrs.owner {
            self.0.put_u32(user);
            self.0.put_u32(group);
        }
        if let Some(mode) = attrs.mode {
            self.0.put_u32(mode);
        }
        if let Some((accessed, changed)) = attrs.times {
            self.0.put_u32(accessed);
            self.0.put_u32(changed);
        }
        self
    }

    /// The packet, length first.
    pub fn finish(self) -> Rope {
        self.finish_with(Rope::new())
    }

    /// As [`Request::finish`], with bytes at its end that are not copied.
    pub fn finish_with(mut self, data: Rope) -> Rope {
        let length = u32::try_from(self.0.len() - 4 + data.len()).unwrap_or(u32::MAX);
        self.0[..4].copy_from_slice(&length.to_be_bytes());
        let mut packet = Rope::new();
        packet.push(self.0);
        packet.append(data);
        packet
    }
}

/// Reads what a packet holds.
pub struct Reader(Bytes);

impl Reader {
    /// Over a packet without its length.
    pub fn new(packet: Bytes) -> Self {
        Self(packet)
    }

    /// A number.
    ///
    /// # Errors
    /// When the packet ends before it.
    pub fn u32(&mut self) -> Result<u32, Malformed> {
        self.0.try_get_u32().map_err(|_| Malformed)
    }

    /// A large number.
    ///
    /// # Errors
    /// When the packet ends before it.
    pub fn u64(&mut self) -> Result<u64, Malformed> {
        self.0.try_get_u64().map_err(|_| Malformed)
    }

    /// A string.
    ///
    /// # Errors
    /// When it would be longer than what is left of the packet.
    pub fn bytes(&mut self) -> Result<Bytes, Malformed> {
        let length = self.u32()? as usize;
        if length > self.0.len() { Err(Malformed) } else { Ok(self.0.split_to(length)) }
    }

    fn attrs(&mut self) -> Result<Attrs, Malformed> {
        let flags = self.u32()?;
        let mut attrs = Attrs::default();
        if flags & 1 != 0 {
            attrs.size = Some(self.u64()?);
        }
        if flags & 2 != 0 {
            attrs.owner = Some((self.u32()?, self.u32()?));
        }
        if flags & 4 != 0 {
            attrs.mode = Some(self.u32()?);
        }
        if flags & 8 != 0 {
            attrs.times = Some((self.u32()?, self.u32()?));
        }
        if flags & 0x8000_0000 != 0 {
            for _ in 0..self.u32()? {
                self.bytes()?;
                self.bytes()?;
            }
        }
        Ok(attrs)
    }

    fn names(&mut self) -> Result<Vec<Name>, Malformed> {
        // The count is the server's word; memory grows with what is really there.
        let count = self.u32()?;
        let mut names = Vec::new();
        for _ in 0..count {
            // Copied: a slice would hold all of its packet, which may be a server's long story about a short name.
            let name = Bytes::copy_from_slice(&self.bytes()?);
            self.bytes()?;
            names.push(Name { name, attrs: self.attrs()? });
        }
        Ok(names)
    }
}

/// Reads a reply: its request's id and what it says.
///
/// # Errors
/// When it is not one.
pub fn reply(mut packet: Rope) -> Result<(u32, Reply), Malformed> {
    let kind = packet.try_get_u8().map_err(|_| Malformed)?;
    let id = packet.try_get_u32().map_err(|_| Malformed)?;
    if kind == 103 {
        let length = packet.try_get_u32().map_err(|_| Malformed)? as usize;
        let data = if length > packet.len() { Err(Malformed) } else { Ok(packet.split_to(length)) };
        return data.map(|data| (id, Reply::Data(data)));
    }
    let mut reader = Reader::new(packet.into_bytes());
    let reply = match kind {
        101 => {
            let code = reader.u32()?.into();
            // Servers of old send no words.
            let words = reader.bytes().unwrap_or_default();
            Reply::Status(code, String::from_utf8_lossy(&words[..words.len().min(256)]).into_owned())
        }
        102 => {
            Reply::Handle(reader.bytes().and_then(|h| if h.len() > 256 { Err(Malformed) } else { Ok(h) })?)
        }
        104 => Reply::Names(reader.names()?),
        105 => Reply::Attrs(reader.attrs()?),
        201 => Reply::Extended(reader.0),
        _ => return Err(Malformed),
    };
    Ok((id, reply))
}

/// Reads the server's greeting: its version and the names of its extensions.
///
/// # Errors
/// When it is none.
pub fn greeting(mut packet: Rope) -> Result<(u32, Vec<Bytes>), Malformed> {
    if packet.try_get_u8() != Ok(2) {
        return Err(Malformed);
    }
    let mut reader = Reader::new(packet.into_bytes());
    let version = reader.u32()?;
    let mut extensions = Vec::new();
    while !reader.0.is_empty() {
        extensions.push(reader.bytes()?);
        reader.bytes()?;
    }
    Ok((version, extensions))
}

/// Cuts a byte stream into packets.
#[derive(Debug, Default)]
pub struct Cutter {
    stream: Rope,
    /// The length of the packet that comes; 0 before it is known.
    length: usize,
}

impl Cutter {
    /// Takes the next bytes of the stream.
    pub fn push(&mut self, bytes: Bytes) {
        self.stream.push(bytes);
    }

    /// The next whole packet, without its length.
    ///
    /// # Errors
    /// When its length is impossible.
    pub fn next_packet(&mut self) -> Result<Option<Rope>, Malformed> {
        let length = match self.length {
            0 => match self.stream.try_get_u32() {
                Ok(length) => length as usize,
                Err(_) => return Ok(None),
            },
            known => known,
        };
        if length == 0 || length > LONGEST {
            return Err(Malformed);
        }
        if self.stream.len() < length {
            self.length = length;
            return Ok(None);
        }
        self.length = 0;
        Ok(Some(self.stream.split_to(length)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rope(bytes: impl Into<Bytes>) -> Rope {
        let mut rope = Rope::new();
        rope.push(bytes);
        rope
    }

    fn packet(request: Request) -> Rope {
        rope(request.finish().into_bytes().slice(4..))
    }

    #[test]
    fn attributes_survive_the_wire() {
        let attrs =
            Attrs { size: Some(1 << 40), owner: Some((1, 2)), mode: Some(0o100_644), times: Some((3, 4)) };
        let bytes = packet(Request::new(105, 7, 0).attrs(&attrs));
        assert_eq!(reply(bytes), Ok((7, Reply::Attrs(attrs))));
        assert_eq!(attrs.kind(), Kind::File);
    }

    #[test]
    fn names_are_bytes_and_keep_every_one_of_them() {
        let name = b"-rf\n\xff\xfe";
        let bytes = packet(Request::new(104, 1, 0).u32(1).bytes(name).bytes(b"ls").attrs(&Attrs::default()));
        let Ok((1, Reply::Names(names))) = reply(bytes) else { panic!() };
        assert_eq!(&names[0].name[..], name);
    }

    #[test]
    fn a_count_that_the_packet_does_not_hold_takes_no_memory_and_is_refused() {
        assert_eq!(reply(packet(Request::new(104, 1, 0).u32(u32::MAX))), Err(Malformed));
        let huge = packet(Request::new(103, 1, 0).u32(u32::MAX));
        assert_eq!(reply(huge), Err(Malformed));
    }

    #[test]
    fn a_packet_that_says_it_is_huge_ends_the_stream() {
        let mut cutter = Cutter::default();
        cutter.push(Bytes::from_static(&[0xff; 4]));
        assert_eq!(cutter.next_packet(), Err(Malformed));
        let mut cutter = Cutter::default();
        cutter.push(Bytes::from_static(&[0; 4]));
        assert_eq!(cutter.next_packet(), Err(Malformed));
    }

    proptest! {
        #[test]
        fn whatever_a_server_sends_is_read_or_refused(bytes: Vec<u8>) {
            let _ = reply(rope(bytes.clone()));
            let _ = greeting(rope(bytes));
        }

        #[test]
        fn packets_are_found_however_the_stream_is_cut(sizes in prop::collection::vec(1usize..40, 1..20)) {
            let whole: Vec<u8> = (0..5).flat_map(|id| Request::new(101, id, 0).u32(0).finish().into_bytes()).collect();
            let (mut cutter, mut found, mut at) = (Cutter::default(), 0, 0);
            for size in sizes.iter().cycle().take(whole.len()) {
                let end = (at + size).min(whole.len());
                cutter.push(Bytes::copy_from_slice(&whole[at..end]));
                at = end;
                while let Some(packet) = cutter.next_packet().unwrap() {
                    prop_assert_eq!(reply(packet), Ok((found, Reply::Status(Code::Ok, String::new()))));
                    found += 1;
                }
            }
            prop_assert_eq!(found, 5);
        }
    }
}
