# shellcheck shell=sh
# Does httpd run, and does the node answer? As systemd and curl have it, on the node itself: the control host may not
# reach it other than through SSH.
newline='
'

# httpd_ask SERVICE: set $state: systemd's word for it, or `unknown` where systemctl cannot tell, and $why it cannot
httpd_ask() {
  why=''
  state=$(LC_ALL=C systemctl is-active "$1" 2>&1)
  case $?:$state in
    0:*) state=${state:-active} ;;
    3:unknown) # so EL7's says of a unit that it has not loaded: `show` loads it
      why=$(LC_ALL=C systemctl show -p ActiveState "$1" 2>&1)
      case $why in
        ActiveState=*) state=${why#*=} why='' ;;
      esac
      ;;
    [34]:*) state=${state:-inactive} ;;
    *) why=${state:-systemctl said nothing} state=unknown ;;
  esac
}

# httpd_is_up SERVICE: succeed where it runs; otherwise say what it is
httpd_is_up() {
  httpd_ask "$1"
  case $state in
    active | reloading) return 0 ;;
    unknown) httpd_unknown "$1" ;;
    *) echo "$1 is $state" ;;
  esac
  return 1
}

# httpd_is_down SERVICE: succeed where it does not run; otherwise say what it is
httpd_is_down() {
  httpd_ask "$1"
  case $state in
    inactive | failed) return 0 ;;
    unknown) httpd_unknown "$1" ;;
    active) echo "it is still running" ;;
    *) echo "it is still running: $state" ;;
  esac
  return 1
}

# httpd_unknown SERVICE: say that systemctl cannot tell
httpd_unknown() { echo "systemctl cannot tell whether $1 runs: $why"; }

# page_request PATH SECONDS OPTION…: ask the node for its page, with more options for curl
page_request() {
  page_path=$1 page_seconds=$2
  shift 2
  curl -sSg --noproxy '*' --max-time "$page_seconds" "http://localhost$page_path" "$@"
}

# page_ask PATH SECONDS STATUS PACKAGE SERVICE SED: set $status, $version, which is `-` where it is not STATUS, and $why
# there is no answer. SED takes the version out of the page; without one, httpd having started after the package was
# installed stands for the installed version, and having started before for `old`
# A page that does not end in time is no answer, whatever status it began with (H4).
page_ask() {
  why='' version=-
  if page=$(page_request "$1" "$2" -w '\n%{http_code}' 2>&1); then
    status=${page##*"$newline"}
  else
    why=${page%"$newline"*} status=000
    why=${why##*"$newline"}
  fi
  test "$status" = "$3" || return 0
  if test -n "$6"; then
    version=$(printf '%s\n' "$page" | sed -n "$6" | head -n 1)
  elif page_is_new "$4" "$5"; then
    version=$(rpm -q --qf '%{VERSION}' "$4")
  else
    version=old
  fi
  version=${version:--}
}

# page_is_new PACKAGE SERVICE: succeed where the service began after the package was installed
page_is_new() {
  started=$(LC_ALL=C systemctl show -p ActiveEnterTimestamp "$2")
  test "$(LC_ALL=C date -d "${started#*=}" +%s)" -ge "$(rpm -q --qf '%{INSTALLTIME}' "$1")" 2>/dev/null
}

# page_said: what the page has answered, for people
page_said() {
  case $status:$version in
    000:*) echo "does not answer${why:+ ($why)}" ;;
    *:-) echo "answers $status" ;;
    *) echo "answers $status $version" ;;
  esac
}

# page_wait PATH SECONDS STATUS PACKAGE SERVICE SED DEADLINE VERSION: succeed as soon as the node answers STATUS with this
# version (any, if empty); say meanwhile what is answered instead
# It asks until the deadline and then looks once more (H3): a machine that slept through the deadline must not be called
# ill without having been asked.
page_wait() {
  deadline=$(($(date +%s) + $7))
  last='' before='' wanted=$3${8:+ $8}
  while :; do
    now=$(date +%s)
    page_ask "$1" "$2" "$3" "$4" "$5" "$6"
    if test "$status" = "$3" && { test -z "$8" || test "$version" = "$8"; }; then
      page_said
      return 0
    fi
    if test -n "$last"; then
      echo "$(page_said) after $7 s, wanted $wanted"
      return 1
    fi
    if test "$status $version" != "$before"; then
      echo "waiting for $wanted, $(page_said)"
      before="$status $version"
    fi
    if test "$now" -ge "$deadline"; then last=yes; else sleep 0.2 || return 1; fi
  done
}

# page_settle PATH SECONDS: ask the node for its page, and once more if it was answered, whatever with; never fails
# mod_wsgi begins its process anew with the first request that finds the application's files changed. An httpd that is
# stopped in the middle of that waits for a process that does not come back, and cuts its requests off when systemd's
# patience is over: after an update the first answer says that this is behind it, the second that those are let in who
# had come meanwhile, and whom a closed socket would have sent away.
page_settle() {
  { page_request "$1" "$2" && page_request "$1" "$2"; } >/dev/null 2>&1 || :
}

# page_warm PATH SECONDS: ask the node for its page eight times at once; never fails
# What an application makes for each of its threads (a connection to the database, say) is made then, not for the first
# users who come back to a node that was drained.
page_warm() {
  (
    left=8
    while test $left -gt 0; do
      page_request "$1" "$2" >/dev/null 2>&1 &
      left=$((left - 1))
    done
    wait
  )
}
