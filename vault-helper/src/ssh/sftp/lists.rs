//! Access control lists. SFTP does not know them, so they are carried by the host's own `getfacl` and `setfacl`, on a
//! channel beside. Only a host that runs commands for the account has them carried.

use super::channel::Sftp;
use super::place;
use crate::session::compose::{for_login_shell, quote};

/// Gives the file `$2`, called `$3`, the list of `$1`, where one of them has one (`ls` says so by a `+`).
///
/// Whoever owns the directory may put a link in the new file's place meanwhile, and so have the list given to a file of
/// the account's. So the new file is opened first, what was opened has to be called as we called it and to have no
/// other name, and the list goes to that.
const CARRY: &str = concat!(
    "LC_ALL=C; export LC_ALL; echo here; ",
    r#"a=$(ls -ld -- "$1") && b=$(ls -ld -- "$2") || exit; "#,
    r#"has() { case $1 in ??????????+*) ;; *) return 1;; esac; }; "#,
    r#"has "$a" || has "$b" || { echo none; exit; }; "#,
    r#"f=/proc/self/fd/3; exec 3<"$2"; "#,
    r#"case $(readlink $f) in */"$3") ;; *) exit;; esac; [ "$(stat -L -c %h $f)" = 1 ] || exit; "#,
    r#"l=$(getfacl -cnp -- "$1") && [ -n "$l" ] && printf "%s\n" "$l" | setfacl --set-file=- $f && echo kept"#,
);

/// What became of a file's access control list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// The new file has what the old one had; mostly none.
    Kept,
    /// One of them has one, and it could not be carried over.
    Lost,
    /// The host runs no commands for the account, so nobody can tell.
    Unseen,
}

/// Gives the file at `to` the access control list of the one at `from`. Its permission bits are set afterwards: they
/// bound the list.
pub async fn carry(sftp: &Sftp, from: &[u8], to: &[u8]) -> Carried {
    let transport = sftp.lease().transport();
    if transport.mute.get().is_some() {
        return Carried::Unseen;
    }
    // A command line is text. A name that is none cannot be put into it, so nobody looked.
    let (Ok(old), Ok(new), Some((_, name))) =
        (std::str::from_utf8(from), std::str::from_utf8(to), place::split(to))
    else {
        return Carried::Unseen;
    };
    let name = place::shown(&name);
    let words = [CARRY, "sh", old, new, &name].map(quote).join(" ");
    let command = for_login_shell(&format!("exec /bin/sh -c {words}"), sftp.lease().login_shell());
    let said = sftp.lease().ask_aside(&command).await;
    let carried = heard(&String::from_utf8_lossy(&said));
    if carried == Carried::Unseen {
        // An account for SFTP alone; it is not asked again.
        let _ = transport.mute.set(());
    }
    carried
}

/// What the host's words mean; greetings of start-up files may stand before them.
fn heard(said: &str) -> Carried {
    let mut words = said.lines().map(str::trim).skip_while(|line| *line != "here").skip(1);
    match words.next() {
        Some("none" | "kept") => Carried::Kept,
        Some(_) => Carried::Lost,
        None if said.lines().any(|line| line.trim() == "here") => Carried::Lost,
        None => Carried::Unseen,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::*;

    #[test]
    fn only_a_host_that_says_so_has_kept_a_list() {
        for (said, carried) in [
            ("here\nnone\n", Carried::Kept),
            ("Welcome!\r\nhere\r\nkept\r\n", Carried::Kept),
            ("here\n", Carried::Lost),
            ("here\nls: cannot access\n", Carried::Lost),
            ("kept\n", Carried::Unseen),
            ("This service allows sftp connections only.\n", Carried::Unseen),
            ("", Carried::Unseen),
        ] {
            assert_eq!(heard(said), carried, "{said:?}");
        }
    }

    /// Runs the script as a host does.
    fn carried(old: &Path, new: &Path, name: &str) -> Carried {
        let said = Command::new("/bin/sh").arg("-c").arg(CARRY).arg("sh").args([old, new]).arg(name).output();
        heard(&String::from_utf8_lossy(&said.unwrap().stdout))
    }

    fn list(path: &Path) -> String {
        String::from_utf8(Command::new("getfacl").arg("-cp").arg(path).output().unwrap().stdout).unwrap()
    }

    #[test]
    fn a_list_is_given_to_nothing_but_the_file_that_was_made() {
        let folder = tempfile::tempdir().unwrap();
        let [old, new, victim, hard] = ["old", "new", "victim", "hard"].map(|name| folder.path().join(name));
        for path in [&old, &new, &victim] {
            std::fs::write(path, "").unwrap();
        }
        let set = Command::new("setfacl").args(["-m", "u:12345:rw"]).arg(&old).status();
        if !set.is_ok_and(|status| status.success()) {
            println!("skipped: no access control lists here");
            return;
        }
        let before = list(&victim);
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&victim, &link).unwrap();
        assert_eq!(carried(&old, &link, "link"), Carried::Lost);
        std::fs::hard_link(&victim, &hard).unwrap();
        assert_eq!(carried(&old, &hard, "hard"), Carried::Lost);
        assert_eq!(list(&victim), before);
        assert_eq!(carried(&old, &new, "new"), Carried::Kept);
        assert_eq!(list(&new), list(&old));
        assert_eq!(carried(&old, &folder.path().join("none"), "none"), Carried::Lost);
    }
}
