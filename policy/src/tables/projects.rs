//! Tools of a project of which some verbs reach beyond it: package managers of languages, deploying builders, older
//! histories, files made over in place.

use super::Tool;
use super::short::{A, C};

pub(super) const TOOLS: &[Tool] = &[
    Tool {
        names: "cabal stack nimble luarocks opam dub shards conan vcpkg spack ghcup arduino-cli pio platformio tlmgr pear pecl cpanminus carton pub raco quicklisp haxelib",
        values: "-j -c -f",
        otherwise: (A, ""),
        rows: &[
            (A, "", "^ install|get .|..|./*|../* $"),
            (A, "", "^ * list|ls|search|show|info|export"),
            (C, "package-change", "install|get|add|upgrade|uninstall|rm|set *"),
            (C, "package-change", "remove|upload|publish|submit|push|pin|unpin|reinstall|login|logout"),
            (
                C,
                "package-change",
                "lib|core|switch|package|repo|pkg install|create|add|upgrade|uninstall|set",
            ),
        ],
        reads: &["list|search|show|info|info-*"],
    },
    Tool {
        names: "nix nix-shell nix-build nix-instantiate nix-store",
        values: "-f -I -A -p",
        otherwise: (A, ""),
        rows: &[
            (
                C,
                "package-change",
                "profile|registry|channel install|add|remove|upgrade|rollback|pin|wipe-history",
            ),
            (C, "package-change", "upgrade-nix|copy|daemon"),
            (C, "delete", "store gc|delete|optimise|repair"),
            (C, "delete", "+--gc|--delete|--optimise"),
            (C, "package-change", "+--import|--load-db|--repair-path"),
            (C, "download-and-run", "run|shell|develop *:*"),
            (A, "", "^ run|shell|develop nixpkgs#*"),
            (C, "runs-option", "+--option|--builders|--substituters|--extra-substituters|--no-sandbox"),
        ],
        reads: &[
            "search|eval|path-info|why-depends|show-config !--expr|--impure|-f",
            "flake show|metadata|info",
        ],
    },
    Tool {
        names: "skaffold tilt devspace garden okteto telepresence",
        values: "-f -p -m -n --filename --profile --module --namespace",
        otherwise: (C, "cluster-change"),
        rows: &[(
            A,
            "",
            "render|build|test|diagnose|inspect|schema|version|survey|fix|init|filter|lint|validate|get|list|status|logs|ci|args|dump|doctor|config|print|analyze",
        )],
        reads: &["version|diagnose|list|status"],
    },
    Tool {
        names: "fastlane pod snapcraft charmcraft rockcraft eas expo expo-cli appcenter flit gh-pages surge firebase-tools",
        values: "",
        otherwise: (A, ""),
        rows: &[
            (
                C,
                "repository-change",
                "trunk|repo|ios|android|mac|build|update|store push|add|add-owner|release|deploy|beta|upload|submit",
            ),
            (
                C,
                "repository-change",
                "release|deploy|beta|deliver|pilot|supply|produce|nuke|upload|upload-*|push|promote|close|submit|publish|register|login|logout|update",
            ),
            (A, "", "^ update $"),
        ],
        reads: &["list|whoami|search|status"],
    },
    Tool {
        names: "airflow dagster prefect argo oozie azkaban",
        values: "",
        otherwise: (C, "service-change"),
        rows: &[
            (
                A,
                "",
                "version|info|config|cheat-sheet|dev|providers|plugins|standalone|lint|list|get|logs|wait|watch|status|validate|profile",
            ),
            (
                A,
                "",
                "* list|ls|show|state|states|test|next-execution|inspect|view|check|report|list-*|info|describe|get|validate|diff|logs|details",
            ),
        ],
        reads: &["* list|ls|show|state|inspect|report|list-*"],
    },
    Tool {
        names: "fossil bzr brz cvs darcs pijul jj hub rcs p4",
        values: "-m -r -R",
        otherwise: (A, ""),
        rows: &[
            (
                C,
                "git-discard",
                "revert|clean|close|rm|remove|delete|uncommit|unrecord|obliterate|unpull|rollback|strip|purge|scrub|shun|abandon|undo|undelete|restore|split|squash|reset|shelve|unshelve|stash",
            ),
            (
                C,
                "git-discard",
                "op|operation|workspace|bookmark|branch|tag restore|undo|abandon|forget|delete|revert",
            ),
            (C, "git-force", "push +-f|--force|--overwrite|--deleted|--delete"),
            (C, "git-force", "git push +--deleted|--all"),
            (C, "git-discard", "sync +-f"),
            (C, "git-discard", "update +-C"),
            (
                C,
                "repository-change",
                "admin|release|sync-with|import|export|repo|issue|pr delete|close|merge|create|edit",
            ),
            (C, "repository-change", "admin|server|http|serve|ui|sqlite|sql|user|setting|settings"),
        ],
        reads: &[
            "status|log|diff|info|annotate|blame|cat|timeline|changes|leaves|describe !--config|-o|--output|-x",
        ],
    },
    Tool {
        names: "svnadmin svnsync svndumpfilter",
        values: "-r",
        otherwise: (C, "repository-change"),
        rows: &[(A, "", "info|verify|dump|lstxns|lslocks|create|help")],
        reads: &["info|verify|lstxns|lslocks"],
    },
    Tool {
        names: "fdupes jdupes rmlint rdfind",
        values: "",
        otherwise: (A, ""),
        rows: &[
            (
                C,
                "delete",
                "+-d|--delete|-L|--linkhard|-l|--linksoft|-B|--dedupe|-deleteduplicates|-makesymlinks|-makehardlinks",
            ),
            (A, "", "^ +-n|-dryrun !-d|-deleteduplicates"),
        ],
        reads: &[],
    },
    Tool {
        names: "tmpreaper tmpwatch bleachbit localepurge trash-empty trash-rm",
        values: "",
        otherwise: (C, "delete"),
        rows: &[(A, "", "+-t|--test|-l|--list|-p|--preview !-c|--clean")],
        reads: &[],
    },
    Tool {
        names: "mogrify",
        values: "-path",
        otherwise: (C, "overwrite"),
        rows: &[(A, "", "+-path")],
        reads: &[],
    },
    Tool {
        names: "mkcert pgbench qemu-img",
        values: "-h -p -U -c -j -T -f -O -o",
        otherwise: (A, ""),
        rows: &[
            (C, "security-setting", "+-install|-uninstall"),
            (C, "database-change", "+-i|--initialize"),
            (C, "volume-change", "resize|commit|rebase|amend|bitmap"),
            (C, "volume-change", "snapshot !-l"),
        ],
        reads: &["info|check|map|compare|measure !-r"],
    },
    Tool {
        names: "dpkg-deb",
        values: "",
        otherwise: (A, ""),
        rows: &[],
        reads: &[
            "+-c|--contents|-I|--info|-f|--field|-W|--show !-x|-X|-R|-e|-b|--extract|--vextract|--raw-extract|--control|--build",
        ],
    },
    Tool {
        names: "squeue sinfo sacct sstat sprio sshare sdiag",
        values: "-o -u -j -p -t -A -n -w -S -E -M -O --format --user --partition --states",
        otherwise: (A, ""),
        rows: &[(C, "service-change", "+-r|--reset")],
        reads: &["!-i|--iterate|--reset"],
    },
    Tool {
        names: "meson",
        values: "-C --prefix --buildtype -D --wipe-x",
        otherwise: (A, ""),
        rows: &[(C, "service-change", "install !--destdir|-n|--dry-run")],
        reads: &["introspect"],
    },
    Tool {
        names: "spark-submit spark-shell spark-sql pyspark",
        values: "--master --deploy-mode --class --name --conf --jars --packages --py-files --files --driver-memory --executor-memory",
        otherwise: (A, ""),
        rows: &[
            (C, "infrastructure-change", "+--kill"),
            (C, "runs-option", "+--packages|--repositories"),
            (C, "runs-code", "+-e"),
        ],
        reads: &["$ +--version"],
    },
    Tool {
        names: "clamscan clamdscan",
        values: "-d -l -f --max-filesize --max-scansize",
        otherwise: (A, ""),
        rows: &[(C, "delete", "+--remove|--move")],
        reads: &["!--remove|--move|--copy|-l|--log|--tempdir|--leave-temps"],
    },
    Tool {
        names: "keytool",
        values: "-keystore -storepass -alias -file -keyalg -keysize -dname -validity",
        otherwise: (C, "login-keys"),
        rows: &[(
            A,
            "",
            "+-list|-printcert|-printcertreq|-printcrl|-exportcert|-export|-certreq !-delete|-importcert|-import|-storepasswd",
        )],
        reads: &["+-list|-printcert|-printcrl !-delete|-importcert|-import|-storepasswd|-J"],
    },
    Tool {
        names: "lfs",
        values: "-u -g -p -o",
        otherwise: (C, "volume-change"),
        rows: &[(
            A,
            "",
            "quota|getstripe|df|find|check|osts|mdts|path2fid|fid2path|project|pool_list|getname|help|ls",
        )],
        reads: &["quota|getstripe|df|check|osts|mdts|path2fid|fid2path|pool_list"],
    },
    Tool {
        names: "ovs-ofctl ovs-dpctl ovs-appctl ovn-nbctl ovn-sbctl ovsdb-client",
        values: "-O",
        otherwise: (C, "network-change"),
        rows: &[(
            A,
            "",
            "dump-*|show|list|list-*|get|dump|query-*|snoop|monitor|lflow-list|lsp-list|lr-list|ls-list|find|coverage/show|dpif/*|*/show|*/list|get-schema|list-dbs",
        )],
        reads: &["dump-*|show|list|list-*|dump|get-schema|list-dbs"],
    },
    Tool {
        names: "gobgp",
        values: "-u -p -a",
        otherwise: (A, ""),
        rows: &[(
            C,
            "network-change",
            "~add|del|softreset|softresetin|softresetout|reset|shutdown|enable|disable|update",
        )],
        reads: &["neighbor|global $", "global rib $"],
    },
    Tool {
        names: "bpftrace bpftool",
        values: "-p -o -I -B -f --include",
        otherwise: (C, "runs-code"),
        rows: &[
            (A, "", "+-l|--info|-V|--version|-d !-e|--unsafe"),
            (A, "", "prog|map|link|net|cgroup|feature|perf|btf|struct_ops|iter show|list|tree|probe|dump"),
            (A, "", "version|help"),
        ],
        reads: &["+-l|--info !-e|--unsafe|-o", "prog|map|link|net|cgroup|perf show|list|tree !-p|--bpffs"],
    },
];
