//! Files that run without being read: where they lie and what they are called.

use super::Finding;
use crate::engine::Engine;
use crate::engine::invoke::base_name;
use crate::tables::{places, verbs};

/// Programs that make programs.
const BUILDERS: &[&str] = &[
    "gcc",
    "g++",
    "cc",
    "c++",
    "clang",
    "clang++",
    "ld",
    "go",
    "rustc",
    "cargo",
    "make",
    "gmake",
    "cmake",
    "ninja",
    "meson",
    "bazel",
    "zig",
    "ghc",
    "javac",
    "jar",
    "mvn",
    "gradle",
    "gradlew",
    "dotnet",
    "swiftc",
    "kotlinc",
    "nim",
    "crystal",
    "dmd",
    "gfortran",
    "ocamlfind",
    "nasm",
    "tcc",
    "python",
    "python3",
    "virtualenv",
    "uv",
    "configure",
    "npm",
    "git",
    "mpicc",
    "nvcc",
];

impl Engine<'_> {
    /// What running a file means that this session did not write: allowed where it lies among others of the host's, asked
    /// for where anybody may have put it, and where its name says that it destroys.
    pub(in crate::engine) fn unseen_file(&self, path: &str) -> Finding {
        if path.starts_with("http://") || path.starts_with("https://") {
            return Finding::confirm("download-and-run");
        }
        if verbs::script_destroys(base_name(path)) {
            return Finding::confirm("destroys");
        }
        if self.is_scratch(path) && !self.was_built(path) {
            Finding::confirm("runs-written-file")
        } else {
            Finding::ALLOW
        }
    }

    /// Whether this text had something built where the file lies.
    fn was_built(&self, path: &str) -> bool {
        if places::BUILD_ENTRIES.contains(&base_name(path)) {
            return true;
        }
        let file = self.path(path);
        let folder = format!("/{}", file.parts.iter().take(2).cloned().collect::<Vec<_>>().join("/"));
        self.segments.iter().any(|segment| {
            let builds = segment.argv.first().is_some_and(|name| BUILDERS.contains(&base_name(name)));
            // Code from its input is nobody's source.
            builds
                && !segment.argv.iter().any(|word| word == "-")
                && (!path.starts_with('/') || segment.argv.iter().any(|word| word.contains(&folder)))
        })
    }
}
