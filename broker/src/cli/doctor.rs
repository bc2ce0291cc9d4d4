//! `sallyport doctor`: every check a line, each that is not well with its fix.
//!
//! Most is found by the helper, because what it sees is what will work. Here is what only a person's terminal can see:
//! whether the helper answers, whether it lives in the same home, the sockets, and the clients' registrations.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nix::unistd::{Uid, User};
use sallyport_protocol::admin::{AdminEvent, AdminOutcome, AdminRequest, RecordFilter};
use sallyport_protocol::person::{Ask, CheckEntry, Level, Tell};
use serde_json::{Value, json};

use super::admin::{ask, link};
use super::output::{Problem, count, json, line};
use super::{install, unlock};
use crate::config::Config;
use crate::format::one_line;
use crate::link::{Admin, Link, Place, Trust};

/// Check everything: the store, gpg, hosts, host keys, policy, the helper; exit 1 when something needs attention.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Unlock first, and try every record one by one.
    #[arg(long)]
    unlock: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Check {
    name: String,
    level: Level,
    text: String,
    fix: String,
}

impl Check {
    fn ok(name: &str, text: impl Into<String>) -> Self {
        Self { name: name.into(), level: Level::Ok, text: text.into(), fix: String::new() }
    }

    fn bad(name: &str, level: Level, text: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name: name.into(), level, text: text.into(), fix: fix.into() }
    }
}

impl From<CheckEntry> for Check {
    fn from(entry: CheckEntry) -> Self {
        Self {
            name: entry.name.into_string(),
            level: entry.level,
            text: entry.text.into_string(),
            fix: entry.fix.into_string(),
        }
    }
}

impl Args {
    /// Runs the command.
    pub async fn run(self) -> Result<ExitCode, Problem> {
        let mut checks = Vec::new();
        let helper = match link() {
            Ok(link) => self.of_helper(&link, &mut checks).await,
            Err(problem) => Err(problem),
        };
        if let Err(problem) = helper {
            let (message, hint) = (problem.failure.message, problem.failure.hint);
            checks.push(Check::bad("helper", Level::Problem, message.into_string(), hint.into_string()));
            without_helper(&mut checks);
        }
        sockets(&mut checks);
        registrations(&mut checks);
        let attention = checks.iter().any(|check| check.level != Level::Ok);
        if self.json {
            let all: Vec<Value> = checks.iter().map(report).collect();
            json(&json!({ "ok": !attention, "checks": all }))?;
        } else {
            for check in &checks {
                line(&text(check))?;
            }
            line(summary(&checks).as_str())?;
        }
        Ok(if attention { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    async fn of_helper(&self, link: &Link<Admin>, checks: &mut Vec<Check>) -> Result<(), Problem> {
        let (_, status) = ask(link, AdminRequest::Status).await?;
        let AdminOutcome::Status(status) = status else { return Err(super::admin::misplaced()) };
        checks.push(Check::ok("helper", format!("runs as process {}", status.pid)));
        if self.unlock {
            let request = AdminRequest::Unlock {
                filter: RecordFilter::default(),
                surroundings: unlock::surroundings(),
            };
            match ask(link, request).await {
                Ok((_, AdminOutcome::Unlocked { slug, .. })) => {
                    checks.push(Check::ok("unlock", format!("{slug} was decrypted")));
                }
                Ok(_) => {}
                Err(problem) => checks.push(Check::bad(
                    "unlock",
                    Level::Problem,
                    problem.failure.message.into_string(),
                    problem.failure.hint.into_string(),
                )),
            }
        }
        let (events, _) = ask(link, AdminRequest::Person(Ask::Checkup { records: self.unlock })).await?;
        let found = events.into_iter().filter_map(|event| match event {
            AdminEvent::Person(Tell::Check(check)) => Some(Check::from(check)),
            _ => None,
        });
        let mut found: Vec<Check> = found.collect();
        let (home, gpg_home) = (taken(&mut found, "helper home"), taken(&mut found, "helper gpg home"));
        let problem = |names: &[&str]| {
            found.iter().any(|check| check.level == Level::Problem && names.contains(&check.name.as_str()))
        };
        // Without its agent, gpg finds no key in the right home either.
        let broken = problem(&["gpg home", "store"]) || (problem(&["recipients"]) && !problem(&["agent"]));
        homes(&Homes::here(home, gpg_home, status.pid, broken), checks);
        checks.extend(found);
        Ok(())
    }
}

fn taken(found: &mut Vec<Check>, name: &str) -> String {
    let at = found.iter().position(|check| check.name == name);
    at.map(|at| found.remove(at).text).unwrap_or_default()
}

/// What is compared to find a home that is not the person's own.
struct Homes {
    /// The helper's.
    helper: String,
    helper_gpg: String,
    /// This terminal's.
    here: String,
    here_gpg: String,
    /// The account's, from the user database.
    account: String,
    pid: u32,
    /// Whether the helper does not find its store or keys.
    broken: bool,
    /// Whether it is another user's helper, which has a home of its own by right.
    service: bool,
}

impl Homes {
    fn here(helper: String, helper_gpg: String, pid: u32, broken: bool) -> Self {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let here = set("HOME").unwrap_or_default();
        let account = User::from_uid(Uid::effective()).ok().flatten();
        let owner = fs::metadata(format!("/proc/{pid}")).map(|about| about.uid()).ok();
        Self {
            helper,
            helper_gpg,
            here_gpg: set("GNUPGHOME").unwrap_or_else(|| format!("{here}/.gnupg")),
            here,
            account: account.map(|user| user.dir.display().to_string()).unwrap_or_default(),
            pid,
            broken,
            service: owner.is_some_and(|uid| uid != Uid::effective().as_raw() && uid != 0),
        }
    }
}

/// The commonest trouble: an MCP client starts the server, and with it the helper, with a home of its own.
fn homes(homes: &Homes, checks: &mut Vec<Check>) {
    let fix = format!(
        "stop it (kill {}) and run this again from your shell; then put HOME and GNUPGHOME into the client's entry for the server",
        homes.pid
    );
    let differ = [("HOME", &homes.helper, &homes.here), ("the GPG home", &homes.helper_gpg, &homes.here_gpg)];
    let before = checks.len();
    for (what, helper, here) in differ {
        if !homes.service && !here.is_empty() && helper != here {
            let text = format!("the helper has {helper} as {what}, this terminal {here}");
            checks.push(Check::bad("home", Level::Warning, text, fix.clone()));
        }
    }
    if homes.broken && !homes.service && !homes.account.is_empty() && homes.helper != homes.account {
        let text = format!(
            "the helper's home is {}, your account's is {}: a profile of its own, and the store or the keys are not in it",
            homes.helper, homes.account
        );
        // This terminal may have that home too; then another shell, not another start, helps.
        let fix = if homes.helper == homes.here {
            format!("stop it (kill {}), set HOME={} here, and run this again", homes.pid, homes.account)
        } else {
            fix
        };
        checks.push(Check::bad("home", Level::Problem, text, fix));
    }
    if checks.len() == before {
        checks.push(Check::ok("home", format!("{}, GPG home {}", homes.helper, homes.helper_gpg)));
    }
}

/// What can be seen without the helper.
fn without_helper(checks: &mut Vec<Check>) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    for (program, fix) in [("gpg", "install gnupg"), ("gpg-agent", "install gpg-agent")] {
        let found =
            std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file());
        checks.push(match found {
            Some(file) => Check::ok(program, file.display().to_string()),
            None => Check::bad(program, Level::Problem, format!("{program} is not on PATH"), fix),
        });
    }
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = set("HOME").unwrap_or_default();
    let gpg_home = set("GNUPGHOME").unwrap_or_else(|| home.join(".gnupg"));
    checks.push(if gpg_home.is_dir() {
        Check::ok("gpg home", gpg_home.display().to_string())
    } else {
        let text = format!("there is no GPG home at {}", gpg_home.display());
        let fix = "check HOME and GNUPGHOME; else make a key with `gpg --quick-generate-key NAME`";
        Check::bad("gpg home", Level::Problem, text, fix)
    });
    checks.push(Check::bad(
        "vault",
        Level::Warning,
        "the store, the records, host keys and the policy were not looked at: the helper does that",
        "start the helper, then run this again",
    ));
}

fn sockets(checks: &mut Vec<Check>) {
    let helper_user = Config::load().ok().and_then(|config| config.helper_user);
    let place = Place::from_env(Trust::new(helper_user.as_deref()));
    let before = checks.len();
    // What is another's own, a service account's for one, has the modes that its owner wants.
    let folder = (place.directory.clone(), "chmod 700");
    let sockets = ["broker.sock", "admin.sock"].map(|name| (place.socket(name), "chmod 600"));
    for (path, chmod) in [folder].into_iter().chain(sockets) {
        let Ok(about) = fs::metadata(&path) else { continue };
        let (uid, shown) = (Uid::from_raw(about.uid()), path.display());
        if place.trust.check(uid).is_err() {
            checks.push(Check::bad(
                "sockets",
                Level::Problem,
                format!("{shown} belongs to another user"),
                "remove it; if that user is the service account, name it as `helper_user` in sallyport.toml",
            ));
        } else if uid == Uid::effective() && about.mode() & 0o077 != 0 {
            let fix = format!("{chmod} {shown}");
            checks.push(Check::bad("sockets", Level::Problem, format!("{shown} is open to others"), fix));
        }
    }
    if let Err(error) = fs::metadata(&place.directory) {
        checks.push(Check::bad(
            "sockets",
            Level::Warning,
            format!("{}: {error}", place.directory.display()),
            "it is made when the helper starts; check XDG_RUNTIME_DIR and SALLYPORT_RUNTIME_DIR",
        ));
    }
    if checks.len() == before {
        checks.push(Check::ok("sockets", place.directory.display().to_string()));
    }
}

fn registrations(checks: &mut Vec<Check>) {
    let mut names = Vec::new();
    for registered in install::registered() {
        let name = registered.client.clone();
        let again = format!("run `sallyport install {name}` again");
        let gone = |command: &str| command.contains('/') && !Path::new(command).is_file();
        match &registered.command {
            Some(command) if gone(command) => checks.push(Check::bad(
                "clients",
                Level::Warning,
                format!("{name} starts {command}, which is not there"),
                again,
            )),
            None => checks.push(Check::bad(
                "clients",
                Level::Warning,
                format!("the entry for sallyport in {} has no command", registered.file.display()),
                again,
            )),
            Some(_) => names.push(name),
        }
        for (variable, value) in &registered.environment {
            let here = std::env::var(variable).unwrap_or_default();
            if ["HOME", "GNUPGHOME", "PASSWORD_STORE_DIR"].contains(&variable.as_str()) && *value != here {
                checks.push(Check::bad(
                    "clients",
                    Level::Warning,
                    format!(
                        "{} gives the server {variable}={value}, this terminal has {here:?}",
                        registered.client
                    ),
                    format!("correct it in {}, unless you mean it", registered.file.display()),
                ));
            }
        }
    }
    checks.push(Check::ok(
        "clients",
        match names.as_slice() {
            [] => "none is registered; `sallyport install CLIENT` does it".to_owned(),
            names => format!("registered with {}", names.join(", ")),
        },
    ));
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Ok => "ok",
        Level::Warning => "warning",
        Level::Problem => "problem",
    }
}

fn text(check: &Check) -> String {
    let mut text = format!("{:<8} {}: {}", word(check.level), check.name, one_line(&check.text));
    if !check.fix.is_empty() {
        text.push_str(&format!("\n         fix: {}", one_line(&check.fix)));
    }
    text
}

fn summary(checks: &[Check]) -> String {
    let found = |level| checks.iter().filter(|check| check.level == level).count();
    let all = count(checks.len(), "check");
    match (found(Level::Warning), found(Level::Problem)) {
        (0, 0) => format!("{all}, all is well."),
        (warnings, problems) => {
            format!("{}, {} in {all}.", count(problems, "problem"), count(warnings, "warning"))
        }
    }
}

fn report(check: &Check) -> Value {
    json!({ "name": check.name, "level": word(check.level), "text": check.text, "fix": check.fix })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(change: impl FnOnce(&mut Homes)) -> String {
        let mut same = Homes {
            helper: "/home/me".into(),
            helper_gpg: "/home/me/.gnupg".into(),
            here: "/home/me".into(),
            here_gpg: "/home/me/.gnupg".into(),
            account: "/home/me".into(),
            pid: 77,
            broken: false,
            service: false,
        };
        change(&mut same);
        let mut checks = Vec::new();
        homes(&same, &mut checks);
        checks.iter().map(text).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_home_that_is_not_the_persons_own_is_found() {
        insta::assert_snapshot!(found(|_| {}), @"ok       home: /home/me, GPG home /home/me/.gnupg");
        insta::assert_snapshot!(found(|homes| {
            homes.helper = "/home/me/.profiles/work".into();
            homes.broken = true;
        }), @r"
        warning  home: the helper has /home/me/.profiles/work as HOME, this terminal /home/me
                 fix: stop it (kill 77) and run this again from your shell; then put HOME and GNUPGHOME into the client's entry for the server
        problem  home: the helper's home is /home/me/.profiles/work, your account's is /home/me: a profile of its own, and the store or the keys are not in it
                 fix: stop it (kill 77) and run this again from your shell; then put HOME and GNUPGHOME into the client's entry for the server
        ");
        assert!(found(|homes| homes.helper_gpg = "/tmp/g".into()).contains("/tmp/g as the GPG home"));
        let service = |homes: &mut Homes| {
            homes.helper = "/var/lib/sallyport".into();
            homes.service = true;
        };
        assert!(found(service).starts_with("ok"), "a service has a home of its own by right");
    }

    #[test]
    fn the_summary_counts_what_needs_attention() {
        let checks = [
            Check::ok("a", ""),
            Check::bad("b", Level::Warning, "", ""),
            Check::bad("c", Level::Problem, "", ""),
        ];
        assert_eq!(summary(&checks), "1 problem, 1 warning in 3 checks.");
        assert_eq!(summary(&checks[..1]), "1 check, all is well.");
    }
}
