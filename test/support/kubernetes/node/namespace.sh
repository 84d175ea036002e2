#!/usr/bin/env bash
# namespace.sh FOLDER: runs as the first in a network and a mount namespace of their own, makes them a node's, says "ready" and holds them.
#
# HOST_PATHS: lines of PATH=SOURCE, folders of the machine that are at other places on the node.
set -euo pipefail
folder=$1
# The node's files are the machine's; what is written to them is the node's alone, but for the folder of temporary ones, which tests share with it.
mkdir "$folder/root"
mount -t tmpfs none "$folder/root"
mkdir "$folder"/root/{upper,work,merged}
mount -t overlay -o "lowerdir=/,upperdir=$folder/root/upper,workdir=$folder/root/work" none "$folder/root/merged"
cd "$folder/root/merged"
for place in /proc /sys /dev; do mount --rbind "$place" ".$place"; done
shared=$(dirname "$folder")
mount --bind "$shared" ".$shared"
pivot_root . .
umount -l .
cd /

# Shims and network namespaces of containers are named here, and are not to meet those of another containerd.
mount -t tmpfs none /run
mkdir /run/netns /run/lock
printf '%s\n' "/var/log=$folder/var-log" "/var/lib/containerd=$folder/containerd" "${HOST_PATHS:-}" | while IFS='=' read -r path source; do
	[ -n "$path" ] || continue
	mkdir -p "$path" "$source"
	mount --bind "$source" "$path"
done
# As on a machine with systemd: else a pod can't be shown what is mounted while it runs.
mount --make-rshared /

# The kubelet sets these for the whole machine; it finds them as it wants them, and so leaves them alone.
mkdir "$folder/sys"
shown_as() {
	[ -e "/proc/sys/$1" ] || return 0
	echo "$2" >"$folder/sys/${1//\//.}"
	mount --bind "$folder/sys/${1//\//.}" "/proc/sys/$1"
}
shown_as vm/overcommit_memory 1
shown_as vm/panic_on_oom 0
shown_as kernel/panic 10
shown_as kernel/panic_on_oops 1
shown_as kernel/keys/root_maxkeys 1000000
shown_as kernel/keys/root_maxbytes 25000000

ip link set lo up
ip link add node0 type bridge
ip addr add 10.250.0.1/24 dev node0
ip link set node0 up
echo 1 >/proc/sys/net/ipv4/ip_forward
# The service "kubernetes", for which there is no kube-proxy.
ip addr add 10.96.0.1/32 dev lo
for chain in PREROUTING OUTPUT; do
	iptables -t nat -A "$chain" -d 10.96.0.1/32 -p tcp --dport 443 -j DNAT --to-destination 10.250.0.1:6443
done
echo ready
exec sleep infinity
