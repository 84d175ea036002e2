# The agent, for amd64 and arm64, in all its roles. scripts/build.sh builds it.
#
# What can be built on any processor is built on the builder's own; only apt, and what it installs, runs on the one that the image is for.

FROM --platform=$BUILDPLATFORM docker.io/library/golang:1.26-bookworm AS helm
ARG TARGETARCH
COPY image/helm/ /src/
RUN GOARCH=$TARGETARCH /src/build.sh /out/helm && go version -m /out/helm >/out/helm.modules

FROM --platform=$BUILDPLATFORM docker.io/library/node:26-bookworm-slim AS bundle
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier
COPY src/ src/
COPY scripts/bundle.ts scripts/
RUN node scripts/bundle.ts /out/app && mv /out/app/packages.json /out/app/licenses.txt /out/

# Of node its debugging symbols are a fifth, and of binutils only c++filt is wanted: the rest assembles and links.
FROM docker.io/library/debian:bookworm-slim AS stripped
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends binutils
COPY --from=docker.io/library/node:26-bookworm-slim /usr/local/bin/node /out/
RUN strip /out/node && cp -L /usr/bin/c++filt /out/

# What is mounted in the folders of another user is closed to an agent that is root without capabilities; docs/reference/rbac.md says why it is mounted at all.
# node needs libatomic1, and c++filt libbinutils. gdb-multiarch does what gdb does, and takes its place. Nothing in the image needs the rights of another user. A machine's id is the machine's own.
FROM docker.io/library/debian:bookworm-slim AS programs
RUN apt-get update && \
	DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends attr gdb-multiarch libatomic1 libbinutils lz4 systemd xz-utils zstd && \
	rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/cache/ldconfig/* /var/log/apt /var/log/*.log /root/.ssh && \
	ln -sf gdb-multiarch /usr/bin/gdb && \
	find / -xdev -type f -perm /6000 -exec chmod a-s {} + && \
	: >/etc/machine-id && \
	install -d -m 0700 -o 65534 -g 65534 /host/run/containerd /host/run/k3s && \
	echo 'milvus-coredump-agent:x:65532:65532::/nonexistent:/usr/sbin/nologin' >>/etc/passwd && \
	echo 'milvus-coredump-agent:x:65532:' >>/etc/group

FROM --platform=$BUILDPLATFORM docker.io/library/node:26-bookworm-slim AS sbom
WORKDIR /src
COPY package.json scripts/sbom.ts ./
COPY --from=bundle /out/packages.json /in/
COPY --from=helm /out/helm.modules /in/
COPY --from=programs /var/lib/dpkg/status /in/
RUN node sbom.ts /in >/sbom.cdx.json

FROM programs
COPY --from=stripped /out/ /usr/local/bin/
COPY --from=helm /out/helm /usr/local/bin/
COPY --from=sbom /sbom.cdx.json /usr/share/doc/milvus-coredump-agent/
COPY LICENSE /usr/share/doc/milvus-coredump-agent/
COPY --from=bundle /out/licenses.txt /usr/share/doc/milvus-coredump-agent/
COPY image/milvus-coredump-agent /usr/local/bin/
COPY --from=bundle /out/app/ /opt/milvus-coredump-agent/
ENTRYPOINT ["/usr/local/bin/milvus-coredump-agent"]
ARG VERSION=
LABEL org.opencontainers.image.title="milvus-coredump-agent" \
	org.opencontainers.image.description="Finds every crash of a Milvus instance, says what crashed and why, and keeps the core dumps worth keeping" \
	org.opencontainers.image.licenses="Apache-2.0" \
	org.opencontainers.image.version="$VERSION"
