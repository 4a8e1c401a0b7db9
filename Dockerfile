# docker build --build-arg COMMIT=$(git rev-parse --short=12 HEAD) -t anygate .
# docker run -p 80:8080 -v "$PWD":/etc/anygate:ro --security-opt seccomp=deploy/seccomp.json anygate
#
# docs/containers.md says more. What is in the image is put together by packaging/image.sh, which a test runs, too.

FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
ARG TARGETARCH
ARG COMMIT=unknown
WORKDIR /src
COPY . .
RUN packaging/image.sh /image "$TARGETARCH" "$COMMIT"

FROM scratch
COPY --from=build /image/ /
# A directory given in the place of the stage has lost its owners on the way.
COPY --from=build --chown=65532:65532 /image/var/lib/anygate /var/lib/anygate
# By number, so that Kubernetes can tell that it is not root (runAsNonRoot).
USER 65532:65532
WORKDIR /etc/anygate
EXPOSE 8080 8443
HEALTHCHECK --interval=30s --timeout=3s --start-period=5s CMD ["/usr/bin/anygate", "health"]
# What is in flight is finished.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/anygate"]
CMD ["serve"]
