"""How gunicorn serves the site."""

from config import lifeline

wsgi_app = "config.wsgi:application"
workers = 2
threads = 4
timeout = 60  # seconds until a worker that hangs is replaced
graceful_timeout = 2  # `up` has ten seconds for everything
worker_tmp_dir = "/dev/shm"  # noqa: S108 - a heartbeat on a slow disk would kill workers that are well
control_socket_disable = True
accesslog = None
proc_name = "stratum"


def post_fork(arbiter: object, worker: object) -> None:
    lifeline.die_with(arbiter.pid)
