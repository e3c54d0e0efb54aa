# One image for web, worker and beat; compose.yaml shows how each is started.
FROM python:3.11-slim-bookworm AS build

RUN python -m venv /venv
COPY requirements.txt .
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt

FROM python:3.11-slim-bookworm

ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1
COPY --from=build /venv /venv
WORKDIR /app
COPY manage.py ./
COPY config config
COPY servicenow_auth servicenow_auth
COPY handoff handoff
COPY templates templates
# Keys of the moment: collecting files seals and signs nothing.
RUN key=$(head -c 32 /dev/urandom | base64 | tr '+/' '-_') \
    && SECRET_KEY=$key FIELD_ENCRYPTION_KEYS=$key python manage.py collectstatic --noinput \
    && useradd --system --no-create-home --uid 10001 handoff

USER handoff
EXPOSE 8000
CMD ["sh", "-c", "exec granian --interface wsgi --host 0.0.0.0 --port 8000 --workers ${WEB_PROCESSES:-2} --blocking-threads ${WEB_THREADS:-16} config.wsgi:application"]
