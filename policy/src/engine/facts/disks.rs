//! Block copies, formats, partitions, and signals to processes.

use super::tools::Words;
use super::{Facts, Finding};
use crate::engine::Engine;
use crate::engine::arg::Arg;
use crate::verdict::Verdict;

/// Tools that write structures to the disks they name.
const DISK_TOOLS: &[&str] = &[
    "mkswap",
    "wipefs",
    "blkdiscard",
    "sgdisk",
    "sfdisk",
    "fdisk",
    "gdisk",
    "cgdisk",
    "cfdisk",
    "parted",
    "badblocks",
    "hdparm",
    "nvme",
    "newfs",
    "mformat",
    "cryptsetup",
    "mdadm",
    "zpool",
    "format",
    "sg_format",
    "pvcreate",
    "debugfs",
    "tune2fs",
    "resize2fs",
    "e2fsck",
    "fsck",
];

pub(super) fn is_disk_tool(name: &str) -> bool {
    DISK_TOOLS.contains(&name) || name.starts_with("fsck.") || name.starts_with("newfs_")
}

/// Names of files that people fill for a test or as an image.
const SCRATCH: &[&str] = &[
    "test", "tmp", "temp", "bench", "sample", "dummy", "junk", "rand", "zero", "fill", "blob", "big",
    "large", "out", "payload", "ddfile", ".img", ".bin", ".iso", ".raw", "/tmp/", "scratch", "speed",
];

/// Whether `dd` makes a file as `cp` does, or fills one whose name says that it is there for that.
fn makes_file(args: &[Arg], target: &str) -> bool {
    let noise = ["/dev/zero", "/dev/urandom", "/dev/random", "/dev/null", "/dev/full"];
    let input = args.iter().find_map(|arg| arg.text.strip_prefix("if="));
    let into = args.iter().any(|arg| arg.text.starts_with("conv=") && arg.text.contains("notrunc"));
    let copies = input.is_some_and(|from| !noise.contains(&from) && !from.contains('\0'));
    !into && (copies || input.is_some() && SCRATCH.iter().any(|name| target.contains(name)))
}

/// Signals that the first process does not take for a request to read its files again.
const FATAL: &[&str] = &[
    "KILL", "SEGV", "ABRT", "BUS", "ILL", "FPE", "QUIT", "SYS", "TRAP", "9", "11", "6", "7", "4", "8", "3",
    "31", "5",
];

/// Whether `kill` ends the first process, and everything with it.
fn ends_init(texts: &[&str]) -> bool {
    let fatal =
        texts.iter().any(|text| FATAL.contains(&text.trim_start_matches('-').trim_start_matches("SIG")));
    fatal && texts.iter().skip(1).any(|text| *text == "1")
}

impl Engine<'_> {
    /// `dd`: where `of=` leads.
    pub(super) fn copy_blocks(&mut self, args: &[Arg]) -> Facts {
        let mut finding = Finding::ALLOW;
        let mut writes = false;
        for arg in args.iter().skip(1) {
            if let Some(target) = arg.text.strip_prefix("of=") {
                writes = true;
                let target = Arg { text: target.to_owned(), ..arg.clone() };
                let written = self.write_to(&target);
                let found = if self.is_vital(&target) {
                    Finding::block("vital-file")
                } else if written == Finding::ALLOW && makes_file(args, &target.text) {
                    written
                } else {
                    written.strictest(Finding::confirm("overwrite"))
                };
                finding = finding.strictest(found);
            } else if arg.may_be_option() && arg.is_unknown() {
                finding = finding.strictest(Finding::confirm("unknown-path"));
            }
        }
        let device = args.iter().skip(1).any(|arg| {
            let (key, value) = arg.text.split_once('=').unwrap_or(("", &arg.text));
            key != "if"
                && self.write_to(&Arg { text: value.to_owned(), ..arg.clone() }).rule == Some("raw-device")
        });
        // dcfldd's `of:=COMMAND`.
        if args.iter().any(|arg| arg.text.contains(":=")) {
            finding = finding.strictest(Finding::confirm("runs-option"));
        }
        if device {
            finding = Finding::block("raw-device");
        }
        Facts::of(finding).reading(
            !writes
                && finding.verdict == Verdict::Allow
                && super::super::invoke::base_name(&args[0].text) == "dd",
        )
    }

    /// Formats and partition editors: reading forms pass, destructive forms on a disk are blocked.
    pub(super) fn disk(&mut self, name: &str, args: &[Arg]) -> Facts {
        let words = Words::new(args, "-t -L -U -n -o -b");
        let device =
            args.iter().skip(1).any(|arg| self.write_to(arg).rule == Some("raw-device") || arg.is_unknown());
        let operand = |at: usize| words.operands.get(at).map_or("", |arg| arg.text.as_str());
        let any = |list: &[&str]| words.operands.iter().any(|arg| list.contains(&arg.text.as_str()));
        let (reads, destroys) = match name {
            "fdisk" | "sfdisk" => (words.has("-l|--list|-d|--dump|-x|--version|-V|-s"), true),
            "parted" => (words.has("-l|--list") || any(&["print"]) , any(&["mklabel", "mktable", "rm", "mkpart", "resizepart"])),
            "sgdisk" => (words.has("-p|--print|-i|--info|-v|--verify"), words.has("-Z|--zap-all|-z|--zap|-o|--clear|-d|--delete")),
            "gdisk" | "cgdisk" | "cfdisk" => (words.has("-l"), true),
            "wipefs" => (!words.has("-a|--all|-o|--offset|-f|--force|-t"), true),
            "hdparm" => (!words.has("--security-erase|--security-erase-enhanced|--trim-sector-ranges|--write-sector|--fwdownload|-Y|-y|-S|-W"), words.has("--security-erase|--security-erase-enhanced|--trim-sector-ranges|--write-sector")),
            "nvme" => (matches!(operand(0), "list" | "smart-log" | "id-ctrl" | "id-ns" | "list-subsys" | "error-log" | "version"), matches!(operand(0), "format" | "sanitize" | "write" | "delete-ns" | "dsm" | "write-zeroes")),
            "badblocks" => (!words.has("-w|-n|-o"), words.has("-w")),
            "cryptsetup" => (matches!(operand(0), "status" | "luksDump" | "isLuks" | "luksUUID"), matches!(operand(0), "luksFormat" | "erase" | "luksErase" | "reencrypt" | "format" | "luksKillSlot")),
            "mdadm" => (words.has("--detail|-D|--examine|-E|--query|-Q") && !words.has("--zero-superblock|--stop|-S"), words.has("--zero-superblock|--create|-C")),
            "zpool" => (matches!(operand(0), "status" | "list" | "iostat" | "get" | "history" | "events"), matches!(operand(0), "destroy" | "labelclear" | "create")),
            "debugfs" => (!words.has("-w|-R|-f"), words.has("-w")),
            "tune2fs" => (words.has("-l") && !words.has("-L|-U|-c|-C|-i|-I|-O|-Q|-m|-M|-e|-E|-g|-j|-J|-o|-r|-s|-T|-u"), false),
            "fsck" | "e2fsck" => (words.has("-n|-N"), false),
            _ if name.starts_with("fsck.") => (words.has("-n"), false),
            "resize2fs" => (false, false),
            _ => (false, true),
        };
        if reads
            && !words.uncertain
            && !(destroys && matches!(name, "sgdisk" | "mdadm" | "hdparm" | "parted"))
        {
            return Facts::READS;
        }
        let certain =
            matches!(name, "cryptsetup" | "mdadm" | "zpool" | "nvme" | "format" | "newfs") || device;
        let rule = if name.starts_with("mk") || name == "newfs" { "format" } else { "raw-device" };
        if destroys && certain { Facts::block(rule) } else { Facts::confirm(rule) }
    }

    /// Signals: asked for, and a catastrophe when they reach every process.
    pub(super) fn kill(&mut self, name: &str, args: &[Arg]) -> Facts {
        let texts: Vec<&str> = args.iter().skip(1).map(|arg| arg.text.as_str()).collect();
        if name == "kill" {
            if matches!(texts.first(), Some(&("-l" | "-L" | "--list" | "--table" | "-0")))
                || texts.starts_with(&["-s", "0"])
            {
                return Facts::READS;
            }
            let everyone = texts.iter().skip(1).any(|text| *text == "-1") || texts == ["--", "-1"];
            if everyone || ends_init(&texts) {
                return Facts::block("kill-all");
            }
        }
        if name == "killall5"
            || (matches!(name, "pkill" | "killall")
                && (texts.iter().any(|text| matches!(*text, "" | "." | ".*" | "*" | "^"))
                    || texts.windows(2).any(|pair| {
                        matches!(pair, ["-u" | "-U" | "--user" | "--euid" | "--uid", "root" | "0"])
                    })))
        {
            return Facts::block("kill-all");
        }
        Facts::confirm("process-kill")
    }
}
