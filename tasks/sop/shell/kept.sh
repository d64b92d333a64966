# shellcheck shell=sh
# What a run leaves on the hosts for whoever comes later.

# journal_keep FOLDER LINE…: write these lines of the journal into its copy in the run's folder
journal_keep() {
  folder=$1
  shift
  test $# -gt 0 || return 0
  { test -d "$folder" || mkdir -p "$folder"; } && printf '%s\n' "$@" >>"$folder/journal.jsonl"
}
