# The program with PostgreSQL. docs/ci.md says how it is built and used.
ARG BASE=postgres:15-bookworm
FROM ${BASE}

# Python for the services; what they import is installed by an image made from this one.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git python3 python3-venv \
    && rm -rf /var/lib/apt/lists/* \
    && git config --system --add safe.directory /monorepo

# A wheel of the directory that the image is built from.
COPY *.whl /tmp/wheels/
RUN python3 -m venv /opt/migration-harness \
    && /opt/migration-harness/bin/pip install --no-cache-dir --no-deps /tmp/wheels/*.whl \
    && ln -s /opt/migration-harness/bin/migration-harness /usr/local/bin/ \
    && rm -rf /tmp/wheels

ENV POSTGRES_PROVIDER=local
WORKDIR /monorepo
ENTRYPOINT ["migration-harness"]
CMD ["verify"]
