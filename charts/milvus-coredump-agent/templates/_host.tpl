{{/*
What the node agent sees of its node: a list of {name, path, type, isWritable, isFollowed}, as YAML. The reasons are in docs/reference/rbac.md.
What is the node's is below /host, at the path that it has there, and read-only; the agent's own folders are at their own path.

A type is DirectoryOrCreate where the empty folder that it may make is harmless. /var/log/journal is not: once it is there, journald keeps its journal on
disk. So its parent is mounted, which the kubelet has made; what comes to be in it later is seen.

Never here: /run/containerd and /run/crio whole, as a read-only mount does not keep anybody from connecting to the sockets in them; /run/systemd, likewise.
*/}}
{{- define "agent.host" -}}
{{- $config := include "agent.config" . | fromYaml -}}
{{- with .Values.nodeAgent -}}
- { name: state, path: /var/lib/milvus-coredump-agent, isWritable: true }
{{- if eq $config.storage.backend "local" }}
- { name: store, path: {{ $config.storage.localPath | quote }}, isWritable: true }
{{- else if eq $config.storage.backend "nfs" }}
- { name: store, path: {{ $config.storage.nfs.path | quote }}, isWritable: true, isFollowed: true }
{{- end }}
- { name: host-log, path: /host/var/log, type: Directory }
- { name: host-run-log, path: /host/run/log }
{{- range $name, $path := dict "host-cores" $config.collector.coredumpPath "host-journald" $config.collector.journaldPath "host-pod-logs" $config.discovery.podLogsPath }}
{{- $isBelowLog := or (hasPrefix "/host/var/log/" $path) (hasPrefix "/host/run/log/" $path) }}
{{- $isWritable := and (eq $name "host-cores") (eq $config.collector.removeOriginal "afterStored") }}
{{- if and (hasPrefix "/host/" $path) (or $isWritable (not $isBelowLog)) }}
- { name: {{ $name }}, path: {{ $path | quote }}, isWritable: {{ $isWritable }} }
{{- end }}
{{- end }}
{{- if .systemdFiles }}
- { name: host-etc-systemd, path: /host/etc/systemd }
- { name: host-usr-lib-systemd, path: /host/usr/lib/systemd }
{{- end }}
{{- with .containerFiles }}
{{- if .enabled }}
- { name: host-containerd, path: {{ $config.discovery.containerdTasksPath | quote }}, isFollowed: true }
- { name: host-containerd-layers, path: "/host{{ .containerdRoot }}/io.containerd.snapshotter.v1.overlayfs" }
- { name: host-crio, path: {{ $config.discovery.crioStoragePath | quote }} }
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "agent.hostMounts" -}}
{{- include "agent.hostCheck" . -}}
{{- $canBeRecursive := semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version -}}
{{- range include "agent.host" . | fromYamlArray }}
- name: {{ .name }}
  mountPath: {{ .path | quote }}
  {{- if not .isWritable }}
  readOnly: true
  {{- end }}
  {{- if .isFollowed }}
  mountPropagation: HostToContainer
  {{- else if and $canBeRecursive (not .isWritable) }}
  recursiveReadOnly: IfPossible
  {{- end }}
{{- end }}
{{- end }}

{{- define "agent.hostVolumes" -}}
{{- range include "agent.host" . | fromYamlArray }}
- name: {{ .name }}
  hostPath: { path: {{ trimPrefix "/host" .path | quote }}, type: {{ .type | default "DirectoryOrCreate" }} }
{{- end }}
{{- end }}

{{/* The root file system is read-only, so a path that is in no volume is a mistake which only the agent's log would tell. */}}
{{- define "agent.hostCheck" -}}
{{- $config := include "agent.config" . | fromYaml -}}
{{- $mounted := list "/tmp" -}}
{{- range include "agent.host" . | fromYamlArray }}{{ $mounted = append $mounted .path }}{{ end -}}
{{- range .Values.nodeAgent.extraVolumeMounts }}{{ $mounted = append $mounted .mountPath }}{{ end -}}
{{- $paths := dict "journal.path" $config.journal.path "analyzer.scratchPath" $config.analyzer.scratchPath "collector.coredumpPath" $config.collector.coredumpPath -}}
{{- if eq $config.storage.backend "local" }}{{ $_ := set $paths "storage.localPath" $config.storage.localPath }}{{ end -}}
{{- range $key, $path := $paths }}
{{- if not (hasPrefix "/" $path) }}
{{- fail (printf "config.%s is %s: it must begin with /" $key $path) }}
{{- end }}
{{- $isThere := false }}
{{- range $mounted }}{{ if hasPrefix (printf "%s/" (trimSuffix "/" .)) (printf "%s/" $path) }}{{ $isThere = true }}{{ end }}{{ end }}
{{- if not $isThere }}
{{- fail (printf "config.%s is %s, which no volume of the pod holds: begin it with /host to name a folder of the node, or mount one by nodeAgent.extraVolumes and extraVolumeMounts" $key $path) }}
{{- end }}
{{- end }}
{{- end }}
