//! Commands that go elsewhere: other hosts, terminals of other processes, later times.

use super::files::option_value;
use super::{Facts, Finding};
use crate::engine::Engine;
use crate::engine::arg::Arg;
use crate::engine::shell::{Source, Stdin};

/// Options of ssh that take a value.
const SSH_VALUES: &str = "BbcDEeFIiJLlmOopQRSWwP";

impl Engine<'_> {
    /// `ssh HOST COMMAND`: the command is judged as if it ran here.
    pub(super) fn ssh(
        &mut self,
        name: &str,
        args: &[Arg],
        source: &Source<'_>,
        span: (usize, usize),
    ) -> Facts {
        if name == "sshpass" {
            let at =
                args.iter().position(|arg| arg.text == "ssh" || arg.text == "scp" || arg.text == "rsync");
            return match at {
                Some(at) => {
                    self.inner(args[at..].to_vec(), source, span);
                    Facts::ORDINARY
                }
                None => Facts::confirm("wrapper-option"),
            };
        }
        if let [_, only] = args
            && only.text == "-V"
        {
            return Facts::READS;
        }
        let mut at = 1;
        let mut finding = Finding::ALLOW;
        let mut quiet = false;
        while let Some(arg) = args.get(at).filter(|arg| arg.text.starts_with('-') && arg.text.len() > 1) {
            at += 1;
            let text = arg.text.as_str();
            if text == "--" {
                break;
            }
            for (index, letter) in text.char_indices().skip(1) {
                if SSH_VALUES.contains(letter) {
                    let attached = &text[index + 1..];
                    let value = if attached.is_empty() {
                        at += 1;
                        args.get(at - 1).map_or(String::new(), |arg| arg.text.clone())
                    } else {
                        attached.to_owned()
                    };
                    finding = finding.strictest(self.ssh_option(letter, &value, source, span));
                    break;
                }
                quiet |= matches!(letter, 'V' | 'G' | 'N' | 'T') && letter != 'T';
            }
        }
        let host = args.get(at);
        at += 1;
        // Options may follow the host as well.
        while let Some(arg) = args.get(at).filter(|arg| arg.text.starts_with('-') && arg.text.len() > 1) {
            at += 1;
            if arg.text == "--" {
                break;
            }
            let letter = arg.text[1..].chars().next().unwrap_or(' ');
            if !SSH_VALUES.contains(letter) {
                continue;
            }
            let attached = arg.text[2..].to_owned();
            let value = if attached.is_empty() {
                at += 1;
                args.get(at - 1).map_or(String::new(), |arg| arg.text.clone())
            } else {
                attached
            };
            finding = finding.strictest(self.ssh_option(letter, &value, source, span));
        }
        let rest = args.get(at..).unwrap_or_default().to_vec();
        if rest.is_empty() {
            // A forge's greeting: that account gives no shell.
            let forge = host.is_some_and(|host| host.text.starts_with("git@"));
            let silent = quiet || forge || host.is_none() || matches!(self.stdin, Stdin::Null);
            let found = match self.shell_on_stdin(source, span) {
                Some(found) if host.is_some() && !quiet => found.strictest(Finding::confirm("remote-shell")),
                _ if silent => Finding::ALLOW,
                _ => Finding::confirm("remote-shell"),
            };
            return Facts::of(finding.strictest(found));
        }
        let outer = std::mem::take(&mut self.shell);
        self.joined(&rest, source, span);
        self.shell = outer;
        // What its programs are there, nobody can prove here.
        Facts::of(finding)
    }

    fn ssh_option(
        &mut self,
        letter: char,
        value: &str,
        source: &Source<'_>,
        span: (usize, usize),
    ) -> Finding {
        match letter {
            'L' | 'R' | 'D' | 'W' | 'w' => Finding::confirm("network-tunnel"),
            'F' | 'I' | 'E' => Finding::confirm("runs-option"),
            'o' => {
                let (key, code) = value.split_once(['=', ' ']).unwrap_or((value, ""));
                match key.to_ascii_lowercase().as_str() {
                    "remotecommand" => {
                        self.code_argument(&Arg::literal(code.trim_start()), source, span);
                        Finding::ALLOW
                    }
                    "proxycommand" | "localcommand" | "knownhostscommand" => {
                        self.code_argument(&Arg::literal(code.trim_start()), source, span);
                        Finding::confirm("runs-option")
                    }
                    "permitlocalcommand" | "pkcs11provider" | "securitykeyprovider" | "include" | "match" => {
                        Finding::confirm("runs-option")
                    }
                    _ => Finding::ALLOW,
                }
            }
            _ => Finding::ALLOW,
        }
    }

    /// `scp` and `sftp`: copies from elsewhere are like `cp`, copies to elsewhere are writes there.
    pub(super) fn scp(
        &mut self,
        name: &str,
        args: &[Arg],
        source: &Source<'_>,
        span: (usize, usize),
    ) -> Facts {
        for (letter, at) in args.iter().enumerate().filter_map(|(at, arg)| match arg.text.as_str() {
            "-o" | "-S" | "-F" => arg.text.chars().nth(1).map(|letter| (letter, at)),
            _ => None,
        }) {
            let value = args.get(at + 1).map_or(String::new(), |arg| arg.text.clone());
            if letter == 'S' {
                self.code_argument(&Arg::literal(&value), source, span);
                return Facts::confirm("runs-option");
            }
            let finding = self.ssh_option(letter, &value, source, span);
            if finding != Finding::ALLOW {
                return Facts::of(finding);
            }
        }
        if name == "sftp" && args.len() == 2 && args[1].text == "-V" {
            return Facts::READS;
        }
        if name == "sftp" {
            return Facts::confirm("remote-write");
        }
        let Some(target) = args.last().filter(|_| args.len() > 2) else { return Facts::ORDINARY };
        let remote = target.text.contains(':') && !target.text.starts_with(['/', '.']);
        for from in args.iter().skip(1).filter(|arg| !remote && arg.text.contains(':')) {
            self.keep_copy(from, target);
        }
        Facts::of(if remote { Finding::confirm("remote-write") } else { self.write_to(target) })
    }

    /// Raw sockets: shells on them, listening, and plain probes.
    pub(super) fn sockets(
        &mut self,
        name: &str,
        args: &[Arg],
        source: &Source<'_>,
        span: (usize, usize),
    ) -> Facts {
        let cluster = |letter: char| {
            args.iter().skip(1).any(|arg| {
                arg.text.starts_with('-') && !arg.text.starts_with("--") && arg.text.contains(letter)
            })
        };
        if name == "socat" {
            let words: Vec<&str> =
                args.iter().skip(1).map(|arg| arg.text.trim_start_matches("UNIX-CONNECT:")).collect();
            let asks =
                self.only_asks(&words) && words.iter().any(|word| matches!(*word, "-" | "stdio" | "STDIO"));
            let mut finding = if asks { Finding::ALLOW } else { Finding::confirm("network-socket") };
            for arg in args.iter().skip(1) {
                if let Some((kind, file)) = arg.text.split_once(':')
                    && matches!(
                        kind.to_ascii_lowercase().as_str(),
                        "open" | "file" | "create" | "gopen" | "creat"
                    )
                {
                    let file = file.split([',', '!']).next().unwrap_or_default();
                    finding = finding.strictest(self.write_to(&Arg::literal(file)));
                }
                let lower = arg.text.to_ascii_lowercase();
                if let Some(code) = ["exec:", "system:"]
                    .iter()
                    .find_map(|kind| lower.starts_with(kind).then(|| &arg.text[kind.len()..]))
                {
                    let code = code.split(",pty").next().unwrap_or(code).to_owned();
                    self.code_argument(&Arg::literal(code.trim_matches(['\'', '"'])), source, span);
                }
            }
            return Facts::of(finding);
        }
        for (letter, long) in [('e', "--exec"), ('c', "--sh-exec")] {
            if let Some(code) = option_value(args, letter, long)
                .filter(|_| cluster(letter) || args.iter().any(|arg| arg.text.starts_with(long)))
            {
                self.code_argument(&code, source, span);
                return Facts::confirm("network-shell");
            }
        }
        if cluster('l') || cluster('k') || args.iter().any(|arg| arg.text == "--listen") {
            return Facts::confirm("network-listen");
        }
        let probe = cluster('z');
        let words: Vec<&str> = args.iter().skip(1).map(|arg| arg.text.as_str()).collect();
        if self.only_asks(&words) {
            return Facts::ORDINARY;
        }
        let said = !matches!(self.stdin, Stdin::Outer | Stdin::Null);
        if probe || name == "telnet" && !said {
            Facts::READS.reading(probe)
        } else {
            Facts::confirm("network-socket")
        }
    }

    /// `tmux` and `screen`: text typed into other terminals is code that nobody judged.
    pub(super) fn multiplexer(
        &mut self,
        name: &str,
        args: &[Arg],
        source: &Source<'_>,
        span: (usize, usize),
    ) -> Facts {
        let sub =
            args.iter().skip(1).find(|arg| !arg.text.starts_with('-')).map_or("", |arg| arg.text.as_str());
        let has = |word: &str| args.iter().any(|arg| arg.text == word);
        if name == "screen" {
            if has("-ls") || has("-list") || has("-v") {
                return Facts::READS;
            }
            if has("-X") {
                for arg in args.iter().skip(1).filter(|arg| arg.text.contains(' ') || arg.text.contains('\n'))
                {
                    let mut typed = arg.text.clone();
                    for enter in ["\\n", "\\r", "^M", "\\015", "\\012", "\r"] {
                        typed = typed.replace(enter, "\n");
                    }
                    self.code_argument(&Arg::literal(typed.trim()), source, span);
                }
                return Facts::confirm("types-into-terminal");
            }
            let command = args
                .iter()
                .skip(1)
                .skip_while(|arg| arg.text.starts_with('-'))
                .skip(usize::from(has("-dmS") || has("-S")))
                .cloned();
            let command: Vec<Arg> = command.collect();
            if !command.is_empty() && !has("-r") && !has("-x") {
                self.inner(command, source, span);
            }
            return Facts::ORDINARY;
        }
        if name != "screen" && args.iter().any(|arg| arg.text.ends_with(';')) {
            // Further commands follow in the same words.
            for rest in args.split(|arg| arg.text.ends_with(';')).skip(1).filter(|rest| !rest.is_empty()) {
                let mut inner = vec![args[0].clone()];
                inner.extend_from_slice(rest);
                self.inner(inner, source, span);
            }
            return Facts::confirm("types-into-terminal");
        }
        if let [_, option, code, ..] = args
            && option.text == "-c"
        {
            self.code_argument(&code.clone(), source, span);
            return Facts::confirm("types-into-terminal");
        }
        match sub {
            "ls" | "list-sessions" | "lsw" | "list-windows" | "lsp" | "list-panes" | "capture-pane"
            | "capturep" | "info" | "has-session" | "has" | "show-options" | "show" | "display-message"
            | "display" | "list-clients" | "lsc" | "list-keys" | "lsk" => {
                Facts::READS.reading(!args.iter().any(|arg| arg.text.contains("#(")))
            }
            "new" | "new-session" | "neww" | "new-window" | "split-window" | "splitw" | "respawn-pane"
            | "run-shell" | "run" | "if-shell" | "popup" => {
                let mut rest: Vec<Arg> = Vec::new();
                let mut skip = false;
                for arg in args.iter().skip_while(|arg| arg.text != sub).skip(1) {
                    if skip {
                        skip = false;
                    } else if rest.is_empty() && arg.text.starts_with('-') {
                        skip = arg.text.ends_with(['s', 'n', 'c', 't', 'x', 'y', 'F', 'e', 'l', 'p']);
                    } else {
                        rest.push(arg.clone());
                    }
                }
                if rest.is_empty() {
                    return Facts::ORDINARY;
                }
                self.joined(&rest, source, span);
                Facts::ORDINARY
            }
            "send-keys" | "send" | "paste-buffer" | "pipe-pane" | "source-file" | "source" | "set-hook"
            | "bind-key" | "bind" => {
                for arg in args.iter().skip(2).filter(|arg| arg.text.contains(' ')) {
                    self.code_argument(&Arg::literal(&arg.text), source, span);
                }
                Facts::confirm("types-into-terminal")
            }
            "kill-server" | "kill-session" | "kill-window" | "kill-pane" => Facts::confirm("process-kill"),
            _ => Facts::ORDINARY,
        }
    }

    /// `crontab -`: each line's command, after its times.
    pub(super) fn crontab(&mut self, args: &[Arg], source: &Source<'_>, span: (usize, usize)) -> Facts {
        let operand = args.iter().skip(1).find(|arg| !arg.text.starts_with('-') || arg.text == "-");
        let table = match operand.map(|arg| arg.text.as_str()) {
            Some("-") | None => match &self.stdin {
                Stdin::Known(text) => Some(text.clone()),
                _ => None,
            },
            Some(file) => self.file_content(file),
        };
        for line in table.iter().flat_map(|text| text.lines()).take(64) {
            let line = line.trim_start();
            let times = if line.starts_with('@') { 1 } else { 5 };
            let mut rest = line;
            for _ in 0..times {
                rest = rest.trim_start().split_once([' ', '\t']).map_or("", |(_, rest)| rest);
            }
            if !line.starts_with('#') && !rest.trim().is_empty() {
                self.code_argument(&Arg { text: rest.trim().to_owned(), ..Arg::literal("") }, source, span);
            }
        }
        self.tool("crontab", args)
    }

    /// `at` and `batch`: code that runs later, from standard input or a file.
    pub(super) fn at(&mut self, args: &[Arg], source: &Source<'_>, span: (usize, usize)) -> Facts {
        if args.iter().skip(1).any(|arg| matches!(arg.text.as_str(), "-l" | "-c" | "-V")) {
            return Facts::READS;
        }
        let found = self.shell_on_stdin(source, span).unwrap_or(Finding::confirm("scheduled"));
        Facts::of(found.strictest(Finding::confirm("scheduled")))
    }
}
