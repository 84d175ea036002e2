#!/usr/bin/env bash
# real-node.sh FOLDER: runs a control plane and a node whose pods truly run, until its standard input ends, which it also does when whoever started
# it dies. The folder, whose path must be short, goes with them. Needs root, and cgroups of version 1.
#
# Speaks as control-plane.sh does; the address that it tells leads into the node's network. Containers are kept by a containerd of its own, whose
# socket is FOLDER/containerd.sock, and log to FOLDER/var-log/pods. The node, node-1, has a network and a mount namespace, which belong to the process that
# FOLDER/namespace names, and a cgroup in each hierarchy; its processes have the machine's ids, so that what the kernel says of a crash in it is true
# outside. No setting of the kernel is changed. Inside, containerd and the kubelet have their files where they have them on any node, on the machine in
# FOLDER; HOST_PATHS puts others there, see namespace.sh.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$(cd "$1" && pwd)
outside=127.$(($$ >> 16)).$(($$ >> 8 & 255)).$(($$ & 255))
group=milvus-coredump-agent-test-$$
declare -A running=()
programs=$("$here/build.sh" --find kubernetes)
for plugins in /usr/lib/cni /opt/cni/bin; do [ ! -e "$plugins/bridge" ] || break; done

# Ends all that is in a node's cgroups, and them. Its mounts and interfaces go with its namespaces.
remove_groups() {
	local hierarchy left
	for _ in $(seq 200); do
		left=$(find "/sys/fs/cgroup/pids/$1" -name cgroup.procs -exec cat {} + 2>/dev/null) || true
		# shellcheck disable=SC2086 # a list of ids
		[ -z "$left" ] || kill -KILL $left 2>/dev/null || true
		for hierarchy in /sys/fs/cgroup/*/; do
			[ ! -d "$hierarchy$1" ] || find "$hierarchy$1" -depth -type d -exec rmdir {} + 2>/dev/null || true
		done
		compgen -G "/sys/fs/cgroup/*/$1" >/dev/null || return 0
		sleep 0.05
	done
	echo "cgroups of the node are left: $1" >&2
}

finish() {
	# What is in the cgroups is ended without being named one by one, and the shell is not to tell of it.
	exec 2>/dev/null
	remove_groups "$group"
	rm -rf "$folder"
}

# Those of a node whose keeper was killed.
for left in /sys/fs/cgroup/pids/milvus-coredump-agent-test-*; do
	[ ! -d "$left" ] || [ -d "/proc/${left##*-}" ] || remove_groups "${left##*/}"
done
trap finish EXIT

for hierarchy in /sys/fs/cgroup/*/; do
	[ "$hierarchy" != /sys/fs/cgroup/unified/ ] || continue
	mkdir -p "$hierarchy$group/system"
	[ -e "${hierarchy}cpuset.cpus" ] || continue
	for file in cpuset.cpus cpuset.mems; do
		cat "$hierarchy$file" >"$hierarchy$group/$file"
		cat "$hierarchy$file" >"$hierarchy$group/system/$file"
	done
done

# start NAME COMMAND…: in the node's cgroups. If this process is killed, it goes too.
start() {
	{
		for hierarchy in /sys/fs/cgroup/*/; do
			[ ! -d "$hierarchy$group/system" ] || echo "$BASHPID" >"$hierarchy$group/system/cgroup.procs"
		done
		exec setpriv --pdeathsig KILL "${@:2}" </dev/null >"$folder/log/$1.log" 2>&1
	} &
	running[$1]=$!
}

# until_true NAME COMMAND…: waits for that, for a minute at most, unless NAME ends, or whoever wants the node.
until_true() {
	local end=$((SECONDS + 60))
	while [ $SECONDS -lt $end ] && kill -0 "${running[$1]}" 2>/dev/null; do
		"${@:2}" >/dev/null 2>&1 && return
		! read -rt 0 || exit 1
		sleep 0.05
	done
	{ echo "$1 does not come up; its last lines:" && tail -n 5 "$folder/log/$1.log"; } >&2
	exit 1
}

mkdir -p "$folder"/{log,var-log/pods,cni,control-plane,image}
start namespace unshare --net --mount --propagation private "$here/node/namespace.sh" "$folder"
namespace=${running[namespace]}
until_true namespace grep -qx ready "$folder/log/namespace.log"
inside=(nsenter --net --mount --target "$namespace")
echo "$namespace" >"$folder/namespace"

cat >"$folder/cni/10-pods.conflist" <<JSON
{
	"cniVersion": "1.0.0",
	"name": "pods",
	"plugins": [
		{
			"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true, "hairpinMode": true,
			"ipam": {
				"type": "host-local", "dataDir": "$folder/cni/addresses",
				"ranges": [[{"subnet": "10.244.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]
			}
		},
		{"type": "portmap", "capabilities": {"portMappings": true}}
	]
}
JSON
cat >"$folder/containerd.toml" <<TOML
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
[grpc]
  address = "$folder/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
  disable_tcp_service = true
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$plugins"
    conf_dir = "$folder/cni"
TOML
# Containers inherit its limits: as its unit for systemd has it, their cores are of any size.
ulimit -c unlimited
start containerd "${inside[@]}" containerd --config "$folder/containerd.toml"
gcc -static -Os -s -o "$folder/image/pause" "$here/node/pause.c"
"$here/node/image.sh" localhost/pause:1 "$folder/image" "$folder/pause.tar" /pause
until_true containerd ctr -a "$folder/containerd.sock" version
ctr -a "$folder/containerd.sock" -n k8s.io images import "$folder/pause.tar" >/dev/null

coproc plane {
	for hierarchy in /sys/fs/cgroup/*/; do
		[ ! -d "$hierarchy$group/system" ] || echo "$BASHPID" >"$hierarchy$group/system/cgroup.procs"
	done
	OUTSIDE=$outside exec "${inside[@]}" "$here/control-plane.sh" "$folder/control-plane" 10.250.0.1 node-1
}
answers=${plane[0]} steps=${plane[1]}
read -r answer <&"$answers" || exit 1

start forward-in "${inside[@]}" "${NODE:-node}" "$here/node/forward.ts" "$folder/api.sock" 10.250.0.1:6443
start forward-out "${NODE:-node}" "$here/node/forward.ts" "$outside:6443" "$folder/api.sock"
touch "$folder/resolv.conf"
most_files=$(ulimit -Hn)
[ "$most_files" != unlimited ] && [ "$most_files" -lt 1000000 ] || most_files=1000000
pki=$folder/control-plane/pki
# Without these it would need rights, or a machine, that a test may not have: it refuses cgroups of version 1, swap, and a nearly full disk.
cat >"$folder/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $pki/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: $pki/node-1.crt
tlsPrivateKeyFile: $pki/node-1.key
containerRuntimeEndpoint: unix://$folder/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /$group
failCgroupV1: false
failSwapOn: false
oomScoreAdj: 0
maxOpenFiles: $most_files
volumePluginDir: $folder/kubelet-plugins
resolvConf: $folder/resolv.conf
evictionHard: {memory.available: "0%", nodefs.available: "0%", nodefs.inodesFree: "0%", imagefs.available: "0%", imagefs.inodesFree: "0%"}
imageGCHighThresholdPercent: 100
# A loop of crashes takes seconds, and not the usual 10 s to 5 min between two.
crashLoopBackOff: {maxContainerRestartPeriod: 2s}
YAML
start kubelet "${inside[@]}" "$programs/kubelet" --config "$folder/kubelet.yaml" --kubeconfig "$folder/control-plane/node-1.conf" \
	--root-dir "$folder/kubelet" --hostname-override node-1 --node-ip 10.250.0.1 --v 2
kubectl=("$programs/kubectl" --kubeconfig "$folder/control-plane/admin.conf")
until_true forward-out "${kubectl[@]}" get --raw /readyz
until_true kubelet bash -c '"$@" | grep -q "KubeletReady=True"' - "${kubectl[@]}" get node node-1 \
	-o 'jsonpath={range .status.conditions[?(@.type=="Ready")]}{.reason}={.status}{end}'
echo "ready $outside"

while read -r step; do
	echo "$step" >&"$steps"
	read -r answer <&"$answers" || exit 1
	echo "$answer"
done
