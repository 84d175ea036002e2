#!/usr/bin/env bash
# control-plane.sh FOLDER [ADDRESS [NODE…]]: runs etcd, kube-apiserver, kube-controller-manager and kube-scheduler until its standard input ends,
# which it also does when whoever started it dies. The folder and all that is in it goes with them.
#
# Says "ready ADDRESS" once there are roles, a default service account, and FOLDER/admin.conf with all rights. Then each line that it reads is
# something to do with the API server, answered by "done" before the next: start, stop (as a broken machine does), pause and resume (it takes connections and
# does not answer).
#
# Nothing but the API server listens on the network, on port 6443 of ADDRESS: without one, an address of the loopback that no other has, because
# it is made from the id of this process. It stays the same when the API server is started again. NODEs get certificates for a kubelet. OUTSIDE in
# the environment is another address, under which those see it who use admin.conf.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$(cd "$1" && pwd)
address=${2:-127.$(($$ >> 16)).$(($$ >> 8 & 255)).$(($$ & 255))}
nodes=("${@:3}")
server=https://$address:6443
outside=${OUTSIDE:-$address}
programs=$("$here/build.sh" --find kubernetes)
declare -A running=()

finish() {
	[ ${#running[@]} = 0 ] || { kill -KILL "${running[@]}" && wait; } 2>/dev/null
	rm -rf "$folder"
}
trap finish EXIT
mkdir -p "$folder"/{pki,log}
cd "$folder/pki"

# certificate NAME SUBJECT [SUBJECT-ALTERNATIVE-NAMES]
certificate() {
	local key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key")
	openssl req -new "${key[@]}" -subj "$2" 2>/dev/null |
		openssl x509 -req -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 -out "$1.crt" \
			-extfile <(echo 'extendedKeyUsage = clientAuth, serverAuth' && [ -z "${3:-}" ] || echo "subjectAltName = $3") 2>/dev/null
}

# kubeconfig NAME [ADDRESS]: the certificate of that name as a kubeconfig, which needs no other file.
kubeconfig() {
	cat >"../$1.conf" <<-YAML
		apiVersion: v1
		kind: Config
		clusters: [{name: test, cluster: {server: "https://${2:-$address}:6443", certificate-authority-data: $(base64 -w0 ca.crt)}}]
		users: [{name: $1, user: {client-certificate-data: $(base64 -w0 "$1.crt"), client-key-data: $(base64 -w0 "$1.key")}}]
		contexts: [{name: test, context: {cluster: test, user: $1}}]
		current-context: test
	YAML
}

make_identities() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.crt -days 3650 -subj /CN=test 2>/dev/null
	openssl genrsa -out accounts.key 2048 2>/dev/null
	openssl rsa -in accounts.key -pubout -out accounts.pub 2>/dev/null
	local service=DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,IP:10.96.0.1
	certificate apiserver /CN=kube-apiserver "IP:$address,IP:$outside,IP:127.0.0.1,DNS:localhost,$service"
	certificate kubelet-client /O=system:masters/CN=kube-apiserver-kubelet-client
	certificate admin /O=system:masters/CN=admin
	certificate controllers /CN=system:kube-controller-manager
	certificate scheduler /CN=system:kube-scheduler
	local name
	for name in "${nodes[@]}"; do certificate "$name" "/O=system:nodes/CN=system:node:$name" "DNS:$name,IP:127.0.0.1,IP:$address"; done
	for name in controllers scheduler "${nodes[@]}"; do kubeconfig "$name"; done
	kubeconfig admin "$outside"
}

# start NAME COMMAND…: if this process is killed, it goes too.
start() {
	setpriv --pdeathsig KILL "${@:2}" </dev/null >>"$folder/log/$1.log" 2>&1 &
	running[$1]=$!
}

start_etcd() {
	# It wants to tell others an address of the network, but there are no others.
	start etcd "$programs/etcd" --name test --data-dir "$folder/etcd" --unsafe-no-fsync --log-level warn \
		--listen-client-urls "unix://$folder/etcd.sock" --advertise-client-urls http://127.0.0.1:1 --listen-peer-urls "unix://$folder/peer.sock"
}

start_api() {
	start apiserver "$programs/kube-apiserver" --etcd-servers "unix://$folder/etcd.sock" \
		--bind-address "$address" --advertise-address "$address" --secure-port 6443 \
		--tls-cert-file apiserver.crt --tls-private-key-file apiserver.key --client-ca-file ca.crt \
		--kubelet-client-certificate kubelet-client.crt --kubelet-client-key kubelet-client.key --kubelet-preferred-address-types InternalIP \
		--service-account-issuer https://kubernetes.default.svc --service-account-key-file accounts.pub \
		--service-account-signing-key-file accounts.key --service-cluster-ip-range 10.96.0.0/16 \
		--authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction --allow-privileged
}

# At its usual 20 requests a second it would take 10 s until there is a service account. Nodes that tests make up send no heartbeat, and are
# not to be found lost for it.
start_controllers() {
	start controllers "$programs/kube-controller-manager" --kubeconfig ../controllers.conf --secure-port 0 --leader-elect=false \
		--use-service-account-credentials --service-account-private-key-file accounts.key --root-ca-file ca.crt \
		--cluster-signing-cert-file ca.crt --cluster-signing-key-file ca.key --kube-api-qps 500 --kube-api-burst 1000 \
		--node-monitor-grace-period 24h --node-startup-grace-period 24h
}

start_scheduler() {
	start scheduler "$programs/kube-scheduler" --kubeconfig ../scheduler.conf --secure-port 0 --leader-elect=false
}

# until_answered NAME PATH: waits until the API server knows that, for a minute at most, unless NAME ends, or whoever wants all this.
until_answered() {
	local end=$((SECONDS + 60))
	while [ $SECONDS -lt $end ] && kill -0 "${running[$1]}" 2>/dev/null; do
		curl -sf --max-time 5 -o /dev/null --cacert ca.crt --cert admin.crt --key admin.key "$server$2" && return
		! read -rt 0 || exit 1
		sleep 0.05
	done
	{ echo "$1 does not come up; its last lines:" && tail -n 5 "$folder/log/$1.log"; } >&2
	exit 1
}

make_identities
start_etcd
start_api
start_controllers
start_scheduler
until_answered apiserver /readyz
until_answered controllers /api/v1/namespaces/default/serviceaccounts/default
echo "ready $address"

while read -r step; do
	case $step in
	start)
		start_api
		until_answered apiserver /readyz
		;;
	stop)
		kill -KILL "${running[apiserver]}"
		wait "${running[apiserver]}" 2>/dev/null || true
		unset 'running[apiserver]'
		;;
	pause) kill -STOP "${running[apiserver]}" ;;
	resume) kill -CONT "${running[apiserver]}" ;;
	*) echo "no step: $step" >&2 && exit 2 ;;
	esac
	echo 'done'
done
