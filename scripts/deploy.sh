#!/bin/sh
# Brings the agent into a cluster by the plain manifests in deploy/, or takes it away: scripts/deploy.sh [--delete]
#
# The configuration is configs/config.yaml as it is now. Running it again brings what has changed.
#
#   IMAGE_NAME   the image, with its registry            (default: milvus-coredump-agent)
#   IMAGE_TAG    its tag                                 (default: the version in package.json)
#   NAMESPACE    where the agent is to be; it must exist (default: that of the kubectl context)
#   KUBECTL      the program, with options if need be    (default: kubectl)
#   TIMEOUT      how long to wait for it to be ready     (default: 3m; 0: not at all)
set -eu
cd "$(dirname "$0")/.."
name=milvus-coredump-agent
kubectl=${KUBECTL:-kubectl}
image=${IMAGE_NAME:-$name}:${IMAGE_TAG:-$(sed -n 's/^\t"version": "\(.*\)",$/\1/p' package.json)}

fail() {
	echo "deploy: $*" >&2
	exit 1
}

case ${1:-} in
'' | --delete) ;;
*) sed -n '2s/^# //p' scripts/deploy.sh >&2 && exit 2 ;;
esac
command -v "${kubectl%% *}" >/dev/null || fail "kubectl is missing: https://kubernetes.io/docs/tasks/tools"
namespace=${NAMESPACE:-$($kubectl config view --minify -o 'jsonpath={..namespace}')}
namespace=${namespace:-default}

# kustomize knows where a namespace and an image stand; it says nothing when it finds none, so that is looked at here.
manifests() {
	cp deploy/rbac.yaml deploy/daemonset.yaml configs/config.yaml "$work"
	cat >"$work/kustomization.yaml" <<-YAML
		apiVersion: kustomize.config.k8s.io/v1beta1
		kind: Kustomization
		namespace: "$namespace"
		resources: [rbac.yaml, daemonset.yaml]
		configMapGenerator: [{name: $name, files: [config.yaml]}]
		generatorOptions: {disableNameSuffixHash: true, labels: {app: $name}}
		images: [{name: $name, newName: "${image%:*}", newTag: "${image##*:}"}]
	YAML
	$kubectl kustomize "$work" >"$work/all.yaml"
	# A version that reads as a number is quoted.
	tr -d \" <"$work/all.yaml" | awk -v image="$image" -v namespace="$namespace" '
		$1 == "image:" { images++; if ($2 != image) wrong = $0 }
		$1 == "namespace:" { namespaces++; if ($2 != namespace) wrong = $0 }
		END { if (wrong != "" || images == 0 || namespaces == 0) { print "deploy: not replaced in the manifests: " wrong > "/dev/stderr"; exit 1 } }'
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
manifests

if [ "${1:-}" = --delete ]; then
	$kubectl delete --ignore-not-found -f "$work/all.yaml"
	# The agents made it.
	$kubectl -n "$namespace" delete --ignore-not-found lease "$name-controller"
	cat <<-TEXT

		What stays, and how to remove it:
		- All CrashReports, with their kind:          $kubectl delete -f deploy/crds/
		- On each node, the cores that were stored:   rm -r /data/coredumps
		- On each node, the agent's journal:          rm -r /var/lib/$name
		- Rights by deploy/enforce.yaml, if given:    $kubectl delete -f deploy/enforce.yaml
		The folders are those of the default configuration; nothing else was changed on a node.
	TEXT
	exit
fi

$kubectl get namespace "$namespace" >/dev/null || fail "make the namespace first: $kubectl create namespace $namespace"
$kubectl apply --server-side --force-conflicts -f deploy/crds/
$kubectl apply -f "$work/all.yaml"
case ${TIMEOUT:=3m} in
0*) ;;
*)
	$kubectl -n "$namespace" rollout status "daemonset/$name" --timeout "$TIMEOUT" || {
		$kubectl -n "$namespace" get pods -l "app=$name" -o wide >&2
		fail "it is not ready everywhere; see why: $kubectl -n $namespace describe pods -l app=$name"
	}
	;;
esac
cat <<-TEXT

	$image runs in namespace $namespace. Next:
	  $kubectl -n $namespace get daemonset $name
	  $kubectl -n $namespace exec ds/$name -- $name doctor
	  $kubectl -n $namespace logs -l app=$name -f --max-log-requests 100
	  $kubectl -n $namespace port-forward ds/$name 8080:8080   # curl localhost:8080/metrics
	  $kubectl get crashreports -A
	Nothing of Milvus is removed or changed, unless configs/config.yaml says cleaner.mode: enforce, and deploy/enforce.yaml gives the rights.
	To take it away again: scripts/deploy.sh --delete
TEXT
