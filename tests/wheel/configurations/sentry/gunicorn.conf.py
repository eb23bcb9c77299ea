import os

preload_app = True


def post_fork(server, worker):
    """A client that was made before the fork would have no thread to send with."""
    import sentry_sdk

    sentry_sdk.init(
        dsn=os.environ.get("SENTRY_DSN"),
        traces_sample_rate=float(os.environ.get("SENTRY_TRACES", "0.0")),
        environment=os.environ.get("APP_ENV", "production"),
    )
    import demo

    demo.release = sentry_sdk.get_client().options["environment"]
    server.log.info("sentry is initialised in worker %s", worker.age)
