//! `sallyport`: the MCP server and the command line.
//!
//! The broker knows MCP, JSON and local files. It must never link SSH, GPG or a
//! redactor, and never hold a secret: those live in `sallyport-vault-helper`,
//! which it asks over a Unix socket.

mod audit;
mod cli;
mod config;
mod format;
mod forward;
mod harden;
mod http;
mod link;
mod mcp;
mod transfer;

fn main() -> std::process::ExitCode {
    cli::main()
}
