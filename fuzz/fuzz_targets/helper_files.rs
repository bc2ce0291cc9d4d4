//! Any bytes as `known_hosts` or as a dotenv record are read without panic. A dotenv file that was taken has names a
//! shell takes.
#![no_main]

use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use libfuzzer_sys::fuzz_target;
use sallyport_vault_helper::hostkeys::KnownHosts;
use sallyport_vault_helper::vault::{Secret, parse_dotenv};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(variables) = parse_dotenv(&Secret::copy_of(bytes)) {
        drop(variables);
    }
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(bytes).expect("it takes bytes");
    let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    let known = KnownHosts::read([path.as_path()]).expect("it can be read");
    let _ = known.keys_of("web1", 22);
    let _ = known.known_algorithms("web1", 2222);
    let _ = known.has_authority("::1", 22);
});
