//! Committing a change of the store, when the store is a git work tree, as
//! `pass` does. The helper never runs a program, so this is done here.

use std::process::{Command, Stdio};

/// Commits one file of the store at `folder`. Says so on stderr when that does
/// not work: the record itself is written, so the command has done its work.
pub fn commit(folder: &str, file: &str, message: &str) {
    commit_all(folder, &[file], message);
}

/// Commits several files of the store at `folder`, as [`commit`] does one.
pub fn commit_all(folder: &str, files: &[&str], message: &str) {
    let add = [&["add", "--all", "--"], files].concat();
    let commit = [&["commit", "--quiet", "--message", message, "--"], files].concat();
    if let Err(reason) = git(folder, &add).and_then(|()| git(folder, &commit)) {
        eprintln!("sallyport: the change is made but git did not commit it: {reason}");
        eprintln!("hint: commit {} in {folder} yourself", files.join(" "));
    }
}

fn git(folder: &str, arguments: &[&str]) -> Result<(), String> {
    let done = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    Err(said.lines().next().unwrap_or("it gave no reason").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(folder: &str) -> String {
        let shown =
            Command::new("git").args(["-C", folder, "log", "--format=%s", "--name-only"]).output().unwrap();
        String::from_utf8(shown.stdout).unwrap()
    }

    #[test]
    fn adding_and_removing_a_record_are_commits_of_that_file_alone() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().to_str().unwrap();
        git(folder, &["init", "--quiet"]).unwrap();
        git(folder, &["config", "user.email", "a@example.org"]).unwrap();
        git(folder, &["config", "user.name", "A"]).unwrap();
        git(folder, &["config", "commit.gpgsign", "false"]).unwrap();
        std::fs::write(dir.path().join("record.gpg"), "x").unwrap();
        std::fs::write(dir.path().join("other"), "y").unwrap();
        commit(folder, "record.gpg", "Add it");
        assert_eq!(log(folder), "Add it\n\nrecord.gpg\n");
        std::fs::remove_file(dir.path().join("record.gpg")).unwrap();
        commit(folder, "record.gpg", "Remove it");
        assert!(log(folder).starts_with("Remove it\n\nrecord.gpg\n"));
    }

    #[test]
    fn a_folder_that_is_no_work_tree_gives_a_reason() {
        let dir = tempfile::tempdir().unwrap();
        assert!(git(dir.path().to_str().unwrap(), &["add", "--", "nothing"]).is_err());
    }
}
