# Removes what `meshctl dev --network netns` made on this machine, however that ended.
#
#   sh remove.sh                  all of it
#   sh remove.sh NAMESPACE PORT   one pod: its network namespace, and its port of the bridge
#
# What there is was written down before it was made: a file for each network namespace, of its name,
# in /run/culvert-netns/namespaces (names.ts). So others may have namespaces of such names.
#
# The guardian runs this when dev is gone, dev itself when it ends and before it begins, and
# `meshctl dev --network netns --clean`. Running it twice is running it once. Exits 1 when something
# is left, and says what.
#
# But for the sidecars' compile cache nothing under /run/culvert-netns is ever removed recursively: sidecars
# mount the checkout there.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
bridge=culvert-bridge
run=/run/culvert-netns

# The names of the network namespaces to remove.
if [ $# -gt 0 ]; then
  names=$1
else
  names=
  for path in "$run"/namespaces/culvert-*; do
    [ -e "$path" ] && names="$names ${path##*/}"
  done
fi

# Signals what runs in them, and leaves in $count how many that were. A namespace lives for as long as
# a process does in it: also one that somebody else started there.
signal_all() {
  count=0
  for name in $names; do
    for pid in $(ip netns pids "$name" 2>/dev/null); do
      kill -s "$1" "$pid" 2>/dev/null && count=$((count + 1))
    done
  done
}

signal_all TERM
tries=0
while [ $count -gt 0 ] && [ $tries -lt 10 ]; do
  sleep 0.1 || sleep 1
  signal_all 0
  tries=$((tries + 1))
done
[ $count -gt 0 ] && signal_all KILL

# Links first: a pair is gone at once with one of its ends, with its namespace some time later.
if [ $# -gt 1 ]; then
  ip -n "$bridge" link delete "$2" 2>/dev/null
elif [ -e "$run/namespaces/$bridge" ]; then
  ip link delete culvert0 2>/dev/null
fi

left=
for name in $names; do
  rm -rf "/etc/netns/$name"
  # A name without a namespace is a file: it is left when making one was interrupted.
  [ -e "/run/netns/$name" ] && ip netns delete "$name" 2>/dev/null
  if rm -f "/run/netns/$name"; then
    rm -f "$run/namespaces/$name"
  else
    left="$left $name"
  fi
done

if [ $# -eq 0 ]; then
  [ -d /etc/netns ] && rmdir /etc/netns 2>/dev/null
  # `ip netns add` makes /run/netns a mount of its own. It is busy while anybody's namespace is there.
  if [ -e "$run/made-run-netns" ]; then
    umount /run/netns 2>/dev/null && rmdir /run/netns 2>/dev/null
    rm -f "$run/made-run-netns"
  fi
  rm -rf "$run/compile-cache"
  for path in "$run/checkout" "$run/namespaces" "$run"; do
    [ -d "$path" ] && rmdir "$path" 2>/dev/null
  done
fi

[ -z "$left" ] || {
  echo "cannot remove the network namespaces$left" >&2
  exit 1
}
