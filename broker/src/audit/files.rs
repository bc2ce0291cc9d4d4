//! The log's files: `audit-FIRST.jsonl` for those that were full, in the order of FIRST, then `audit.jsonl`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use sallyport_protocol::{ErrorCode, Failure};

/// A longer line is read in pieces, none of which is a record. The helper's longest is well below, in bytes.
const LONGEST: u64 = 4 * 1024 * 1024;

/// The files of the log in a folder, oldest first.
///
/// # Errors
/// `file_not_found` when there is no log, `permission_denied` when it is another user's.
pub fn of(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut full = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| unreadable(folder, &error))? {
        let path = entry.map_err(|error| unreadable(folder, &error))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Some(number) = name.strip_prefix("audit-").and_then(|name| name.strip_suffix(".jsonl"))
            && let Ok(number) = number.parse::<u64>()
        {
            full.push((number, path));
        }
    }
    full.sort();
    let mut files: Vec<PathBuf> = full.into_iter().map(|(_, path)| path).collect();
    let current = folder.join("audit.jsonl");
    if current.exists() || files.is_empty() {
        files.push(current);
    }
    Ok(files)
}

/// Hands every line of a file to `take`, with its number from 1 and whether it ends as a line does.
///
/// # Errors
/// As the file system says, or as `take` does.
pub fn lines(
    file: &Path,
    mut take: impl FnMut(u64, &[u8], bool) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut reader = BufReader::new(File::open(file).map_err(|error| unreadable(file, &error))?);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = (&mut reader).take(LONGEST).read_until(b'\n', &mut line);
        if read.map_err(|error| unreadable(file, &error))? == 0 {
            break;
        }
        let whole = line.pop_if(|last| *last == b'\n').is_some();
        take(number, &line, whole)?;
    }
    Ok(())
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let (code, hint) = match error.kind() {
        io::ErrorKind::NotFound => (
            ErrorCode::FileNotFound,
            "the helper makes it when it first runs; SALLYPORT_STATE_DIR names another place",
        ),
        io::ErrorKind::PermissionDenied => (
            ErrorCode::PermissionDenied,
            "it belongs to the helper's user: run this as that user, or as root",
        ),
        _ => (ErrorCode::InternalError, "check the file system"),
    };
    Failure::new(code, format!("the audit log {} cannot be read: {error}", path.display()), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_files_come_in_the_order_of_their_records_and_the_current_one_last() {
        let dir = tempfile::tempdir().unwrap();
        for name in
            ["audit.jsonl", "audit-000000000010.jsonl", "audit-000000000002.jsonl", "audit.next", "notes"]
        {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        let names: Vec<String> = of(dir.path())
            .unwrap()
            .iter()
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["audit-000000000002.jsonl", "audit-000000000010.jsonl", "audit.jsonl"]);
    }

    #[test]
    fn a_log_that_is_not_there_is_said_to_be_so() {
        let failure = of(Path::new("/nonexistent/audit")).unwrap_err();
        assert_eq!(failure.code, ErrorCode::FileNotFound);
    }

    #[test]
    fn the_end_of_a_cut_line_is_told_from_a_whole_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, "a\n\nb").unwrap();
        let mut seen = Vec::new();
        lines(&path, |number, line, whole| {
            seen.push((number, line.to_vec(), whole));
            Ok(())
        })
        .unwrap();
        assert_eq!(seen, [(1, b"a".to_vec(), true), (2, b"".to_vec(), true), (3, b"b".to_vec(), false)]);
    }
}
