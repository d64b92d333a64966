# shellcheck shell=sh
# The database that the hosts of a set share.
tab='	'

# database_alone FILE: end with 75 where an upgrade_db or sync of an earlier run still works on the database
# The lock is held by the command itself, through the open file, as long as it lives: also after its connection was
# lost. A look at the facts has it for a moment: that is waited for.
database_alone() {
  exec 9>>"$1"
  if command -v flock >/dev/null && ! flock -w 5 9; then
    echo "an upgrade_db or sync of an earlier run still works on the database"
    exit 75
  fi
}

# database_busy FILE: succeed where somebody has that lock
database_busy() { test -e "$1" && command -v flock >/dev/null && ! flock -n "$1" true; }

# migration_begin ROOT PACKAGE: note that upgrade_db is begun with the build that is installed now; end with 1 where that
# cannot be noted. To be called when cron's sync and the database have been waited for: only then it is the build that
# migrates. For whoever comes later, from whatever machine: not every set can be asked for its schema
migration_begin() {
  installed=''
  build_ask "$2"
  note "$1" migration "begun $installed" || exit 1
}

# migration_done ROOT: note that the build of migration_begin has migrated (D1); never fails
migration_done() { note "$1" migration "done $installed" || echo "that it is done could not be written down"; }

# schema_proven COMMAND: succeed, saying where, where the database is at its newest schema; otherwise say what it is at,
# or that it cannot be asked: that is not the same
schema_proven() {
  tell schema eval "$1" | schema_judge
}

# schema_judge: the verdict on what `tell schema` prints
schema_judge() {
  heads='' behind='' ended=1 says='' answer=''
  while IFS=$tab read -r name text; do
    case $name in
      schema_ended) ended=$text ;;
      schema_says) says=$text ;;
      schema) schema_line "$text" ;;
    esac
  done
  if test "$ended" != 0; then
    echo "the database cannot be asked for its schema (exit status $ended: ${says:-${answer:-no output}})"
  elif test -n "$behind"; then
    echo "the database is not at the new schema: it is at${behind}"
  elif test -n "$heads"; then
    echo "the database is at${heads}"
    return 0
  elif test -n "$answer"; then
    echo "the database was asked for its schema, and answered with no revision: $answer"
  else
    echo "the database is not at the new schema: it has none"
  fi
  return 1
}

# schema_line TEXT: add a line of alembic's answer to $heads or $behind, where it is `REVISION`, or one with notes in
# parentheses behind it; otherwise to $answer
schema_line() {
  revision=${1%% *}
  notes=${1#"$revision"}
  case $revision:$notes in
    *[!0-9A-Za-z_.-]*:* | :*) answer=$1 ;;
    *:*"(head)"* | *:*"(effective head)"*) heads="$heads $revision" ;;
    *: | *:" ("*")") behind="$behind $revision" ;;
    *) answer=$1 ;;
  esac
}

# backup_begin FILE: keep an older backup: after a failure, a second one must not put a broken database in its place
backup_begin() {
  umask 077
  test ! -e "$1" || mv "$1" "$1.$(date +%Y%m%d%H%M%S)" || exit 1
}

# backup_proven FILE: succeed where the backup is there, saying how large it is
backup_proven() {
  test -s "$1" || {
    echo "the backup left nothing in $1"
    return 1
  }
  echo "the backup is in $1, $(($(wc -c <"$1"))) bytes"
}
