{{- define "milvus.fullname" -}}
{{- contains "milvus" .Release.Name | ternary .Release.Name (printf "%s-milvus" .Release.Name) }}
{{- end }}

{{- /* Those of a pod are the same without what Helm adds. */ -}}
{{- define "milvus.own" -}}
app.kubernetes.io/name: milvus
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "milvus.labels" -}}
{{ include "milvus.own" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- /* Pods that nobody ever runs: no node has such a label. Else, those of one node. */ -}}
{{- define "place" -}}
{{- if .Values.node }}
nodeName: {{ .Values.node }}
{{- else }}
nodeSelector: { nowhere: "true" }
{{- end }}
{{- end }}
