#!/bin/sh
# Installs the programs that some tests drive: a browser, servers, a pooler, a clock that goes wrong.
set -eu
wanted=""
command -v chromium >/dev/null || wanted="$wanted chromium"
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || wanted="$wanted postgresql"
command -v mariadbd >/dev/null || wanted="$wanted mariadb-server"
command -v redis-server >/dev/null || wanted="$wanted redis-server"
command -v faketime >/dev/null || wanted="$wanted faketime"
command -v nginx >/dev/null || wanted="$wanted nginx"
command -v pgbouncer >/dev/null || wanted="$wanted pgbouncer"
[ -n "$wanted" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "Not here:$wanted. Tests that need them are skipped (as root on Debian they are installed)."
  exit 0
fi
echo "Installing for the tests:$wanted"
apt-get update -qq
# The tests start servers of their own; the packages' services stay off.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
# shellcheck disable=SC2086 - a list of names
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $wanted >/dev/null
