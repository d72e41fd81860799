# The guardian of `meshctl dev`: ends what dev started when dev is gone, whatever ended it.
#
#   sh guardian.sh STATE-DIRECTORY [LAST-SCRIPT]
#
# Its stdin is a pipe that dev holds. Lines on it: "add PID" from every child before it becomes its
# program (docs/decisions/005-sh-guardian.md), "del PID" from dev when the child has exited. PID
# leads a process group. At the end of input whatever is left gets SIGTERM, about a second, SIGKILL;
# then LAST-SCRIPT has its turn.
trap '' HUP INT TERM
pids=

while read -r verb pid; do
  case $verb in
    add) pids="$pids $pid" ;;
    del)
      left=
      for known in $pids; do
        [ "$known" = "$pid" ] || left="$left $known"
      done
      pids=$left
      ;;
  esac
done

# Signals the groups that still exist and leaves their number in $count.
signal_all() {
  count=0
  for pid in $pids; do
    kill -s "$1" -- "-$pid" 2>/dev/null && count=$((count + 1))
  done
}

# Waits until none of them exists, about a second.
await_all() {
  tries=0
  while [ $count -gt 0 ] && [ $tries -lt 10 ]; do
    sleep 0.1 || sleep 1
    signal_all 0
    tries=$((tries + 1))
  done
}

signal_all TERM
await_all
signal_all KILL
# What was in the middle of making something has made it before LAST-SCRIPT looks.
await_all
[ -z "${2:-}" ] || sh "$2"
rm -rf -- "$1"
