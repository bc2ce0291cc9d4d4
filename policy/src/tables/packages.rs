//! Package managers and build tools.

use super::Tool;
use super::short::{A, C};

pub(super) const TOOLS: &[Tool] = &[
    Tool {
        names: "apt apt-get aptitude nala",
        values: "-o -c -t --target-release --option --config-file",
        otherwise: (C, "package-change"),
        rows: &[
            (
                A,
                "",
                "list|show|search|policy|depends|rdepends|showsrc|changelog|check|madison|indextargets|why|why-not !-o|-c|--option|--config-file",
            ),
            (A, "", "+-s|--simulate|--dry-run|--just-print|--no-act !-o|-c|--option"),
            (A, "", "$ !-o|-c"),
        ],
        reads: &[
            "list|show|search|policy|depends|rdepends|showsrc|changelog|madison|why|why-not !-o|-c|--option|--config-file",
            "install|remove|purge|upgrade|dist-upgrade|full-upgrade|autoremove +-s|--simulate|--dry-run|--just-print|--no-act !-o|-c|--option|--config-file",
        ],
    },
    Tool {
        names: "apt-mark",
        values: "",
        otherwise: (C, "package-change"),
        rows: &[(A, "", "show*")],
        reads: &["show*"],
    },
    Tool {
        names: "update-alternatives alternatives dpkg-divert",
        values: "",
        otherwise: (C, "package-change"),
        rows: &[(
            A,
            "",
            "+--list|--display|--query|--get-selections|--listpackage|--truename !--set|--install|--remove|--add|--rename",
        )],
        reads: &[
            "+--list|--display|--query|--get-selections|--listpackage|--truename !--set|--install|--remove|--remove-all|--set-selections|--auto|--all|--config|--add|--rename|--admindir|--instdir|--altdir|--log",
        ],
    },
    Tool {
        names: "apt-key add-apt-repository apt-add-repository dpkg-reconfigure debconf-set-selections tasksel do-release-upgrade unattended-upgrade",
        values: "",
        otherwise: (C, "package-change"),
        rows: &[(A, "", "+--list|--display|--query|--get-selections|-l")],
        reads: &["list $"],
    },
    Tool {
        names: "dpkg",
        values: "",
        otherwise: (C, "package-change"),
        rows: &[(
            A,
            "",
            "+-l|-L|-s|-S|-p|-I|-c|-V|--list|--listfiles|--status|--search|--get-selections|--print-architecture|--info|--contents|--audit|-C|--verify|--compare-versions !-i|-r|-P|--install|--remove|--purge|--unpack|--configure|--force-all",
        )],
        reads: &[
            "+-l|-L|-s|-S|-p|-I|-c|-V|--list|--listfiles|--status|--search|--get-selections|--print-architecture|--info|--contents|--audit|-C|--verify|--compare-versions !-i|-r|-P|--install|--remove|--purge|--unpack|--configure|--force-all|--root|--admindir|--pre-invoke|--post-invoke",
        ],
    },
    Tool {
        names: "rpm",
        values: "--qf --queryformat",
        otherwise: (C, "package-change"),
        rows: &[
            (
                A,
                "",
                "+-q|-V|--query|--verify|-K|--checksig !-i|-U|-F|-e|--install|--upgrade|--erase|--eval|-E",
            ),
            (A, "", "+-q|--query !-e|-U|-F|--eval|-E|--pipe"),
        ],
        reads: &[
            "+-q|-V|--query|--verify|-K|--checksig !-U|-F|-e|--install|--upgrade|--erase|--eval|-E|--pipe|-D|--define|--load|--setperms|--setugids|--restore",
        ],
    },
    Tool {
        names: "rpmquery rpmverify",
        values: "--qf --queryformat",
        otherwise: (A, ""),
        rows: &[],
        reads: &["!--eval|-E|--pipe|-D|--define|--load|--rcfile|--predefine|--macros|--root|-r"],
    },
    Tool {
        names: "yum dnf microdnf dnf5 zypper",
        values: "-c --config --installroot",
        otherwise: (C, "package-change"),
        rows: &[
            (
                A,
                "",
                "list|info|search|provides|whatprovides|repolist|repoquery|check-update|history|deplist|updateinfo|se|if|lr|lu|packages|repos|patches|pa|what-provides|help|ls|list-updates",
            ),
            (C, "package-change", "history undo|rollback|redo"),
        ],
        reads: &[
            "list|info|search|provides|whatprovides|repolist|repoquery|check-update|deplist|se|if|lr|lu|packages|repos|patches|pa|what-provides|help|list-updates !-c|--config|--installroot|--setopt|--root|--plusrepo",
            "history $",
            "history list|info",
        ],
    },
    Tool {
        names: "apk",
        values: "-X -p --root --repository",
        otherwise: (C, "package-change"),
        rows: &[(A, "", "info|list|search|policy|version|stats|dot|audit|manifest|verify")],
        reads: &["info|list|search|policy|version|stats|dot|audit|manifest|verify !-p|--root"],
    },
    Tool {
        names: "pacman yay paru",
        values: "",
        otherwise: (C, "package-change"),
        rows: &[(A, "", "+-Q|--query|-Qi|-Ql|-Qs|-Qo|-Ss|-Si|-Qu|-Qe|-Qdt|-F|-Fl|-Qm|-Sl|-Sg|-Qk")],
        reads: &[
            "+-Q|--query|-Qi|-Ql|-Qs|-Qo|-Ss|-Si|-Qu|-Qe|-Qdt|-Qm|-Sl|-Sg|-Qk !-R|-U|-Sy|-Syu|-y|--hookdir|--config|--root|--dbpath|--upgrade|--remove|--sync",
        ],
    },
    Tool {
        names: "snap flatpak",
        values: "",
        otherwise: (C, "package-change"),
        rows: &[(
            A,
            "",
            "list|info|find|search|version|services|changes|history|connections|interfaces|remotes|ps|remote-ls|logs|tasks",
        )],
        reads: &[
            "list|info|find|search|version|services|changes|history|connections|interfaces|remotes|ps|remote-ls|tasks",
        ],
    },
    Tool {
        names: "brew port",
        values: "",
        otherwise: (C, "package-change"),
        rows: &[
            (
                A,
                "",
                "list|ls|info|search|outdated|deps|uses|config|doctor|desc|home|leaves|cat|log|contents|installed|dependents",
            ),
            (A, "", "$"),
        ],
        reads: &[
            "list|ls|info|search|outdated|deps|uses|config|desc|leaves|cat|contents|installed|dependents",
            "+--version|--prefix|--cellar $",
        ],
    },
    Tool {
        names: "nix-env nix-channel nix-collect-garbage guix emerge eopkg xbps-install xbps-remove pkg pkg_add pkg_delete opkg swupd equo slackpkg installpkg removepkg choco winget scoop",
        values: "",
        otherwise: (C, "package-change"),
        rows: &[
            (A, "", "list|info|search|query|show"),
            (A, "", "+-q|--query|--list|-s|--search !-i|-e|-u|--install|--uninstall|--upgrade"),
        ],
        reads: &["info|search|list"],
    },
    Tool {
        names: "pip pip3 uv",
        values: "-r -e -c -i -t --requirement --editable --constraint --index-url --target",
        otherwise: (A, ""),
        rows: &[
            (
                A,
                "",
                "^ install .|..|./*|../*|.[*|..[* $ !--break-system-packages|--user|-t|--target|--root|--index-url|-i|--extra-index-url",
            ),
            (
                A,
                "",
                "^ tool run ruff|black|mypy|pytest|flake8|isort|pre-commit|pyright|tox|nox !--with|--from",
            ),
            (
                C,
                "package-change",
                "install|uninstall|remove|inject|upgrade|upgrade-all|uninstall-all|reinstall|download|wheel * !-r|--requirement|-e|--editable",
            ),
            (
                C,
                "package-change",
                "install +--break-system-packages|--user|-t|--target|--root|-U|--upgrade|--force-reinstall|--index-url|-i|--extra-index-url",
            ),
            (C, "package-change", "pip|tool install|uninstall|sync *"),
            (C, "package-change", "tool run"),
            (C, "package-change", "run +--with|--spec|--with-requirements"),
            (C, "package-change", "cache purge|remove|clean"),
            (C, "package-change", "config set|unset|edit"),
            (C, "package-change", "uninstall"),
        ],
        reads: &[
            "list|show|freeze|check|search|debug|inspect|index !--log|--cert|-i|--index-url|--path",
            "config list|get",
            "cache list|info|dir",
            "+--version|-V $",
        ],
    },
    Tool {
        names: "pipx",
        values: "--spec --python --pip-args --index-url",
        otherwise: (C, "package-change"),
        rows: &[
            (A, "", "$"),
            (A, "", "list|environment|completions|help"),
            (
                A,
                "",
                "run ruff|black|mypy|pytest|flake8|isort|pre-commit|pyright|tox|nox|twine|build|cookiecutter !--spec",
            ),
        ],
        reads: &["list|environment"],
    },
    Tool {
        names: "conda mamba micromamba",
        values: "-n -p -c",
        otherwise: (A, ""),
        rows: &[
            (C, "package-change", "install|remove|uninstall|update|upgrade|clean|create"),
            (C, "package-change", "env remove|update|create"),
            (C, "startup-file", "init|config"),
            (A, "", "activate|deactivate|run"),
        ],
        reads: &["list|info|search", "env list"],
    },
    Tool {
        names: "npm pnpm yarn bun cnpm",
        values: "--prefix -C -w --workspace --registry",
        otherwise: (A, ""),
        rows: &[
            (A, "", "^ list|ls|root|bin|prefix|outdated|view +-g|--global"),
            // A dependency of the project at hand, as `cargo add` and `yarn add` are.
            (A, "", "^ install|i|add +-D|--save-dev !-g|--global|--location"),
            (
                A,
                "",
                "^ exec|x tsc|eslint|prettier|jest|vitest|mocha|playwright|cypress|webpack|vite|tsx|ts-node|next|turbo|nx !-c|--call|-p|--package",
            ),
            (
                C,
                "package-change",
                "install|i|add|uninstall|remove|rm|un|update|upgrade|up|link|unlink|dlx|create|init|exec|x|rebuild|prune|dedupe *",
            ),
            (C, "package-change", "+-g|--global !-l"),
            (
                C,
                "repository-change",
                "publish|unpublish|deprecate|owner|access|dist-tag|token|login|adduser|logout|team|hook|star|profile",
            ),
            (C, "package-change", "config|set set|delete|edit"),
            (C, "runs-code", "explore"),
            (C, "package-change", "link|unlink|prune $"),
            (C, "package-change", "cache clean|clear|verify"),
            (C, "package-change", "global add|remove|upgrade"),
            (A, "", "install|i|ci|run|test|t|start|build|lint $"),
        ],
        reads: &[
            "list|ls|view|info|outdated|search|root|bin|prefix|why|explain|ping|whoami|fund|doctor|help !--fix|--registry|--script-shell|--node-options|--globalconfig|--userconfig",
            "audit $ !--fix|--registry",
            "config get|list|ls",
            "+--version|-v $",
        ],
    },
    Tool {
        names: "npx bunx pnpx uvx",
        values: "-p -c --package --call --from --with --python",
        otherwise: (C, "package-change"),
        rows: &[
            (
                A,
                "",
                "tsc|eslint|prettier|jest|vitest|mocha|playwright|cypress|webpack|vite|tsx|ts-node|next|turbo|nx|stylelint|tailwindcss|prisma|cross-env|ava|nyc|c8|markdownlint|biome|ruff|black|mypy|pytest|flake8|isort|pre-commit|pyright|pylint|bandit|tox|nox|sphinx-build|mkdocs|twine|build|playwright|storybook|ng|nest|drizzle-kit|knex|sequelize|typeorm|tsup|rollup|esbuild|swc|lint-staged|commitlint|husky|depcheck|npm-check-updates|ncu|license-checker|http-server|serve|json-server|concurrently|rimraf|cspell|typedoc|tsc-watch|nodemon|vue-tsc|svelte-check|astro|remix|expo|wrangler|lerna|changeset|size-limit",
            ),
            (C, "runs-option", "+-c|--call|-p|--package|--from|--with"),
        ],
        reads: &[],
    },
    Tool {
        names: "cargo",
        values: "-p -F --package --features --manifest-path --target --bin --example --test --bench --color --config -Z -C --target-dir",
        otherwise: (A, ""),
        rows: &[
            (C, "package-change", "install|uninstall|publish|yank|login|logout|owner"),
            (A, "", "^ install +--list"),
            (C, "runs-option", "+--config"),
            // What follows is the project's own: names of tests, words of its program.
            (
                A,
                "",
                "build|b|check|c|test|t|bench|run|r|doc|d|clippy|fmt|fix|nextest|add|update|clean|new|init|expand|watch|llvm-cov|miri|deny|audit|outdated|machete|hack|make|xtask|vendor|fetch|generate-lockfile|package|report|rustc|rustdoc",
            ),
        ],
        reads: &[
            "tree|metadata|search|version|locate-project|pkgid|read-manifest|info !--config|-Z|-C",
            "+--version|-V|--list $",
        ],
    },
    Tool {
        names: "rustup",
        values: "",
        otherwise: (C, "package-change"),
        rows: &[
            (A, "", "show|which|doc|check|run|completions"),
            (A, "", "toolchain|target|component list"),
            (A, "", "$"),
        ],
        reads: &["show|which|check", "toolchain|target|component list"],
    },
    Tool {
        names: "gem",
        values: "",
        otherwise: (C, "package-change"),
        rows: &[
            (
                A,
                "",
                "list|search|info|env|environment|contents|dependency|query|which|specification|outdated|sources|build|help",
            ),
            (A, "", "$"),
        ],
        reads: &["list|search|info|env|environment|contents|dependency|query|which|specification|outdated"],
    },
    Tool {
        names: "bundle bundler composer poetry pipenv pdm hatch mix rebar3",
        values: "-d -C",
        otherwise: (A, ""),
        rows: &[
            (A, "", "^ test|exec|run"),
            (
                C,
                "package-change",
                "update|upgrade|remove|add|require|global|uninstall|self-update|publish|clean",
            ),
            (C, "package-change", "config set|unset"),
        ],
        reads: &["list|show|outdated|info|licenses|check|depends|why|env"],
    },
    Tool {
        names: "go",
        values: "-C -o -run -tags -mod -ldflags",
        otherwise: (A, ""),
        rows: &[
            (C, "package-change", "install|get *"),
            (A, "", "^ install ./*|. !-exec|-toolexec|-overlay"),
            (C, "delete", "clean +-cache|-modcache|-testcache|-fuzzcache"),
            (C, "runs-option", "+-exec|-toolexec|-vettool|-overlay"),
            (C, "download-and-run", "run *@*"),
            (C, "system-setting", "env +-w|-u"),
            (A, "", "build|test|vet|run|fmt|mod|generate|tool|work"),
        ],
        reads: &[
            "version|list|env|doc|help !-w|-u|-toolexec|-exec|-mod|-modfile|-overlay|-export|-compiled|-deps",
            "mod graph|why|verify",
        ],
    },
    Tool {
        names: "make gmake ninja just task",
        values: "-C -f -j -o -I -l -d --file --directory --jobs",
        otherwise: (A, ""),
        rows: &[
            (A, "", "^ +-n|--dry-run|--just-print|--recon !--eval|-E|-f|--file"),
            // Into a directory of one's own, as packages are built.
            (A, "", "^ install DESTDIR=/tmp/*|DESTDIR=./* $ !--eval|-E"),
            (
                C,
                "service-change",
                "install|uninstall|deploy|publish|release|distclean|purge|destroy|nuke|wipe|reset|drop",
            ),
            (C, "runs-option", "+--eval|-E"),
            (C, "delete", "mrproper|clobber"),
        ],
        reads: &[],
    },
    Tool {
        names: "mvn mvnw gradle gradlew sbt ant lein",
        values: "-f -p",
        otherwise: (A, ""),
        rows: &[
            (C, "repository-change", "deploy|release:*|publish|uploadArchives|deploy:*"),
            (
                C,
                "database-change",
                "~flyway:clean|flyway:migrate|liquibase:dropAll|liquibase:update|liquibase:rollback|flywayClean|flywayMigrate|dropAll",
            ),
        ],
        reads: &["+--version|-v $"],
    },
    Tool {
        names: "dotnet nuget",
        values: "",
        otherwise: (A, ""),
        rows: &[
            (C, "package-change", "nuget push|delete"),
            (C, "package-change", "tool install|uninstall|update"),
            (C, "package-change", "workload install|uninstall"),
            (A, "", "build|test|run|restore|publish|pack|new|add|list|format|clean|watch|sln"),
        ],
        reads: &["+--version|--info|--list-sdks|--list-runtimes $"],
    },
    Tool {
        names: "twine goreleaser semantic-release lerna changeset cargo-publish",
        values: "",
        otherwise: (C, "repository-change"),
        rows: &[(A, "", "check|run|list|ls|changed|diff|status|add|version|exec|build|info|bootstrap")],
        reads: &[],
    },
    Tool {
        names: "gcc g++ cc c++ clang clang++ rustc javac tsc ld as",
        values: "-o",
        otherwise: (A, ""),
        rows: &[(C, "runs-option", "+-fplugin|-wrapper|-specs|-B")],
        reads: &["+--version|-v|-dumpversion|-dumpmachine|-print-search-dirs $ !=-o"],
    },
    Tool {
        names: "java",
        values: "-cp -jar -classpath",
        otherwise: (A, ""),
        rows: &[],
        reads: &["+-version|--version $"],
    },
    Tool {
        names: "cmake",
        values: "-S -B -G -D -A -T --target --preset -j --parallel --config --prefix",
        otherwise: (A, ""),
        rows: &[
            (C, "service-change", "+--install !--prefix"),
            (C, "system-path", "+--install /usr|/usr/local|/"),
            (C, "service-change", "~install +--build"),
            (A, "", "* !--install"),
            (A, "", "$ !--install"),
        ],
        reads: &["+--version $"],
    },
];
