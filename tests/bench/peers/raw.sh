#!/bin/bash
# The SOP as a careful admin would script it: one OpenSSH master connection for each host, every host ends a step
# before the next begins. Usage: raw.sh minor|major|major-downloaded SSH_CONFIG VERSION HOST…; the first host syncs.
set -euo pipefail
what=$1 config=$2 version=$3
shift 3
hosts=("$@")
sync=$1
nvr=blockerbugs-$version-1.el7
sockets=$(mktemp -d)
masters=()

on() { # HOST COMMAND
    ssh -F "$config" -o ControlPath="$sockets/%n" "$1" "sudo sh -c $(printf %q "$2")" </dev/null
}
all() { # COMMAND, on every host at once, until it has ended on every host
    local pids=()
    for host in "${hosts[@]}"; do on "$host" "$1" & pids+=($!); done
    for pid in "${pids[@]}"; do wait "$pid"; done
}
leave() {
    for host in "${hosts[@]}"; do ssh -F "$config" -o ControlPath="$sockets/%n" -O exit "$host" 2>/dev/null || true; done
    wait "${masters[@]}" || true
    rm -r "$sockets"
}
trap leave EXIT

for host in "${hosts[@]}"; do
    ssh -F "$config" -o ControlPath="$sockets/%n" -M -N "$host" </dev/null &
    masters+=($!)
done
for host in "${hosts[@]}"; do until test -S "$sockets/$host"; do sleep 0.01; done; done
date '+connected %s.%N'

fresh="yum clean expire-cache && yum -y update $nvr"
healthy="until curl -s http://localhost/blockerbugs/ | grep -q 'Blockerbugs $version'; do sleep 0.2; done"
case $what in
minor)
    for host in "${hosts[@]}"; do
        on "$host" "$fresh"
        on "$host" "service httpd restart"
        on "$host" "$healthy"
    done
    ;;
major | major-downloaded)
    update=$fresh
    if test "$what" = major-downloaded; then
        all "yum clean expire-cache && yum -y update --downloadonly $nvr"
        update="yum -y -C update $nvr"
    fi
    all "service httpd stop"
    all "$update"
    on "$sync" "blockerbugs upgrade_db"
    on "$sync" "blockerbugs sync"
    all "service httpd start"
    all "$healthy"
    ;;
esac
date '+done %s.%N'
