# syntax=docker/dockerfile:1
# One image for every role; the command says which: `flows …`, `service …`, `dashboard …` or `prefect …`.
# Any image with Python 3.11 or later and its venv module can be the base; for a reproducible build give one by digest.
ARG BASE_IMAGE=docker.io/library/python:3.13-slim-trixie

# hadolint ignore=DL3006
FROM ${BASE_IMAGE} AS build
WORKDIR /build
# With requirements-runtime-extras.lock for hosts that share an object store, a lake or a cluster.
ARG REQUIREMENTS=requirements-runtime.lock
COPY ${REQUIREMENTS} requirements.lock
# Behind a mirror, give pip's configuration: --secret id=pip.conf,src=pip.conf. It does not stay in the image.
# hadolint ignore=DL3042
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    python3 -m venv /opt/venv \
    && /opt/venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
        --only-binary :all: --no-compile -r requirements.lock \
    && /opt/venv/bin/python -m pip uninstall --quiet --yes pip \
    # The packages' own tests are of no use here and a fifth of the files.
    && rm -r /opt/venv/share /opt/venv/include /opt/venv/lib/python3.*/site-packages/pyarrow/include \
    && find /opt/venv -depth -type d \( -name tests -o -name __pycache__ \) -exec rm -r {} + \
    && /opt/venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv/lib

# hadolint ignore=DL3006
FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="Crédit Express" \
      org.opencontainers.image.description="Scheduled batch credit scoring with data-quality gates"
# Everything that is kept lies in /data. The rest can be mounted read-only, with a tmpfs at /tmp.
RUN groupadd --gid 10001 scoring \
    && useradd --uid 10001 --gid scoring --no-create-home --home-dir /data --shell /usr/sbin/nologin scoring \
    && install --directory --owner=scoring --group=scoring --mode=0750 /data
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY . .
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DO_NOT_TRACK=1 \
    PREFECT_HOME=/data/prefect \
    SCORING_HOME=/data
RUN python -m compileall -q --invalidation-mode unchecked-hash /app
USER 10001:10001
EXPOSE 8000 8501 4200
ENTRYPOINT ["python", "-m"]
CMD ["service", "--host", "0.0.0.0"]
# Of the default role; the other roles' are in docker-compose.yml.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/ready', timeout=4)"]
