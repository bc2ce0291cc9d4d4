# Sourced by the other scripts: the system packages each of them needs, and why.
#
#   need PACKAGE WHY PROBE...   remembers PACKAGE as missing unless the command PROBE succeeds
#   install_missing             installs what is missing (Debian and Ubuntu), or says what to install elsewhere
#
# Probes ask for the thing itself rather than for the package, so that a hand-built one counts too.

missing=()

need() {
    local package=$1 why=$2
    shift 2
    "$@" >/dev/null 2>&1 && return
    echo "missing: $package ($why)"
    missing+=("$package")
}

# What building takes.
need_to_build() {
    if ! command -v cargo >/dev/null; then
        echo "cargo is missing. Install Rust 1.89 or newer: https://rustup.rs" >&2
        exit 1
    fi
    need gcc 'links Rust programs and compiles the cryptography of ring' command -v cc
    need libc6-dev 'the headers the above compiles against' test -e /usr/include/stdio.h
    need pkg-config 'finds libgpgme' command -v pkg-config
    need libgpgme-dev 'the vault helper decrypts records with GnuPG through libgpgme' pkg-config --exists gpgme
}

# What running takes.
need_to_run() {
    need gnupg 'gpg and gpg-agent keep the keys of the vault' command -v gpgconf
}

# What the tests' throwaway world takes.
need_to_test() {
    need openssh-server 'a real sshd on loopback to log in to' test -x /usr/sbin/sshd
    need dropbear-bin 'another SSH server to transfer files with' command -v dropbear
    need openssh-sftp-server 'the SFTP server that both of them start' test -x /usr/lib/openssh/sftp-server
    need openssh-client 'ssh-keygen makes keys, ssh is measured against' command -v ssh
    need openssh-tests 'a stand-in for a FIDO token' test -e /usr/lib/openssh/regress/misc/sk-dummy/sk-dummy.so
    need gopass 'another program that reads the store' command -v gopass
    need sqlite3 'a database that is asked through its own client' command -v sqlite3
    need pass 'writes the password store that Sallyport reads' command -v pass
    need pinentry-curses 'a passphrase is typed at a real dialog in a terminal' test -x /usr/bin/pinentry-curses
    need acl 'files with access control lists are replaced' command -v setfacl
    need btrfs-progs 'a file system with a quota' command -v mkfs.btrfs
    need sudo 'the real thing for commands that ask for a sudo password' command -v sudo
    # Debian has it from 13 on; without it one test says that it was skipped.
    if apt-cache show sudo-rs >/dev/null 2>&1; then
        need sudo-rs 'what some distributions have in the place of sudo' test -x /usr/lib/cargo/bin/sudo
    fi
    need opendoas 'the real thing where there is no sudo' command -v doas
    need zsh 'login shells other than bash' command -v zsh
    need ksh93u+m 'login shells other than bash' command -v ksh93
    need mksh 'login shells other than bash' command -v mksh
    need busybox 'login shells other than bash' command -v busybox
    need fish 'a login shell that is not POSIX' command -v fish
    need tcsh 'a login shell that is not POSIX' command -v tcsh
    need gdb 'plays the attacker in the hardening tests' command -v gdb
    need systemd 'systemd-analyze and systemd-socket-activate check the units' command -v systemd-analyze
    need util-linux 'setpriv and unshare, for tests as other users' command -v setpriv
    need e2fsprogs 'a disk that breaks under the audit log' command -v mkfs.ext4
    need python3-venv 'a foreign MCP client, the Python SDK, is tried against the server' python3 -c 'import ensurepip'
}

install_missing() {
    [ ${#missing[@]} = 0 ] && return
    if ! command -v apt-get >/dev/null; then
        cat >&2 <<'END'
This script installs packages on Debian and Ubuntu only. Elsewhere, install these by hand and run it again:
  Fedora   dnf install gcc pkgconf-pkg-config gpgme-devel gnupg2      for the tests also: openssh-server openssh-clients pass sudo python3
  macOS    brew install pkg-config gpgme gnupg                        the tests need Linux: they read /proc
END
        exit 1
    fi
    local root=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || { echo "Run as root: apt-get install ${missing[*]}" >&2; exit 1; }
        root=(sudo)
    fi
    echo "installing: ${missing[*]}"
    "${root[@]}" apt-get update -qq </dev/null
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >/dev/null
}
