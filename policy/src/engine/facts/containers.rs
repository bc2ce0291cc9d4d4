//! Containers: the command inside one is a command, and some options open the host to it.

use super::{Facts, Finding};
use crate::engine::Engine;
use crate::engine::arg::{Arg, HOME};
use crate::engine::place::Path;
use crate::engine::shell::Source;
use crate::state::{Cwd, Link, ShellState};

/// Options of `docker` and of its `run` and `exec` that take a value in the next word.
const VALUES: &str = "-e -v -p -w -u -h -l -m -c -a --env --env-file --volume --publish --workdir --user --hostname --label --memory --cpus --name --network --net \
    --entrypoint --mount --restart --add-host --dns --log-driver --log-opt --platform --pid --ipc --uts --cap-add --cap-drop --device --security-opt \
    --ulimit --tmpfs --shm-size --gpus --runtime --ip --link --expose --stop-signal --pull --cidfile --volumes-from --index -f --file -H --host --context --config \
    --project-name --project-directory --profile -n --namespace --container --cluster --kubeconfig --image --overrides -o --output -s --server --as --userns --cgroupns --annotation --group-add --health-cmd";

impl Engine<'_> {
    /// `docker`, `podman`: `run` and `exec` are wrappers; the rest is in the tables.
    pub(super) fn docker(
        &mut self,
        name: &str,
        args: &[Arg],
        source: &Source<'_>,
        span: (usize, usize),
    ) -> Facts {
        let mut at = options(args, 1);
        let group = args.get(at).map_or("", |arg| arg.text.as_str());
        let hyphen = name.ends_with("-compose");
        let compose = hyphen || group == "compose";
        if !hyphen && matches!(group, "container" | "compose") {
            at = options(args, at + 1);
        }
        let sub = args.get(at).map_or("", |arg| arg.text.as_str());
        if !matches!(sub, "run" | "exec" | "create") {
            let inward = sub == "cp" && args.last().is_some_and(|to| to.text.contains(':') && to.text != "-");
            if inward {
                return Facts::confirm("container-change");
            }
            return self.tool(
                if compose { "docker-compose" } else { name },
                args_from(args, compose, at).as_slice(),
            );
        }
        let start = at + 1;
        // podman's `-l` stands for the container's name, where docker's gives a label.
        if let Some(latest) = args.get(start).filter(|_| name == "podman" && sub == "exec")
            && matches!(latest.text.as_str(), "-l" | "--latest" | "-itl" | "-til" | "-lit" | "-ti-l")
        {
            self.contained(args[start + 1..].to_vec(), ShellState::default(), source, span);
            return Facts::ORDINARY;
        }
        let after = options(args, start);
        let given = &args[start..after.min(args.len())];
        let mut finding = host_options(given);
        let place = self.container_place(given);
        let outside = self.at_home;
        self.at_home |= compose || sub != "exec";
        if let Some(entry) = value_of(given, "--entrypoint") {
            let mut inner = vec![entry];
            inner.extend_from_slice(args.get(after + 1..).unwrap_or_default());
            self.contained(inner, place, source, span);
        } else {
            let inner = args.get(after + 1..).unwrap_or_default().to_vec();
            self.contained(inner, place, source, span);
        }
        self.at_home = outside;
        if given.iter().any(|arg| arg.open) || args.get(after).is_none_or(|arg| arg.open) {
            finding = finding.strictest(Finding::confirm("wrapper-option"));
        }
        if sub == "create" {
            finding = finding.strictest(Finding::confirm("container-change"));
        }
        if sub == "run"
            && given.iter().any(|arg| {
                matches!(arg.text.as_str(), "-d" | "--detach" | "-itd" | "-dit" | "-dp" | "-td" | "-id")
            })
        {
            finding = finding.strictest(Finding::confirm("container-change"));
        }
        // What its programs are there, nobody can prove here.
        Facts::of(finding)
    }

    /// `kubectl`: `exec`, `debug` and `run` are wrappers; the rest is in the tables.
    pub(super) fn kubectl(&mut self, args: &[Arg], source: &Source<'_>, span: (usize, usize)) -> Facts {
        let skip = usize::from(args.get(1).is_some_and(|arg| arg.text == "kubectl"));
        let at = options(args, 1 + skip);
        let sub = args.get(at).map_or("", |arg| arg.text.as_str());
        if !matches!(sub, "exec" | "run" | "debug") {
            return self.tool("kubectl", &without_root_config(&args[skip..]));
        }
        let dashes = args.iter().position(|arg| arg.text == "--");
        let inner = match dashes {
            Some(dashes) => args[dashes + 1..].to_vec(),
            None => {
                let target = options(args, at + 1);
                args.get(options(args, target + 1)..).unwrap_or_default().to_vec()
            }
        };
        let empty = inner.is_empty();
        self.contained(inner, ShellState::default(), source, span);
        match sub {
            "exec" if empty => Facts::confirm("shell-on-stdin"),
            "exec" => Facts::ORDINARY,
            _ => Facts::confirm("container-change"),
        }
    }

    /// What a container's options say of the place its command finds: its directory, and what is mounted where.
    fn container_place(&self, given: &[Arg]) -> ShellState {
        let mut place = ShellState::default();
        if let Some(folder) = values_of(given, &["-w", "--workdir"]).pop() {
            place.cwd = Cwd::At(folder.text);
        }
        for volume in values_of(given, &["-v", "--volume"]) {
            let mut parts = volume.text.splitn(3, ':');
            if let (Some(host), Some(inside)) = (parts.next(), parts.next()) {
                self.mount(&mut place, host, inside);
            }
        }
        for mount in values_of(given, &["--mount"]) {
            let key = |names: &[&str]| {
                mount
                    .text
                    .split(',')
                    .filter_map(|part| part.split_once('='))
                    .find(|(key, _)| names.contains(key))
                    .map(|(_, value)| value)
            };
            if let (Some(host), Some(inside)) =
                (key(&["source", "src"]), key(&["target", "dst", "destination"]))
            {
                self.mount(&mut place, host, inside);
            }
        }
        place
    }

    /// A host directory inside a container. A name without a slash is a volume of the engine's own.
    fn mount(&self, place: &mut ShellState, host: &str, inside: &str) {
        if !host.starts_with(['/', HOME, '.']) {
            return;
        }
        let (to, name) = (self.path(host), Path::new(inside, &Cwd::Start));
        place.links.insert(name.key(), Link { to: to.key(), mount: true });
    }

    /// A command inside a container: the shell's own state does not reach it.
    fn contained(&mut self, inner: Vec<Arg>, place: ShellState, source: &Source<'_>, span: (usize, usize)) {
        let outer = std::mem::replace(&mut self.shell, place);
        self.inner(inner, source, span);
        self.shell = outer;
    }
}

/// The words without a cluster file of root's, which is as trusted as the host; any other may name programs to run.
fn without_root_config(args: &[Arg]) -> Vec<Arg> {
    let roots =
        |file: &Arg| file.text.starts_with("/etc/") && !file.text.contains("..") && !file.is_unknown();
    let mut words = Vec::new();
    let mut rest = args.iter().peekable();
    while let Some(arg) = rest.next() {
        let attached = arg.text.strip_prefix("--kubeconfig=").map(Arg::literal);
        if attached.as_ref().is_some_and(roots) {
            continue;
        }
        if arg.text == "--kubeconfig" && rest.peek().is_some_and(|file| roots(file)) {
            rest.next();
            continue;
        }
        words.push(arg.clone());
    }
    words
}

/// The position after the options that start at `at`.
fn options(args: &[Arg], mut at: usize) -> usize {
    while let Some(arg) =
        args.get(at).filter(|arg| arg.text.starts_with('-') && arg.text.len() > 1 && arg.text != "--")
    {
        at += 1;
        let text = arg.text.as_str();
        let last = text.chars().last().map(|letter| format!("-{letter}"));
        let valued = if text.starts_with("--") {
            !text.contains('=') && VALUES.split_whitespace().any(|value| value == text)
        } else {
            text.len() == 2 && VALUES.split_whitespace().any(|value| value == text)
                || text.len() > 2
                    && text.len() <= 4
                    && last.is_some_and(|last| matches!(last.as_str(), "-e" | "-v" | "-p" | "-w" | "-u"))
        };
        at += usize::from(valued);
    }
    at
}

/// Every value of an option, attached or in the next word.
fn values_of(args: &[Arg], names: &[&str]) -> Vec<Arg> {
    let mut found = Vec::new();
    for (at, arg) in args.iter().enumerate() {
        for name in names {
            match arg.text.strip_prefix(name) {
                Some("") => found.extend(args.get(at + 1).cloned()),
                Some(rest) if name.starts_with("--") => {
                    found.extend(
                        rest.strip_prefix('=').map(|value| Arg { text: value.to_owned(), ..arg.clone() }),
                    );
                }
                Some(rest) => found.push(Arg { text: rest.to_owned(), ..arg.clone() }),
                None => {}
            }
        }
    }
    found
}

fn value_of(args: &[Arg], option: &str) -> Option<Arg> {
    for (at, arg) in args.iter().enumerate() {
        if arg.text == option {
            return args.get(at + 1).cloned();
        }
        if let Some(value) = arg.text.strip_prefix(option).and_then(|rest| rest.strip_prefix('=')) {
            return Some(Arg { text: value.to_owned(), ..arg.clone() });
        }
    }
    None
}

/// The words as the tables read them: `docker-compose SUB ...` for `docker compose SUB ...`.
fn args_from(args: &[Arg], compose: bool, at: usize) -> Vec<Arg> {
    if !compose {
        return args.to_vec();
    }
    let mut words = vec![Arg::literal("docker-compose")];
    words.extend_from_slice(args.get(at..).unwrap_or_default());
    words
}

/// Options that give a container the host: devices, namespaces, its file system, its engine's socket.
fn host_options(given: &[Arg]) -> Finding {
    let opens = given.iter().any(|arg| {
        let text = arg.text.as_str();
        let mount = text.split(['=', ',']).any(|part| {
            let host = part.split(':').next().unwrap_or(part);
            let inside = part.contains(":/");
            (inside
                && (host == "/"
                    || host.starts_with("/etc")
                    || host.starts_with("/var/run")
                    || host.starts_with("/run")
                    || host.starts_with("/root")
                    || host.starts_with("/usr")
                    || host.starts_with("/boot")
                    || host.starts_with("/dev")
                    || host.starts_with("/proc")
                    || host.starts_with("/sys")
                    || host == "/home"
                    || host == "\u{2}"
                    || host.contains("/.ssh")))
                || part == "/"
                || part.contains("docker.sock")
        });
        mount
            || matches!(
                text,
                "--privileged"
                    | "--pid=host"
                    | "--net=host"
                    | "--network=host"
                    | "--ipc=host"
                    | "--userns=host"
                    | "--uts=host"
                    | "--cgroupns=host"
                    | "--restart"
                    | "host"
            )
            || text.starts_with("--cap-add")
            || text.starts_with("--device")
            || text.starts_with("--security-opt")
            || text.starts_with("--restart=")
            || text.starts_with("--volumes-from")
    });
    if opens { Finding::confirm("container-host") } else { Finding::ALLOW }
}

/// Whether the tables know a container tool.
#[cfg(test)]
fn known(name: &str) -> bool {
    crate::tables::tool(name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_know_what_this_reader_hands_them() {
        for name in ["docker", "podman", "docker-compose", "kubectl"] {
            assert!(known(name), "{name}");
        }
    }
}
