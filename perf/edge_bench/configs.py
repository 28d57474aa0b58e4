"""The candidates' configuration files as text.

All serve on one process, with the same certificates, TLS 1.2 and 1.3, tickets on, a client certificate demanded and its
name, serial and fingerprint passed on; to the same backend over a Unix socket that is kept open. The peers write no
access log (ours does) and keep connections as long as asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

CONNECTIONS: Final = 9_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a candidate serves and what it finds.

    Attributes:
        folder: of its own, for everything it writes.
        pki: folder of the certificates.
        port: on 127.0.0.1, client certificate demanded.
        site_port: the same without client certificate.
        backend: Unix socket of the HTTP backend.
        user: who runs it.
    """

    folder: Path
    pki: Path
    port: int
    site_port: int
    backend: Path
    user: str


def backend(folder: Path, socket: Path, user: str) -> str:
    """Write an nginx that answers everything with a few bytes, over a Unix socket."""
    return f"""{_nginx_head(folder, user)}
http {{
  {_nginx_common(folder)}
  server {{ listen unix:{socket}; location / {{ default_type text/plain; return 200 "answered\\n"; }} }}
}}
"""


def nginx(place: Place, *, revoked: Path | None = None, rules: Path | None = None) -> str:
    """Write nginx as TLS front end.

    Args:
        place: of this candidate.
        revoked: a revocation list to check.
        rules: the main file of ModSecurity's rules.
    """
    module = "load_module /usr/lib/nginx/modules/ngx_http_modsecurity_module.so;\n" if rules else ""
    firewall = f"modsecurity on; modsecurity_rules_file {rules};" if rules else ""
    crl = f"ssl_crl {revoked};" if revoked else ""
    tls = f"ssl_certificate {place.pki}/server.pem; ssl_certificate_key {place.pki}/server.key;"
    return f"""{module}{_nginx_head(place.folder, place.user)}
http {{
  {_nginx_common(place.folder)}
  {tls} ssl_protocols TLSv1.2 TLSv1.3; ssl_session_tickets on; ssl_session_timeout 1h; {firewall}
  upstream behind {{ server unix:{place.backend}; keepalive 64; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{place.port} ssl backlog=4096;
    ssl_client_certificate {place.pki}/ca.pem; ssl_verify_client on; {crl}
    location / {{ {_nginx_proxy()} }}
  }}
  server {{ listen 127.0.0.1:{place.site_port} ssl backlog=4096; location / {{ {_nginx_proxy()} }} }}
}}
"""


def haproxy(place: Place) -> str:
    """Write HAProxy as TLS front end; its listeners pass over to the next process at a reload."""
    tls = f"ssl crt {place.pki}/server-both.pem ssl-min-ver TLSv1.2 alpn http/1.1"
    return f"""global
  maxconn {CONNECTIONS}
  nbthread 1
  stats socket {place.folder}/admin.sock mode 600 level admin expose-fd listeners
  hard-stop-after 10s
defaults
  mode http
  timeout connect 5s
  timeout client 3600s
  timeout server 60s
  timeout http-request 60s
  timeout http-keep-alive 3600s
frontend unit
  bind 127.0.0.1:{place.port} {tls} ca-file {place.pki}/ca.pem verify required backlog 4096
  http-request set-header X-Client-DN %[ssl_c_s_dn]
  http-request set-header X-Client-Serial %[ssl_c_serial,hex]
  http-request set-header X-Client-Fingerprint %[ssl_c_sha1,hex]
  default_backend behind
frontend site
  bind 127.0.0.1:{place.site_port} {tls} backlog 4096
  default_backend behind
backend behind
  http-reuse always
  server one unix@{place.backend}
"""


def apache(place: Place, *, rules: Path) -> str:
    """Write Apache with mod_security2 as TLS front end, one process with threads."""
    modules = (
        "mpm_event",
        "authn_core",
        "authz_core",
        "unique_id",
        "headers",
        "proxy",
        "proxy_http",
        "ssl",
        "security2",
    )
    loaded = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in modules)
    return f"""ServerRoot {place.folder}
ServerName localhost
PidFile {place.folder}/apache.pid
Mutex file:{place.folder} default
DefaultRuntimeDir {place.folder}
ErrorLog /dev/null
{loaded}
User {place.user}
ServerLimit 1
StartServers 1
ThreadLimit 64
ThreadsPerChild 64
MaxRequestWorkers 64
MinSpareThreads 1
MaxSpareThreads 64
MaxConnectionsPerChild 0
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 300
Include {rules}
Listen 127.0.0.1:{place.port}
<VirtualHost 127.0.0.1:{place.port}>
  SSLEngine on
  SSLCertificateFile {place.pki}/server.pem
  SSLCertificateKeyFile {place.pki}/server.key
  SSLCACertificateFile {place.pki}/ca.pem
  SSLVerifyClient require
  SSLProtocol TLSv1.2 TLSv1.3
  RequestHeader set X-Client-DN "%{{SSL_CLIENT_S_DN}}s"
  ProxyPass "/" "unix:{place.backend}|http://behind/" enablereuse=on
</VirtualHost>
"""


def ferrygate(place: Place, worker: Path, *, rules: str, denied: int) -> str:
    """Write the settings of our edge: its limits on certificates and addresses raised, since few carry the whole load
    (and their offences: a firewall that is measured is given attacks).

    Args:
        place: of this candidate.
        worker: Unix socket of the worker that echoes.
        rules: "off", "own", or a folder of SecLang rules.
        denied: revoked serials it knows from its start.
    """
    return f"""[role]
name = "edge"
log_file = "{place.folder}/edge.log"
open_files = 16384

[edge]
server_key = "{place.pki}/server.key"
server_chain = "{place.pki}/server.pem"
client_issuers = "{place.pki}/ca.pem"
deny_issuers = "{place.pki}/ca.pem"
deny_signers = "{place.pki}/deny.pem"
notices = "{place.folder}/notices"
snapshots = "{place.folder}/snapshots"
listen = "127.0.0.1"
children = 1
unit_port = {place.port}
community_port = 0
person_port = 0
site_port = {place.site_port}
plain_port = 0
connections = {CONNECTIONS}
address_connections = {CONNECTIONS}
certificate_connections = 1000
address_new_per_s = 100000
address_requests_per_s = 1000000
certificate_requests_per_s = 1000000
handshakes = 9000
address_handshakes = 9000
form_bytes = 1048576
idle_s = 3600

[workers]
one = "{worker}"

[static]

[switch]
in_flight = 4096

[intrusion]
bans = "{place.folder}/bans"
certificate_throttle = 999999
certificate_ban = 1000000

[lab]
rules = "{rules}"
denied = {denied}
"""


def _nginx_head(folder: Path, user: str) -> str:
    return f"""daemon off;
worker_processes 1;
user {user};
pid {folder}/nginx.pid;
error_log {folder}/error.log error;
worker_rlimit_nofile 20000;
events {{ worker_connections {CONNECTIONS}; }}
"""


def _nginx_common(folder: Path) -> str:
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    return (
        f"access_log off; {temporary} keepalive_requests 100000000; keepalive_timeout 3600s; client_header_timeout 60s;"
        " client_max_body_size 16m; client_body_buffer_size 256k;"
    )


def _nginx_proxy() -> str:
    headers = {
        "Connection": '""',
        "Host": "$http_host",
        "X-Client-Verify": "$ssl_client_verify",
        "X-Client-DN": "$ssl_client_s_dn",
        "X-Client-Serial": "$ssl_client_serial",
        "X-Client-Fingerprint": "$ssl_client_fingerprint",
    }
    told = " ".join(f"proxy_set_header {name} {value};" for name, value in headers.items())
    return f"proxy_pass http://behind; proxy_http_version 1.1; {told}"
