"""The application that gunicorn serves and Celery works for, built from the environment."""

from webapp import create_app
from webapp.settings import Settings
from webapp.sweeper import watch

settings = Settings.from_environment()
app = create_app(settings)
celery = app.extensions["celery"]
watch(app, settings.lease_s)
