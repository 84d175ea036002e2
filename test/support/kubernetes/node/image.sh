#!/usr/bin/env bash
# image.sh NAME FOLDER OUT.tar [ENTRYPOINT…]: packs a folder as an image of one layer, in the form that `docker save` writes and containerd imports.
set -euo pipefail
name=$1 folder=$2 out=$3
shift 3
part=$(mktemp -d)
trap 'rm -rf "$part"' EXIT
tar -C "$folder" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -cf "$part/layer.tar" .
layer=$(sha256sum "$part/layer.tar" | cut -d' ' -f1)
entrypoint=$([ $# = 0 ] || printf ',"%s"' "$@")
case $(uname -m) in aarch64) architecture=arm64 ;; *) architecture=amd64 ;; esac
cat >"$part/config.json" <<-JSON
	{
		"architecture": "$architecture",
		"os": "linux",
		"config": {"Entrypoint": [${entrypoint#,}], "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]},
		"rootfs": {"type": "layers", "diff_ids": ["sha256:$layer"]},
		"history": [{"created": "1970-01-01T00:00:00Z"}]
	}
JSON
echo "[{\"Config\": \"config.json\", \"RepoTags\": [\"$name\"], \"Layers\": [\"layer.tar\"]}]" >"$part/manifest.json"
tar -C "$part" -cf "$out" manifest.json config.json layer.tar
