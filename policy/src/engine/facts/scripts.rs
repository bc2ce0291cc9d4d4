//! Files that run without being read: where they lie and what they are called.

use super::Finding;
use crate::engine::Engine;
use crate::engine::arg::{Arg, HOME};
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
    "virtualenv",
    "uv",
    "configure",
    "npm",
    "git",
    "mpicc",
    "nvcc",
];

/// Tools that take libraries for files like others.
const FILE_TOOLS: &str = "cp mv ln install rm chmod chown strip objcopy patchelf nm objdump readelf ldd file stat ls cat tar zip unzip rsync scp md5sum \
    sha256sum strings size chrpath du find test [ touch echo printf xxd hexdump od diff cmp";

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
        if verbs::script_is_foreign(base_name(path)) {
            return Finding::confirm("runs-written-file");
        }
        let fetched = matches!(&self.path(path).parts[..], [home, folder, ..] if home.starts_with(HOME) && matches!(folder.as_str(), ".cache" | "Downloads"));
        if fetched || self.is_scratch(path) && !self.was_built(path) {
            Finding::confirm("runs-written-file")
        } else {
            Finding::ALLOW
        }
    }

    /// [`Self::unseen_file`] of the script or archive that a program is told to run: `make -f`, `java -jar`.
    pub(super) fn runs_unseen(&self, args: &[Arg]) -> Finding {
        runs_file(args).map_or(Finding::ALLOW, |file| self.unseen_file(&file.text))
    }

    /// A shared library lying where anybody may have put it, among the words of a program that is no tool of files.
    pub(super) fn loads_library(&self, name: &str, args: &[Arg]) -> bool {
        let library = args.iter().skip(1).any(|arg| {
            let path = arg.text.rsplit_once(['=', ':']).map_or(arg.text.as_str(), |(_, value)| value);
            let path = path.find('/').filter(|_| path.starts_with('-')).map_or(path, |at| &path[at..]);
            [".so", ".dylib", ".dll", ".ko"].iter().any(|end| path.ends_with(end)) && self.is_scratch(path)
        });
        library && !BUILDERS.contains(&name) && !FILE_TOOLS.split_whitespace().any(|tool| tool == name)
    }

    /// Whether this text had something built where the file lies.
    fn was_built(&self, path: &str) -> bool {
        if places::BUILD_ENTRIES.contains(&base_name(path)) {
            return true;
        }
        let file = self.path(path);
        let deep = if file.parts.first().is_some_and(|first| first == "tmp") { 2 } else { 3 };
        let folder = format!("/{}", file.parts.iter().take(deep).cloned().collect::<Vec<_>>().join("/"));
        // The last segment is the command at hand.
        self.segments.iter().rev().skip(1).any(|segment| {
            let makes = |word: &String| matches!(word.as_str(), "venv" | "virtualenv" | "build");
            let name = segment.argv.first().map_or("", |name| base_name(name));
            let builds =
                BUILDERS.contains(&name) || name.starts_with("python") && segment.argv.iter().any(makes);
            // Code from its input is nobody's source.
            builds
                && !segment.argv.iter().any(|word| word == "-")
                && (!path.starts_with('/') || segment.argv.iter().any(|word| word.contains(&folder)))
        })
    }
}

/// The file that `cmake -P`, `java -jar`, `tcc -run` or `make -f` runs.
fn runs_file(args: &[Arg]) -> Option<&Arg> {
    let at = args.iter().position(|arg| {
        matches!(
            arg.text.as_str(),
            "-P" | "-jar" | "-run" | "-f" | "--file" | "--makefile" | "--justfile" | "-javaagent"
        )
    })?;
    args.get(at + 1)
}
