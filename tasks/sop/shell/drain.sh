# shellcheck shell=sh
# Servers of haproxy's that are drained and put back (haproxy.sh talks to it, drained.sh notes it). A line that begins
# with `note: ` is for the operator, also where all went well.

# nap: a fifth of a second, or a whole one where sleep knows no less
nap() { sleep 0.2 2>/dev/null || sleep 1; }

# haproxy_in_the_way SERVER…: print why these servers of $rows cannot be drained together now; nothing where they can
# Servers that get no requests as it is take nothing away. Others have to be UP, all of them: a drain that takes the
# last one out is worse than none.
haproxy_in_the_way() {
  serving=''
  for server; do
    case $(haproxy_of "$server" 7) in
      '') echo "haproxy has no server $server" ;;
      DOWN* | MAINT*) ;;
      *) serving=yes ;;
    esac
  done
  test -n "$serving" || return 0
  # shellcheck disable=SC2016 # awk's own
  printf '%s\n' "$rows" | awk -v drained=" $* " '
    index(drained, " " $1 " ") { next }
    $5 == "active" { others++ }
    { status = $7; for (i = 8; i <= NF; i++) status = status " " $i }
    status == "no check" { print "server " $1 " has no health check: whether it serves is not known"; next }
    $2 != "ready" || status != "UP" { print "server " $1 " is " ($2 == "maint" ? "in maintenance" : status) ", not UP" }
    END { if (!others) print "no other server is left to take the requests" }'
}

# haproxy_may_drain SOCKET BACKEND SECONDS SERVER…: succeed as soon as they can be drained; after so many seconds say why not
haproxy_may_drain() {
  socket=$1 backend=$2 ends=$(($(date +%s) + $3))
  shift 3
  while :; do
    haproxy_look "$socket" "$backend" || return 1
    why=$(haproxy_in_the_way "$@")
    test -n "$why" || return 0
    test "$(date +%s)" -lt "$ends" || break
    nap
  done
  printf '%s\n' "$why"
  return 1
}

# haproxy_drain SOCKET BACKEND ROOT SECONDS SERVER…: drain the servers, noting that this run did, and wait for their
# sessions to end, so many seconds at most. Only where every other server is UP. The run is the one in whose folder this is
haproxy_drain() {
  aside
  run=${0%/*/script}
  run=${run##*/}
  root=$3 seconds=$4 socket=$1 backend=$2
  shift 4
  haproxy_may_drain "$socket" "$backend" 10 "$@" || return 1
  for server; do
    word=$(haproxy_of "$server" 2)
    test "$word" = ready || drain_noted "$root" "$backend,$server" || {
      echo "server $server is in $word already, and not by this tool: it is left so"
      return 1
    }
  done
  for server; do
    drain_note "$root" "$backend,$server" "$run" && haproxy_tell "$socket" "$backend" "$server" drain || return 1
  done
  haproxy_wait "$socket" "$backend" "$seconds" "$@"
}

# haproxy_wait SOCKET BACKEND SECONDS SERVER…: wait for the sessions of these servers to end, and say which are left then
haproxy_wait() {
  socket=$1 backend=$2 seconds=$3 ends=$(($(date +%s) + $3))
  shift 3
  while haproxy_look "$socket" "$backend" || return 1; do
    busy=''
    for server; do
      sessions=$(haproxy_of "$server" 3)
      test "${sessions:-0}" = 0 || busy="$busy, $sessions of $server"
    done
    test -n "$busy" || return 0
    test "$(date +%s)" -lt "$ends" || break
    nap
  done
  echo "note: sessions that have not ended in $seconds s: ${busy#, }"
}

# haproxy_still_drained SOCKET BACKEND ROOT SECONDS SERVER…: are they, and is every other server UP? Those that are ready
# again, because haproxy was reloaded, are drained once more, which is said. It may go on when its run has been undone:
# what is put back meanwhile is left so
haproxy_still_drained() {
  aside
  root=$3 seconds=$4 socket=$1 backend=$2 lost=''
  shift 4
  haproxy_may_drain "$socket" "$backend" 10 "$@" || return 1
  for server; do
    drain_noted "$root" "$backend,$server" || {
      echo "server $server is not drained by this tool any more"
      return 1
    }
    test "$(haproxy_of "$server" 2)" != ready || lost="$lost $server"
  done
  for server in $lost; do
    echo "note: server $server was not drained any more (was haproxy reloaded?): it is drained again"
    haproxy_tell "$socket" "$backend" "$server" drain || return 1
    drain_noted "$root" "$backend,$server" || {
      haproxy_tell "$socket" "$backend" "$server" ready && echo "server $server was put back meanwhile"
      return 1
    }
  done
  # shellcheck disable=SC2086 # names have no blanks
  test -z "$lost" || haproxy_wait "$socket" "$backend" "$seconds" $lost
}

# haproxy_back SOCKET BACKEND ROOT SERVER HEALTH: put a server that is noted as drained back, HEALTH (up or down) what its
# check is to begin with. The note goes. Set $left to a sentence where somebody has put it into maintenance meanwhile: it
# is left so; one that is ready (haproxy was reloaded) may be the last that serves: its health is what haproxy found
# Without a check nothing would ever bring it up again: then its health is left alone.
haproxy_back() {
  left=''
  haproxy_look "$1" "$2" || return 1
  case $(haproxy_of "$4" 2) in
    maint) left="server $4 was put into maintenance by somebody else meanwhile: it is left so" ;;
    drain)
      test "$5$(haproxy_of "$4" 6)" = down- || haproxy_ask "$1" "set server $2/$4 health $5" >/dev/null
      haproxy_tell "$1" "$2" "$4" ready || return 1
      ;;
  esac
  drain_forget "$3" "$2,$4"
}

# haproxy_undrain SOCKET BACKEND ROOT SECONDS SERVER…: put back those of the servers that are noted as drained, as healthy,
# and wait, so many seconds at most, until haproxy has them UP and sends them requests
haproxy_undrain() {
  aside
  root=$3 seconds=$4 socket=$1 backend=$2 back=''
  shift 4
  for server; do
    drain_noted "$root" "$backend,$server" || continue
    haproxy_back "$socket" "$backend" "$root" "$server" up || return 1
    test -z "$left" || echo "note: $left"
    test "$(haproxy_of "$server" 2)" != ready || back="$back $server"
  done
  # shellcheck disable=SC2086 # names have no blanks
  haproxy_serves "$socket" "$backend" "$seconds" $back
}

# haproxy_serves SOCKET BACKEND SECONDS SERVER…: wait until haproxy has the servers UP, and while requests come, up to a
# second, for one to come to each
haproxy_serves() {
  socket=$1 backend=$2 seconds=$3 ends=$(($(date +%s) + $3))
  shift 3
  test $# -gt 0 || return 0
  while haproxy_look "$socket" "$backend" || return 1; do
    down=''
    for server; do
      status=$(haproxy_of "$server" 7)
      test "$status" = UP || test "$status" = 'no check' || down="$down, $server is ${status:-not there}"
    done
    test -n "$down" || break
    test "$(date +%s)" -lt "$ends" || {
      echo "not UP after $seconds s: ${down#, }"
      return 1
    }
    nap
  done
  before=$rows
  for try in 1 2 3 4 5; do
    nap
    haproxy_look "$socket" "$backend" || return 1
    haproxy_unasked "$@" || return 0
    test "$asked" -gt 0 || return 0
  done
  test "$asked" -lt $((10 * $(printf '%s\n' "$rows" | wc -l))) ||
    echo "note: UP, but none of $asked requests in $try naps went to${unasked}"
}

# haproxy_unasked SERVER…: set $unasked: the servers that had no request between $before and $rows, and $asked: how many
# the backend had; fail where each had one
haproxy_unasked() {
  unasked='' now=$rows asked=0
  for server in $(printf '%s\n' "$now" | awk '{print $1}'); do
    new=$(haproxy_of "$server" 4)
    rows=$before
    old=$(haproxy_of "$server" 4)
    rows=$now
    asked=$((asked + ${new:-0} - ${old:-0}))
    case " $* " in
      *" $server "*) test "${new:-0}" -gt "${old:-0}" || unasked="$unasked $server" ;;
    esac
  done
  test -n "$unasked"
}

# haproxy_again SERVER: a look of the run that is undone may have drained the server again before its note went: put it back
haproxy_again() { test "$(haproxy_of "$1" 2)" != drain || haproxy_tell "$socket" "$backend" "$1" ready; }

# haproxy_undo SOCKET BACKEND ROOT RUN SERVER…: put back whatever the run has drained here, or any run where RUN is empty:
# these SERVERs are well and may have requests at once, all others when haproxy's check has found that they are. Print
# `undrained<TAB>WHAT` for each, `left<TAB>WHY` for one that somebody else keeps out
haproxy_undo() {
  socket=$1 backend=$2 root=$3 run=$4 ended=0
  shift 4
  for note in "$root/drained/$backend",*; do
    drain_of "$note" "$run" || continue
    server=${note##*,}
    case " $* " in
      *" $server "*) health=up ;;
      *) health=down ;;
    esac
    if ! haproxy_back "$socket" "$backend" "$root" "$server" "$health"; then
      ended=1
    elif test -n "$left"; then
      say left "$left"
    elif haproxy_look "$socket" "$backend" && haproxy_again "$server"; then
      say undrained "$server is put back"
    else
      ended=1
    fi
  done
  return $ended
}
