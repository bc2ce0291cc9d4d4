//! Programs that start another one in an environment of their own: `bundle exec rake db:drop` runs `rake db:drop`.
//!
//! They differ from wrappers in that their options are not all known: the command begins at the first word behind
//! them that is no option, or that is a known program's name.

use std::collections::HashMap;
use std::sync::LazyLock;

/// A runner.
pub(crate) struct Runner {
    /// Names, separated by spaces.
    pub(crate) names: &'static str,
    /// The first operand that makes it one, if it needs any.
    pub(crate) verbs: &'static [&'static str],
    /// Operands before the command.
    pub(crate) operands: usize,
    /// Options that take the next word as their value.
    pub(crate) values: &'static str,
    /// Options that take the next two words.
    pub(crate) pairs: &'static str,
    /// Whether the environment is one of the project's own, and the programs there with it.
    pub(crate) home: bool,
}

const BASE: Runner = Runner { names: "", verbs: &[], operands: 0, values: "", pairs: "", home: false };

const RUNNERS: &[Runner] = &[
    Runner { names: "bundle bundler", verbs: &["exec"], values: "--gemfile", home: true, ..BASE },
    Runner {
        names: "poetry pipenv pdm hatch rye pixi uv",
        verbs: &["run"],
        values: "-p -e -C --project --directory --environment --python --env-file --with --with-requirements --extra --group --package --index",
        home: true,
        ..BASE
    },
    Runner {
        names: "conda mamba micromamba",
        verbs: &["run"],
        values: "-n -p --name --prefix --cwd",
        home: true,
        ..BASE
    },
    Runner { names: "npx bunx pnpx uvx", values: "-p --package --from --with --python", home: true, ..BASE },
    Runner {
        names: "npm pnpm yarn bun",
        verbs: &["exec", "x", "dlx"],
        values: "-p --package -w --workspace -C",
        home: true,
        ..BASE
    },
    Runner { names: "pipx", verbs: &["run"], values: "--spec --python", ..BASE },
    Runner {
        names: "rbenv pyenv nodenv asdf mise rtx volta jenv opam stack cabal rvm foreman doppler infisical op",
        verbs: &["exec", "run", "x", "do"],
        values: "-p --project -c --config -e --env --env-file --switch",
        home: true,
        ..BASE
    },
    Runner { names: "direnv aws-vault chamber", verbs: &["exec"], operands: 1, ..BASE },
    Runner { names: "dotenv dotenvx", values: "-f -e --file", ..BASE },
    Runner { names: "envchain runcon", operands: 1, ..BASE },
    Runner {
        names: "ssh-agent cpulimit systemd-cat torify choom aa-exec dbus-launch run-one nq tsp daemonize multitime heaptrack ifne",
        values: "-t -l -p -i -n -e -E -a -c -o --identifier --limit --pid --profile",
        ..BASE
    },
    Runner { names: "rr", verbs: &["record"], ..BASE },
    Runner { names: "adb", verbs: &["shell", "exec-out"], values: "-s -t -H -P -L", home: true, ..BASE },
    Runner {
        names: "apptainer singularity shifter charliecloud ch-run udocker",
        verbs: &["exec", "run", "shell"],
        operands: 1,
        values: "-B --bind --pwd --env --env-file --nv-ccli --home -H --overlay --workdir -W --scratch -S --network --image",
        home: true,
        ..BASE
    },
    Runner {
        names: "mpirun mpiexec mpiexec.hydra orterun prun srun salloc aprun jsrun ibrun",
        values: "-n -np -c -N -p -t -A -J -w -x -q -o -e -i -D --np -ppn --ppn -npernode --map-by --bind-to --host -host -H --hostfile -hostfile -f -machinefile \
            --machinefile --output --error --partition --time --mem --ntasks --cpus-per-task --nodes --account --job-name --gres -env -genv",
        pairs: "-mca --mca -env -genv",
        ..BASE
    },
    Runner {
        names: "qemu-aarch64 qemu-arm qemu-riscv64 qemu-riscv32 qemu-x86_64 qemu-i386 qemu-mips qemu-mipsel qemu-ppc64le qemu-s390x qemu-aarch64-static qemu-arm-static \
            qemu-riscv64-static qemu-x86_64-static box64 box86 FEXBash",
        values: "-L -cpu -g -E -U -0 -r -s -R -B -d -D -p -strace -seed",
        ..BASE
    },
    Runner {
        names: "bwrap",
        values: "--args --dev --proc --tmpfs --mqueue --dir --remount-ro --chdir --unsetenv --hostname --uid --gid --seccomp --userns --pidns \
            --lock-file --sync-fd --block-fd --info-fd --json-status-fd --cap-add --cap-drop --perms --size --overlay-src",
        pairs: "--bind --bind-try --dev-bind --dev-bind-try --ro-bind --ro-bind-try --file --bind-data --ro-bind-data --symlink --setenv --chmod",
        ..BASE
    },
    Runner {
        names: "systemd-nspawn distrobox toolbox",
        verbs: &[],
        values: "-D -M -i -n -u -b --directory --machine --image --bind --bind-ro --user --name",
        ..BASE
    },
];

/// The runner of this name.
pub(crate) fn find(name: &str) -> Option<&'static Runner> {
    BY_NAME.get(name).copied()
}

static BY_NAME: LazyLock<HashMap<&'static str, &'static Runner>> = LazyLock::new(|| {
    RUNNERS.iter().flat_map(|runner| runner.names.split(' ').map(move |name| (name, runner))).collect()
});
