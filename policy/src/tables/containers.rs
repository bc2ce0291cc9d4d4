//! Containers and clusters. `run` and `exec` are read elsewhere, as wrappers.

use super::Tool;
use super::short::{A, C};

pub(super) const TOOLS: &[Tool] = &[
    Tool {
        names: "docker podman nerdctl",
        values: "-H --host -c --context --config -l --log-level -f --filter --format -n --tail --since --until -t --tag --file --build-arg --target --platform",
        otherwise: (C, "container-change"),
        rows: &[
            (A, "", "$"),
            (
                A,
                "",
                "ps|images|logs|inspect|version|info|top|stats|port|diff|events|search|history|build|buildx|pull|tag|save|export|cp|attach-no|wait",
            ),
            (
                A,
                "",
                "container|image|volume|network|system|node|service|stack|config|secret|swarm|context|manifest|builder|plugin|pod|machine|trust ls|list|inspect|logs|top|stats|port|diff|df|info|events|ps|history|show|version|pull|build|exists|mount",
            ),
            (A, "", "image|images tag|save"),
            (C, "container-change", "buildx prune|rm|uninstall|stop|create"),
            (C, "container-change", "build|buildx|image +--allow|--push"),
        ],
        reads: &[
            "ps|images|logs|inspect|version|info|stats|port|diff|events|search|history !-o|--output|--config",
            "top !--config",
            "buildx ls|version|du !--config",
            "buildx inspect !--config|--bootstrap",
            "container|image|volume|network|system|node|service|stack|config|secret|context|manifest|plugin|pod|machine ls|list|inspect|logs|top|stats|port|diff|df|info|events|ps|history|version|exists !-o|--output|--config",
            "+--version|-v $",
        ],
    },
    Tool {
        names: "docker-compose podman-compose",
        values: "-f -p --file --project-name --profile --env-file --project-directory --tail --since -n",
        otherwise: (C, "container-change"),
        rows: &[
            (A, "", "$"),
            (A, "", "ps|logs|config|images|top|version|ls|port|events|build|pull|convert|stats|volumes"),
            // Starting a project's own containers is everyday work, as `docker run` is; taking them down is not.
            (A, "", "up|start|create|watch"),
            (C, "container-change", "up|create +--force-recreate|-V|--renew-anon-volumes|--remove-orphans"),
            (A, "", "run|exec"),
        ],
        reads: &[
            "ps|logs|images|top|version|ls|port|events|stats|volumes",
            "config|convert !-o|--output|--lock-image-digests",
        ],
    },
    Tool {
        names: "kubectl oc",
        values: "-n -o -l -f -c -k -s --namespace --output --selector --context --kubeconfig --cluster --container --field-selector --sort-by --tail --since --server --as --token --user --template --filename --kustomize --cache-dir",
        otherwise: (C, "cluster-change"),
        rows: &[
            (A, "", "$"),
            (
                A,
                "",
                "get|describe|logs|top|explain|version|api-resources|api-versions|cluster-info|diff|wait|events|options|completion|kustomize|whoami|status|projects",
            ),
            (A, "", "config view|get-contexts|current-context|get-clusters|get-users"),
            (A, "", "auth can-i|whoami"),
            (A, "", "check-config|check"),
            (A, "", "token|etcd-snapshot|secrets-encrypt list|ls|status"),
            (A, "", "rollout status|history"),
            (A, "", "apply|create|delete|replace|scale|patch|label|annotate +--dry-run"),
            (C, "cluster-change", "cluster-info dump +--output-directory"),
        ],
        reads: &[
            "get|describe|logs|top|explain|version|api-resources|api-versions|events|options|whoami|status|projects|wait !--kubeconfig|--cache-dir|--profile-output|--profile",
            "cluster-info $",
            "config view|get-contexts|current-context|get-clusters|get-users !--kubeconfig",
            "auth can-i|whoami",
            "rollout status|history",
        ],
    },
    Tool {
        names: "helm",
        values: "-n -f --namespace --kube-context --kubeconfig --values --set --version --revision -o --output",
        otherwise: (C, "cluster-change"),
        rows: &[
            (A, "", "$"),
            (
                A,
                "",
                "list|ls|status|history|get|show|inspect|search|template|lint|version|env|verify|diff|dependency|dep|package|pull|create|completion",
            ),
            (A, "", "repo list|ls|update|index"),
            (A, "", "plugin list"),
            (C, "runs-option", "+--post-renderer"),
            (A, "", "upgrade|install|uninstall|rollback +--dry-run"),
        ],
        reads: &[
            "list|ls|status|history|show|inspect|search|version|env !--kubeconfig|--post-renderer|--registry-config|--repository-cache",
            "get !--kubeconfig|--registry-config|--repository-cache",
            "dependency|dep list|ls",
            "template|lint !--output-dir|--post-renderer|--kubeconfig",
            "repo list|ls",
            "plugin list",
        ],
    },
    Tool {
        names: "ctr",
        values: "-n --namespace -a --address",
        otherwise: (C, "container-change"),
        rows: &[
            (A, "", "$"),
            (A, "", "version|info"),
            (
                A,
                "",
                "images|image|i|containers|container|c|tasks|task|t|snapshots|namespaces|plugins|leases|content ls|list|info|metrics|ps|check",
            ),
        ],
        reads: &[
            "version|info",
            "images|containers|container|tasks|task|snapshots|namespaces|plugins|leases|content ls|list|info",
        ],
    },
    Tool {
        names: "crictl lxc incus lxd virsh qm pct vzctl vagrant multipass limactl colima minikube kind k3d k9s",
        values: "",
        otherwise: (C, "container-change"),
        rows: &[
            (A, "", "$"),
            (
                A,
                "",
                "ps|list|ls|info|inspect|images|logs|stats|version|status|show|dominfo|domstate|nodeinfo|global-status|pods|ip|ssh-config|dumpxml|pool-list|net-list|vol-list|capabilities|profile-list",
            ),
            (
                A,
                "",
                "get|cluster|node|registry|image|network|storage|profile clusters|nodes|kubeconfig|list|ls|show|info",
            ),
        ],
        reads: &[
            "ps|list|ls|info|inspect|images|logs|stats|version|status|dominfo|domstate|nodeinfo|global-status|pods|dumpxml|pool-list|net-list|vol-list",
        ],
    },
    Tool {
        names: "skopeo crane cosign",
        values: "",
        otherwise: (C, "container-change"),
        rows: &[(A, "", "inspect|list-tags|manifest|digest|ls|catalog|verify|version|tree|config")],
        reads: &["inspect|list-tags|manifest|digest|ls|catalog|version|tree"],
    },
    Tool {
        names: "kubectx kubens",
        values: "",
        otherwise: (C, "cluster-change"),
        rows: &[(A, "", "$ !-u|--unset|-d"), (A, "", "$ +-c|--current !-d|-u")],
        reads: &["$ +-c|--current !-d|-u"],
    },
];
