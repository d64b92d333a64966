#!/bin/bash
# Three commands on many hosts, 32 at a time, over OpenSSH master connections. Usage: raw_many.sh SSH_CONFIG HOST….
set -euo pipefail
config=$1
shift
sockets=$(mktemp -d)
export config sockets
one() { ssh -F "$config" -o ControlPath="$sockets/%n" "$@" </dev/null; }
export -f one
each() { printf '%s\n' "${hosts[@]}" | xargs -P 32 -I HOST bash -c "one $1"; }
hosts=("$@")
trap 'each "-O exit HOST" 2>/dev/null || true; rm -r "$sockets"' EXIT
each "-M -N -f HOST"
for step in one two three; do each "HOST echo $step" >/dev/null; done
