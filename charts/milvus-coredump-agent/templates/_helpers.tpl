{{/* One for each cluster: its ClusterRoles and its folders on the nodes have no other name either. */}}
{{- define "agent.name" -}}
milvus-coredump-agent
{{- end }}

{{- define "agent.controllerName" -}}
milvus-coredump-agent-controller
{{- end }}

{{/* As in src/domain/rights.ts. */}}
{{- define "agent.opinionsName" -}}
milvus-coredump-agent-opinions
{{- end }}

{{/* The configuration as it will be in force, to which the pods are made: YAML. */}}
{{- define "agent.config" -}}
{{ mergeOverwrite (.Files.Get "files/defaults.yaml" | fromYaml) .Values.config | toYaml }}
{{- end }}

{{- define "agent.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Labels by which pods are selected. They never change. Context: the component. */}}
{{- define "agent.selector" -}}
app: {{ include "agent.name" . }}
app.kubernetes.io/component: {{ . }}
{{- end }}

{{- define "agent.labels" -}}
app: {{ include "agent.name" . }}
app.kubernetes.io/name: {{ include "agent.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Labels and annotations of an object. Context: [root, component or ""] */}}
{{- define "agent.metadata" -}}
{{- $root := index . 0 -}}
labels:
  {{- include "agent.labels" $root | nindent 2 }}
  {{- with index . 1 }}
  app.kubernetes.io/component: {{ . }}
  {{- end }}
{{- with $root.Values.annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Rules of a role, each with its reason. Context: [root, key in files/rights.yaml, and if need be a further one within that] */}}
{{- define "agent.rules" -}}
{{- $rights := (index . 0).Files.Get "files/rights.yaml" | fromYaml -}}
{{- range rest . }}{{ $rights = get $rights . }}{{ end -}}
{{- $before := "" }}
{{- range $rights }}
{{- if ne .purpose $before }}
# {{ .purpose }}
{{- end }}
{{- $before = .purpose }}
{{- with .rule }}
- apiGroups: {{ .apiGroups | toJson }}
  resources: {{ .resources | toJson }}
  {{- with .resourceNames }}
  resourceNames: {{ . | toJson }}
  {{- end }}
  verbs: {{ .verbs | toJson }}
{{- end }}
{{- end }}
{{- end }}

{{/* What a role is bound to. Context: [root, name of the service account] */}}
{{- define "agent.subjects" -}}
- kind: ServiceAccount
  name: {{ index . 1 }}
  namespace: {{ (index . 0).Release.Namespace }}
{{- end }}

{{/* Where one finds, within the agent's pod, what the configuration and its credentials are. Context: [root, component] */}}
{{- define "agent.environment" -}}
{{- $root := index . 0 -}}
- name: NODE_NAME
  valueFrom: { fieldRef: { fieldPath: spec.nodeName } }
- name: POD_NAME
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- name: POD_NAMESPACE
  valueFrom: { fieldRef: { fieldPath: metadata.namespace } }
- name: MILVUS_COREDUMP_AGENT_CONFIG
  value: /etc/milvus-coredump-agent/config.yaml
{{- with index . 1 }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "agent.ports" -}}
{{- $monitor := (include "agent.config" . | fromYaml).monitor -}}
{{- if not (and $monitor.healthPort $monitor.metricsPort) }}
{{- fail "config.monitor.metricsPort and healthPort must be real ports, as probes and Prometheus ask for them: not 0" }}
{{- end -}}
{{- if $monitor.prometheusEnabled }}
- { name: metrics, containerPort: {{ $monitor.metricsPort }} }
{{- end }}
- { name: health, containerPort: {{ $monitor.healthPort }} }
{{- end }}

{{- define "agent.probes" -}}
startupProbe:
  httpGet: { path: /healthz, port: health }
  periodSeconds: 2
  timeoutSeconds: 5
  failureThreshold: 60
livenessProbe:
  httpGet: { path: /healthz, port: health }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: { path: /readyz, port: health }
  periodSeconds: 10
  timeoutSeconds: 5
{{- end }}

{{/* Mounts and volumes that both workloads have. */}}
{{- define "agent.mounts" -}}
# A folder, not a file: only so does a change arrive.
- { name: config, mountPath: /etc/milvus-coredump-agent, readOnly: true }
- { name: tmp, mountPath: /tmp }
{{- if .Values.secrets.files }}
- { name: secrets, mountPath: /run/secrets/milvus-coredump-agent, readOnly: true }
{{- end }}
{{- end }}

{{- define "agent.volumes" -}}
- name: config
  configMap: { name: {{ include "agent.name" . }} }
- name: tmp
  emptyDir: { sizeLimit: 1Gi }
{{- with .Values.secrets.files }}
- name: secrets
  secret: { secretName: {{ . }}, defaultMode: 0400 }
{{- end }}
{{- end }}

{{- define "agent.envFrom" -}}
{{- with .Values.secrets.environment }}
envFrom:
  - secretRef: { name: {{ . }} }
{{- end }}
{{- end }}

{{/* What only some pods have. Context: [root, values of the workload] */}}
{{- define "agent.placement" -}}
{{- with (index . 0).Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with index . 1 }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}

{{/* The namespaces in which instances may be removed: a list, as YAML. */}}
{{- define "agent.enforcedNamespaces" -}}
{{- $cleaner := (include "agent.config" . | fromYaml).cleaner -}}
{{- ternary $cleaner.namespaces list (and $cleaner.enabled (eq $cleaner.mode "enforce")) | uniq | toYaml -}}
{{- end }}

{{/* A role in one namespace, for the controller. Context: {root, name, namespace, account, rules} */}}
{{- define "agent.grant" }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ include "agent.name" . }}-{{ .name }}
  namespace: {{ .namespace }}
  {{- include "agent.metadata" (list .root "controller") | nindent 2 }}
rules:
  {{- .rules | trim | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ include "agent.name" . }}-{{ .name }}
  namespace: {{ .namespace }}
  {{- include "agent.metadata" (list .root "controller") | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ include "agent.name" . }}-{{ .name }}
subjects:
  {{- include "agent.subjects" (list .root .account) | nindent 2 }}
{{- end }}
