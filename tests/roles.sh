#!/bin/bash
# Who may do what, tried with real Unix users: a daemon of its own user against the built-in simulator, a control socket,
# and each command as each of five people of one role or none, as `systemd/evictd.sysusers.conf` and docs/control.md
# prescribe. Prints a table, and ends with 1 if anything is not as it should be.
#
# It needs root, since it makes users and groups, all named evictd-try-*, and takes them away again. `make roles` runs it;
# the test run does not, and goes by users without a name.

set -u -o pipefail

PREFIX=evictd-try
DAEMON=$PREFIX-daemon
ROLES=(read audit operate approve)
# Each person and the roles they have.
PEOPLE=(nobody helpdesk auditor operator approver)
declare -A GROUPS_OF=([nobody]="" [helpdesk]=read [auditor]=audit [operator]=operate [approver]=approve)
COLUMNS_OF=("${PEOPLE[@]}" daemon root)
PROGRAM=${EVICTD:-target/debug/evictd}

say() { echo "roles: $*" >&2; }
give_up() { say "$*"; exit 69; }

[ "$(id -u)" = 0 ] || give_up "this makes users and groups and takes them away again, so that it needs root: sudo make roles"
for tool in useradd userdel groupadd groupdel setpriv; do
  command -v "$tool" >/dev/null || give_up "there is no \`$tool\` here"
done
[ -x "$PROGRAM" ] || give_up "there is no program at $PROGRAM: run \`make roles\`, or name one in EVICTD"
if getent passwd | grep -q "^$PREFIX-" || getent group | grep -q "^$PREFIX-"; then
  give_up "there are users or groups named $PREFIX-* already: take them away first, if they are of an earlier try"
fi

# ---- what is made, and taken away again --------------------------------------------------------------------------------

ROOM=$(mktemp -d "/tmp/$PREFIX.XXXXXX")
STARTED=()
MADE_USERS=()
MADE_GROUPS=()

clean_up() {
  trap - EXIT INT TERM
  for pid in "${STARTED[@]}"; do kill "$pid" 2>/dev/null; done
  for pid in "${STARTED[@]}"; do wait "$pid" 2>/dev/null; done
  for user in "${MADE_USERS[@]}"; do userdel "$user" 2>/dev/null; done
  for group in "${MADE_GROUPS[@]}"; do getent group "$group" >/dev/null && groupdel "$group"; done
  rm -rf "$ROOM"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

make_user() { # name, supplementary groups
  local more=()
  [ -z "$2" ] || more=(--groups "$2")
  useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "${more[@]}" "$1" \
    || give_up "the user $1 cannot be made"
  MADE_USERS+=("$1")
  MADE_GROUPS+=("$1")
}

for role in "${ROLES[@]}"; do
  groupadd --system "$PREFIX-$role" || give_up "the group $PREFIX-$role cannot be made"
  MADE_GROUPS+=("$PREFIX-$role")
done
make_user "$DAEMON" ""
for person in "${PEOPLE[@]}"; do
  role=${GROUPS_OF[$person]}
  make_user "$PREFIX-$person" "${role:+$PREFIX-$role}"
done

# ---- the host, as the unit and its folders have it ---------------------------------------------------------------------

chmod 0755 "$ROOM"
install -m 0755 "$PROGRAM" "$ROOM/evictd"
mkdir -m 0755 "$ROOM/etc" "$ROOM/run"
mkdir -m 0700 "$ROOM/state"
(cd "$ROOM/etc" && exec "$ROOM/evictd" simulator --no-rate-limit --staff 20 --end-users 30 --write-config evictd.toml) \
  >"$ROOM/ready" 2>"$ROOM/simulator.log" &
STARTED+=($!)
for _ in $(seq 200); do [ -s "$ROOM/ready" ] && [ -s "$ROOM/etc/client-secret" ] && break; sleep 0.05; done
[ -s "$ROOM/ready" ] || give_up "the simulator does not start: $(cat "$ROOM/simulator.log")"
rmdir "$ROOM/etc/state" "$ROOM/etc/trail" 2>/dev/null
sed -i "s#^state = .*#state = \"$ROOM/state\"#; s#^trail = .*#trail = \"$ROOM/trail\"#" "$ROOM/etc/evictd.toml"
cat >>"$ROOM/etc/evictd.toml" <<CONFIG
sweep = { every = "1h" }
belts.people-per-rule-max = 0

[control]
socket = "$ROOM/run/control.sock"
$(for role in "${ROLES[@]}"; do echo "$role = \"$PREFIX-$role\""; done)
CONFIG
chmod 0755 "$ROOM/etc/policies"
chmod 0644 "$ROOM/etc/evictd.toml" "$ROOM"/etc/policies/*
chown -R "$DAEMON:$DAEMON" "$ROOM/state" "$ROOM/run"
install -d -m 2750 -o "$DAEMON" -g "$PREFIX-audit" "$ROOM/trail"
chown "$DAEMON:$DAEMON" "$ROOM/etc/client-secret"
chmod 0600 "$ROOM/etc/client-secret"

as() { # person, command…: in a login's own groups, with nothing of our environment
  local user=$PREFIX-$1
  shift
  case $user in
  "$PREFIX-root") env -i PATH=/usr/bin:/bin "$@" ;;
  *) setpriv --reuid "$user" --regid "$user" --init-groups --inh-caps=-all -- env -i PATH=/usr/bin:/bin "$@" ;;
  esac </dev/null
}
evictd() { # person, arguments…
  local person=$1
  shift
  as "$person" "$ROOM/evictd" "$@" --config "$ROOM/etc/evictd.toml"
}

umask 0027
setpriv --reuid "$DAEMON" --regid "$DAEMON" --init-groups --inh-caps=-all -- \
  env -i PATH=/usr/bin:/bin "$ROOM/evictd" run --config "$ROOM/etc/evictd.toml" 2>"$ROOM/daemon.log" &
STARTED+=($!)
wait_for() { # what, command…
  local what=$1
  shift
  for _ in $(seq 400); do "$@" >/dev/null 2>&1 && return; sleep 0.05; done
  give_up "never $what: $(tail -5 "$ROOM/daemon.log")"
}
has_holds() { evictd root hold list | grep -q ' open '; }
wait_for "a hold" has_holds

# ---- the table ---------------------------------------------------------------------------------------------------------

TRIES=0
WRONG=0
printf '%-34s' command
printf '%-11s' "${COLUMNS_OF[@]}"
echo

# label, who may, the code of a refusal (or any), a function that tries as a person
row() {
  local label=$1 may=" $2 " refused=$3 try=$4 person code is expected
  printf '%-34s' "$label"
  for person in "${COLUMNS_OF[@]}"; do
    "$try" "$person" >"$ROOM/said" 2>&1
    code=$?
    TRIES=$((TRIES + 1))
    expected=no
    [[ $may != *" $person "* ]] || expected=yes
    is=no
    [ "$code" != 0 ] || is=yes
    if [ "$is" != "$expected" ] || { [ "$is" = no ] && [ "$refused" != any ] && [ "$code" != "$refused" ]; }; then
      WRONG=$((WRONG + 1))
      is="$is($code)!"
      { echo "$label as $person:"; cat "$ROOM/said"; } >>"$ROOM/wrong"
    fi
    printf '%-11s' "$is"
  done
  echo
}

open_holds() { evictd root hold list | awk '$3 == "open" { print $2 }'; }
first_hold() { open_holds | head -1; }
last_hold() { open_holds | tail -1; }
digest_of() { evictd root hold show "$1" | awk '$1 == "digest" { print $2 }'; }
# Somebody whom a rule claims, a different one each time: whoever was signed out is not asked for again.
NEXT=0
somebody() { for hold in $(open_holds); do evictd root hold show "$hold"; done | awk '/^  [0-9]/ { print $1 }' | sort -u | sed -n "$1p"; }
end_pause() { evictd root resume >/dev/null 2>&1 || true; }

status() { evictd "$1" status; }
hold_list() { evictd "$1" hold list; }
hold_show() { evictd "$1" hold show "$(last_hold)"; }
pause() { evictd "$1" pause --reason drill --for 1h; local code=$?; end_pause; return $code; }
own_resume() {
  evictd "$1" pause --reason mine --for 1h || return
  evictd "$1" resume
  local code=$?
  end_pause
  return $code
}
others_resume() {
  local other=daemon
  [ "$1" != daemon ] || other=operator
  evictd "$other" pause --reason theirs --for 1h >/dev/null 2>&1 || return 70
  evictd "$1" resume
  local code=$?
  end_pause
  return $code
}
discard() { evictd "$1" hold discard "$(last_hold)"; }
release() { local hold; hold=$(first_hold); evictd "$1" hold release "$hold" --digest "$(digest_of "$hold")"; }
revoke() { NEXT=$((NEXT + 1)); evictd "$1" revoke --user "$(somebody $NEXT)" --reason drill --yes; }
apply() { evictd "$1" apply --yes; }
why() { evictd "$1" why --user "$(somebody 1)" --since 2h; }
verify() { evictd "$1" audit verify; }
read_trail() { as "$1" sh -c "cat $ROOM/trail/simulated/*.jsonl"; }
read_state() { as "$1" sh -c "cat $ROOM/state/simulated/*"; }
read_secret() { as "$1" cat "$ROOM/etc/client-secret"; }
change_policy() { as "$1" sh -c "echo >>$ROOM/etc/policies/leavers.toml"; }
write_pause() { as "$1" touch "$ROOM/state/simulated/pause"; local code=$?; rm -f "$ROOM/state/simulated/pause"; return $code; }

row "status" "helpdesk auditor operator approver daemon root" 77 status
row "hold list" "helpdesk auditor operator approver daemon root" 77 hold_list
row "hold show" "auditor operator approver daemon root" 77 hold_show
row "pause" "operator daemon root" 77 pause
row "resume, of their own pause" "operator daemon root" 77 own_resume
row "resume, of another's pause" "approver daemon root" 77 others_resume
row "revoke" "operator daemon root" 77 revoke
row "hold discard" "operator daemon root" 77 discard
row "hold release" "approver daemon root" 77 release
row "audit verify" "auditor daemon root" any verify
row "why" "helpdesk auditor operator approver daemon root" 77 why
row "reading the trail's files" "auditor daemon root" any read_trail
row "reading what it remembers" "daemon root" any read_state
row "reading the secret" "daemon root" any read_secret
row "writing the pause file" "daemon root" any write_pause
row "changing a policy" "root" any change_policy
row "apply" "operator daemon root" 77 apply

# ---- what the trail has of it ------------------------------------------------------------------------------------------

by() { # kind, person
  local want="\"by\":\"$PREFIX-$2 (uid "
  TRIES=$((TRIES + 1))
  if ! grep -h "\"kind\":\"$1\"" "$ROOM"/trail/simulated/*.jsonl | grep -qF "$want"; then
    WRONG=$((WRONG + 1))
    echo "no \`$1\` by $2 in the trail" >>"$ROOM/wrong"
  fi
}
for kind in pause.began pause.ended lever.used hold.discarded; do by $kind operator; done
for kind in pause.ended hold.released; do by $kind approver; done
for person in nobody helpdesk auditor; do
  TRIES=$((TRIES + 1))
  if grep -qF "\"by\":\"$PREFIX-$person" "$ROOM"/trail/simulated/*.jsonl; then
    WRONG=$((WRONG + 1))
    echo "$person stands in the trail" >>"$ROOM/wrong"
  fi
done
evictd daemon audit verify || WRONG=$((WRONG + 1))

echo "$TRIES tries, $WRONG not as they should be"
[ "$WRONG" = 0 ] || { cat "$ROOM/wrong" 2>/dev/null; exit 1; }
