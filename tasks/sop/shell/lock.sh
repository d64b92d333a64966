# shellcheck shell=sh
# The lock of a host set, on its sync host. ROOT, for root alone, is the folder of all runs there: `lock` says who has
# the set locked, `last` whose run had it last. All of these end the shell they are called in, or let it go on.

# lock_holder ROOT: print `holder<TAB>TEXT` of the lock
lock_holder() {
  lock=''
  line lock "$1/lock"
  say holder "$lock"
}

# lock_take ROOT RUN LOCK LINE…: take the lock, and write the journal's LINEs, in one act (a link, which fails where there
# is one); print `last<TAB>RUN` (who had it before) and `taken<TAB>yes`, or `holder<TAB>TEXT`. To take it twice is to take it
lock_take() {
  umask 077
  root=$1 id=$2 text=$3 run=$1/$2
  shift 3
  test ! -L "$root" || {
    echo "$root is a link, nothing is kept behind one"
    exit 1
  }
  mkdir -p "$run" && chmod 700 "$root" || exit 1
  if ! grep -qF "$id" "$root/lock" 2>/dev/null; then
    journal_keep "$run" "$@" && printf '%s\n' "$text" >"$run/lock" || exit 1
    test -e "$root/lock" || test -L "$root/lock" || ln "$run/lock" "$root/lock" 2>/dev/null
  fi
  if grep -qF "$id" "$root/lock" 2>/dev/null; then
    last=''
    line last "$root/last"
    say last "$last"
    say taken yes
    echo "$id" >"$root/last" || : # it is taken, and who reads `last` compares only
  else
    rm -r "$run"
    lock_holder "$root"
  fi
}

# lock_ours ROOT RUN DRIVER LINE…: write the journal's LINEs, unless the run is not carried out by DRIVER any more: then
# end with `driver<TAB>WHO` where somebody else does, with `holder<TAB>TEXT` where another run has the lock
lock_ours() {
  umask 077
  root=$1 id=$2 run=$1/$2 us=$3 driver='' lock=''
  shift 3
  if test -e "$run/driver"; then
    line driver "$run/driver"
    test "$driver" = "$us" || {
      say driver "$driver"
      exit 0
    }
  fi
  if test -e "$root/lock"; then
    line lock "$root/lock"
    case $lock in
      *"$id"*) ;;
      *)
        say holder "$lock"
        exit 0
        ;;
    esac
  fi
  journal_keep "$run" "$@"
}

# lock_release ROOT FIRST: do FIRST, and give the lock back; where there is none any more, it was done before
lock_release() {
  test -e "$1/lock" || exit 0
  eval "$2" || exit 1
  rm -f "$1/lock"
}

# lock_none ROOT: end with `holder<TAB>TEXT` where a run has the lock
lock_none() {
  umask 077
  test ! -e "$1/lock" || {
    lock_holder "$1"
    exit 0
  }
}

# lock_free ROOT RUN SYNC: end with 95, saying who, where another run has its lock on this host; where none has, note that
# this one is at work here and has its lock on SYNC
# Two operators whose hosts.yml name different sync hosts may each have taken a lock in the same instant.
lock_free() {
  test ! -d "$1/$2" || test -e "$1/$2/sync" || printf '%s\n' "$3" >"$1/$2/sync"
  test -e "$1/lock" || return 0
  lock=''
  line lock "$1/lock"
  case $lock in
    *"$2"*) ;;
    *)
      printf '%s\n' "$lock"
      exit 95
      ;;
  esac
}

# lock_ended ROOT RUN: note that the run is at work here no more
lock_ended() {
  umask 077
  test ! -d "$1/$2" || : >"$1/$2/ended"
}
