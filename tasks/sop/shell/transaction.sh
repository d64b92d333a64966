# shellcheck shell=sh
# The rpm transaction that an update would be, as yum itself resolves it: nothing is changed.

# yum_offers PROGRAM ENABLING PACKAGE WANTED: print what the repositories offer as `list<TAB>LINE` (`list_failed<TAB>STATUS`
# where that is not to be had), and what an update to WANTED would change, if one is given, as `would<TAB>LINE`
# dnf expires its cache in the same go; it is Python, and each start costs a quarter of a second: dnf 4 answers both
# questions in one. Not -q: then nobody says which repositories were left out.
yum_offers() {
  refresh=--refresh
  case $1 in
    dnf5) ;;
    dnf*)
      if test -n "$4"; then
        yum_offers_in_one "$2" "$3" "$4"
        return
      fi
      ;;
    *)
      refresh=''
      limited 120 yum -q ${2:+"$2"} clean expire-cache >/dev/null 2>&1
      ;;
  esac
  list=$(limited 120 yum ${2:+"$2"} $refresh list --showduplicates "$3" 2>&1) || say list_failed $?
  printf '%s\n' "$list" | sed -u 's/^/list\t/'
  test -z "$4" || yum_would "$2" update "$4"
}

# yum_offers_in_one ENABLING PACKAGE WANTED: the same of dnf 4, whose shell answers each question after a `> `
yum_offers_in_one() {
  said=$(printf 'list %s\nupdate %s\nts list\n' "$2" "$3" |
    limited 120 yum ${1:+"$1"} --refresh --setopt=showdupesfromrepos=1 shell 2>&1) || say list_failed $?
  # shellcheck disable=SC2016 # awk's own
  said=$(printf '%s\n' "$said" | awk '{while (sub(/^> /, "")) n++; print (n < 2 ? "list" : "would") "\t" $0}')
  case $said in *'list	Error'*) say list_failed 1 ;; esac
  printf '%s\n' "$said"
}

# yum_would ENABLING VERB WANTED: print the transaction that `yum VERB WANTED` would be as `would<TAB>LINE`, out of the
# metadata that is in the cache
yum_would() {
  limited 120 yum ${1:+"$1"} --cacheonly --assumeno "$2" "$3" 2>&1 </dev/null | sed -u 's/^/would\t/'
}

# fact_would ROOT PACKAGE SERVICE ENABLING VERB WANTED: the transaction, and what it does to the service; nothing is asked
# where yum would wait for who holds it
fact_would() {
  aside
  held=''
  yum_holder "$1" >/dev/null
  test -z "$held" || return 0
  yum_would "$4" "$5" "$6" | would_touch "$2" "$3"
}

# would_touch PACKAGE SERVICE: hand on what is read; of the packages in its table, beside PACKAGE, print `touches<TAB>loaded
# NAME` where the service has a file of it loaded, and `touches<TAB>restarts NAME` where the package's scripts restart it
# A repository names its packages as it likes, and rpm takes macros and --pipe: nothing that is no package's name gets there.
would_touch() {
  rows=$(cat)
  test -n "$rows" || return 0
  printf '%s\n' "$rows"
  # shellcheck disable=SC2016 # awk's own
  names=$(printf '%s\n' "$rows" | awk -F '\t' -v own="$1" '
    $1 != "would" {next}
    $2 ~ /^ [^ ]/ {split($2, word, " "); name(word[1])}
    $2 ~ /^ +replacing / {if (split($2, word, " ") == 3) sub(/[.][^.]*$/, "", word[2]); name(word[2])}
    function name(one) {if (one != own && one != "Package") print one}' |
    grep -xE '[A-Za-z0-9_][A-Za-z0-9._+-]*' | sort -u)
  loaded=''
  test -z "$names" || loaded=$(service_loads "$2")
  for name in $names; do
    files=$(limited 30 rpm -ql -- "$name" 2>/dev/null) || continue # it is new here
    loads=$(printf '%s\n' "$files" | sed 's|^/lib|/usr/lib|' | sort -u)
    ! printf '%s\n' "$loads" "$loaded" | sort | uniq -d | grep -q . || say touches "loaded $name"
    ! limited 30 rpm -q --scripts -- "$name" 2>/dev/null | grep -E 'restart|reload' | grep -qwF "$2" || say touches "restarts $name"
  done
}

# service_loads SERVICE: print the files that the service's processes have loaded, each once
service_loads() {
  main=$(systemctl show -p MainPID "$1" 2>/dev/null)
  main=${main#MainPID=}
  test "${main:-0}" -gt 0 || return 0
  for pid in $main $(pgrep -P "$main"); do cat "/proc/$pid/maps" 2>/dev/null; done |
    awk '$6 ~ "^/" {print $6}' | sed 's|^/lib|/usr/lib|' | sort -u
}
