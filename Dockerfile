# A watch in a container, without root and with nothing but Python and zeekml.
#
#   docker build -t zeekml .
#   docker run --read-only --tmpfs /tmp --cap-drop ALL --group-add $(stat -c %g /opt/zeek/logs) \
#       -v /opt/zeek/logs:/logs:ro -v zeekml:/var/lib/zeekml zeekml

FROM python:3.11-slim AS build
WORKDIR /src
RUN python -m venv /opt/zeekml
COPY requirements.lock pyproject.toml README.md LICENSE ./
COPY config config
COPY models models
COPY zeek-scripts zeek-scripts
COPY zeekml zeekml
RUN /opt/zeekml/bin/pip install --no-cache-dir --constraint requirements.lock .

FROM python:3.11-slim
RUN groupadd --system --gid 10001 zeekml \
 && useradd --system --uid 10001 --gid zeekml --home-dir /var/lib/zeekml --shell /usr/sbin/nologin zeekml \
 && install -d -o zeekml -g zeekml -m 0750 /var/lib/zeekml
COPY --from=build /opt/zeekml /opt/zeekml
# Scoring is compiled at the first start and kept in the volume.
ENV PATH=/opt/zeekml/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 ZEEKML_CACHE_DIR=/var/lib/zeekml/cache
USER 10001:10001
WORKDIR /var/lib/zeekml
VOLUME /var/lib/zeekml
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s CMD zeekml status >/dev/null || exit 1
ENTRYPOINT ["zeekml"]
CMD ["watch", "/logs", "--out", "/var/lib/zeekml/logs", "--state", "/var/lib/zeekml/state"]
