//! Other names under which the same program is installed: `php8.2`, `clang-tidy-15`, `aarch64-linux-gnu-gcc`, `grm`.

/// GNU programs where others have their plain names: `gsed`.
const GNU: &str = " rm mv cp ln mkdir rmdir chmod chown chgrp touch truncate shred dd tee install mktemp ls cat head tail wc sort cut tr uniq \
    grep egrep fgrep du df stat readlink realpath basename dirname echo printf seq shuf numfmt paste join comm fold fmt nl od split csplit \
    md5sum sha1sum sha256sum sha512sum cksum base64 expr factor id kill nice nohup stdbuf sync test true false tsort tac rev who whoami uname \
    tar sed awk find xargs make patch diff cmp date env time timeout strings nm objdump readelf objcopy strip ar ranlib as ld addr2line c++filt size ";

/// Parts of the names of machines that a compiler builds for.
const MACHINES: &[&str] = &["-linux-", "-none-", "-elf-", "-w64-", "-unknown-", "-apple-", "-musl"];

/// Plain names that this name may be another spelling of, the likeliest first.
pub(crate) fn spellings(name: &str) -> impl Iterator<Item = &str> {
    let unversioned = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let unversioned = unversioned.strip_suffix('-').unwrap_or(unversioned);
    let versioned = unversioned.len() >= 3 && name[unversioned.len()..].contains(['.', '-']);
    let machine = MACHINES.iter().any(|part| name.contains(part));
    let tool = unversioned.rsplit_once('-').map(|(_, tool)| tool).filter(|_| machine);
    // zsh's own file commands are called `zf_rm` and so on.
    let gnu = name
        .strip_prefix("zf_")
        .or_else(|| name.strip_prefix('g'))
        .filter(|rest| GNU.split_ascii_whitespace().any(|known| known == *rest));
    [versioned.then_some(unversioned), tool, gnu].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::spellings;

    #[test]
    fn a_version_a_machine_and_a_letter_are_no_part_of_a_name() {
        for (name, plain) in [
            ("php8.2", "php"),
            ("clang-tidy-15", "clang-tidy"),
            ("python3.14", "python"),
            ("aarch64-linux-gnu-objdump", "objdump"),
            ("arm-none-eabi-gcc-12", "gcc"),
            ("grm", "rm"),
        ] {
            assert!(spellings(name).any(|found| found == plain), "{name}");
        }
    }

    #[test]
    fn short_and_plain_names_stay() {
        for name in ["b2", "s3", "7z", "git", "gcc", "linux-x", "killall5", "sha256"] {
            assert_eq!(spellings(name).next(), None, "{name}");
        }
    }
}
