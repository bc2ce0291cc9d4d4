use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};
use nix::unistd::Pid;

use super::*;

const TABLES: [&[&[Row]]; 3] = [
    &[broker::CALLS, broker::CALLS_HERE],
    &[carrier::CALLS, carrier::CALLS_HERE],
    &[helper::CALLS, helper::CALLS_HERE],
];

#[test]
fn every_row_has_a_reason_and_no_call_may_be_made_both_always_and_sometimes() {
    for table in TABLES {
        let rows = || table.iter().flat_map(|part| part.iter());
        for (calls, holds, reason) in rows() {
            assert!(!reason.is_empty(), "{calls:?}");
            for call in *calls {
                let times: usize =
                    rows().map(|row| row.0.iter().filter(|other| *other == call).count()).sum();
                // A row beside an unconditional one would make it conditional.
                assert!(times == 1 || !holds.is_empty(), "{call} is there {times} times");
            }
        }
        assert!(filter(rows()).is_ok());
    }
}

/// Runs one of the tests below, which are nothing by themselves, in a process that can be spared.
fn in_a_process_of_its_own(test: &str) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    let done = child.args(["--exact", test, "--nocapture"]).env("CONFINE", "1").stdin(Stdio::null()).output();
    let done = done.unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(String::from_utf8_lossy(&done.stdout).contains("it was confined"), "{done:?}");
}

fn confined(keep: fn() -> Result<(), SandboxError>) -> bool {
    if std::env::var_os("CONFINE").is_none() {
        return false;
    }
    crate::attributes::close().unwrap();
    keep().unwrap();
    println!("it was confined");
    true
}

/// Sockets of kinds that nothing here needs.
fn assert_no_odd_sockets() {
    for family in [AddressFamily::Packet, AddressFamily::Vsock, AddressFamily::Alg] {
        let made = socket(family, SockType::Datagram, SockFlag::empty(), None);
        assert_eq!(made.err(), Some(Errno::ENOSYS), "{family:?}");
    }
    let raw = socket(AddressFamily::Inet, SockType::Raw, SockFlag::empty(), None);
    assert_eq!(raw.err(), Some(Errno::ENOSYS));
    let audit = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::empty(), SockProtocol::NetlinkAudit);
    assert_eq!(audit.err(), Some(Errno::ENOSYS));
}

#[test]
fn the_child_of_the_test_of_a_broker() {
    // Made before: what is open stays usable.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    if !confined(keep_those_of_a_broker) {
        return;
    }
    let address = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || TcpStream::connect(address).is_ok());
    assert!(listener.accept().is_ok() && thread.join().unwrap(), "the control: what it needs works");
    assert!(std::fs::read("/proc/self/status").is_ok(), "the control: files are Landlock's business");
    assert!(Command::new("/bin/true").spawn().is_err());
    assert!(UnixStream::connect("/run/none").err().unwrap().raw_os_error() == Some(Errno::ENOSYS as i32));
    assert!(UdpSocket::bind("127.0.0.1:0").is_err());
    assert_eq!(kill(Pid::parent(), None), Err(Errno::ENOSYS));
    assert_no_odd_sockets();
}

#[test]
fn a_broker_can_do_what_its_table_says_and_nothing_else() {
    in_a_process_of_its_own("calls::tests::the_child_of_the_test_of_a_broker");
}

#[test]
fn the_child_of_the_test_of_the_helper() {
    if !confined(keep_those_of_the_helper) {
        return;
    }
    assert!(Command::new("/bin/true").status().unwrap().success(), "the control: gpg can be started");
    assert!(UnixStream::connect("/run/none").err().unwrap().kind() == std::io::ErrorKind::NotFound);
    assert!(UdpSocket::bind("127.0.0.1:0").is_ok(), "the control: names can be looked up");
    assert_no_odd_sockets();
    // What it starts inherits it.
    let status = Command::new("unshare").args(["--user", "true"]).stderr(Stdio::null()).status();
    assert!(!status.unwrap().success());
}

#[test]
fn the_helper_can_do_what_its_table_says_and_nothing_else() {
    in_a_process_of_its_own("calls::tests::the_child_of_the_test_of_the_helper");
}

#[test]
fn the_child_of_the_test_of_a_carrier() {
    // Made before: what is open stays usable.
    let (mut ours, mut theirs) = UnixStream::pair().unwrap();
    if !confined(keep_those_of_a_carrier) {
        return;
    }
    ours.write_all(b"x").unwrap();
    let mut byte = [0];
    assert!(theirs.read_exact(&mut byte).is_ok() && byte == *b"x", "the control: what it was handed works");
    assert!(std::fs::read("/proc/self/status").is_err());
    assert!(UnixStream::connect("/run/none").err().unwrap().raw_os_error() == Some(Errno::ENOSYS as i32));
    assert!(TcpStream::connect("127.0.0.1:1").err().unwrap().raw_os_error() == Some(Errno::ENOSYS as i32));
    assert!(UdpSocket::bind("127.0.0.1:0").is_err());
    assert!(Command::new("/bin/true").spawn().is_err());
    assert!(std::thread::Builder::new().spawn(|| ()).is_err());
    assert_eq!(kill(Pid::parent(), None), Err(Errno::ENOSYS));
    assert_no_odd_sockets();
}

#[test]
fn a_carrier_can_do_what_its_table_says_and_nothing_else() {
    in_a_process_of_its_own("calls::tests::the_child_of_the_test_of_a_carrier");
}
