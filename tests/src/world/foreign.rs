//! Other people's programs, fetched once from their package registries into the build directory.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::process;

/// The Python SDK of MCP, with the version that is fetched.
const PYTHON_SDK: (&str, &str) = ("mcp", "2.3.0");

/// The inspector of MCP; the newest line that runs on Node 20.
const INSPECTOR: (&str, &str) = ("@modelcontextprotocol/inspector", "1.0.3");

/// The public conformance suite of MCP, and the Node it runs on.
const CONFORMANCE: (&str, &str) = ("@modelcontextprotocol/conformance", "0.1.16");
const NODE: (&str, &str) = ("node", "22");

/// A Python that has the MCP SDK; the reason when there is none.
pub fn python_sdk() -> Result<PathBuf, String> {
    let (package, version) = PYTHON_SDK;
    let dir = fetched(&format!("python-{package}-{version}"), |dir| {
        step(Command::new("python3").args(["-m", "venv", "--clear"]).arg(dir))?;
        let wanted = format!("{package}=={version}");
        step(Command::new(dir.join("bin/pip")).args([
            "install",
            "--quiet",
            "--disable-pip-version-check",
            &wanted,
        ]))
    })?;
    Ok(dir.join("bin/python"))
}

/// The inspector's program; the reason when there is none.
pub fn inspector() -> Result<PathBuf, String> {
    let (package, version) = INSPECTOR;
    step(Command::new("node").arg("--version"))?;
    let dir = fetched(&format!("node-inspector-{version}"), |dir| {
        fs::create_dir_all(dir).map_err(|error| error.to_string())?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]).arg(dir);
        step(npm.arg(format!("{package}@{version}")))
    })?;
    Ok(dir.join("node_modules/.bin/mcp-inspector"))
}

/// The conformance suite: a Node that runs it, and its program; the reason when they cannot be had.
pub fn conformance() -> Result<(PathBuf, PathBuf), String> {
    let (suite, version) = CONFORMANCE;
    let (node, major) = NODE;
    let dir = fetched(&format!("node-conformance-{version}"), |dir| {
        fs::create_dir_all(dir).map_err(|error| error.to_string())?;
        let npm = |package: &str, more: &[&str]| {
            let mut npm = Command::new("npm");
            npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(dir).args(more);
            step(npm.arg(package))
        };
        npm(&format!("{suite}@{version}"), &["--ignore-scripts"])?;
        // Node's package puts its program in place by a script.
        npm(&format!("{node}@{major}"), &[])
    })?;
    let program = |name| dir.join("node_modules/.bin").join(name);
    Ok((program("node"), program("conformance")))
}

/// The folder `name` of the build directory, filled by `fetch` unless an earlier run did it to the end.
/// A lock makes a second test wait for the first.
fn fetched(name: &str, fetch: impl FnOnce(&Path) -> Result<(), String>) -> Result<PathBuf, String> {
    let exe = std::env::current_exe().map_err(|error| error.to_string())?;
    // TARGET/debug/deps/e2e-0123
    let shelf = exe.ancestors().nth(3).ok_or("an odd place to run from")?.join("foreign");
    fs::create_dir_all(&shelf).map_err(|error| error.to_string())?;
    let lock = File::create(shelf.join(format!("{name}.lock"))).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    let (dir, done) = (shelf.join(name), shelf.join(format!("{name}.done")));
    if !done.exists() {
        fetch(&dir)?;
        File::create(done).map_err(|error| error.to_string())?;
    }
    Ok(dir)
}

fn step(command: &mut Command) -> Result<(), String> {
    let shown = format!("{command:?}");
    let output = command.stdin(std::process::Stdio::null()).output();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("{shown}: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Err(format!("{shown}: {error}")),
    }
}

/// Runs a foreign client, with the caller's search path for its interpreter and the world's environment for the rest.
pub fn run(world: &super::World, program: &Path, arguments: &[&str]) -> process::Finished {
    process::run(world.command(program).args(arguments), b"")
}
