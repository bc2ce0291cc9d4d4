//! `doctor`'s findings from inside the helper: what it sees is what will work or not, whatever a terminal sees.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use nix::sys::statvfs::statvfs;
use nix::unistd::Uid;
use sallyport_policy::{HostKey, Identity};
use sallyport_protocol::admin::AdminOutcome;
use sallyport_protocol::person::{CheckEntry, Level, Tell};

use super::{dialog, tell};
use crate::config::{Paths, Settings, is_trusted_owner, others_may_change};
use crate::harden::memory;
use crate::helper::Helper;
use crate::redact::{Redactor, SecretKind, Strength};
use crate::serve::admin::Answer;
use crate::serve::connection::Operation;
use crate::ssh::keeper::look_at;
use crate::vault::{self, Agent, Ask, Fallback, Filter, Purpose, RecordType};

/// Free space below which the audit log is in danger, in bytes.
const LITTLE_SPACE: u64 = 64 * 1024 * 1024;

/// Looks at everything and tells each finding.
///
/// # Errors
/// None: what cannot be looked at is a finding.
pub async fn run(op: &Operation, records: bool) -> Answer {
    let helper = &op.helper;
    let mut found = Vec::new();
    environment(helper, &mut found);
    let silent = agent(helper, &mut found).await;
    if silent {
        let text = "the store and its records were not looked at: gpg-agent does not answer";
        found.push(bad("vault", Level::Warning, text, "end gpg-agent as said above, then run this again"));
    } else {
        found.extend(helper.vault.checkup(records).await.into_iter().map(of_vault));
    }
    window(helper, &mut found);
    pinentry(helper, &mut found);
    if records && !silent {
        judged(helper, &mut found).await;
    }
    configuration(helper, &mut found);
    hosts(helper, &mut found);
    host_keys(helper, &mut found);
    files(helper, &mut found);
    clock(helper, &mut found);
    hardening(helper, &mut found);
    for check in found {
        tell(op, Tell::Check(check));
    }
    Ok(AdminOutcome::Listed)
}

fn ok(name: &str, text: impl Into<String>) -> CheckEntry {
    CheckEntry { name: name.into(), level: Level::Ok, text: text.into().into(), fix: "".into() }
}

fn bad(name: &str, level: Level, text: impl Into<String>, fix: impl Into<String>) -> CheckEntry {
    CheckEntry { name: name.into(), level, text: text.into().into(), fix: fix.into().into() }
}

fn of_vault(check: vault::Check) -> CheckEntry {
    let level = match check.level {
        vault::Level::Ok => Level::Ok,
        vault::Level::Warning => Level::Warning,
        vault::Level::Problem => Level::Problem,
    };
    bad(check.name, level, check.text, check.fix.unwrap_or_default())
}

/// The two names by which `doctor` compares the helper's environment with the terminal's.
fn environment(helper: &Helper, found: &mut Vec<CheckEntry>) {
    let shown = |path: Option<PathBuf>| path.map(|path| path.display().to_string()).unwrap_or_default();
    found.push(ok("helper home", shown(helper.home.clone())));
    let gpg_home = dialog::gpg_home(helper.home.as_deref());
    found.push(ok("helper gpg home", shown(gpg_home.clone())));
    let Some(folder) = gpg_home else { return };
    match fs::metadata(&folder) {
        Ok(about) if about.uid() != Uid::effective().as_raw() => found.push(bad(
            "gpg home",
            Level::Problem,
            format!("{} belongs to another user", folder.display()),
            "check HOME and GNUPGHOME of the vault helper",
        )),
        Ok(about) if about.mode() & 0o077 != 0 => found.push(bad(
            "gpg home",
            Level::Warning,
            format!("{} is open to others", folder.display()),
            format!("chmod 700 {}", folder.display()),
        )),
        Ok(_) => found.push(ok("gpg home", folder.display().to_string())),
        Err(_) => found.push(bad(
            "gpg home",
            Level::Problem,
            format!("there is no GPG home at {}", folder.display()),
            "check HOME and GNUPGHOME: a client may start the helper with a home of its own; else make a key with `gpg --quick-generate-key NAME`",
        )),
    }
}

fn window(helper: &Helper, found: &mut Vec<CheckEntry>) {
    let state = helper.vault.window();
    found.push(ok(
        "window",
        match (state.locked, state.expires_in, helper.settings.unlock_window_s) {
            (true, _, length) => format!("closed; `sallyport unlock` opens it for {length} s"),
            (false, Some(left), _) => format!("open for another {} s", left.as_secs()),
            (false, None, _) => "left to gpg-agent (unlock_window_s = 0)".to_owned(),
        },
    ));
}

/// gpg-agent, which keeps the keys. Started here when it does not run, as gpg would. Gives whether it hangs; whatever
/// needs it would then wait in vain.
async fn agent(helper: &Helper, found: &mut Vec<CheckEntry>) -> bool {
    // Without a home there is no agent either, and the home has its line.
    if !dialog::gpg_home(helper.home.as_deref()).is_some_and(|home| home.is_dir()) {
        return false;
    }
    let home = helper.vault.gpg_home().clone();
    let looked = tokio::task::spawn_blocking(move || home.started_agent());
    let agent = looked.await.unwrap_or(Agent::Unknown);
    let hangs = matches!(agent, Agent::Silent { .. });
    found.push(match agent {
        Agent::Answers(socket) => ok("agent", format!("gpg-agent listens at {}", socket.display())),
        Agent::Silent { socket, pid } => bad(
            "agent",
            Level::Problem,
            format!("gpg-agent holds {} and does not answer", socket.display()),
            format!("end it (kill -KILL {pid}); gpg starts another one"),
        ),
        Agent::Absent(socket) => bad(
            "agent",
            Level::Problem,
            format!("gpg-agent does not come up at {}", socket.display()),
            "run `gpg-agent --daemon`, which says why",
        ),
        Agent::Unknown => {
            bad("agent", Level::Problem, "gpgconf does not say where gpg-agent listens", "install gnupg")
        }
    });
    hangs
}

fn pinentry(helper: &Helper, found: &mut Vec<CheckEntry>) {
    let fix =
        "install a pinentry (pinentry-curses for terminals), or correct pinentry-program in gpg-agent.conf";
    found.push(match dialog::program(helper.home.as_deref()) {
        None => bad("pinentry", Level::Problem, "no pinentry is installed", fix),
        Some(program) => {
            let runs = fs::metadata(&program).is_ok_and(|about| about.is_file() && about.mode() & 0o111 != 0);
            let text = program.display().to_string();
            if runs {
                ok("pinentry", text)
            } else {
                bad("pinentry", Level::Problem, format!("{text} is not a program"), fix)
            }
        }
    });
}

/// Decrypts every record that can be, and judges it: whether it is what its name says and fits the slug's others, and
/// whether it can be masked.
async fn judged(helper: &Helper, found: &mut Vec<CheckEntry>) {
    let entries = helper.vault.store().list(&Filter::default()).unwrap_or_default().entries;
    let mut records = Vec::new();
    for entry in entries {
        records.extend(entry.types.into_iter().map(|kind| (entry.slug.clone(), kind)));
    }
    for (slug, kind) in &records {
        let (slug, kind) = (slug, *kind);
        // One that cannot be decrypted has its line already.
        let Ok(secret) = helper.vault.decrypt(slug, kind, Ask::Never).await else { continue };
        match helper.vault.inspect(slug, kind, &secret, Ask::Never).await {
            Ok(inspection) => found.extend(inspection.warnings.into_iter().map(|warning| {
                let text = format!("the {kind} record of {slug}: {warning}");
                bad("record", Level::Warning, text, format!("see `sallyport credential show {slug}`"))
            })),
            Err(error) => found.push(bad("record", Level::Problem, error.to_string(), error.hint())),
        }
        if !matches!(kind, RecordType::Password | RecordType::Passphrase) {
            continue;
        }
        let why = match Redactor::strength(secret.expose(), SecretKind::Password) {
            Strength::Good => continue,
            Strength::Weak(why) => why,
            Strength::Refused => "it is too short to be masked in output",
        };
        found.push(bad(
            "weak secret",
            Level::Warning,
            format!("the {kind} of {slug}: {why}"),
            "change it on the host, then replace the record",
        ));
    }
}

fn configuration(helper: &Helper, found: &mut Vec<CheckEntry>) {
    let now = helper.live.now();
    for problem in &now.problems {
        let name = if problem.contains("hosts.toml: ") { "hosts" } else { "policy" };
        found.push(bad(
            name,
            Level::Problem,
            problem.as_str(),
            "correct the file; it is read again when it changes",
        ));
    }
    if !now.problems.iter().any(|problem| problem.contains("policy.toml: ")) {
        found.push(ok("policy", format!("in force, digest {}", helper.policy_digest(&now))));
    }
    let file = Paths::from_env().config.join("sallyport.toml");
    match Settings::read(&file) {
        Ok(_) if file.exists() => found.push(ok("settings", file.display().to_string())),
        Ok(_) => found.push(ok("settings", "the defaults; there is no sallyport.toml")),
        Err(error) => found.push(bad(
            "settings",
            Level::Problem,
            error.to_string(),
            "correct the file; the helper still runs with what it read at its start and will not start again",
        )),
    }
    for account in now.inventory.default_accounts().iter() {
        if let Err(error) = Fallback::new(&account.user, &account.hosts) {
            found.push(bad(
                "default account",
                Level::Problem,
                format!("{}: {error}", account.user),
                "correct [[default_account]] in hosts.toml; it is not offered to any host as it is",
            ));
        }
    }
}

fn hosts(helper: &Helper, found: &mut Vec<CheckEntry>) {
    let now = helper.live.now();
    let records = helper.vault.store().list(&Filter { purpose: Some(Purpose::Ssh), ..Filter::default() });
    let records = records.unwrap_or_default().entries;
    let has_record = |host: &str, port: u16| {
        records.iter().any(|entry| {
            entry.slug.host().is_some_and(|name| name.eq_ignore_ascii_case(host))
                && entry.slug.port().unwrap_or(22) == port
        })
    };
    let bound = |host: &str| {
        let accounts = now.inventory.default_accounts();
        accounts.iter().any(|a| Fallback::new(&a.user, &a.hosts).is_ok_and(|account| account.covers(host)))
    };
    for (alias, host) in now.inventory.iter() {
        let vault_alone = host.identity.iter().all(|identity| *identity == Identity::Vault);
        if vault_alone && !has_record(&host.hostname, host.port) && !bound(&host.hostname) {
            let user = host.user.as_deref().unwrap_or("USER");
            found.push(bad(
                "hosts",
                Level::Warning,
                format!("{alias} has no record to log in with"),
                format!("sallyport credential add ssh://{user}@{alias} --key FILE"),
            ));
        }
        if host.identity.contains(&Identity::Agent)
            && !helper.agent_socket().is_some_and(|path| path.exists())
        {
            found.push(bad(
                "ssh-agent",
                Level::Problem,
                format!("{alias} logs in by ssh-agent, and the helper knows no agent's socket"),
                "name it as `ssh_auth_sock` in sallyport.toml",
            ));
        }
        for identity in &host.identity {
            if let Identity::File(path) = identity
                && let Err(failure) = look_at(path, helper.home.as_deref())
            {
                let text = format!("{alias}: {}", failure.message);
                found.push(bad("key file", Level::Problem, text, failure.hint.into_string()));
            }
        }
    }
    found.push(ok("hosts", format!("{} in hosts.toml", now.inventory.len())));
}

fn host_keys(helper: &Helper, found: &mut Vec<CheckEntry>) {
    let known = match helper.trust.known() {
        Ok(known) => known,
        Err(failure) => {
            let (text, fix) = (failure.message.into_string(), failure.hint.into_string());
            found.push(bad("host keys", Level::Problem, text, fix));
            return;
        }
    };
    let now = helper.live.now();
    let mut missing = 0;
    for (alias, host) in now.inventory.iter() {
        let vouched = !known.keys_of(&host.hostname, host.port).is_empty()
            || known.has_authority(&host.hostname, host.port);
        if !vouched && host.host_key == HostKey::Strict {
            missing += 1;
            found.push(bad(
                "host keys",
                Level::Warning,
                format!("no key of {alias} is known; every login will stop there"),
                format!("sallyport hostkey accept {alias}"),
            ));
        }
    }
    for (host, keys) in helper.announced.list() {
        found.push(bad(
            "host keys",
            Level::Warning,
            format!("{host} proved that it has new host keys: {}", keys.join(", ")),
            format!("accept them before it changes to them: sallyport hostkey accept {host}"),
        ));
    }
    if missing == 0 {
        found.push(ok("host keys", "every host has a known key or accepts its first one"));
    }
}

/// Permissions of what is ours, and room for the audit log.
fn files(helper: &Helper, found: &mut Vec<CheckEntry>) {
    let paths = Paths::from_env();
    let open_to_read: fn(&Metadata) -> bool = |about| about.mode() & 0o077 != 0;
    let ours = [
        (paths.state.clone(), open_to_read, "go-rwx"),
        (helper.audit.path().to_owned(), open_to_read, "go-rwx"),
        (paths.state.join("known_hosts"), others_may_change, "go-w"),
        (paths.config.clone(), others_may_change, "go-w"),
        (paths.config.join("policy.toml"), others_may_change, "go-w"),
        (paths.config.join("hosts.toml"), others_may_change, "go-w"),
        (paths.config.join("sallyport.toml"), others_may_change, "go-w"),
    ];
    let before = found.len();
    for (path, open, minus) in ours {
        let Ok(about) = fs::metadata(&path) else { continue };
        if !is_trusted_owner(&about) {
            found.push(bad(
                "permissions",
                Level::Problem,
                format!("{} belongs to another user", path.display()),
                "give it to the vault helper's user",
            ));
        } else if open(&about) {
            found.push(bad(
                "permissions",
                Level::Warning,
                format!("{} is open to others", path.display()),
                format!("chmod {minus} {}", path.display()),
            ));
        }
    }
    if found.len() == before {
        found.push(ok("permissions", "nothing of ours is open to others"));
    }
    found.push(space(helper.audit.path()));
}

fn space(audit: &Path) -> CheckEntry {
    let folder = audit.parent().unwrap_or(audit);
    match statvfs(folder) {
        Ok(disk) => {
            let free = disk.blocks_available().saturating_mul(disk.fragment_size());
            let text = format!("{} MiB free for {}", free / (1024 * 1024), audit.display());
            if free >= LITTLE_SPACE {
                ok("audit log", text)
            } else {
                let fix = "make room: without an audit record no command runs";
                bad("audit log", Level::Problem, text, fix)
            }
        }
        Err(error) => {
            bad("audit log", Level::Problem, format!("{}: {error}", folder.display()), "check the disk")
        }
    }
}

/// A clock that is behind what was written before spoils certificates, windows and the audit log's times.
fn clock(helper: &Helper, found: &mut Vec<CheckEntry>) {
    let now = SystemTime::now();
    let program = std::env::current_exe().ok();
    let written = [program.as_deref(), Some(helper.audit.path())];
    let newest =
        written.into_iter().flatten().filter_map(|path| fs::metadata(path).ok()?.modified().ok()).max();
    let ahead = newest.and_then(|newest| newest.duration_since(now).ok()).map_or(0, |ahead| ahead.as_secs());
    found.push(if ahead > 60 {
        bad(
            "clock",
            Level::Warning,
            format!("the clock is at least {ahead} s behind: our own files are from the future"),
            "set the clock (`timedatectl set-ntp true`)",
        )
    } else {
        ok("clock", "plausible")
    });
}

fn hardening(helper: &Helper, found: &mut Vec<CheckEntry>) {
    use sallyport_protocol::handshake::Profile;
    let level = helper.hardening.number();
    let apart = match helper.profile {
        Profile::SameUser => "broker and helper are the same user: a seatbelt, no boundary",
        Profile::SeparateUser => "broker and helper are different users",
    };
    let early = helper.hardening.started_without_store() && helper.vault.store().root().is_dir();
    found.push(if early {
        bad(
            "hardening",
            Level::Warning,
            format!(
                "level {level}: it started before there was a store, and is not bound to the files it needs"
            ),
            format!("end it (kill {}); the next command starts one that is", std::process::id()),
        )
    } else if level == 0 {
        bad("hardening", Level::Warning, format!("level 0; {apart}"), "see the helper's log for what failed")
    } else {
        ok("hardening", format!("level {level}; {apart}"))
    });
    let rest = memory::usage();
    if rest.spilled > 0 {
        let wrong = format!(
            "the memory for secrets ({} KiB) was too small for them: some are in ordinary memory",
            rest.size >> 10
        );
        let hint =
            "raise the limit of locked memory (`ulimit -Hl`, LimitMEMLOCK=) and restart the vault helper";
        found.push(bad("secret memory", Level::Warning, wrong, hint));
    }
}
