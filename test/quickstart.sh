#!/usr/bin/env bash
# Does what the README's quick start says, on a Debian machine that has nothing but a minimal system: a tree made by
# debootstrap, with its own systemd as the first process of a container, its own network, and no way out of it.
#
#	test/quickstart.sh DIRECTORY-OF-PACKAGES [TREE]
#
# TREE is where to find, or else make, the minimal system; without it, it is made and removed.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
packages=$(cd "$1" && pwd)
arch=$(dpkg --print-architecture)
work=$(mktemp -d)
machine=
boot=

finish() {
	status=$?
	if [ "$status" -ne 0 ]; then
		echo "--- what the machine said:"
		tail -n 20 "$work/console" || true
		[ -z "$machine" ] || nsenter -t "$machine" -a journalctl -u anygate --no-pager | tail -n 40 || true
	fi
	if [ -n "$machine" ]; then
		# SIGRTMIN+4 is systemd's "power off".
		kill -s RTMIN+4 "$machine" 2>/dev/null || true
		for _ in $(seq 100); do kill -0 "$boot" 2>/dev/null || break; sleep 0.1; done
	fi
	[ -z "$boot" ] || kill "$boot" 2>/dev/null || true
	[ -z "$boot" ] || wait "$boot" 2>/dev/null || true
	rm -rf "$work"
	exit "$status"
}
trap finish EXIT

tree=${2:-$work/tree}
if ! [ -x "$tree/lib/systemd/systemd" ]; then
	# The mirror is that of this machine.
	mirror=$(grep -rhoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | head -n 1 | tr -d ' ' || true)
	[ -n "$mirror" ] || mirror=$(grep -rhoE '^URIs: *https?://[^ ]+/debian/?$' /etc/apt/sources.list.d 2>/dev/null | head -n 1 | sed 's/^URIs: *//' || true)
	. /etc/os-release
	debootstrap --variant=minbase --include=systemd,systemd-sysv,ca-certificates,curl "$VERSION_CODENAME" "$tree" "${mirror:-http://deb.debian.org/debian}" >"$work/debootstrap" 2>&1 ||
		{ tail -n 20 "$work/debootstrap"; exit 1; }
fi

began=$(date +%s)
# io_uring is not among the calls that containers have by default.
systemd-nspawn --quiet --directory="$tree" --ephemeral --register=no --keep-unit --boot --private-network --console=pipe \
	--system-call-filter="io_uring_setup io_uring_enter io_uring_register landlock_create_ruleset landlock_add_rule landlock_restrict_self" \
	--bind-ro="$packages:/root/packages" </dev/null >"$work/console" 2>&1 &
boot=$!

# The container's first process is the child of systemd-nspawn.
for _ in $(seq 1200); do
	machine=$(pgrep -P "$boot" -x systemd || true)
	[ -n "$machine" ] && nsenter -t "$machine" -a systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded' && break
	kill -0 "$boot" 2>/dev/null || { echo "the machine did not start"; exit 1; }
	sleep 0.1
done
# What follows is done as root, and in there only.
for kind in mnt pid net; do
	[ -n "$machine" ] && [ "$(readlink "/proc/$machine/ns/$kind")" != "$(readlink "/proc/self/ns/$kind")" ] || { echo "the machine is none of its own: $kind"; machine=; exit 1; }
done

# The API on port 3000 that the quick start speaks of.
nsenter -t "$machine" -a sh -c 'mkdir -p /opt/api && printf "%s\n" "listen: 127.0.0.1:3000" "routes: {/: \"*\"}" >/opt/api/anygate.yml && cp /root/packages/anygate_linux_* /opt/api/ && for f in /opt/api/anygate_linux_*; do "$f" version >/dev/null 2>&1 && mv "$f" /opt/api/anygate; done; systemd-run --quiet --unit=api /opt/api/anygate serve -c /opt/api/anygate.yml'

# The first block of the README that is marked "sh quickstart", with each command shown before it is run. In a container
# nothing of the host is tuned, but only told.
sed -n '/^```sh quickstart$/,/^```$/p' "$here/README.md" | sed -e '1d;/^```$/,$d' -e 's:^anygate tune apply --yes:{ & || [ -e /run/systemd/container ]; }:' >"$work/script"
[ -s "$work/script" ] || { echo "the README has no quick start"; exit 1; }
echo "--- the quick start, as root on a new machine ($arch)"
typed=$(date +%s)
nsenter -t "$machine" -a env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb LANG=C.UTF-8 sh -c 'cd /root/packages && exec sh -exs' <"$work/script"
took=$(($(date +%s) - typed))
echo "--- that took $took seconds"
[ "$took" -lt 300 ] || { echo "a newcomer is promised less than five minutes"; exit 1; }

# What it promises, looked at from outside.
inside() { nsenter -t "$machine" -a env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }
expect() { # WHAT COMMAND...: the output has to contain WHAT
	local want=$1 got
	shift
	got=$(inside "$@" 2>&1) || true
	case $got in *"$want"*) ;; *) echo "$* says, without \"$want\": $got"; exit 1 ;; esac
}
echo "--- what there is now"
expect '<title>My app</title>' curl -s localhost/
expect '<title>My app</title>' curl -s -H 'Accept: text/html' localhost/some/view
expect '"path":"/api/users"' curl -s -H 'Accept: application/json' localhost/api/users
expect active systemctl is-active anygate
expect enabled systemctl is-enabled anygate
expect anygate stat -c %U "/proc/$(inside systemctl show -P MainPID anygate)"
expect 'NoNewPrivs:	1' grep NoNewPrivs "/proc/$(inside systemctl show -P MainPID anygate)/status"
expect 'CapEff:	0000000000000400' grep CapEff "/proc/$(inside systemctl show -P MainPID anygate)/status"
expect 'io_uring' journalctl -u anygate --no-pager
expect /etc/anygate/anygate.yml dpkg-query -W -f '${Conffiles}' anygate

expect 'nothing is written inside a container' anygate tune apply --yes
inside systemd-analyze --man=no verify /usr/lib/systemd/system/anygate.service /usr/lib/systemd/system/anygate.socket

# A configuration that is wrong is refused, and the one before goes on.
inside sh -c 'echo "routes: {/: NONSENSE}" >/etc/anygate/anygate.yml; ! systemctl reload anygate'
expect '<title>My app</title>' curl -s localhost/

# The short unit of docs/operating.md serves the same, files included.
inside mkdir -p /usr/local/bin
inside ln -s /usr/bin/anygate /usr/local/bin/anygate
sed -n '/^```ini$/,/^```$/p' "$here/docs/operating.md" | sed '1d;/^```$/,$d' | inside sh -c 'cat >/etc/systemd/system/short.service'
inside sh -c 'printf "listen: \":80\"\nroutes: {/: /srv/app/}\n" >/etc/anygate/anygate.yml && systemd-analyze --man=no verify /etc/systemd/system/short.service &&
	systemctl stop anygate && systemctl start short && systemctl reload short'
expect '<title>My app</title>' curl -s localhost/
inside sh -c 'systemctl stop short && systemctl start anygate'

# Out of the box, systemd restarts what was killed.
killed=$(inside systemctl show -P MainPID anygate)
inside sh -c 'printf "listen: \":80\"\nroutes: {/: OK again}\n" >/etc/anygate/anygate.yml'
inside sh -c "kill -KILL $killed"
for _ in $(seq 600); do inside curl -s localhost/ 2>/dev/null | grep -q again && break; sleep 0.1; done
expect again curl -s localhost/

# Socket activation: systemd opens the address, and the service has it.
inside sh -c 'systemctl stop anygate && systemctl start anygate.socket && curl -s localhost/' | grep -q again || { echo "socket activation does not serve"; exit 1; }

# More than one address, one of them with TLS, each by a socket of systemd.
inside sh -c 'systemctl stop anygate.socket anygate && mkdir -p /etc/systemd/system/anygate.socket.d &&
	printf "%s\n" "[Socket]" "ListenStream=" "ListenStream=80" "ListenStream=443" "ListenStream=127.0.0.1:8081" >/etc/systemd/system/anygate.socket.d/more.conf &&
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -addext subjectAltName=DNS:localhost -days 2 -keyout /etc/anygate/key.pem -out /etc/anygate/cert.pem 2>/dev/null &&
	chgrp anygate /etc/anygate/key.pem && chmod 0640 /etc/anygate/key.pem &&
	printf "%s\n" "listen: [\":80\", \":443 tls\", \"127.0.0.1:8081\"]" "tls: {certificates: [{cert: cert.pem, key: key.pem}]}" "routes: {/: OK several}" >/etc/anygate/anygate.yml &&
	systemctl daemon-reload && systemctl start anygate.socket'
expect inactive systemctl is-active anygate
expect several curl -s --cacert /etc/anygate/cert.pem https://localhost/
expect several curl -s localhost/
expect several curl -s localhost:8081/
inside sh -c 'systemctl stop anygate.socket anygate && rm -r /etc/systemd/system/anygate.socket.d && systemctl daemon-reload'

# A newer package, while someone downloads something that takes a while: the program goes on in place, and what the
# administrator has written stays.
apt() { inside sh -c 'DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >/root/apt 2>&1 || { cat /root/apt; exit 1; }' sh "$@"; }
inside sh -c 'mkdir -p /srv/files && head -c 20000000 /dev/urandom >/srv/files/big &&
	printf "%s\n" "listen: \":80\"" "routes: {/: OK mine, /files/: /srv/files/}" >/etc/anygate/anygate.yml && systemctl start anygate &&
	cp /root/packages/anygate_*_"$(dpkg --print-architecture)".deb /root/same.deb &&
	dpkg-deb -R /root/same.deb /root/newer && sed -i "s/^Version: .*/Version: 9.9-1/" /root/newer/DEBIAN/control && dpkg-deb -Znone -b /root/newer /root/newer.deb >/dev/null'
before=$(inside systemctl show -P MainPID anygate)
inside curl -s --fail --limit-rate 5m -o /root/got localhost/files/big &
download=$!
inside sh -c 'while [ ! -e /root/enough ]; do curl -s --fail -o /dev/null localhost/ || echo refused; done' >"$work/refused" &
requests=$!
apt install /root/newer.deb
inside touch /root/enough
wait "$requests"
wait "$download" || { echo "the download was cut by the upgrade"; exit 1; }
inside sh -c "cmp /root/got /srv/files/big && rm /root/got"
[ ! -s "$work/refused" ] || { echo "$(wc -l <"$work/refused") requests were refused in the upgrade"; exit 1; }
[ "$(inside systemctl show -P MainPID anygate)" != "$before" ] || { echo "the upgrade did not go on with the new program"; exit 1; }
expect active systemctl is-active anygate
expect mine curl -s localhost/

# The new process is not the child of systemd; it is stopped as the first one is, when what is in flight is finished.
inside curl -s --fail --limit-rate 5m -o /root/got localhost/files/big &
download=$!
inside sh -c 'while [ ! -s /root/got ]; do sleep 0.1; done'
inside systemctl restart anygate
wait "$download" || { echo "the download was cut by systemctl restart"; exit 1; }
expect mine curl -s localhost/
expect Result=success systemctl show -p Result anygate

# Removed and installed again, it is as it was: enabled, and started. One that the administrator has disabled stays so.
apt remove anygate
expect inactive systemctl is-active anygate
apt install /root/newer.deb
expect active systemctl is-active anygate
expect enabled systemctl is-enabled anygate
expect mine curl -s localhost/
inside sh -c 'systemctl -q disable --now anygate'
apt install --reinstall /root/newer.deb
expect inactive systemctl is-active anygate
expect disabled systemctl is-enabled anygate
apt remove anygate
apt install /root/newer.deb
expect inactive systemctl is-active anygate
expect disabled systemctl is-enabled anygate

apt remove anygate
expect inactive systemctl is-active anygate
expect mine cat /etc/anygate/anygate.yml
apt purge anygate
inside sh -c '! test -e /etc/anygate/anygate.yml && ! test -e /var/lib/anygate && ! find /etc/systemd/system /var/lib/systemd | grep anygate'
echo "--- all of it in $(($(date +%s) - began)) seconds"
