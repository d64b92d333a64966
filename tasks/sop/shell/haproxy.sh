# shellcheck shell=sh
# haproxy, asked and told on its socket, where its backend's servers are the set's hosts.

# haproxy_program: set $talks: what this host has that can talk to a socket; nothing where it has none
haproxy_program() {
  talks=''
  for program in socat nc python3 perl; do
    command -v $program >/dev/null || continue
    test $program != nc || nc -h 2>&1 | grep -q -e '-U' || continue
    talks=$program
    return 0
  done
}

# haproxy_ask SOCKET COMMAND: send the command, and print the answer; where there is none, say why, and fail
# From the socket's folder: a socket's path may have a hundred letters and no more.
haproxy_ask() (
  haproxy_program
  test -n "$talks" || {
    echo "this host has no socat, and no nc, python3 or perl in its place"
    exit 1
  }
  cd "${1%/*}" 2>/dev/null || {
    echo "$1 is not there"
    exit 1
  }
  name=./${1##*/}
  test -S "$name" || {
    echo "$1 is not there, or is no socket"
    exit 1
  }
  said=$(printf '%s\n' "$2" | haproxy_send "$name" 2>&1) || {
    said=$(printf '%s\n' "$said" | tail -n 1)
    echo "$1 does not answer: ${said:-no output from $talks in 10 s}"
    exit 1
  }
  printf '%s\n' "$said"
)

# haproxy_send SOCKET: send what is read with $talks, and print what comes back
haproxy_send() {
  case $talks in
    socat) limited 10 socat -t10 - "UNIX-CONNECT:$1" ;;
    nc) limited 10 nc -U "$1" ;;
    python3)
      limited 10 python3 -IS -c 'import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);'\
's.sendall(sys.stdin.buffer.read()); sys.stdout.buffer.write(s.makefile("rb").read())' "$1"
      ;;
    perl)
      # shellcheck disable=SC2016 # perl's own
      limited 10 perl -MSocket -e '
socket(S, PF_UNIX, SOCK_STREAM, 0) && connect(S, sockaddr_un($ARGV[0])) or die "$!\n";
syswrite(S, $_) while <STDIN>; print while <S>' "$1"
      ;;
  esac
}

# haproxy_servers SOCKET BACKEND: print a line for each server: NAME WORD SESSIONS REQUESTS ROLE CHECK STATUS
# WORD is what it was told to be (ready, drain, maint), ROLE active or backup, CHECK `checked` or `-`; STATUS is haproxy's,
# and may have blanks. Where there are none, say why, and fail.
haproxy_servers() {
  said=$(haproxy_ask "$1" "show servers state $2; show stat") || {
    printf '%s\n' "$said"
    return 1
  }
  # shellcheck disable=SC2016 # awk's own
  rows=$(printf '%s\n' "$said" | awk -v backend="$2" '
    /^# pxname,/ { stat = 1; n = split(substr($0, 3), names, ","); for (i = 1; i <= n; i++) at[names[i]] = i; next }
    !stat { if ($2 == backend) admin[$4] = $7; next }
    {
      split($0, has, ",")
      name = has[at["svname"]]
      if (has[at["pxname"]] != backend || !(name in admin)) next
      flags = admin[name]
      word = int(flags / 8) % 4 ? "drain" : "ready"
      if (flags % 8 || int(flags / 32)) word = "maint"
      print name, word, has[at["scur"]] + 0, has[at["stot"]] + 0, has[at["act"]] == 1 ? "active" : "backup", \
        has[at["check_status"]] == "" ? "-" : "checked", has[at["status"]]
    }')
  test -n "$rows" || {
    echo "haproxy has no backend $2 with servers (its answer: $(printf '%s\n' "$said" | head -n 1))"
    return 1
  }
  printf '%s\n' "$rows"
}

# haproxy_of SERVER FIELD: print the field (2 WORD to 7 STATUS) of the server in $rows
haproxy_of() {
  # shellcheck disable=SC2016 # awk's own
  printf '%s\n' "$rows" | awk -v name="$1" -v at="$2" '
    $1 == name { text = $at; if (at == 7) for (i = 8; i <= NF; i++) text = text " " $i; print text }'
}

# haproxy_look SOCKET BACKEND: set $rows to what haproxy_servers prints; where it fails, say why, and fail
haproxy_look() {
  rows=$(haproxy_servers "$1" "$2") || {
    printf '%s\n' "$rows"
    return 1
  }
}

# haproxy_tell SOCKET BACKEND SERVER WORD: make the server drain or ready, and read back that it is; where it is not, say
# what haproxy said, and fail
haproxy_tell() {
  said=$(haproxy_ask "$1" "set server $2/$3 state $4")
  haproxy_look "$1" "$2" || return 1
  is=$(haproxy_of "$3" 2)
  test "$is" = "$4" || {
    echo "server $3 is ${is:-not there}, not $4: ${said:-haproxy said nothing}"
    return 1
  }
}

# fact_haproxy SOCKET BACKEND SERVER: the backend's servers, as `server<TAB>LINE` of haproxy_servers; what this host has
# that can talk to the socket; what keeps haproxy from being asked, or told, and which backends there are where it has not that one
fact_haproxy() {
  found=$(haproxy_servers "$1" "$2") || {
    haproxy_program
    test -n "$talks" || say lacks socat
    say haproxy_says "$(printf '%s\n' "$found" | head -n 1)"
    # shellcheck disable=SC2016 # awk's own
    haproxy_ask "$1" "show stat" 2>/dev/null | awk -F, '$2 == "BACKEND" {print $1}' | sed -u 's/^/backend\t/'
    return 0
  }
  printf '%s\n' "$found" | sed -u 's/^/server\t/'
  haproxy_program
  say talks "$talks"
  case $(haproxy_ask "$1" "set server $2/$3 state") in
    *ermission\ denied*) say may_not "Permission denied" ;;
  esac
}
