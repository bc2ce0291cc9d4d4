//! Environment variables that change what later commands run.

/// Where the dynamic linker, the shell and language runtimes look for code.
const LOADERS: &[&str] = &[
    "PATH",
    "BASH_ENV",
    "ENV",
    "PROMPT_COMMAND",
    "SHELLOPTS",
    "BASHOPTS",
    "PS4",
    "PS1",
    "PS0",
    "BASH_FUNC_",
    "GCONV_PATH",
    "MALLOC_CHECK_",
    "ZDOTDIR",
    "FPATH",
    "fpath",
    "PERL5LIB",
    "PERL5DB",
    "PYTHONSTARTUP",
    "PYTHONHOME",
    "PYTHONINSPECT",
    "RUBYLIB",
    "NODE_PATH",
    "CLASSPATH",
    "GIT_CONFIG",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_EXEC_PATH",
    "GIT_TEMPLATE_DIR",
    "GIT_ASKPASS",
    "SSH_ASKPASS",
    "SUDO_ASKPASS",
    "INPUTRC",
    "TERMINFO",
    "LESSKEY",
    "LESSKEYIN",
    "COMSPEC",
    "SHELL",
    "CDPATH",
    "HOSTALIASES",
    "RES_OPTIONS",
    "LOCPATH",
    "NLSPATH",
    "TCLLIBPATH",
    "LUA_PATH",
    "LUA_INIT",
    "GEM_PATH",
    "EXINIT",
    "VIMINIT",
    "MAILCAPS",
    "CARGO_HOME",
    "TAR_OPTIONS",
    "RUSTC_WRAPPER",
    "RUSTC",
    "CC_WRAPPER",
    "DOCKER_CONFIG",
    "KUBECONFIG_EXEC",
];

/// Variables whose value is a command.
const COMMANDS: &[&str] = &[
    "EDITOR",
    "VISUAL",
    "GIT_EDITOR",
    "GIT_SEQUENCE_EDITOR",
    "GIT_PAGER",
    "PAGER",
    "MANPAGER",
    "SYSTEMD_PAGER",
    "LESSOPEN",
    "LESSCLOSE",
    "GIT_SSH_COMMAND",
    "GIT_PROXY_COMMAND",
    "LESSEDIT",
    "GIT_SSH",
    "GIT_EXTERNAL_DIFF",
    "GIT_PROXY_COMMAND",
    "BROWSER",
    "RSYNC_RSH",
    "CVS_RSH",
    "FCEDIT",
    "SUDO_EDITOR",
    "SYSTEMD_EDITOR",
    "PSQL_EDITOR",
    "PSQL_PAGER",
    "KUBE_EDITOR",
    "AWS_PAGER",
    "BAT_PAGER",
    "DELTA_PAGER",
];

/// Variables that hold an interpreter's options.
const OPTIONS: &[&str] = &[
    "NODE_OPTIONS",
    "PERL5OPT",
    "RUBYOPT",
    "PYTHONWARNINGS",
    "JAVA_TOOL_OPTIONS",
    "_JAVA_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "PHP_INI_SCAN_DIR",
    "BASH_XTRACEFD",
    "GREP_OPTIONS",
    "MANOPT",
    "LESS",
];

/// What setting this variable means, if anything.
pub(crate) fn variable_rule(name: &str) -> Option<&'static str> {
    if COMMANDS.contains(&name) {
        return Some("command-variable");
    }
    if OPTIONS.contains(&name) {
        return Some("option-variable");
    }
    if matches!(name, "HISTFILE" | "HISTSIZE" | "HISTFILESIZE" | "HISTCONTROL" | "HISTIGNORE") {
        return Some("history-variable");
    }
    let loader = LOADERS.contains(&name)
        || name.starts_with("LD_")
        || name.starts_with("DYLD_")
        || name.starts_with("BASH_FUNC_")
        || name.starts_with("GIT_CONFIG_");
    loader.then_some("environment")
}

/// Whether a variable may be set in readonly: it is known to no program as a place to load code from.
pub(crate) fn harmless_variable(name: &str) -> bool {
    let programs = [
        "PYTHON", "PERL", "RUBY", "NODE_", "JAVA", "GIT_", "SSH_", "DOCKER_", "KUBE", "AWS_", "GOOGLE_",
        "HELM_", "TF_", "CARGO_", "PIP_", "NPM_", "npm_",
    ];
    let plain = [
        "GIT_PAGER",
        "GIT_TERMINAL_PROMPT",
        "GIT_OPTIONAL_LOCKS",
        "KUBECONFIG",
        "AWS_PROFILE",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_PAGER",
        "PYTHONUNBUFFERED",
        "PYTHONIOENCODING",
    ];
    match variable_rule(name) {
        Some("command-variable") => matches!(
            name,
            "PAGER" | "GIT_PAGER" | "MANPAGER" | "SYSTEMD_PAGER" | "AWS_PAGER" | "EDITOR" | "VISUAL" | "LESS"
        ),
        Some(_) => name == "LESS",
        None => plain.contains(&name) || !programs.iter().any(|prefix| name.starts_with(prefix)),
    }
}
