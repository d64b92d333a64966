# shellcheck shell=sh
# Automatic updates: what installs packages by itself must not do so in the middle of a run. ROOT/updates has the run that
# holds them off, and the units that it has stopped. They are stopped and not disabled: a boot brings them back by itself.

# updates_units: print the units that begin an automatic update: of dnf 4, dnf 5 and yum 3
updates_units() { echo dnf-automatic.timer dnf-automatic-install.timer dnf5-automatic.timer yum-cron.service; }

# units_in STATES UNIT…: print those of the units that systemd says are in one of the STATES, which are an extended regular
# expression; a unit that is not there is in none
units_in() {
  states=$1
  shift
  # shellcheck disable=SC2016 # awk's own
  systemctl show -p Id -p ActiveState "$@" 2>/dev/null | awk -F= -v wanted="^($states)\$" '
    $1 == "Id" {id = $2}
    $1 == "ActiveState" {state = $2}
    NF == 0 {tell()}
    function tell() {if (state ~ wanted) print id; id = state = ""}
    END {tell()}'
}

# fact_updates ROOT: print `updates<TAB>UNIT` for each that begins automatic updates, `updating<TAB>UNIT` for one at work, and
# `held_off<TAB>RUN UNIT…` where a run holds them off
fact_updates() {
  # shellcheck disable=SC2046 # a word for each unit
  units_in 'active|activating' $(updates_units) | sed -u 's/^/updates\t/'
  units_in activating dnf-automatic.service dnf-automatic-install.service dnf5-automatic.service | sed -u 's/^/updating\t/'
  noted=''
  line noted "$1/updates"
  test -z "$noted" || say held_off "$noted"
}

# updates_hold ROOT RUN: stop those that are on until the run ends; noted first: whoever comes after a death in between has
# to know. Those that an earlier run holds off are this one's from now on
updates_hold() {
  # shellcheck disable=SC2046 # a word for each unit
  on=$(units_in 'active|activating' $(updates_units))
  noted=''
  line noted "$1/updates"
  # shellcheck disable=SC2086 # a word for each unit
  all=$(printf '%s\n' ${noted#* } $on | grep -xE '[A-Za-z0-9.-]+' | sort -u | tr '\n' ' ')
  all=${all% }
  test -n "$all" || return 0
  note "$1" updates "$2 $all" || return
  for unit in $on; do systemctl -q stop "$unit" || return; done
  say held_off "$all"
}

# updates_give ROOT RUN: start again what the run holds off, any run where RUN is empty
updates_give() {
  noted=''
  line noted "$1/updates"
  test -n "$noted" || return 0
  test -z "$2" || test "${noted%% *}" = "$2" || return 0
  for unit in ${noted#* }; do
    case " $(updates_units) " in *" $unit "*) systemctl -q start "$unit" || return ;; esac
  done
  rm -f "$1/updates" && say given_back "${noted#* }"
}
