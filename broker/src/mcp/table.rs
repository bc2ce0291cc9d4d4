//! Every tool: its name, texts, hints, schemas and handler.

use std::pin::Pin;
use std::sync::Arc;

use clap::ValueEnum;
use rmcp::model::{JsonObject, Tool, ToolAnnotations};

use super::call::{Call, Handled};
use super::schema::{input, output};
use super::{
    exec, file, fleet, forward, hosts, ops, output as pages, secrets, session, sudo, terminal, transfer,
};

/// Tools that are offered together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Toolset {
    /// Hosts, commands and their output.
    Core,
    /// Sessions.
    Sessions,
    /// Files and directories.
    Files,
    /// Tunnels.
    Forward,
    /// Many hosts at once.
    Fleet,
    /// What is asked of hosts every day, and the operator's recipes.
    Ops,
}

/// What a tool does to the world, as MCP's annotations say it.
#[derive(Debug, Clone, Copy)]
enum Effect {
    /// Looks, changes nothing; `open_world` when it looks at remote hosts.
    Looks,
    /// Changes something that a second call would not change again.
    Settles,
    /// May do anything, again each time.
    Acts,
}

/// A tool.
pub struct Row {
    /// Its name.
    pub name: &'static str,
    title: &'static str,
    description: &'static str,
    /// The set it belongs to.
    pub toolset: Toolset,
    effect: Effect,
    input: fn() -> Arc<JsonObject>,
    output: fn() -> Arc<JsonObject>,
    /// Its handler.
    pub run: for<'a> fn(&'a Call) -> Pin<Box<dyn Future<Output = Handled> + Send + 'a>>,
}

/// What hosts in readonly mode refuse whatever its arguments are: writing to them, and tunnels.
pub const NEVER_READONLY: [&str; 5] =
    ["ssh_file_write", "ssh_file_edit", "ssh_upload", "ssh_copy", "ssh_forward"];

/// Every tool, in the order a model reads them.
pub const TOOLS: &[Row] = &[
    Row {
        name: "ssh_list_hosts",
        title: "List SSH hosts",
        description: "The hosts that can be reached, the accounts on them, their policy mode, and whether the vault is \
            open. Start here.",
        toolset: Toolset::Core,
        effect: Effect::Looks,
        input: input::<hosts::ListArgs>,
        output: output::<hosts::ListFields>,
        run: |call| Box::pin(hosts::list(call)),
    },
    Row {
        name: "ssh_check_command",
        title: "Check a command",
        description: "What the policy says to a command on a host: allow, confirm or block, with the rules and the \
            parts of the command that decide. Runs nothing.",
        toolset: Toolset::Core,
        effect: Effect::Looks,
        input: input::<hosts::CheckArgs>,
        output: output::<hosts::CheckFields>,
        run: |call| Box::pin(hosts::check(call)),
    },
    Row {
        name: "ssh_exec",
        title: "Run a command over SSH",
        description: "Runs a shell command on a host and answers with its exit code, stdout and stderr. Logging in is \
            done for you; secrets in the output are masked. With `session` it runs in an open shell session, which is \
            faster and keeps directory and variables. A command that outlives timeout_s goes on as a job.",
        toolset: Toolset::Core,
        effect: Effect::Acts,
        input: input::<exec::Args>,
        output: output::<exec::Fields>,
        run: |call| Box::pin(exec::exec(call)),
    },
    Row {
        name: "ssh_sudo_exec",
        title: "Run a command through sudo",
        description: "As ssh_exec, run as another user (root by default) through sudo. A password is taken from the \
            vault where sudo asks for one; you never need it. With `session` it starts in that session's directory.",
        toolset: Toolset::Core,
        effect: Effect::Acts,
        input: input::<exec::SudoArgs>,
        output: output::<exec::Fields>,
        run: |call| Box::pin(exec::sudo_exec(call)),
    },
    Row {
        name: "ssh_output",
        title: "Read a job's output",
        description: "A page of what a command wrote, running or ended, by its job_id or output_id. Go on with \
            next_cursor; with wait_s it waits for new output.",
        toolset: Toolset::Core,
        effect: Effect::Looks,
        input: input::<pages::OutputArgs>,
        output: output::<pages::OutputFields>,
        run: |call| Box::pin(pages::output(call)),
    },
    Row {
        name: "ssh_stop",
        title: "Stop a job",
        description: "Stops a running job: INT, TERM and KILL in turn to all its processes, or one signal. Says \
            whether it is known to be gone.",
        toolset: Toolset::Core,
        effect: Effect::Settles,
        input: input::<pages::StopArgs>,
        output: output::<pages::StopFields>,
        run: |call| Box::pin(pages::stop(call)),
    },
    Row {
        name: "ssh_list_active",
        title: "List what is open",
        description: "Your open sessions, running jobs, forwards and connections.",
        toolset: Toolset::Core,
        effect: Effect::Looks,
        input: input::<session::ActiveArgs>,
        output: output::<session::ActiveFields>,
        run: |call| Box::pin(session::list_active(call)),
    },
    Row {
        name: "ssh_session_open",
        title: "Open a session",
        description: "Opens a shell on a host that keeps its directory, variables and functions between ssh_exec \
            calls; or, with kind = terminal, a raw terminal for programs that ask, draw or page, driven with \
            ssh_session_send and ssh_session_read. A named session can be found again by a later client.",
        toolset: Toolset::Sessions,
        effect: Effect::Acts,
        input: input::<session::OpenArgs>,
        output: output::<session::OpenFields>,
        run: |call| Box::pin(session::open(call)),
    },
    Row {
        name: "ssh_session_send",
        title: "Type into a terminal",
        description: "Types text, Enter and keys into a terminal session, or resizes it, then answers with what it \
            printed, as ssh_session_read does. Wait for a prompt with until rather than for time.",
        toolset: Toolset::Sessions,
        effect: Effect::Acts,
        input: input::<terminal::SendArgs>,
        output: output::<terminal::ShownFields>,
        run: |call| Box::pin(terminal::send(call)),
    },
    Row {
        name: "ssh_session_read",
        title: "Read a terminal",
        description: "What a terminal session printed since the last look, or its screen as it stands; waits for a \
            text, for quiet, or for time. Nothing is lost between looks and nothing told twice.",
        toolset: Toolset::Sessions,
        effect: Effect::Looks,
        input: input::<terminal::ReadArgs>,
        output: output::<terminal::ShownFields>,
        run: |call| Box::pin(terminal::read(call)),
    },
    Row {
        name: "ssh_sudo_cache",
        title: "Look at, fill or empty sudo's cache",
        description: "Whether sudo would ask in a shell session (check), answers it from the vault so that plain sudo \
            works there for a while (warm), or makes it forget (clear). ssh_sudo_exec needs none of this.",
        toolset: Toolset::Sessions,
        effect: Effect::Settles,
        input: input::<sudo::Args>,
        output: output::<sudo::Fields>,
        run: |call| Box::pin(sudo::cache(call)),
    },
    Row {
        name: "ssh_secrets",
        title: "Use secret variables",
        description: "Sets the variables of an env:// record in a shell session without showing them (attach), unsets \
            them (detach), or names records (list). For a single command give ssh_exec its `secrets`.",
        toolset: Toolset::Sessions,
        effect: Effect::Settles,
        input: input::<secrets::Args>,
        output: output::<secrets::Fields>,
        run: |call| Box::pin(secrets::secrets(call)),
    },
    Row {
        name: "ssh_session_close",
        title: "Close a session",
        description: "Closes a session and ends what runs in it.",
        toolset: Toolset::Sessions,
        effect: Effect::Settles,
        input: input::<session::CloseArgs>,
        output: output::<session::CloseFields>,
        run: |call| Box::pin(session::close(call)),
    },
    Row {
        name: "ssh_transcript",
        title: "Record a session",
        description: "Starts or stops a redacted recording of a session, or fetches it as text or as an asciicast. The \
            user can replay it with `sallyport transcript play`.",
        toolset: Toolset::Sessions,
        effect: Effect::Settles,
        input: input::<terminal::TranscriptArgs>,
        output: output::<terminal::TranscriptFields>,
        run: |call| Box::pin(terminal::transcript(call)),
    },
    Row {
        name: "ssh_file_read",
        title: "Read a remote file",
        description: "A file of a host, or some of its lines: redacted text, or with encoding=base64 the exact bytes. Says \
            size, lines and the sha256 that ssh_file_write and ssh_file_edit take as expected_sha256.",
        toolset: Toolset::Files,
        effect: Effect::Looks,
        input: input::<file::read::Args>,
        output: output::<file::read::Fields>,
        run: |call| Box::pin(file::read::read(call)),
    },
    Row {
        name: "ssh_file_write",
        title: "Write a remote file",
        description: "Creates a file, replaces one (mode=overwrite) or adds to its end (mode=append), atomically. Checks the \
            syntax of JSON, YAML, TOML, XML, INI, dotenv and Dockerfile first; dry_run shows the diff.",
        toolset: Toolset::Files,
        effect: Effect::Acts,
        input: input::<file::write::Args>,
        output: output::<file::write::Fields>,
        run: |call| Box::pin(file::write::write(call)),
    },
    Row {
        name: "ssh_file_edit",
        title: "Edit a remote file",
        description: "Changes parts of a file, all edits or none: exact texts, regular expressions, line operations. Works on \
            the real content: leave masked parts alone and they stay as they are. Answers with the diff.",
        toolset: Toolset::Files,
        effect: Effect::Acts,
        input: input::<file::edit::Args>,
        output: output::<file::edit::Fields>,
        run: |call| Box::pin(file::edit::edit(call)),
    },
    Row {
        name: "ssh_list_dir",
        title: "List a remote directory",
        description: "Names, types, sizes, permissions and times in a directory of a host, and below it with depth. Links are \
            shown with their target and not followed.",
        toolset: Toolset::Files,
        effect: Effect::Looks,
        input: input::<file::tree::ListArgs>,
        output: output::<file::tree::ListFields>,
        run: |call| Box::pin(file::tree::list(call)),
    },
    Row {
        name: "ssh_search",
        title: "Search remote files",
        description: "Looks through a directory tree of a host for lines that match a regular expression (kind=text) or for \
            names that fit a glob (kind=files). Answers alike whatever tools the host has.",
        toolset: Toolset::Files,
        effect: Effect::Looks,
        input: input::<file::tree::SearchArgs>,
        output: output::<file::tree::SearchFields>,
        run: |call| Box::pin(file::tree::search(call)),
    },
    Row {
        name: "ssh_forward",
        title: "Open or close a tunnel",
        description: "Opens a port forward through a host: local, from a port here to a place the host reaches, or \
            remote, from a port of the host to one here. Only places that hosts.toml lists for the host. It ends with \
            this client, or with action=close. A connection that carries a vault secret is cut.",
        toolset: Toolset::Forward,
        effect: Effect::Acts,
        input: input::<forward::Args>,
        output: output::<forward::Fields>,
        run: |call| Box::pin(forward::forward(call)),
    },
    Row {
        name: "ssh_upload",
        title: "Upload files",
        description: "Sends a local file, or with recursive a directory, to a host. Replaces nothing unless overwrite; \
            each file appears whole or not at all. With mirror only what differs is sent. Links are left out.",
        toolset: Toolset::Files,
        effect: Effect::Acts,
        input: input::<transfer::Args>,
        output: output::<transfer::Fields>,
        run: |call| Box::pin(transfer::upload(call)),
    },
    Row {
        name: "ssh_download",
        title: "Download files",
        description: "Brings a file, or with recursive a directory, from a host, byte for byte. Refused, with nothing \
            left behind, when a file holds a secret of the vault. Replaces nothing unless overwrite. Links are left out.",
        toolset: Toolset::Files,
        effect: Effect::Acts,
        input: input::<transfer::Args>,
        output: output::<transfer::Fields>,
        run: |call| Box::pin(transfer::download(call)),
    },
    Row {
        name: "ssh_copy",
        title: "Copy a file between hosts",
        description: "Copies a file from one host to another without storing it in between. Refused when it holds a \
            secret of the vault. Replaces nothing unless overwrite.",
        toolset: Toolset::Files,
        effect: Effect::Acts,
        input: input::<transfer::CopyArgs>,
        output: output::<transfer::CopyFields>,
        run: |call| Box::pin(transfer::copy(call)),
    },
    Row {
        name: "ssh_fleet_exec",
        title: "Run a command on many hosts",
        description: "Runs one command on several hosts, or on all with a tag, some at once. Answers per host; equal \
            outputs are shown once. A host that wants a confirmation says so: repeat it there with ssh_exec.",
        toolset: Toolset::Fleet,
        effect: Effect::Acts,
        input: input::<fleet::Args>,
        output: output::<fleet::Fields>,
        run: |call| Box::pin(fleet::exec(call)),
    },
    Row {
        name: "ssh_host_info",
        title: "Look at a host",
        description: "What a host is and how it does: system, load, memory, disks, busiest processes, failed services, and \
            what of it is worth a look.",
        toolset: Toolset::Ops,
        effect: Effect::Looks,
        input: input::<ops::host::Args>,
        output: output::<ops::host::Fields>,
        run: |call| Box::pin(ops::handle::<ops::host::Args>(call)),
    },
    Row {
        name: "ssh_logs",
        title: "Read logs",
        description: "The last entries of the systemd journal, of a log file, or of the kernel, filtered by unit, time, priority or \
            a text.",
        toolset: Toolset::Ops,
        effect: Effect::Looks,
        input: input::<ops::logs::Args>,
        output: output::<ops::logs::Fields>,
        run: |call| Box::pin(ops::handle::<ops::logs::Args>(call)),
    },
    Row {
        name: "ssh_docker",
        title: "Look at containers",
        description: "Docker containers, their output, addresses, networks and images; starts, stops or restarts one.",
        toolset: Toolset::Ops,
        effect: Effect::Acts,
        input: input::<ops::docker::Args>,
        output: output::<ops::docker::Fields>,
        run: |call| Box::pin(ops::handle::<ops::docker::Args>(call)),
    },
    Row {
        name: "ssh_net_check",
        title: "Check the network",
        description: "What listens on a host, what a name means there, and whether a port or another host can be reached from it.",
        toolset: Toolset::Ops,
        effect: Effect::Looks,
        input: input::<ops::net::Args>,
        output: output::<ops::net::Fields>,
        run: |call| Box::pin(ops::handle::<ops::net::Args>(call)),
    },
    Row {
        name: "ssh_package",
        title: "Packages",
        description: "Installed packages of a host's own package manager; installs or removes one.",
        toolset: Toolset::Ops,
        effect: Effect::Acts,
        input: input::<ops::package::Args>,
        output: output::<ops::package::Fields>,
        run: |call| Box::pin(ops::package::package(call)),
    },
    Row {
        name: "ssh_db",
        title: "Query a database",
        description: "Runs a query with the host's own client for postgres, mysql or sqlite, or lists tables and databases. Opened for \
            reading alone unless write. Takes no password: peer authentication, the client's configuration there, or an \
            env:// record.",
        toolset: Toolset::Ops,
        effect: Effect::Acts,
        input: input::<ops::db::Args>,
        output: output::<ops::db::Fields>,
        run: |call| Box::pin(ops::handle::<ops::db::Args>(call)),
    },
    Row {
        name: "ssh_recipe",
        title: "Run a recipe",
        description: "Runs one of the operator's own commands by its name; without a name lists them with their parameters.",
        toolset: Toolset::Ops,
        effect: Effect::Acts,
        input: input::<ops::recipe::Args>,
        output: output::<ops::recipe::Fields>,
        run: |call| Box::pin(ops::recipe::recipe(call)),
    },
];

impl Row {
    /// The tool as MCP lists it.
    pub fn tool(&self) -> Tool {
        let hints = ToolAnnotations::with_title(self.title);
        let hints = match self.effect {
            Effect::Looks => hints.read_only(true).destructive(false).idempotent(true).open_world(false),
            Effect::Settles => hints.read_only(false).destructive(true).idempotent(true).open_world(true),
            Effect::Acts => hints.read_only(false).destructive(true).idempotent(false).open_world(true),
        };
        Tool::new(self.name, self.description, (self.input)())
            .with_title(self.title)
            .with_raw_output_schema((self.output)())
            .with_annotations(hints)
    }
}
