# The server and its worker in one image. For PostgreSQL of its own it needs nothing else; with
# DATABASE_URL it uses yours.
FROM python:3.12-slim AS build

RUN python -m venv /opt/reelgraph
ENV PATH=/opt/reelgraph/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src

# First what seldom changes, so that a change of ours builds in seconds.
COPY requirements/run.txt requirements/
RUN pip install --require-hashes --requirement requirements/run.txt
COPY . .
RUN pip install --no-deps --no-build-isolation .

FROM python:3.12-slim

# PostgreSQL refuses to run as root, and so does Reelgraph's image.
RUN useradd --create-home --uid 10001 reelgraph \
    && install --directory --owner reelgraph --group reelgraph --mode 0700 /data
COPY --from=build /opt/reelgraph /opt/reelgraph
ENV PATH=/opt/reelgraph/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    REELGRAPH_DATA_DIR=/data \
    REELGRAPH_HOST=0.0.0.0
USER reelgraph
WORKDIR /home/reelgraph
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ.get('REELGRAPH_PORT', '8000')}/health\", timeout=4)"]
ENTRYPOINT ["reelgraph"]
CMD ["serve"]
