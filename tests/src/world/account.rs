//! Throwaway login accounts, for password logins against a real `sshd`. Only root can make them.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::process;

/// A login account with a password, known to this machine's `/etc/passwd` until the world ends.
#[derive(Debug, Clone)]
pub struct Account {
    /// The login name, unique on this machine.
    pub name: String,
    /// The password, as `chpasswd` was told.
    pub password: String,
    /// Its home directory, its own.
    pub home: PathBuf,
}

/// Whether accounts can be made here.
pub fn possible() -> bool {
    nix::unistd::geteuid().is_root()
}

/// A name no other account has: process ids are unique among the living, the counter within one.
pub fn fresh_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("sptest{}x{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Makes the account `name` with its home in `home`, logging in to `/bin/sh`.
pub fn make(name: &str, password: &str, home: &Path) -> Account {
    let _turn = turn();
    let mut useradd = process::bare("useradd");
    useradd
        .args(["--create-home", "--skel", "/dev/null", "--shell", "/bin/sh", "--home-dir"])
        .arg(home)
        .arg(name);
    process::run(&mut useradd, b"").expect_success();
    process::run(&mut process::bare("chpasswd"), format!("{name}:{password}\n").as_bytes()).expect_success();
    Account { name: name.to_owned(), password: password.to_owned(), home: home.to_owned() }
}

impl Account {
    /// Gives the account these lines of sudoers(5), all of them; checked by visudo before they count, as a mistake
    /// would lock everybody out. They go with the account.
    pub fn sudoers(&self, lines: &str) {
        let _turn = turn();
        let place = sudoers_file(&self.name);
        let new = std::env::temp_dir().join(format!("{}.sudoers", self.name));
        std::fs::write(&new, lines).expect("the rules");
        process::run(process::bare("visudo").args(["--check", "--file"]).arg(&new), b"").expect_success();
        process::run(process::bare("install").args(["-m", "440"]).arg(&new).arg(&place), b"")
            .expect_success();
        std::fs::remove_file(&new).expect("it was written");
    }
}

fn sudoers_file(name: &str) -> PathBuf {
    Path::new("/etc/sudoers.d").join(name)
}

/// Removes the account `name`; one that was never made is no failure.
pub fn remove(name: &str) -> Result<(), String> {
    let _turn = turn();
    // Most accounts have none.
    drop(std::fs::remove_file(sudoers_file(name)));
    let done = process::run(process::bare("userdel").args(["--force", name]), b"");
    match done.code() {
        // userdel(8): 6 is "specified user doesn't exist".
        0 | 6 => Ok(()),
        code => Err(format!("userdel {name} failed ({code}): {}", done.stderr.trim())),
    }
}

/// One at a time: `useradd` and its kin fail, or wait for whole seconds, when they meet.
fn turn() -> File {
    let path = std::env::temp_dir().join("sallyport-test-accounts.lock");
    let file = File::options().create(true).truncate(false).write(true).open(path).expect("a lock file");
    file.lock().expect("a lock can be waited for");
    file
}
