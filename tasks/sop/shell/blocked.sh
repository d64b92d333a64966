# shellcheck shell=sh
# A migration waits for whoever has locked the tables that it changes: for how long, and who that is.

# lock_limit MILLISECONDS: what this shell starts waits no longer for a lock of PostgreSQL's. libpq takes PGOPTIONS; an
# application that has no libpq below it may take the other
lock_limit() {
  UPGRADE_LOCK_TIMEOUT=$1
  PGOPTIONS="${PGOPTIONS:+$PGOPTIONS }-c lock_timeout=$1"
  export PGOPTIONS UPGRADE_LOCK_TIMEOUT
}

# lock_watch SECONDS COMMAND: until lock_unwatch, look every so many SECONDS who holds up what is done here, as COMMAND prints
# it; each answer is told once. Who only looks must not have the lock of database.sh
lock_watch() {
  (while sleep "$1" && kill -0 $$ 2>/dev/null; do lock_tell "$2"; done) 9>&- &
  lock_watcher=$!
}

# lock_unwatch: look no more
lock_unwatch() { kill "$lock_watcher" 2>/dev/null || :; }

# lock_tell COMMAND: print who holds a lock that is waited for, where that is not what was printed before
lock_tell() {
  now=$(limited 10 sh -c "$1" 2>/dev/null | head -n 5)
  if test -n "$now" && test "$now" != "${told-}"; then
    told=$now
    printf '%s\n' "$now" | sed -u 's/^/a lock is held by /'
  fi
}
