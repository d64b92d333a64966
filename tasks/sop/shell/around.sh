# shellcheck shell=sh
# What stands around a run: what is noted of it on the sync host, in ROOT/around (a file RUN,NAME with the time at which it
# ends), and what is done for it on a host.

# around_note ROOT RUN SECONDS NAME: note that the run puts it up, and that it ends in so many seconds
around_note() {
  note "$1/around" "$2,$4" $(($(date +%s) + $3)) || {
    echo "what stands around the run cannot be noted in $1/around"
    exit 1
  }
}

# around_forget ROOT NAME…: these are up no more, whichever run has put them up
around_forget() {
  root=$1
  shift
  for name; do rm -f "$root/around"/*,"$name"; done
}

# around_show ROOT: print `around<TAB>RUN SECONDS NAME` for each that is noted: in so many seconds it ends
around_show() {
  now='' ends=''
  for note in "$1"/around/*,*; do
    test -e "$note" || continue
    test -n "$now" || now=$(date +%s)
    line ends "$note"
    case $ends in '' | *[!0-9]* | ???????????*) ends=$now ;; esac
    note=${note##*/}
    say around "${note%%,*} $((ends - now)) ${note#*,}"
  done
}

# around_do SECONDS COMMAND NAME=VALUE…: run the command with that environment, so many seconds at most
around_do() {
  seconds=$1 command=$2
  around_able || return 1
  shift 2
  # shellcheck disable=SC2016 # the inner sh's own: it outlives TERM as long as the command does, and leaves timeout's
  # statuses to timeout
  env "$@" timeout -k 1 "$seconds" sh -c 'trap : TERM; sh -c "$1"; did=$?; case $did in 124 | 137)
    echo "its own exit status is $did"; exit 1 ;; esac; exit $did' sh "$command" </dev/null
  in_time $? "$seconds" "did not end"
}

# around_able: fail with a sentence where nothing can be ended in time
around_able() {
  command -v timeout >/dev/null || { echo 'there is no timeout here  # yum install coreutils'; return 1; }
}

# in_time STATUS SECONDS WORDS: end with timeout's status, 124 where time was up, and say so; 137: it had to be killed
in_time() {
  case $1 in 124 | 137) echo "$3 in $2 s"; return 124 ;; esac
  return "$1"
}

# nagios_there FILE: fail with a sentence where that is no command file of a nagios
nagios_there() {
  if test -p "$1"; then return 0; fi
  if test -e "$1"; then echo "$1 is no named pipe"; else echo "$1 is not there (does nagios run, and check_external_commands=1?)"; fi
  return 1
}

# nagios_tell FILE SECONDS COMMAND…: give nagios these commands; @ in one is the time. Fail where nobody reads them
nagios_tell() {
  file=$1 seconds=$2
  around_able && nagios_there "$file" || return 1
  shift 2
  # shellcheck disable=SC2016 # the inner sh's own; each line by itself, so that no other writer's can be in its middle
  timeout -k 1 "$seconds" sh -c 'file=$1; shift; for one; do printf "[%s] %s\n" "$(date +%s)" "$one"; done >"$file"' sh "$file" "$@"
  in_time $? "$seconds" "$file is there, but nagios reads nothing"
}

# nagios_down FILE SECONDS LENGTH AUTHOR COMMENT HOST…: a downtime for each host, and for its services, from now on
nagios_down() {
  file=$1 seconds=$2 length=$3 author=$4 comment=$5 now=$(date +%s)
  shift 5
  span="$now;$((now + length));1;0;$length;$author;$comment"
  for host; do
    shift
    set -- "$@" "SCHEDULE_HOST_DOWNTIME;$host;$span" "SCHEDULE_HOST_SVC_DOWNTIME;$host;$span"
  done
  nagios_tell "$file" "$seconds" "$@"
}

# nagios_up FILE SECONDS COMMENT…: end every downtime that has one of these comments
nagios_up() {
  file=$1 seconds=$2
  shift 2
  for comment; do
    shift
    set -- "$@" "DEL_DOWNTIME_BY_START_TIME_COMMENT;;$comment"
  done
  nagios_tell "$file" "$seconds" "$@"
}
