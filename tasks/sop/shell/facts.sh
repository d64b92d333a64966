# shellcheck shell=sh
# The facts of a host, found all at once: each says what it finds as `NAME<TAB>VALUE` lines. One that hangs (df on a dead
# mount, rpm on a locked database, alembic on a dead one) is named, and keeps no other from being told.

# facts LATE LATER NAME CALL…: do each CALL as a fact, all at once, and print what they say. Those that have not ended
# LATE seconds after the beginning, or `yum` LATER seconds after that, are named as `hangs<TAB>NAME<TAB>SECONDS`, and left
facts() {
  export LC_ALL=C
  aside
  say clock "$(date +%s)"
  facts_begin "$@" | facts_gather "$1" "$2"
}

# facts_begin LATE LATER NAME CALL…: begin the facts, and what says how late it is; this ends at once, they go on
facts_begin() {
  mark='--fact--'
  (
    trap 'kill $sleeps' TERM
    sleep "$1" &
    sleeps=$!
    wait $sleeps || exit
    echo "$mark late"
    sleep "$2" &
    sleeps=$!
    wait $sleeps || exit
    echo "$mark very-late"
  ) 2>/dev/null &
  echo "$mark clock $!"
  shift 2
  while test $# -gt 0; do
    echo "$mark begins $1"
    (
      eval "$2"
      echo "$mark ends $1"
    ) 2>/dev/null &
    shift 2
  done
  echo "$mark all"
}

# facts_gather LATE LATER: tell what the facts say, until all that were begun have ended, or are given up
facts_gather() {
  begun=' ' clock='' all=''
  while IFS= read -r row; do
    case $row in
      '--fact-- clock '*) clock=${row##* } ;;
      '--fact-- begins '*) begun="$begun${row##* } " ;;
      '--fact-- ends '*) facts_ended "${row##* }" ;;
      '--fact-- all') all=yes ;;
      '--fact-- late') facts_hang "$1" ;;
      '--fact-- very-late') facts_hang "$(($1 + $2))" yum ;;
      *) printf '%s\n' "$row" ;;
    esac
    if test -n "$all" && test "$begun" = ' '; then break; fi
  done
  kill "$clock" 2>/dev/null || : # it may have ended by itself
}

# facts_ended NAME: this one is not waited for any more
facts_ended() {
  case $begun in *" $1 "*) begun="${begun%%" $1 "*} ${begun#*" $1 "}" ;; esac
}

# facts_hang SECONDS: name those that have not ended by now, and wait for them no longer; yum has time until very late
facts_hang() {
  for name in $begun; do
    test "$name" = yum && test -z "${2-}" && continue
    printf 'hangs\t%s\t%s\n' "$name" "$1"
    facts_ended "$name"
  done
}

# limited SECONDS COMMAND…: the command, which is killed after so long: a host shall not be filled with what hangs
limited() {
  if command -v timeout >/dev/null; then
    timeout -s KILL "$@"
  else
    shift
    "$@"
  fi
}

# tell NAME COMMAND…: the command; print what it says as `NAME<TAB>LINE`, its errors as `NAME_says<TAB>LINE`, and how it
# ended as `NAME_ended<TAB>STATUS`
tell() {
  told=$1
  shift
  {
    {
      {
        ("$@") 2>&3
        say "${told}_ended" $? >&4
      } | sed -u "s/^/$told\\t/" >&4
    } 3>&1 | sed -u "s/^/${told}_says\\t/"
  } 4>&1
}

# fact_programs ROOT PROGRAM…: which of the programs that steps use this host lacks
# ps is wanted only where there is no /proc; a Mac, which can be the sandbox's host, has neither that nor flock. sed has
# to hand on what it is given line by line (-u).
fact_programs() {
  if test -d /proc/self; then other='ps'; else other=flock; fi
  for program; do
    test "$program" = $other || command -v "$program" >/dev/null || say lacks "$program"
  done
  ! command -v sed >/dev/null || sed -u -n p </dev/null 2>/dev/null || say lacks sed
}

# fact_rpm PACKAGE: the builds that are installed; what rpm warns of on stderr is not its answer
fact_rpm() { tell rpm limited 120 rpm -q --qf '%{NAME}-%{VERSION}-%{RELEASE} %{EPOCH}\n' "$1"; }

# fact_schema COMMAND: what the command that asks for the schema says
fact_schema() { tell schema limited 120 sh -c "$1"; }

# fact_httpd SERVICE: systemd's word for it, and why there is none
fact_httpd() {
  state='' why=''
  httpd_ask "$1"
  say service "$state"
  test -z "$why" || say service_says "$why"
}

# fact_page PATH SECONDS STATUS PACKAGE SERVICE SED: what the node answers
fact_page() {
  status='' version=''
  page_ask "$@"
  say answer "$status $version"
}

# fact_disk FOLDER…: the kilobytes that are free on the fullest of them
fact_disk() {
  # shellcheck disable=SC2016 # awk's own
  say free "$(limited 120 df -Pk "$@" |
    awk 'NR>1 && (least == "" || $4 < least) {least = $4} END {print least}')"
}

# fact_yum ROOT PACKAGE ENABLING LIST WANTED SERVICE: which program yum is, who holds it, version locks on the package, a
# transaction that was cut off; with a LIST, what the repositories offer, and what an update to WANTED, if that is given,
# would change: nothing is asked where yum would wait for who holds it
fact_yum() {
  yum=''
  yum_ask
  say yum "$yum"
  held=''
  yum_holder "$1"
  say version_lock "$(grep -lswF "$2" "$1"/etc/yum/pluginconf.d/versionlock.list \
    "$1"/etc/dnf/plugins/versionlock.list "$1"/etc/dnf/versionlock.toml | head -n 1)"
  yum_unfinished "$1"
  test -n "$4" || return 0
  yum_configs "$1" grep -hiE '^[[]|^[[:space:]]*(pkg_)?gpgcheck[[:space:]]*[=:]' | sed -u 's/^/repo\t/'
  yum_repos "$1" | sed -u 's/^/repo\t/'
  test -z "$held" || return 0
  yum_offers "$yum" "$3" "$2" "$5" | would_touch "$2" "$6"
}

# yum_repos ROOT: the sections and signature checks of the repositories' files
yum_repos() {
  grep -hiE '^[[]|^[[:space:]]*(pkg_)?gpgcheck[[:space:]]*[=:]' "$1"/etc/yum.repos.d/*.repo \
    "$1"/etc/distro.repos.d/*.repo "$1"/usr/share/dnf5/repos.d/*.repo 2>/dev/null
}

# yum_holder ROOT: who holds yum's lock, or dnf's; sets $held
# The file has the holder's process id (yum 3, dnf 4), or is locked by it (dnf 5).
yum_holder() {
  for lock in "$1"/var/run/yum.pid "$1"/var/lib/dnf/rpmdb_lock.pid "$1"/var/cache/dnf/metadata_lock.pid; do
    pid=''
    test -e "$lock" && line pid "$lock" && kill -0 "$pid" 2>/dev/null && yum_held_by "$pid"
  done
  for lock in "$1"/var/lib/dnf/system-repo.lock "$1"/run/dnf/rpmtransaction.lock; do
    # shellcheck disable=SC2046 # an inode and a name
    test -e "$lock" && pid=$(file_locker $(ls -i "$lock") 2>/dev/null) && test -n "$pid" && yum_held_by "$pid" && break
  done
}

# yum_held_by PID: name the process
yum_held_by() {
  held=yes
  who=$(args "$1")
  say yum_holder "${who:+$1 }${who:-somebody}"
}

# file_locker INODE NAME: the process that has locked the file for writing
file_locker() {
  # shellcheck disable=SC2016 # awk's own
  awk -v file=":$1" '$4 == "WRITE" && $6 ~ (file "$") {print $5; exit}' /proc/locks
}

# yum_unfinished ROOT: a transaction of yum 3 that was cut off
yum_unfinished() { yum_cut_off "$1" | sed -u 's/^/unfinished\t/'; }

# fact_boot ROOT: the host's boot
fact_boot() {
  boot=''
  boot_ask "$1"
  say boot "$boot"
}

# fact_drain_file FILE: is the file there that makes the node's health check answer 503?
fact_drain_file() { test ! -e "$1" || say drain_file yes; }

# fact_files ROOT SETTINGS LOCK: the settings' checksum, whether somebody works on the database, the boot
fact_files() {
  sum=''
  test -z "$2" || sum=$(sha256sum "$2" 2>/dev/null)
  say settings "${sum%% *}"
  ! database_busy "$3" || say busy yes
  fact_boot "$1"
}
