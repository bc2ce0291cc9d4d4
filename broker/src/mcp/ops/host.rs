//! `ssh_host_info`: what a host is and how it does.

use std::collections::BTreeMap;

use sallyport_protocol::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::line::counted;
use super::run::{Ran, Tool};
use crate::mcp::exec::Asked;

/// A disk this full is worth a word, in percent.
const FULL: u32 = 90;

/// The arguments.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Where: an alias from ssh_list_hosts, user@alias, or [user@]host[:port].
    target: String,
    /// What to look at. Default: all of it.
    #[serde(default)]
    sections: Vec<Section>,
    /// What the processes are sorted by. Default cpu.
    #[serde(default)]
    sort: Sort,
    /// How many processes. Default 10.
    #[schemars(range(min = 1, max = 50), extend("default" = 10))]
    limit: Option<u32>,
    /// Look as root, through sudo.
    #[serde(default)]
    sudo: bool,
    /// You are sure, where the host lets the model itself confirm.
    #[serde(default)]
    confirm: bool,
    /// The id of a confirmation that a person gave for exactly this call.
    confirmation_id: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Section {
    System,
    Load,
    Memory,
    Disks,
    Processes,
    Services,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Sort {
    #[default]
    Cpu,
    Memory,
}

/// Each section, its name, and what prints it; the processes' sort and number come behind.
const SECTIONS: [(Section, &str, &str); 6] = [
    (Section::System, "system", "uname -n; uname -s -r -m; cat /proc/uptime /etc/os-release"),
    (Section::Load, "load", "cat /proc/loadavg; getconf _NPROCESSORS_ONLN"),
    (Section::Memory, "memory", "cat /proc/meminfo"),
    (Section::Disks, "disks", "df -P -k"),
    (Section::Processes, "processes", "ps -e -o pid= -o user= -o pcpu= -o pmem= -o rss= -o args="),
    (
        Section::Services,
        "services",
        "systemctl list-units --type=service --state=failed --no-legend --plain --no-pager",
    ),
];
/// What a section begins with, before its name.
const HEAD: &str = "--- ";
/// What it ends with, before the exit code.
const END: &str = "--- end ";

/// The answer's own fields.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Fields {
    system: Option<System>,
    load: Option<Load>,
    memory: Option<Memory>,
    disks: Option<Vec<Disk>>,
    processes: Option<Vec<Process>>,
    /// Units of systemd that failed.
    failed_services: Option<Vec<String>>,
    /// What is worth a look: load above the number of processors, little memory, full disks, failed services.
    findings: Vec<String>,
    /// Sections that the host did not tell.
    missing: Vec<String>,
    #[serde(flatten)]
    ran: Ran,
}

#[derive(Debug, Default, PartialEq, Serialize, JsonSchema)]
struct System {
    hostname: String,
    kernel: String,
    /// PRETTY_NAME of os-release.
    os: String,
    uptime_s: u64,
}

#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct Load {
    one: f64,
    five: f64,
    fifteen: f64,
    processors: u32,
}

#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct Memory {
    total_kib: u64,
    available_kib: u64,
    swap_total_kib: u64,
    swap_free_kib: u64,
}

#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct Disk {
    filesystem: String,
    size_kib: u64,
    used_kib: u64,
    available_kib: u64,
    used_percent: u32,
    mount: String,
}

#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct Process {
    pid: u32,
    user: String,
    cpu_percent: f64,
    memory_percent: f64,
    rss_kib: u64,
    command: String,
}

impl Tool for Args {
    type Fields = Fields;

    fn asked(&self) -> Asked {
        Asked::on(&self.target, self.sudo, self.confirm, self.confirmation_id.as_ref())
    }

    fn needs(&self) -> &'static str {
        "POSIX shell"
    }

    fn command(&self) -> Result<String, Failure> {
        let limit = counted("limit", self.limit, 10, 50)?;
        let sort = match self.sort {
            Sort::Cpu => "-pcpu",
            Sort::Memory => "-rss",
        };
        let chosen = |section: &Section| self.sections.is_empty() || self.sections.contains(section);
        let parts =
            SECTIONS.iter().filter(|(section, ..)| chosen(section)).map(|(section, name, command)| {
                let more = match section {
                    Section::Processes => format!(" --sort={sort} | head -n {limit}"),
                    _ => String::new(),
                };
                format!("echo '{HEAD}{name}'; {command}{more}; echo \"{END}$?\"")
            });
        Ok(parts.collect::<Vec<_>>().join("; "))
    }

    fn read(&self, out: &str, ran: Ran) -> Fields {
        let sections = split(out);
        let lines = |name: &str| sections.get(name).map(Vec::as_slice);
        let mut fields = Fields {
            system: lines("system").and_then(system),
            load: lines("load").and_then(load),
            memory: lines("memory").and_then(memory),
            disks: lines("disks").map(|lines| lines.iter().filter_map(|line| disk(line)).collect()),
            processes: lines("processes")
                .map(|lines| lines.iter().filter_map(|line| process(line)).collect()),
            failed_services: lines("services").map(services),
            ran,
            ..Fields::default()
        };
        let told = |name: &str| match name {
            "system" => fields.system.is_some(),
            "load" => fields.load.is_some(),
            "memory" => fields.memory.is_some(),
            other => sections.contains_key(other),
        };
        let asked = SECTIONS.iter().filter(|(s, ..)| self.sections.is_empty() || self.sections.contains(s));
        fields.missing = asked.map(|(_, name, _)| *name).filter(|name| !told(name)).map(Into::into).collect();
        fields.findings = findings(&fields);
        fields
    }
}

/// The lines of each section whose command succeeded.
fn split(out: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut sections = BTreeMap::new();
    let mut open: Option<(&str, Vec<&str>)> = None;
    for line in out.lines() {
        if let Some(code) = line.strip_prefix(END) {
            if let (Some((name, lines)), "0") = (open.take(), code) {
                sections.insert(name, lines);
            }
        } else if let Some(name) = line.strip_prefix(HEAD) {
            open = Some((name, Vec::new()));
        } else if let Some((_, lines)) = &mut open {
            lines.push(line);
        }
    }
    sections
}

fn system(lines: &[&str]) -> Option<System> {
    let [hostname, kernel, uptime, release @ ..] = lines else { return None };
    let name = release.iter().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    Some(System {
        hostname: (*hostname).to_owned(),
        kernel: (*kernel).to_owned(),
        os: name.unwrap_or_default().trim_matches('"').to_owned(),
        uptime_s: uptime.split(['.', ' ']).next()?.parse().ok()?,
    })
}

fn load(lines: &[&str]) -> Option<Load> {
    let mut averages = lines.first()?.split(' ').map_while(|word| word.parse().ok());
    Some(Load {
        one: averages.next()?,
        five: averages.next()?,
        fifteen: averages.next()?,
        processors: lines.get(1)?.parse().ok()?,
    })
}

fn memory(lines: &[&str]) -> Option<Memory> {
    let of = |name: &str| {
        let rest = lines.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        rest.trim().split(' ').next()?.parse().ok()
    };
    Some(Memory {
        total_kib: of("MemTotal")?,
        // Kernels before 3.14 do not say it.
        available_kib: of("MemAvailable").or_else(|| of("MemFree"))?,
        swap_total_kib: of("SwapTotal").unwrap_or(0),
        swap_free_kib: of("SwapFree").unwrap_or(0),
    })
}

/// A line of `df -P`: a name, four figures, a mount point; the name and the mount point may have blanks in them.
fn disk(line: &str) -> Option<Disk> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let percent = words
        .iter()
        .position(|word| word.strip_suffix('%').is_some_and(|number| number.parse::<u32>().is_ok()))?;
    let figure = |back: usize| words.get(percent.checked_sub(back)?)?.parse().ok();
    Some(Disk {
        filesystem: words[..percent.checked_sub(3)?].join(" "),
        size_kib: figure(3)?,
        used_kib: figure(2)?,
        available_kib: figure(1)?,
        used_percent: words[percent].trim_end_matches('%').parse().ok()?,
        mount: words[percent + 1..].join(" "),
    })
}

fn process(line: &str) -> Option<Process> {
    let mut rest = line.trim_start();
    let mut next = || {
        let (word, more) = rest.split_once(char::is_whitespace)?;
        rest = more.trim_start();
        Some(word)
    };
    let (pid, user, cpu, memory, rss) = (next()?, next()?, next()?, next()?, next()?);
    Some(Process {
        pid: pid.parse().ok()?,
        user: user.to_owned(),
        cpu_percent: cpu.parse().ok()?,
        memory_percent: memory.parse().ok()?,
        rss_kib: rss.parse().ok()?,
        command: rest.to_owned(),
    })
}

fn services(lines: &[&str]) -> Vec<String> {
    let first = |line: &&str| line.split_ascii_whitespace().next().map(ToOwned::to_owned);
    lines.iter().filter_map(first).collect()
}

fn findings(fields: &Fields) -> Vec<String> {
    let mut findings = Vec::new();
    if let Some(load) = fields.load.as_ref().filter(|load| load.five > f64::from(load.processors)) {
        findings.push(format!("load {} on {} processors", load.five, load.processors));
    }
    if let Some(memory) = fields.memory.as_ref().filter(|memory| memory.available_kib < memory.total_kib / 10)
    {
        findings
            .push(format!("{} of {} KiB of memory are available", memory.available_kib, memory.total_kib));
    }
    for disk in fields.disks.iter().flatten().filter(|disk| disk.used_percent >= FULL) {
        findings.push(format!("{} is {} % full", disk.mount, disk.used_percent));
    }
    findings.extend(fields.failed_services.iter().flatten().map(|unit| format!("{unit} failed")));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(json: serde_json::Value) -> Args {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn what_a_host_prints_is_read_section_by_section() {
        let out = "\
--- system\nweb1\nLinux 6.1.0 x86_64\n345.67 600.0\nNAME=\"Debian\"\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n--- end 0
--- load\n3.10 2.50 1.00 1/200 4242\n2\n--- end 0
--- memory\nMemTotal:       1000 kB\nMemFree: 5 kB\nMemAvailable:   50 kB\nSwapTotal: 7 kB\n--- end 0
--- disks\nFilesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sd a 100 95 5 95% /srv/my data\ntmpfs 10 0 10 0% /tmp\n--- end 0
--- processes\n      1 root      0.5  1.5  9000 /sbin/init splash\n   junk\n--- end 0
--- services\nbash: systemctl: command not found\n--- end 127\n";
        let fields = args(serde_json::json!({ "target": "a" })).read(out, Ran::default());
        let system = fields.system.as_ref().unwrap();
        assert_eq!((system.hostname.as_str(), system.uptime_s), ("web1", 345));
        assert_eq!(system.os, "Debian GNU/Linux 12");
        assert_eq!(fields.load, Some(Load { one: 3.1, five: 2.5, fifteen: 1.0, processors: 2 }));
        let memory = fields.memory.as_ref().unwrap();
        assert_eq!((memory.total_kib, memory.available_kib, memory.swap_total_kib), (1000, 50, 7));
        let disks = fields.disks.as_ref().unwrap();
        assert_eq!((disks.len(), disks[0].filesystem.as_str()), (2, "/dev/sd a"));
        assert_eq!((disks[0].mount.as_str(), disks[0].used_percent), ("/srv/my data", 95));
        let processes = fields.processes.as_ref().unwrap();
        assert_eq!((processes.len(), processes[0].command.as_str()), (1, "/sbin/init splash"));
        assert_eq!(fields.failed_services, None);
        assert_eq!(fields.missing, ["services"]);
        let wanted = [
            "load 2.5 on 2 processors",
            "50 of 1000 KiB of memory are available",
            "/srv/my data is 95 % full",
        ];
        assert_eq!(fields.findings, wanted);
    }

    #[test]
    fn only_the_sections_that_were_asked_for_are_looked_at() {
        let some =
            args(serde_json::json!({ "target": "a", "sections": ["load", "processes"], "sort": "memory" }));
        assert_eq!(
            some.command().unwrap(),
            "echo '--- load'; cat /proc/loadavg; getconf _NPROCESSORS_ONLN; echo \"--- end $?\"; \
             echo '--- processes'; ps -e -o pid= -o user= -o pcpu= -o pmem= -o rss= -o args= --sort=-rss | head -n 10; \
             echo \"--- end $?\""
        );
        assert!(args(serde_json::json!({ "target": "a", "limit": 51 })).command().is_err());
    }
}
