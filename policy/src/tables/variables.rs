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

/// Ends of names of variables whose value is a command, whatever program they belong to.
const COMMAND_ENDS: &[&str] =
    &["_PAGER", "_EDITOR", "_BROWSER", "_ASKPASS", "_EXTERNAL_DIFF", "_WRAPPER", "_RUNNER", "_LINKER"];

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
    if COMMANDS.contains(&name) || COMMAND_ENDS.iter().any(|end| name.ends_with(end)) {
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

/// Variables that may stand before a command in readonly: what they name is read or shown, never loaded or run.
const PASSED_ON: &str = " LANG LANGUAGE TZ TERM COLUMNS LINES COLORTERM NO_COLOR CLICOLOR CLICOLOR_FORCE FORCE_COLOR LS_COLORS GREP_COLOR \
    GREP_COLORS JQ_COLORS TIMEFORMAT TIME_STYLE BLOCK_SIZE DF_BLOCK_SIZE DU_BLOCK_SIZE POSIXLY_CORRECT S_COLORS PS_FORMAT PS_PERSONALITY \
    DEBIAN_FRONTEND DEBUG VERBOSE LOG_LEVEL RUST_LOG RUST_BACKTRACE NODE_ENV RAILS_ENV APP_ENV IFS OPTIND REPLY \
    PGHOST PGPORT PGUSER PGDATABASE PGPASSWORD PGSSLMODE PGCONNECT_TIMEOUT PGAPPNAME PGTZ MYSQL_PWD MYSQL_HOST REDISCLI_AUTH SQLCMDPASSWORD \
    GIT_TERMINAL_PROMPT GIT_OPTIONAL_LOCKS AWS_PROFILE AWS_REGION AWS_DEFAULT_REGION AWS_DEFAULT_PROFILE AWS_DEFAULT_OUTPUT AWS_MAX_ATTEMPTS \
    PYTHONUNBUFFERED PYTHONIOENCODING DOCKER_CONTEXT COMPOSE_PROJECT_NAME SYSTEMD_COLORS SYSTEMD_LESS SYSTEMD_URLIFY ETCDCTL_API VAULT_ADDR \
    VAULT_NAMESPACE CONSUL_HTTP_ADDR NOMAD_ADDR http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY SSL_CERT_FILE SSL_CERT_DIR \
    CURL_CA_BUNDLE REQUESTS_CA_BUNDLE HELM_NAMESPACE TF_WORKSPACE TF_IN_AUTOMATION CLOUDSDK_CORE_PROJECT GOOGLE_CLOUD_PROJECT ";

/// What the name of a variable speaks of that names a place, a file or a command.
const TELLING: &[&str] = &[
    "PATH", "HOME", "DIR", "CONF", "RC", "FILE", "PLUGIN", "LIB", "LOAD", "OPT", "CMD", "COMMAND", "EXEC",
    "HOOK", "EDIT", "PAGER", "SHELL", "INIT", "START", "ENGINE", "MOD", "SCRIPT", "TRACE", "LOG", "DUMP",
    "OUT", "TMP", "TEMP", "HELPER", "ASK", "WRAP", "PROG", "BIN", "DIFF", "MAN", "AGENT", "CACHE", "DATA",
    "ENV", "TERM", "HOST",
];

/// Variables that are commonly exported already: setting one changes what every later command sees.
const EXPORTED: &[&str] = &["HOME", "TMPDIR", "MANPATH", "KUBECONFIG", "USER", "LOGNAME", "MAIL"];

/// Whether a variable may be set in readonly. `passed_on`: it reaches the commands that run, as before a command or by
/// `export`; elsewhere it is the shell's own.
pub(crate) fn harmless_variable(name: &str, value: Option<&str>, passed_on: bool) -> bool {
    match variable_rule(name) {
        // The command it names was judged by itself.
        Some("command-variable") => {
            return matches!(
                name,
                "PAGER" | "GIT_PAGER" | "MANPAGER" | "SYSTEMD_PAGER" | "AWS_PAGER" | "EDITOR" | "VISUAL"
            );
        }
        Some(_) => {
            let looks = |value: &str| value.chars().all(|c| "-FRXSKiIMNeEQJ ".contains(c));
            return name == "LESS" && value.is_some_and(looks);
        }
        None => {}
    }
    // The cluster's own file names the program that logs in: root's is as trusted as the host.
    if name == "KUBECONFIG" && value.is_some_and(|file| file.starts_with("/etc/") && !file.contains("..")) {
        return true;
    }
    let programs = [
        "PYTHON", "PERL", "RUBY", "NODE_", "JAVA", "GIT_", "SSH_", "DOCKER_", "KUBE", "AWS_", "GOOGLE_",
        "HELM_", "TF_", "CARGO_", "PIP_", "NPM_", "npm_", "XDG_", "PG", "MYSQL", "OPENSSL", "CURL", "WGET",
        "SYSTEMD_", "LESS", "VAULT_",
    ];
    let place = TELLING.iter().any(|part| name.to_ascii_uppercase().contains(part));
    let told = EXPORTED.contains(&name)
        || programs.iter().any(|prefix| name.starts_with(prefix))
        || passed_on && place;
    name.starts_with("LC_") || PASSED_ON.split_whitespace().any(|known| known == name) || !told
}
