# shellcheck shell=sh
# Which build it is: its digests and the key that signed it. Two builds may have one name.

# build_signed OPTION… WHAT: set $signed to the digests of a build and the key that signed it, as `rpm -q` finds it with
# these words: `SHA256HEADER:HEX SHA1HEADER:HEX KEY:ID`
# The header has the digest of the payload, or of every file, and is not changed by signing. Each is asked by itself: a
# tag that an rpm does not know spoils the whole answer, and none knows all.
build_signed() {
  signed='' key=none
  for tag in SHA256HEADER SHA1HEADER; do
    digest=$(rpm -q --qf "%{$tag}\n" "$@" 2>/dev/null | head -n 1)
    case $digest in '' | *[!0-9a-f]*) ;; *) signed="$signed$tag:$digest " ;; esac
  done
  for tag in RSAHEADER DSAHEADER OPENPGP SIGPGP; do
    says=$(rpm -q --qf "%{$tag:pgpsig}\n" "$@" 2>/dev/null | head -n 1)
    case $says in *'ey ID '*)
      key=${says##*'ey ID '}
      break
      ;;
    esac
  done
  test -z "$signed" || signed="${signed}KEY:${key%% *}"
}

# fact_signed PACKAGE: the same of the build that is installed
fact_signed() {
  build_signed "$1"
  say signed "$signed"
}

# build_same ROOT PACKAGE BUILD SET WORD…: fail with a sentence where the build, which is in the cache or installed, has not
# the digests and the key that the WORDs say, which are those of SET
build_same() {
  file=$(yum_cached "$1" "$3" | head -n 1)
  if build_is "$2" "$3"; then
    build_signed "$2"
  elif test -n "$file"; then
    build_signed -p "$file"
  else
    echo "$3 cannot be had any more"
    return 1
  fi
  build=$3 set=$4 same=''
  shift 4
  for word; do
    case " $signed " in
      *" $word "*) test "${word%%:*}" = KEY || same=yes ;;
      *" ${word%%:*}:"*)
        build_differs "$word"
        return 1
        ;;
    esac
  done
  test -n "$same" || {
    echo "$build: whether it is the build that $set runs cannot be told: rpm gives no digest that both have"
    return 1
  }
}

# build_differs WORD: say what is different: the sentence of build_same
build_differs() {
  here=${signed#*"${1%%:*}:"}
  case $1 in
    KEY:*) echo "$build is signed with key ${here%% *} here, with key ${1#*:} on $set" ;;
    *) echo "$build is another build than the one of that name that $set runs: it was built again (${1%%:*} ${here%% *} here, ${1#*:} on $set)" ;;
  esac
}
