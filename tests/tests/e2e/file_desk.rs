//! A world for the tests of the file tools: a ready host, a client, and a directory for files.

use std::fs;
use std::path::{Path, PathBuf};

use sallyport_tests::mcp::{McpClient, Reply};
use sallyport_tests::world::sshd::own_name;
use sallyport_tests::world::{Sshd, SshdOptions, World};
use serde_json::{Value, json};

/// A world with a ready host, a client, and a directory for files.
pub struct Desk {
    pub world: World,
    _sshd: Sshd,
    pub client: McpClient,
    pub dir: PathBuf,
}

pub fn desk() -> Desk {
    desk_with("")
}

pub fn desk_with(more: &str) -> Desk {
    desk_on(World::new(), more, &SshdOptions::default())
}

pub fn desk_on(world: World, more: &str, options: &SshdOptions) -> Desk {
    let sshd = world.sshd_with(options);
    let key = world.key("ed25519", None);
    sshd.authorize(&key);
    world.record("ssh", &sshd.place(), &own_name(), "key", key.private().as_bytes());
    world.host("web1", &sshd, more);
    world.trust(&sshd);
    let client = world.mcp();
    let dir = world.fresh("files");
    fs::create_dir(&dir).unwrap();
    Desk { world, _sshd: sshd, client, dir }
}

impl Desk {
    pub fn path(&self, name: &str) -> String {
        self.dir.join(name).to_str().unwrap().to_owned()
    }

    pub fn put(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        fs::write(self.dir.join(name), content).unwrap();
        self.path(name)
    }

    pub fn get(&self, name: &str) -> String {
        fs::read_to_string(self.dir.join(name)).unwrap()
    }

    pub fn call(&self, tool: &str, path: &str, more: Value) -> Reply {
        let mut arguments = json!({ "target": "web1", "path": path });
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.client.call(tool, arguments)
    }

    pub fn read(&self, path: &str, more: Value) -> Reply {
        self.call("ssh_file_read", path, more)
    }

    pub fn write(&self, path: &str, content: &str, more: Value) -> Reply {
        let mut more = more;
        more["content"] = content.into();
        self.call("ssh_file_write", path, more)
    }

    pub fn edit(&self, path: &str, edits: Value) -> Reply {
        self.call("ssh_file_edit", path, json!({ "edits": edits }))
    }

    /// Nothing was left behind by a write.
    pub fn is_tidy(&self) {
        let parts: Vec<_> = fs::read_dir(&self.dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.contains("sallyport"))
            .collect();
        assert!(parts.is_empty(), "{parts:?}");
    }
}

pub fn names(reply: &Reply, list: &str, field: &str) -> Vec<String> {
    let items = reply[list].as_array().unwrap_or_else(|| panic!("{:#}", reply.raw));
    items.iter().map(|item| item[field].as_str().unwrap().to_owned()).collect()
}

pub fn sha256sum(path: &Path) -> String {
    let out = std::process::Command::new("sha256sum").arg(path).output().unwrap();
    String::from_utf8(out.stdout).unwrap()[..64].to_owned()
}
