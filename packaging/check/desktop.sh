#!/bin/bash
# Runs inside the machine that scripts/check-package boots, with the package installed: does what docs/deploy-desktop.md
# tells a person to do, with the helper started by their own systemd.
set -Eeuxo pipefail
trap 'journalctl --no-pager _UID=$(id -u ada) | tail -40' ERR

useradd -m ada
loginctl enable-linger ada
runtime=/run/user/$(id -u ada)
until [ -S "$runtime/bus" ]; do sleep 0.2; done
as_ada() { runuser -u ada -- env HOME=/home/ada XDG_RUNTIME_DIR="$runtime" DBUS_SESSION_BUS_ADDRESS="unix:path=$runtime/bus" "$@"; }
cd /home/ada

# A host to log in to: the machine itself.
as_ada mkdir -m 700 .ssh
as_ada ssh-keygen -q -t ed25519 -N '' -f .ssh/id_ed25519
as_ada cp .ssh/id_ed25519.pub .ssh/authorized_keys

# The guide.
as_ada gpg --batch --quiet --passphrase '' --quick-generate-key ada future-default default never
as_ada pass init ada
as_ada systemctl --user enable --now sallyport-vault.socket sallyport-vault-admin.socket
[ "$(as_ada systemctl --user is-active sallyport-vault.service || true)" = inactive ]
fingerprint=$(ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub | cut -d' ' -f2)
as_ada sallyport host add web1 --hostname 127.0.0.1 --user ada --fingerprint "$fingerprint"
as_ada sallyport credential add ssh://ada@web1 --key .ssh/id_ed25519
as_ada sallyport unlock
[ "$(as_ada sallyport exec web1 -- id -un)" = ada ]
as_ada sallyport install codex --print

# It was systemd that started the helper, it said that it is ready, and it is as shut in as one that starts by itself.
pid() { as_ada systemctl --user show -P MainPID sallyport-vault.service; }
[ "$(as_ada systemctl --user is-active sallyport-vault.service)" = active ]
as_ada sallyport status --json | tee /root/status
grep -q "\"pid\": $(pid)" /root/status
# Kernels before 6.5 have secret memory switched off.
level=4
dpkg --compare-versions "$(uname -r)" ge 6.5 || level=3
grep -q "\"hardening\": $level" /root/status
grep -q '^Seccomp:.*2' "/proc/$(pid)/status"
grep -q '^NoNewPrivs:.*1' "/proc/$(pid)/status"
as_ada sallyport doctor || true

# One that hangs is ended by the watchdog, and the next request starts another.
old=$(pid)
kill -STOP "$old"
until [ "$(pid)" != "$old" ]; do sleep 1; done
as_ada sallyport unlock
[ "$(as_ada sallyport exec web1 -- echo again)" = again ]

# Stopped, it is started anew by who needs it; without its sockets nothing of it is left.
as_ada systemctl --user stop sallyport-vault.service
[ "$(as_ada sallyport status --json | grep -c '"pid"')" = 1 ]
as_ada systemctl --user disable --now sallyport-vault.socket sallyport-vault-admin.socket
as_ada systemctl --user stop sallyport-vault.service
loginctl disable-linger ada
loginctl terminate-user ada || true
until ! pgrep -u ada >/dev/null; do sleep 0.2; done
userdel -rf ada
