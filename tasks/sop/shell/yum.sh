# shellcheck shell=sh
# What yum and rpm are asked: yum 3, dnf 4 and dnf 5 take it alike, and all are called yum here (docs/package-managers.md).
# ENABLING is the flag for the set's own repository, or empty; BUILD is a name-version-release.

# yum_ask: set $yum: what is behind the name: `yum` (yum 3), `dnf-3` (dnf 4) or `dnf5`
yum_ask() {
  yum=$(readlink -f "$(command -v yum)" 2>/dev/null)
  yum=${yum##*/}
}

# build_ask PACKAGE: set $installed: rpm takes a while to open its database, and httpd may be down
build_ask() { installed=$(rpm -q --qf '%{NAME}-%{VERSION}-%{RELEASE}\n' "$1" 2>/dev/null); }

# build_is PACKAGE BUILD: succeed where the build is installed, and no other beside it
build_is() {
  build_ask "$1"
  test "$installed" = "$2"
}

# build_proven PACKAGE BUILD SET: the same, with a sentence where it is not: yum exits 0 when it had nothing to do (V2)
build_proven() {
  if build_is "$1" "$2"; then return 0; fi
  cut=''
  if test "$(printf '%s\n' "$installed" | wc -l)" -gt 1; then
    cut=": a transaction was cut off; fab $3 mend-rpm mends that on every host"
  fi
  # shellcheck disable=SC2086 # several builds on one line
  echo "installed is" $installed"," "not $2$cut"
  return 1
}

# yum_cached ROOT BUILD: print the build's files in yum's cache, wherever its configuration puts that, or a link
yum_cached() {
  own='s|^[[:space:]]*\(system_\)\{0,1\}cachedir[[:space:]]*[=:][[:space:]]*\(/[^$[:space:]]*\).*|'$1'\2|p'
  # shellcheck disable=SC2046 # a word for each folder that the configuration names
  find -L "$1/var/cache/yum" "$1/var/cache/dnf" "$1/var/cache/libdnf5" $(yum_configs "$1" sed -n "$own") \
    -name "$2.*.rpm" 2>/dev/null
}

# yum_configs ROOT COMMAND…: the command, with the files that have yum's main options, in the order in which they are read
yum_configs() {
  root=$1
  shift
  "$@" "$root"/etc/yum.conf "$root"/usr/share/dnf5/libdnf.conf.d/*.conf "$root"/etc/dnf/libdnf5.conf.d/*.conf \
    "$root"/etc/dnf/dnf.conf 2>/dev/null
}

# yum_fetch ENABLING BUILD: expire the cache, and download the build; dnf does both in one go. dnf 5 takes --downloadonly behind
# `update` only; some releases of yum 3 exit with 1 although they did it: there what is in the cache counts, see yum_fetched
yum_fetch() {
  yum_ask
  case $yum in
    dnf*) yum -y ${1:+"$1"} --refresh update --downloadonly "$2" ;;
    *)
      yum ${1:+"$1"} clean expire-cache && {
        yum -y ${1:+"$1"} update --downloadonly "$2" || yum --version | grep -q '^3[.]'
      }
      ;;
  esac
}

# yum_again ENABLING BUILD: download it once more, with nothing but the cache: succeed where all that it needs is there
# One that comes as far as the transaction's test has all, whatever that says. yum 3 says "Running transaction check" while it
# resolves, before it has fetched anything.
yum_again() {
  said=$(LC_ALL=C yum -y ${1:+"$1"} -C update --downloadonly "$2" 2>&1) && return
  case $said in
    *'"Download Only" specified'* | *'unning transaction test'* | *'ransaction check error'*) ;;
    *) false ;;
  esac
}

# yum_fetched ROOT PACKAGE BUILD ENABLING: succeed where the build is installed, or was fetched with all that it needs;
# otherwise say what yum says
# yum itself is asked, with nothing but its cache. dnf 5 downloads what it will then refuse to install, because it is
# not signed, say: there the whole transaction is tried, without being carried out. The others need not start once more
# where the file is seen.
yum_fetched() {
  if build_is "$2" "$3"; then return 0; fi
  yum_ask
  if test "$yum" = dnf5; then
    said=$(LC_ALL=C yum -y ${4:+"$4"} -C --setopt=tsflags=test update "$3" 2>&1)
  elif yum_cached "$1" "$3" | grep -q .; then
    return 0
  else
    yum_again "$4" "$3"
  fi && case $said in *'othing to do'* | *'marked for update'*) false ;; esac && return
  printf '%s\n' "$said"
  echo "$3 was not downloaded, or cannot be installed"
  return 1
}

# build_fetch ROOT PACKAGE BUILD COMMAND: where the build is neither installed nor in the cache, do the COMMAND that
# fetches it; never fails. It may have left the cache since it was downloaded: before a resume, say
build_fetch() {
  yum_cached "$1" "$3" | grep -q . || build_is "$2" "$3" || (eval "$4") >/dev/null 2>&1 || :
}

# build_brings ROOT PACKAGE BUILD MIGRATIONS: fail with a sentence where the build, which is in the cache, has files that
# MIGRATIONS (an extended regular expression) finds and the installed one has not
build_brings() {
  build_adds "$@" || {
    echo "$why"
    return 1
  }
  # shellcheck disable=SC2086 # several files on one line
  test -z "$added" || {
    echo "$3 brings a schema migration:" $added
    return 1
  }
}

# build_adds ROOT PACKAGE BUILD MIGRATIONS: set $added to those files, a line for each, and $new to the RPM; or fail, with
# $why
build_adds() {
  added='' why=''
  new=$(yum_cached "$1" "$3" | head -n 1)
  if test -z "$new"; then
    why="$3 cannot be had any more"
    build_is "$2" "$3"
    return
  fi
  brings=$(rpm -qpl "$new") || {
    why="$new cannot be read"
    return 1
  }
  # What is installed is listed twice, so that only what is new stands alone.
  found=$({ rpm -ql "$2"; rpm -ql "$2"; printf '%s\n' "$brings"; } | grep -E -e "$4" 2>&1)
  if test $? -gt 1; then
    why="app.migrations in hosts.yml cannot be looked for: $found"
    return 1
  fi
  added=$(printf '%s\n' "$found" | sort | uniq -u)
}

# migrations_show ROOT PACKAGE BUILD MIGRATIONS MOST BYTES: print the files of build_adds as `brings<TAB>PATH`, behind each
# of the first MOST its text in base64 as `text<TAB>…`, so many BYTES of it; or `unread<TAB>WHY`. Nothing is unpacked
migrations_show() {
  build_adds "$@" || {
    test -n "$new" || why="yum could not fetch it"
    say unread "$why"
    return 0
  }
  test -z "$added" || command -v cpio >/dev/null || say unread "there is no cpio to read the RPM with"
  left=$5
  printf '%s\n' "$added" | while read -r file; do
    test -n "$file" || continue
    say brings "$file"
    test "$left" -gt 0 || continue
    left=$((left - 1))
    rpm2cpio "$new" 2>/dev/null | cpio -i --quiet --to-stdout ".$file" 2>/dev/null | head -c "$6" | base64 |
      sed -u 's/^/text\t/'
  done
}

# rpm_mend ROOT PACKAGE ENABLING: forget the transactions of yum 3 that were cut off, and leave one build of the package
rpm_mend() {
  yum_ask
  if test "$yum" = "${yum#dnf}" && test -n "$(yum_cut_off "$1")"; then
    command -v yum-complete-transaction >/dev/null || {
      echo "there is no yum-complete-transaction: yum -y install yum-utils"
      return 1
    }
    yum-complete-transaction --cleanup-only || return
  fi
  build_ask "$2"
  if test "$(printf '%s\n' "$installed" | wc -l)" -lt 2; then return 0; fi
  case $yum in
    dnf5) yum -y ${3:+"$3"} reinstall "$(printf '%s\n' "$installed" | sort -V | tail -n 1)" ;;
    dnf*) yum -y ${3:+"$3"} remove --duplicates "$2" ;;
    *) package-cleanup -y --cleandupes ;;
  esac
}

# rpm_mended ROOT PACKAGE: succeed where nothing of that is left, otherwise say what is
rpm_mended() {
  yum_ask
  build_ask "$2"
  left=$(test "$yum" != "${yum#dnf}" || yum_cut_off "$1")
  test -z "$left" || { echo "an rpm transaction is still unfinished: $left"; return 1; }
  test "$(printf '%s\n' "$installed" | wc -l)" -lt 2 || { echo "rpm still has several builds: $installed"; return 1; }
}

# yum_cut_off ROOT: print the files that a transaction of yum 3 has left that was cut off
yum_cut_off() {
  for left in "$1"/var/lib/yum/transaction-all.*; do
    case $left in *.disabled) continue ;; esac
    test ! -e "$left" || echo "$left"
  done
}
