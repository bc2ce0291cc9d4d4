#!/bin/bash
# Runs inside a clean machine that scripts/check-package boots: installs the package, does what docs/deploy-service.md
# tells a new administrator to do, runs a command as a client of the service, and takes the package off again.
set -Eeuxo pipefail
# What went wrong is in the journal of a machine that is gone afterwards.
trap 'journalctl --no-pager --unit="sallyport*" | tail -40' ERR

dpkg -i /root/sallyport.deb
sallyport --version
sallyport-vault-helper --version
man -w sallyport sallyport-vault-helper
dpkg -V sallyport
for unit in sallyport-vault.socket sallyport-vault-admin.socket sallyport-broker.socket; do
    [ "$(systemctl is-enabled $unit)" = disabled ]
    [ "$(systemctl is-active $unit || true)" = inactive ]
done
[ "$(stat -c '%U %a' /run/sallyport)" = 'root 755' ]

# A host to log in to.
useradd -m deploy
ssh-keygen -q -t ed25519 -N '' -f /root/id_ed25519
install -D -m 600 -o deploy -g deploy /root/id_ed25519.pub ~deploy/.ssh/authorized_keys
chown deploy:deploy ~deploy/.ssh
systemctl start ssh

# The guide.
vault() { sudo -u sallyport-vault env HOME=/var/lib/sallyport GNUPGHOME=/var/lib/sallyport/gnupg PASSWORD_STORE_DIR=/var/lib/sallyport/store "$@"; }
install -d -m 0700 -o sallyport-vault -g sallyport-vault /var/lib/sallyport{,/gnupg,/store}
vault gpg --batch --passphrase '' --quick-generate-key sallyport-vault future-default default never
vault pass init sallyport-vault
systemctl enable --now sallyport-vault.socket sallyport-vault-admin.socket
as_admin() { SALLYPORT_NO_AUTOSTART=1 SALLYPORT_RUNTIME_DIR=/run/sallyport SALLYPORT_CONFIG_DIR=/etc/sallyport "$@"; }
fingerprint=$(ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub | cut -d' ' -f2)
as_admin sallyport host add web1 --hostname 127.0.0.1 --user deploy --fingerprint "$fingerprint"
as_admin sallyport credential add ssh://deploy@web1 --key /root/id_ed25519
token=$(sudo -u sallyport-broker env SALLYPORT_STATE_DIR=/var/lib/sallyport-broker sallyport token add ci)
systemctl enable --now sallyport-broker.socket

# What the service is.
systemctl show -p ActiveState,NRestarts sallyport-vault.service
as_admin sallyport status
grep -o '"hardening_steps":{[^}]*}' /var/lib/sallyport/audit/audit.jsonl
# Level 5 where the machine lets its first process raise the limit of locked memory; a container may not. Kernels
# before 6.5 have secret memory switched off.
limit=$(awk '/^Max locked memory/ { print $5 }' "/proc/$(systemctl show -P MainPID sallyport-vault.service)/limits")
if [ "$limit" = unlimited ]; then level=5; else level=4; fi
dpkg --compare-versions "$(uname -r)" ge 6.5 || level=3
as_admin sallyport status --json | grep -q "\"hardening\": $level"
systemd-analyze security --threshold=13 sallyport-vault.service | tail -1

# A client.
mcp() {
    curl -sS --max-time 60 http://127.0.0.1:8640/mcp -H "Authorization: Bearer $1" -H 'Content-Type: application/json' \
        -H 'Accept: application/json, text/event-stream' -H 'MCP-Protocol-Version: 2026-07-28' \
        -H "Mcp-Method: tools/call" -H 'Mcp-Name: ssh_exec' -d "$2"
}
meta='"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"t","version":"0"},"io.modelcontextprotocol/clientCapabilities":{}}'
call='{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ssh_exec","arguments":{"target":"web1","command":"id -un"},'$meta'}}'
mcp "$token" "$call" | tee /root/answer
grep -q '"stdout":"deploy\\n"' /root/answer
mcp wrong "$call" >/root/refused
if grep deploy /root/refused; then exit 1; fi
systemd-analyze security --threshold=5 sallyport-broker.service | tail -1

# The broker's user has the broker socket and nothing else.
sudo -u sallyport-broker env SALLYPORT_RUNTIME_DIR=/run/sallyport SALLYPORT_CONFIG_DIR=/etc/sallyport SALLYPORT_NO_AUTOSTART=1 \
    sallyport status && exit 1
sudo -u sallyport-broker ls /var/lib/sallyport && exit 1

# A helper that hangs is ended by the watchdog, and the next request starts another.
old=$(systemctl show -P MainPID sallyport-vault.service)
kill -STOP "$old"
until [ "$(systemctl show -P MainPID sallyport-vault.service)" != "$old" ]; do sleep 1; done
mcp "$token" "$call" | grep -q '"stdout":"deploy\\n"'

# The key that nobody types a passphrase for, as a credential that systemd keeps encrypted.
mkdir -p /etc/credstore.encrypted /etc/systemd/system/sallyport-vault.service.d
vault gpg --export-secret-keys sallyport-vault | systemd-creds encrypt --name=gpg-key - /etc/credstore.encrypted/sallyport-gpg-key
cat >/etc/systemd/system/sallyport-vault.service.d/override.conf <<'END'
[Service]
LoadCredentialEncrypted=gpg-key:/etc/credstore.encrypted/sallyport-gpg-key
RuntimeDirectory=sallyport-vault
RuntimeDirectoryMode=0700
Environment=GNUPGHOME=/run/sallyport-vault
END
systemctl daemon-reload
rm -r /var/lib/sallyport/gnupg
systemctl restart sallyport-vault.service
mcp "$token" "$call" | grep -q '"stdout":"deploy\\n"'
[ -d /run/sallyport-vault/private-keys-v1.d ]
rm -r /etc/systemd/system/sallyport-vault.service.d /etc/credstore.encrypted/sallyport-gpg-key
systemctl daemon-reload

# A person's desktop, as docs/deploy-desktop.md has it.
bash /root/desktop.sh

# Off again: no unit runs, and what was written stays.
dpkg -r sallyport
[ "$(pgrep -c sallyport || true)" = 0 ]
[ -d /var/lib/sallyport/store ]
dpkg -P sallyport
[ ! -e /run/sallyport ]
find / -xdev \( -path /proc -o -path /var/lib/sallyport -o -path /var/lib/sallyport-broker -o -path /etc/sallyport -o -path /root \) \
    -prune -o -name '*sallyport*' -print | tee /root/left
[ ! -s /root/left ]
echo 'everything held'
