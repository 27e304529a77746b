# syntax=docker/dockerfile:1

FROM rust:1.95-bookworm AS build
WORKDIR /source
COPY . .
# The caches keep dependencies between builds; the binary has to leave them to be copied.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --release --locked --bin bedrail \
    && install -D target/release/bedrail /out/usr/local/bin/bedrail \
    && install -d /out/etc/bedrail

# The C library, CA certificates and a user; no shell, no package manager. Debian 12 is what
# `bookworm` above links against.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/etc/bedrail /etc/bedrail
COPY --from=build /out/usr/local/bin/bedrail /usr/local/bin/bedrail

# One arena for all threads: a fleet's values live long, and two threads seldom meet in it.
ENV MALLOC_ARENA_MAX=1
# By number, so that Kubernetes can prove `runAsNonRoot`.
USER 65532:65532
# Manifests are read from /etc/bedrail. Nothing is written: the root filesystem may be read-only.
ENTRYPOINT ["/usr/local/bin/bedrail"]
CMD ["run", "-f", "/etc/bedrail"]
