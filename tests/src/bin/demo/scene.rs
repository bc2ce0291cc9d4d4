//! The stage: a world, an SSH server in it, and the two commands a person types once for a host.

use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use russh::keys::ssh_key::LineEnding;
use sallyport_tests::embedded::{Embedded, Place, fresh_key};
use sallyport_tests::world::sshd::own_name;
use sallyport_tests::world::{Finished, World, process, terminal};

use crate::screen::{Kind, Screen};

/// The alias of the demo's host.
pub const HOST: &str = "web1";

/// Who may confirm in the demo: a person, on the other door.
const POLICY: &str = "mode = \"guarded\"\nconfirmation = \"operator\"\n";

/// The stage, set.
pub struct Scene {
    /// The throwaway world.
    pub world: World,
    /// The private key that logs in, as the vault holds it.
    pub key: String,
    /// The home directory on the "remote" host.
    pub remote: PathBuf,
    // Dropped before the world: its commands end with it.
    server: Embedded,
}

impl Scene {
    /// Builds the world, starts the server, adds the host and the login as a person does.
    pub fn set(screen: &Screen) -> Result<Self, String> {
        let world = World::without_pass();
        let key = fresh_key();
        let text = key.to_openssh(LineEnding::LF).map_err(|error| error.to_string())?.to_string();
        let remote = remote_home(&world, &text)?;
        let place = Place { home: remote.clone(), environment: environment(&world, &remote) };
        let server =
            Embedded::start(&own_name(), key.public_key(), place).map_err(|error| error.to_string())?;
        world.policy(POLICY);
        let scene = Self { world, key: text, remote, server };
        scene.introduce(screen)?;
        Ok(scene)
    }

    /// Ends everything; the world's directory should be gone then.
    pub fn strike(self) -> PathBuf {
        self.world.dir().to_owned()
    }

    fn introduce(&self, screen: &Screen) -> Result<(), String> {
        screen.step(1, "A person adds a host and the login for it, once");
        let port = self.server.port().to_string();
        screen.person(&format!("sallyport host add {HOST} --hostname 127.0.0.1 --port {port}"));
        let user = own_name();
        let add = [
            "host",
            "add",
            HOST,
            "--hostname",
            "127.0.0.1",
            "--port",
            &port,
            "--user",
            &user,
            "--tag",
            "demo",
        ];
        let added = terminal::run(&self.world.sallyport(&add), &[("[y/N]", "y\n")]);
        show(screen, &added)?;
        let fingerprint = self.server.host_key().fingerprint(russh::keys::HashAlg::Sha256).to_string();
        if !added.stdout.contains(&fingerprint) {
            return Err(format!("the fingerprint {fingerprint} was not shown"));
        }
        let file = self.world.dir().join("id_ed25519");
        write_private(&file, &self.key)?;
        let slug = format!("ssh://{user}@{HOST}");
        screen.person(&format!("sallyport credential add {slug} --key id_ed25519"));
        let path = file.to_str().ok_or("the world's path is plain")?;
        show(screen, &self.world.run(&["credential", "add", &slug, "--key", path]))?;
        fs::remove_file(&file).map_err(|error| error.to_string())?;
        screen.say("The key is in the vault now, encrypted by GPG. Its file is removed.");
        screen.person("sallyport unlock");
        show(screen, &self.world.run(&["unlock"]))?;
        Ok(())
    }
}

/// What is on the "remote" machine: a project with a build folder, and a copy of the key someone forgot.
fn remote_home(world: &World, key: &str) -> Result<PathBuf, String> {
    let home = world.fresh("remote");
    let made = fs::create_dir_all(home.join("project/build"))
        .and_then(|()| fs::write(home.join("project/build/app.o"), "old"))
        .and_then(|()| fs::write(home.join("project/main.c"), "int main(void) { return 0; }\n"))
        .and_then(|()| fs::write(home.join("notes.txt"), format!("do not lose this:\n{key}end of notes\n")));
    made.map(|()| home).map_err(|error| format!("the demo's remote home cannot be made: {error}"))
}

fn environment(world: &World, home: &Path) -> Vec<(String, String)> {
    let mark = world.dir().display().to_string();
    let home = home.display().to_string();
    [("PATH", process::search_path()), ("HOME", home), ("LANG", "C.UTF-8".into()), (process::MARK, mark)]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
}

fn write_private(path: &Path, text: &str) -> Result<(), String> {
    use std::io::Write;
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| error.to_string())
}

fn show(screen: &Screen, finished: &Finished) -> Result<(), String> {
    let text = format!("{}{}", finished.stdout.replace('\r', ""), finished.stderr);
    if finished.status.success() {
        screen.answer(Kind::Good, text.trim());
        Ok(())
    } else {
        Err(format!("the command failed ({}): {}", finished.code(), text.trim()))
    }
}
