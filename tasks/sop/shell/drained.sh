# shellcheck shell=sh
# What runs have taken out of the balancer on this host, in ROOT/drained: a file for each, with the run in it.

# drain_note ROOT NAME RUN: note that the run takes NAME out; end with 1 where that cannot be noted
drain_note() {
  (umask 077 && mkdir -p "$1/drained" && printf '%s\n' "$3" >"$1/drained/.new.$$" && mv "$1/drained/.new.$$" "$1/drained/$2") || {
    echo "that $2 is drained cannot be noted in $1/drained"
    exit 1
  }
}

# drain_noted ROOT NAME: succeed where it is noted
drain_noted() { test -e "$1/drained/$2"; }

# drain_forget ROOT NAME: it is taken out no more
drain_forget() { rm -f "$1/drained/$2"; }

# drain_run NOTE: set $noted to the run that has written it; to nothing where that is not known: a host that lost its power
# may have kept the note's name and not its text
drain_run() {
  noted=''
  line noted "$1"
  case $noted in
    *[!0-9a-f]*) noted='' ;;
    ????????) ;;
    *) noted='' ;;
  esac
}

# drain_of NOTE RUN: succeed where that run has written the note, any run where RUN is empty; print `left<TAB>WHY` where
# nobody knows which run has
drain_of() {
  test -e "$1" || return 1
  drain_run "$1"
  test -n "$2" || return 0
  test -n "$noted" || say left "${1##*/} is noted here by an unknown run (the note is empty): it is left so"
  test "$noted" = "$2"
}

# drained_show ROOT: print `drained<TAB>RUN NAME` for each that is noted; RUN is empty where it is not known
drained_show() {
  for note in "$1"/drained/*; do
    test -e "$note" || continue
    drain_run "$note"
    say drained "$noted ${note##*/}"
  done
}

# drains_ours FOLDER DRIVER: end where the run in that folder is carried out by another driver: what to put back is its
drains_ours() {
  driver=''
  line driver "$1/driver"
  test -z "$driver" || test "$driver" = "$2" || exit 0
}

# file_drain ROOT FILE SECONDS: put the file there that makes the node's health check answer 503, noting that this run did,
# and wait so long as the balancer may take to see it, and sessions to end. The run is the one in whose folder this is
file_drain() {
  run=${0%/*/script}
  if test -e "$2" && ! drain_noted "$1" file; then
    echo "$2 is there already, and not by this tool: it is left so"
    return 1
  fi
  drain_note "$1" file "${run##*/}" && : >"$2" || return 1
  sleep "$3"
}

# file_undrain ROOT FILE SECONDS: take that file away, if it is noted, and wait until the balancer may have seen that
file_undrain() {
  drain_noted "$1" file || return 0
  rm -f "$2" && drain_forget "$1" file || return 1
  sleep "$3"
}

# file_undo ROOT FILE RUN: take the file away that the run has put there, or any run where RUN is empty
file_undo() {
  drain_of "$1/drained/file" "$3" || return 0
  rm -f "$2" && drain_forget "$1" file && say undrained "is put back"
}

# page_up ROOT NAME COMMAND: note it, and put the maintenance page up. The run is the one in whose folder this is
page_up() {
  run=${0%/*/script}
  drain_note "$1" "$2" "${run##*/}" && eval "$3"
}

# page_down ROOT NAME COMMAND: take the maintenance page down, if it is noted that it is up
page_down() {
  drain_noted "$1" "$2" || return 0
  (eval "$3") && drain_forget "$1" "$2"
}

# page_undo ROOT NAME COMMAND RUN: take the page down that the run has put up, or any run where RUN is empty
page_undo() {
  drain_of "$1/drained/$2" "$4" || return 0
  (eval "$3") && drain_forget "$1" "$2" && say undrained "the maintenance page is down"
}
