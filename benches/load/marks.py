"""nginx by itself, which runs no application: the mark for what a server does without Python.

It has one worker, as rwsgi has in these scenes, and everything else as Debian has it, but that
connections are kept for any number of requests, as rwsgi keeps them, and that nothing is logged.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from servers import Server
from session import free_port

if TYPE_CHECKING:
    from launch import Launch
    from options import Options

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
MISSING = "`nginx` is missing: sudo apt-get install nginx-light"
MARKS = {"nginx": "", "nginx-file-cache": "open_file_cache max=1000; open_file_cache_valid 1s;"}
"""What each is told more. The second one keeps files open, which nginx does not by itself."""
SETTINGS = """{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {log};
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000000;
    {http}
}}
"""
ANSWERING = """sendfile on;
    tcp_nopush on;
    server_tokens off;
    types {{ text/css css; }}
    default_type text/plain;
    charset utf-8;
    charset_types text/css;
    {more}
    server {{
        listen 127.0.0.1:{port} {listen};
        {directives}
    }}"""


def mark(name: str, options: Options) -> Server | str:
    """Describe an nginx, or say why there is none."""
    if not Path(NGINX).exists():
        return MISSING
    return Server(
        name=name,
        program=Path(NGINX),
        python=options.site_python,
        make=lambda _: [NGINX, "-e", "stderr"],
        version=version(),
        runs_python=False,
    )


def version() -> str:
    """Return the version that nginx says of itself."""
    said = subprocess.run([NGINX, "-v"], capture_output=True, text=True, timeout=20)
    return said.stderr.strip().rpartition("/")[2] or "unknown"


def settings(folder: Path, log: Path | str, http: str) -> str:
    """Write the settings of an nginx with one worker and all its files in a folder."""
    # Else its worker is somebody who may not use what is below a folder of root's.
    user = "user root;" if os.geteuid() == 0 else ""
    return SETTINGS.format(user=user, folder=folder, log=log, http=http)


def settings_file(server: Server, scene: str, options: Options) -> Path:
    """Say where the settings of an nginx lie for a scene."""
    return options.out / server.name / f"{scene}.conf"


@dataclass(frozen=True)
class Site:
    """What an nginx answers: what its socket is told, and its directives."""

    listen: str
    directives: str


def configured(launch: Launch, server: Server, file: Path, site: Site) -> Launch:
    """Write the settings of an nginx for a free port, which is then where it is launched."""
    address = ("127.0.0.1", free_port())
    file.parent.mkdir(parents=True, exist_ok=True)
    http = ANSWERING.format(
        port=address[1],
        more=MARKS[server.name],
        listen=site.listen,
        directives=site.directives,
    )
    file.write_text(settings(file.parent, "stderr", http))
    return dataclasses.replace(launch, address=address)
