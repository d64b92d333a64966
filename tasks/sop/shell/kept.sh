# shellcheck shell=sh
# What runs leave on the hosts for whoever comes later, in ROOT, the folder of all runs.

# journal_keep FOLDER LINE…: write these lines of the journal into its copy in the run's folder
journal_keep() {
  folder=$1
  shift
  test $# -gt 0 || return 0
  { test -d "$folder" || mkdir -p "$folder"; } && printf '%s\n' "$@" >>"$folder/journal.jsonl"
}

# journal_copy ROOT RUN: print the copy of a run's journal, in base64
# A set of hundreds of hosts begins with more than a line that a host may say.
journal_copy() { base64 <"$1/$2/journal.jsonl"; }

# journal_ends ROOT RUNS: print who has the lock (`lock<TAB>TEXT`) and how the latest runs began and ended, in base64
journal_ends() {
  cd "$1" 2>/dev/null || exit 0
  {
    kept=''
    line kept lock
    test ! -e lock || say lock "$kept"
    # shellcheck disable=SC2010,SC2012 # a run's name is eight letters, and only ls sorts by time
    ls -t | grep -xE '[0-9a-f]{8}' | head -n "$2" | while read -r run; do
      grep -hE '"event": "(begin|resume|abort|unlock|end)"' "$run/journal.jsonl" 2>/dev/null
    done
  } | base64
}

# journal_transactions ROOT RUNS: print what yum has changed in the latest runs, as their journals tell, in base64
journal_transactions() (
  cd "$1" 2>/dev/null || exit 0
  # shellcheck disable=SC2010,SC2012 # a run's name is eight letters, and only ls sorts by time
  ls -t | grep -xE '[0-9a-f]{8}' | head -n "$2" | while read -r run; do
    grep -hE '"event": "transaction"' "$run/journal.jsonl" 2>/dev/null
  done | base64
)

# note ROOT NAME TEXT: write a line down, whole or not at all
note() {
  (umask 077 && mkdir -p "$1" && printf '%s\n' "$3" >"$1/$2.new" && mv "$1/$2.new" "$1/$2")
}

# build_remember ROOT PACKAGE TARGET SCHEMA: where TARGET is not installed yet, note what is, and the schema it runs on,
# for a rollback
build_remember() {
  installed=''
  build_ask "$2"
  test "$installed" = "$3" || note "$1" previous "$installed $4" || :
}

# kept_show ROOT: print what is kept: `lock<TAB>=TEXT` where the set is locked, `last<TAB>RUN`, `paused<TAB>RUN` (cron),
# `previous<TAB>NVR SCHEMA`, `migration<TAB>begun NVR` or `done NVR`, `open<TAB>RUN SYNC` for a run that has not ended here,
# `drained<TAB>RUN NAME`, `around<TAB>RUN SECONDS NAME`
kept_show() {
  kept=''
  if test -e "$1/lock"; then
    line kept "$1/lock"
    say lock "=$kept"
  fi
  line kept "$1/last"
  say last "$kept"
  line kept "$1/cron.run"
  say paused "$kept"
  line kept "$1/previous"
  say previous "$kept"
  line kept "$1/migration"
  say migration "$kept"
  for run in "$1"/*/sync; do
    if ! test -e "$run" || test -e "${run%/sync}/ended"; then continue; fi
    line kept "$run"
    run=${run%/sync}
    say open "${run##*/} $kept"
  done
  drained_show "$1"
  around_show "$1"
}

# kept_earlier ROOT EARLIER OURS PACKAGE: print, as kept_show does, what is kept in the folder that earlier versions had for
# all applications: a lock as `lock<TAB>=earlier TEXT` where OURS stands in its run's journal, and what ROOT has not
kept_earlier() {
  kept=''
  line kept "$2/lock"
  run=${kept#*'"run": "'}
  run=${run%%'"'*}
  if test -n "$run" && grep -qsF "$3" "$2/$run/journal.jsonl"; then say lock "=earlier $kept"; fi
  for name in previous migration; do
    test ! -e "$1/$name" || continue
    line kept "$2/$name"
    case " $kept" in *" $4-"*) say "$name" "$kept" ;; esac
  done
}
