# The engine image: `reenact` and nothing else. Built by docker-compose.yml; see docs/operations.md.
ARG PYTHON=3.11-slim-bookworm

FROM python:${PYTHON} AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY adapters adapters
COPY domain domain
COPY projections projections
COPY reenact reenact
RUN python -m pip wheel --no-cache-dir --disable-pip-version-check --no-deps --wheel-dir /wheels .

FROM python:${PYTHON}
COPY requirements.lock /tmp/requirements.lock
COPY --from=build /wheels /tmp/wheels
RUN python -m pip install --no-cache-dir --disable-pip-version-check -c /tmp/requirements.lock /tmp/wheels/*.whl \
    && rm -r /tmp/wheels /tmp/requirements.lock \
    && useradd --system --uid 10001 --home-dir /var/lib/reenact --create-home --shell /usr/sbin/nologin reenact
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001
WORKDIR /var/lib/reenact
VOLUME /var/lib/reenact
# What Ctrl-C sends: the command ends with one sentence, and what was committed is kept.
STOPSIGNAL SIGINT
ENTRYPOINT ["reenact"]
CMD ["--help"]
