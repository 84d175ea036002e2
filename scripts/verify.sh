#!/bin/sh
# Proves on a cluster, step by step, that the agent there does its work: scripts/verify.sh [--keep]
#
# Makes a pod that looks like one of Milvus and crashes by a real signal, follows its crash through the agent, and removes it. Needs kubectl alone.
# Ends with 0 if all seven steps are as they should be; else the last line says what is not, and where to look.
#
#   NAMESPACE        where the agent is                                   (default: that of the kubectl context)
#   CRASH_NAMESPACE  where the pod is to crash                            (default: NAMESPACE)
#   CRASH_IMAGE      its image, which must have a shell                   (default: that of deploy/test-crash-pod.yaml)
#   CRASH_PROGRAM    the program that crashes, linked statically          (default: build/crash-test-program/milvus_crasher, by scripts/build.sh)
#   CRASH_VOLUME     FOLDER:PATH, a folder of the node that pods must have at PATH: where kernel.core_pattern is a path, so do your pods of Milvus
#   NODE             on which node                                        (default: where the scheduler puts it)
#   TIMEOUT          how long to wait in each step, in seconds            (default: 120)
#   KUBECTL          the program, with options if need be                 (default: kubectl)
#
# With --keep the pod and its program stay.
set -eu
cd "$(dirname "$0")/.."
kubectl=${KUBECTL:-kubectl}
timeout=${TIMEOUT:-120}
agent=milvus-coredump-agent
program_map=crash-test-program
# Of a name and an instance of its own each time, so that its crashes are not mistaken for those of an earlier one, nor counted to them.
number=$(date +%s)
pod=test-crash-pod-$number instance=verify-$number
keep=
case ${1:-} in
'') ;;
--keep) keep=yes ;;
*) sed -n '2s/^# //p' scripts/verify.sh >&2 && exit 2 ;;
esac

step=0 what=
# Each step is one line: what it is, and how it went.
begin() { step=$((step + 1)) what=$1 && printf '%d/7 %s … ' "$step" "$what"; }
ok() { echo "ok${1:+ ($1)}"; }
fail() {
	[ "$step" = 0 ] || echo FAILED
	echo "verify: $*" >&2
	exit 1
}
hint() { echo "see $kubectl -n $namespace exec $node_agent -- $agent doctor"; }

# wait_for COMMAND…: until that prints something, which becomes $found. False when the time is up.
wait_for() {
	end=$(($(date +%s) + timeout))
	until found=$("$@") && [ -n "$found" ]; do
		[ "$(date +%s)" -lt "$end" ] || return 1
		sleep 1
	done
}

pod_field() { $kubectl -n "$crash_namespace" get pod "$pod" -o "jsonpath={$1}"; }
report_field() { $kubectl -n "$crash_namespace" get crashreport "$report" -o "jsonpath={$1}"; }
in_agent() { $kubectl -n "$namespace" exec "$node_agent" -- "$@"; }
# What the agent said since the pod was made.
agent_log() { $kubectl -n "$namespace" logs "$node_agent" --since-time "$since" 2>/dev/null; }

command -v "${kubectl%% *}" >/dev/null || fail 'kubectl is missing: https://kubernetes.io/docs/tasks/tools'
namespace=${NAMESPACE:-$($kubectl config view --minify -o 'jsonpath={..namespace}')}
namespace=${namespace:-default}
crash_namespace=${CRASH_NAMESPACE:-$namespace}
$kubectl -n "$namespace" get daemonset "$agent" >/dev/null 2>&1 ||
	fail "no DaemonSet $agent in namespace $namespace: scripts/deploy.sh brings it there; NAMESPACE says where it is"

work=$(mktemp -d)
made=
finish() {
	rm -rf "$work"
	[ -n "$made" ] && [ -z "$keep" ] || return 0
	# shellcheck disable=SC2086 # a list of words
	$kubectl -n "$crash_namespace" delete --ignore-not-found --timeout=60s $made >/dev/null || true
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

crasher=${CRASH_PROGRAM:-build/crash-test-program/milvus_crasher}
if [ -z "${CRASH_PROGRAM:-}" ] && [ ! "$crasher" -nt crasher/milvus_crasher.c ]; then
	command -v musl-gcc >/dev/null || fail "$crasher is not there, or older than its source: scripts/build.sh makes it; or name another by CRASH_PROGRAM"
	crasher=$work/milvus_crasher
	crasher/build-static.sh "$crasher" || fail 'the crash program can not be built'
fi
[ -r "$crasher" ] || fail "$crasher can't be read"

patch=$(printf '{"op": "add", "path": "/metadata/name", "value": "%s"}, {"op": "add", "path": "/metadata/labels/app.kubernetes.io~1instance", "value": "%s"}' "$pod" "$instance")
[ -z "${CRASH_IMAGE:-}" ] || patch=$patch$(printf ', {"op": "add", "path": "/spec/containers/0/image", "value": "%s"}' "$CRASH_IMAGE")
[ -z "${NODE:-}" ] || patch=$patch$(printf ', {"op": "add", "path": "/spec/nodeName", "value": "%s"}' "$NODE")
[ -z "${CRASH_VOLUME:-}" ] || patch=$patch$(printf ', {"op": "add", "path": "/spec/volumes/-", "value": {"name": "cores", "hostPath": {"path": "%s"}}}, {"op": "add", "path": "/spec/containers/0/volumeMounts/-", "value": {"name": "cores", "mountPath": "%s"}}' "${CRASH_VOLUME%%:*}" "${CRASH_VOLUME#*:}")
$kubectl patch --local -f deploy/test-crash-pod.yaml --type json -p "[$patch]" -o yaml >"$work/pod.yaml" || fail 'deploy/test-crash-pod.yaml is not as expected'

since=$(date -u +%Y-%m-%dT%H:%M:%SZ)
if [ -z "$($kubectl -n "$crash_namespace" get configmap "$program_map" --ignore-not-found -o name)" ]; then
	made=configmap/$program_map
	$kubectl -n "$crash_namespace" create configmap "$program_map" --from-file="milvus_crasher=$crasher" >/dev/null || fail "the ConfigMap $program_map can't be made"
fi
made="pod/$pod $made"

begin 'pod crashes'
$kubectl -n "$crash_namespace" create -f "$work/pod.yaml" >/dev/null || fail "the pod can't be made"
crashed() {
	[ "$(pod_field .status.containerStatuses[0].restartCount)" != 0 ] && pod_field .status.containerStatuses[0].lastState.terminated.exitCode
}
wait_for crashed || fail "it does not: $(pod_field '.status.containerStatuses[0].state.waiting.message' || true) (see $kubectl -n $crash_namespace describe pod $pod)"
[ "$found" = 139 ] || fail "it ends with exit code $found, not with 139, which is SIGSEGV: see $kubectl -n $crash_namespace logs $pod --previous"
uid=$(pod_field .metadata.uid) node=$(pod_field .spec.nodeName)
container=$(pod_field .spec.containers[0].name)
ok "exit code 139 on node $node"

begin 'instance and restart discovered'
node_agent=$($kubectl -n "$namespace" get pods -l "app=$agent,app.kubernetes.io/component=node-agent" --field-selector "spec.nodeName=$node" -o name | head -n 1)
[ -n "$node_agent" ] || fail "no agent runs on node $node: see $kubectl -n $namespace describe daemonset $agent"
restart_told() { agent_log | grep -F "container $container of $crash_namespace/$pod ended" | head -n 1; }
wait_for restart_told || fail "the agent on node $node tells of no restart: $(hint)"
of_instance() {
	$kubectl -n "$crash_namespace" get crashreports -o "jsonpath={range .items[?(@.spec.association.podUid==\"$uid\")]}{.spec.association.instance}{\"\\n\"}{end}" | head -n 1
}
wait_for of_instance || fail "there is no CrashReport of pod $pod: $(hint)"
[ "$found" = "$instance" ] || fail "the pod is taken for one of instance $found, and not of $instance: see discovery in the agent's configuration"
ok "$instance"

begin 'core collected and associated'
# An object tells of one crash, or of the last of several that are alike; the first that has a core will do.
with_core() {
	$kubectl -n "$crash_namespace" get crashreports \
		-o "jsonpath={range .items[?(@.spec.association.podUid==\"$uid\")]}{.metadata.name} {.spec.evidence}{\"\\n\"}{end}" |
		grep core | head -n 1 | cut -d ' ' -f 1
}
without_core() {
	$kubectl -n "$crash_namespace" get crashreports \
		-o "jsonpath={range .items[?(@.spec.association.podUid==\"$uid\")]}{.spec.lostCore.reason} {.spec.lostCore.advice}{\"\\n\"}{end}" | head -n 1
}
if ! wait_for with_core; then
	refused=$(agent_log | sed -n "s/.*\"msg\":\"\\(core file can't be read[^\"]*\\)\".*/\\1/p" | head -n 1)
	[ -z "$refused" ] || fail "$refused"
	! agent_log | grep -q 'Found coredump file' || fail "cores come to the agent, but none that it takes for one of pod $pod: $(hint)"
	lost=$(without_core)
	fail "no core of pod $pod comes to the agent${lost:+; $lost}: $(hint)"
fi
report=$found
confidence=$(report_field .spec.association.confidence)
[ "$(report_field .spec.association.pod)" = "$pod" ] || fail "it is taken for one of pod $(report_field .spec.association.pod): $(hint)"
case $confidence in
exact | strong) ok "$confidence, by $(report_field .spec.association.method); pod UID $uid" ;;
*) fail "whose the core is, is not sure: confidence ${confidence:-none}; see $kubectl -n $crash_namespace get crashreport $report -o yaml" ;;
esac

begin 'stack extracted'
analysed() { report_field .spec.score.total; }
wait_for analysed || fail "it is not analysed yet: see $kubectl -n $namespace logs $node_agent"
functions=$(report_field '.spec.threads[0].frames[*].function')
culprit=$(report_field .spec.culprit.function)
if [ -z "$culprit" ]; then
	fail "the program counter alone is known: $(report_field .status.summary.culprit); why: $(report_field .spec.notes)"
fi
ok "culprit $culprit; $(echo "$functions" | wc -w) frames by $(report_field .spec.stack)"

begin 'scored'
core=$(report_field .spec.core.path)
score_line() { agent_log | grep -F "分数计算详情 [$core]" | tail -n 1 | sed 's/.*\(分数计算详情 .*总分: [0-9.]*\).*/\1/'; }
wait_for score_line || fail "the agent's log has no line 分数计算详情 [$core]: log.level must be info or debug in its configuration"
line=$found
total=$(report_field .spec.score.total)
[ "$(printf %.2f "$total")" = "${line##*: }" ] || fail "the log says ${line##*: }, and the report $total"
ok "$line"

begin 'analysed by a model'
opined() { report_field .spec.opinion.is; }
if ! in_agent "$agent" config show | sed -n '/^aiAnalysis:/,/^[a-z]/p' | grep -q '^  enabled: true'; then
	echo 'not configured'
else
	# It is asked once the core is stored.
	if ! wait_for opined; then
		why=$(agent_log | sed -n 's/.*"msg":"\(opinion tries again later\|no AI analysis for now\): \([^"]*\)".*/\2/p' | tail -n 1)
		fail "it is not asked yet, or does not answer${why:+; $why}: $(hint)"
	fi
	[ "$found" = given ] || fail "not available ($(report_field .spec.opinion.reason))"
	ok "$(report_field .spec.opinion.model): $(report_field .spec.opinion.summary)"
fi

begin 'stored and readable'
stored() { report_field .spec.storage.form; }
wait_for stored || fail "it is not stored yet: see $kubectl -n $namespace logs $node_agent"
[ "$found" = full ] || fail "the core is not stored: $(report_field .spec.storage.reason)"
location=$(report_field .spec.storage.location) sha256=$(report_field .spec.storage.sha256)
is=$(in_agent sha256sum "$location" | cut -d ' ' -f 1) || fail "$location can't be read in $node_agent"
[ "$is" = "$sha256" ] || fail "$location has not the SHA-256 that is in the report: $is instead of $sha256"
case $location in *.zst) in_agent zstd -tq "$location" || fail "$location can't be unpacked" ;; esac
in_agent "$agent" show "$(report_field .spec.id)" --json | grep -q "$sha256" || fail "$node_agent does not know the crash $(report_field .spec.id) any more"
ok "$(report_field .spec.storage.name), $(report_field .spec.storage.sizeBytes) bytes, sha256 $sha256"

echo "All is well. The reports stay (instance $instance), and the cores that were stored: $kubectl -n $crash_namespace get crashreports"
