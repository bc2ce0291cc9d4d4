//! `ssh_package`: installed packages; installing and removing one.

use sallyport_protocol::{ErrorCode, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::line::{Line, plain};
use super::run::{Ran, Tool, perform};
use crate::mcp::call::{Call, Handled, invalid};
use crate::mcp::exec::{self, Asked};

/// The arguments.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Where: an alias from ssh_list_hosts, user@alias, or [user@]host[:port].
    target: String,
    /// list (default): what is installed, or with package that one. install, remove: a package.
    #[serde(default)]
    action: Action,
    /// A package's name.
    package: Option<String>,
    /// list: packages in the answer. Default 200.
    #[schemars(range(min = 1, max = 5000), extend("default" = 200))]
    limit: Option<usize>,
    /// As root, through sudo: installing and removing need it unless the account is root.
    #[serde(default)]
    sudo: bool,
    /// Seconds until the call is answered with status timeout while the command goes on as a job. Default 60.
    #[schemars(range(min = 1, max = 604_800))]
    timeout_s: Option<u32>,
    /// You are sure, where the host lets the model itself confirm.
    #[serde(default)]
    confirm: bool,
    /// The id of a confirmation that a person gave for exactly this call.
    confirmation_id: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Action {
    #[default]
    List,
    Install,
    Remove,
}

/// A package manager: its program, and what it is told. A package's name comes behind all but `list`.
struct Manager {
    program: &'static str,
    list: &'static str,
    one: &'static str,
    install: &'static str,
    remove: &'static str,
    read: fn(&str) -> Option<Package>,
}

const RPM_ALL: &str = r"rpm -q -a --qf '%{NAME}\t%{VERSION}-%{RELEASE}\n'";
const RPM_ONE: &str = r"rpm -q --qf '%{NAME}\t%{VERSION}-%{RELEASE}\n' --";

static MANAGERS: [Manager; 6] = [
    Manager {
        program: "apt-get",
        list: r"dpkg-query -W -f '${Package}\t${Version}\t${db:Status-Status}\n'",
        one: r"dpkg-query -W -f '${Package}\t${Version}\t${db:Status-Status}\n' --",
        install: "DEBIAN_FRONTEND=noninteractive apt-get install -y --",
        remove: "DEBIAN_FRONTEND=noninteractive apt-get remove -y --",
        read: of_dpkg,
    },
    Manager {
        program: "dnf",
        list: RPM_ALL,
        one: RPM_ONE,
        install: "dnf install -y --",
        remove: "dnf remove -y --",
        read: of_rpm,
    },
    Manager {
        program: "yum",
        list: RPM_ALL,
        one: RPM_ONE,
        install: "yum install -y --",
        remove: "yum remove -y --",
        read: of_rpm,
    },
    Manager {
        program: "zypper",
        list: RPM_ALL,
        one: RPM_ONE,
        install: "zypper --non-interactive install --",
        remove: "zypper --non-interactive remove --",
        read: of_rpm,
    },
    Manager {
        program: "apk",
        list: "apk info -v",
        one: "apk info -v -e --",
        install: "apk add --",
        remove: "apk del --",
        read: of_apk,
    },
    Manager {
        program: "pacman",
        list: "pacman -Q",
        one: "pacman -Q --",
        install: "pacman -S --noconfirm --",
        remove: "pacman -R --noconfirm --",
        read: of_pacman,
    },
];

/// Prints where each of them is, in the order of the table.
const LOOK: &str = "for tool in apt-get dnf yum zypper apk pacman; do command -v $tool; done";

/// The answer's own fields.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Fields {
    /// The package manager.
    manager: &'static str,
    /// list: what is installed.
    packages: Vec<Package>,
    /// list: how many there are; the answer may hold fewer.
    total: usize,
    /// install, remove: what it said.
    output: String,
    #[serde(flatten)]
    ran: Ran,
}

#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct Package {
    name: String,
    version: String,
}

/// A request, and the manager that answers it.
struct Managed {
    args: Args,
    manager: &'static Manager,
}

/// Lists, installs or removes packages with the host's own manager.
pub async fn package(call: &Call) -> Handled {
    let args: Args = call.arguments()?;
    let found = exec::look(call, &args.target, LOOK).await?;
    let named =
        |manager: &&Manager| found.lines().any(|line| line.rsplit('/').next() == Some(manager.program));
    let manager = MANAGERS.iter().find(named).ok_or_else(|| {
        Failure::new(
            ErrorCode::UnsupportedOperation,
            format!("{} has none of apt-get, dnf, yum, zypper, apk and pacman", args.target),
            "use ssh_exec with what the host has",
        )
    })?;
    perform(call, &Managed { args, manager }).await
}

impl Tool for Managed {
    type Fields = Fields;

    fn asked(&self) -> Asked {
        let Args { target, sudo, confirm, confirmation_id, timeout_s, .. } = &self.args;
        Asked { timeout_s: *timeout_s, ..Asked::on(target, *sudo, *confirm, confirmation_id.as_ref()) }
    }

    fn needs(&self) -> &'static str {
        self.manager.program
    }

    fn command(&self) -> Result<String, Failure> {
        let package = self.args.package.as_deref().map(|name| plain("package", name)).transpose()?;
        let manager = self.manager;
        let line = match (self.args.action, package) {
            (Action::List, None) => Line::of(manager.list),
            (Action::List, Some(package)) => Line::of(manager.one).word(package),
            (Action::Install, Some(package)) => Line::of(manager.install).word(package),
            (Action::Remove, Some(package)) => Line::of(manager.remove).word(package),
            (_, None) => return Err(invalid("this action needs a package")),
        };
        Ok(line.finish())
    }

    fn read(&self, out: &str, ran: Ran) -> Fields {
        let listing = self.args.action == Action::List;
        let mut packages: Vec<Package> =
            if listing { out.lines().filter_map(self.manager.read).collect() } else { Vec::new() };
        let total = packages.len();
        packages.truncate(self.args.limit.unwrap_or(200));
        let output = if listing { String::new() } else { out.to_owned() };
        Fields { manager: self.manager.program, packages, total, output, ran }
    }
}

fn of(name: &str, version: &str) -> Option<Package> {
    Some(Package { name: name.to_owned(), version: version.to_owned() })
}

fn of_dpkg(line: &str) -> Option<Package> {
    let mut fields = line.split('\t');
    let (name, version) = (fields.next()?, fields.next()?);
    // A package that was removed may have left its settings.
    (fields.next()? == "installed").then(|| of(name, version)).flatten()
}

fn of_rpm(line: &str) -> Option<Package> {
    line.split_once('\t').and_then(|(name, version)| of(name, version))
}

/// `name-1.2.3-r4`
fn of_apk(line: &str) -> Option<Package> {
    let at = line.rmatch_indices('-').nth(1)?.0;
    of(&line[..at], &line[at + 1..])
}

fn of_pacman(line: &str) -> Option<Package> {
    line.split_once(' ').and_then(|(name, version)| of(name, version))
}

#[cfg(test)]
mod tests {
    use super::super::tests::arguments;
    use super::*;
    use serde_json::{Value, json};

    fn with(program: &str, more: Value) -> Managed {
        let manager = MANAGERS.iter().find(|manager| manager.program == program).unwrap();
        Managed { args: arguments(json!({}), more), manager }
    }

    #[test]
    fn a_package_is_a_word_of_the_managers_command() {
        let install = json!({ "action": "install", "package": "nginx" });
        assert_eq!(with("apk", install.clone()).command().unwrap(), "apk add -- 'nginx'");
        let line = "DEBIAN_FRONTEND=noninteractive apt-get install -y -- 'nginx'";
        assert_eq!(with("apt-get", install).command().unwrap(), line);
        for bad in [json!({ "action": "install" }), json!({ "action": "remove", "package": "--purge" })] {
            assert!(with("apt-get", bad.clone()).command().is_err(), "{bad}");
        }
    }

    #[test]
    fn every_manager_lists_in_readonly_and_asks_before_it_changes_anything() {
        use sallyport_policy::{Policy, ShellState, Subject, Verdict};
        let judge = |mode: &str, line: &str| {
            let policy = Policy::from_toml(&format!("mode = \"{mode}\"")).unwrap();
            policy.judge(&Subject::anywhere("local"), &ShellState::default(), line).verdict
        };
        assert_eq!(judge("readonly", LOOK), Verdict::Allow);
        for manager in &MANAGERS {
            for look in [manager.list.to_owned(), format!("{} 'x'", manager.one)] {
                assert_eq!(judge("readonly", &look), Verdict::Allow, "{look}");
            }
            for change in [manager.install, manager.remove] {
                assert_eq!(judge("guarded", &format!("{change} 'x'")), Verdict::Confirm, "{change}");
            }
        }
    }

    #[test]
    fn what_each_manager_prints_is_read() {
        for (program, line, name, version) in [
            ("apt-get", "bash\t5.2-1\tinstalled", "bash", "5.2-1"),
            ("dnf", "bash\t5.1-2.el9", "bash", "5.1-2.el9"),
            ("apk", "ca-certificates-20240226-r0", "ca-certificates", "20240226-r0"),
            ("pacman", "bash 5.2.026-2", "bash", "5.2.026-2"),
        ] {
            let told = with(program, json!({})).read(&format!("{line}\nrubbish\n"), Ran::default());
            assert_eq!(told.packages, [of(name, version).unwrap()], "{program}");
        }
        assert_eq!(of_dpkg("old\t1\tconfig-files"), None);
    }
}
