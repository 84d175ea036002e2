{{- define "milvus.labels" -}}
app.kubernetes.io/name: milvus
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- /* Pods that nobody ever runs: no node has such a label. */ -}}
{{- define "nowhere" -}}
nodeSelector: { nowhere: "true" }
containers: [{ name: main, image: nothing }]
{{- end }}
