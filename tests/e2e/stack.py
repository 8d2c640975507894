"""A private mail server on loopback: Postfix, amavisd-new with SpamAssassin, ClamAV with a signature of our own, postgrey,
a server that takes what is sent, and a syslog daemon that writes it all to one log.  Needs root: each server has a mount
namespace of its own, in which /dev/log is ours.
"""

import contextlib
import os
import pwd
import shutil
import smtplib
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.programs import require

DEV_LOG = Path("/dev/log")
PASSWORD = "secret"
EICAR = r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"

MAIN_CF = """
compatibility_level = 3.6
queue_directory = {spool}
data_directory = {data}
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.example.test
mydestination =
mynetworks = 192.0.2.0/24
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_peername_lookup = no
disable_dns_lookups = yes
smtp_host_lookup = native
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
local_recipient_maps =
alias_maps =
alias_database =
relay_domains = sink.test down.test
transport_maps = inline:{{ {{ sink.test = smtp:[127.0.0.1]:{sink} }} {{ down.test = smtp:[127.0.0.1]:{closed} }} }}
virtual_mailbox_domains = example.test
virtual_mailbox_maps = inline:{{ mail@example.test=mail/ }}
virtual_mailbox_base = {mailboxes}
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
cyrus_sasl_config_path = {etc}/sasl
smtpd_sasl_local_domain = example.test
maillog_file =
"""

SERVICES = """
127.0.0.1:{plain} inet n - n - - smtpd
127.0.0.1:{filtered} inet n - n - - smtpd
  -o content_filter=smtp-amavis:[127.0.0.1]:{amavis}
127.0.0.1:{greylisting} inet n - n - - smtpd
  -o smtpd_recipient_restrictions=reject_unauth_destination,check_policy_service,inet:127.0.0.1:{postgrey}
127.0.0.1:{submission} inet n - n - - smtpd
  -o syslog_name=postfix/submission
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_client_restrictions=permit_sasl_authenticated,reject
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
smtp-amavis unix - - n - 2 smtp
  -o smtp_send_xforward_command=yes
127.0.0.1:{reinjected} inet n - n - - smtpd
  -o content_filter=
  -o mynetworks=127.0.0.0/8
  -o smtpd_relay_restrictions=permit_mynetworks,reject
  -o smtpd_authorized_xforward_hosts=127.0.0.0/8
"""

AMAVISD_CONF = r"""
use strict;
$daemon_user = 'amavis'; $daemon_group = 'amavis';
$MYHOME = '{directory}/amavis'; $TEMPBASE = $MYHOME; $db_home = "$MYHOME/db"; $QUARANTINEDIR = "$MYHOME/quarantine";
$helpers_home = $MYHOME; $pid_file = "$MYHOME/amavisd.pid"; $lock_file = "$MYHOME/amavisd.lock"; $ENV{{TMPDIR}} = $TEMPBASE;
$mydomain = 'example.test'; $myhostname = 'mx.example.test'; @local_domains_acl = ('.example.test', '.sink.test');
$max_servers = 1; $unix_socketname = undef; $inet_socket_bind = '127.0.0.1'; $inet_socket_port = [{amavis}];
@inet_acl = qw(127.0.0.1); @mynetworks = qw(192.0.2.0/24); $enable_dkim_verification = 0;
$sa_local_tests_only = 1; $virus_admin = undef; $forward_method = 'smtp:[127.0.0.1]:{reinjected}';
$notify_method = $forward_method; @bypass_virus_checks_maps = (0); @bypass_spam_checks_maps = (0);
@av_scanners = (['ClamAV', \&ask_daemon, ["CONTSCAN {{}}\n", '{directory}/clamav/socket'], qr/\bOK$/m, qr/\bFOUND$/m,
    qr/^.*?: (?!Infected Archive)(.*) FOUND$/m]);
@av_scanners_backup = ();
1;
"""

CLAMD_CONF = """
LocalSocket {directory}/clamav/socket
LocalSocketMode 666
DatabaseDirectory {directory}/clamav/db
OfficialDatabaseOnly no
TemporaryDirectory {directory}/clamav
User root
Foreground yes
"""

AMAVIS_CONF_D = (
    "01-debian",
    "05-domain_id",
    "05-node_id",
    "15-av_scanners",
    "15-content_filter_mode",
    "20-debian_defaults",
    "25-amavis_helpers",
    "30-template_localization",
)


def wait_for(what: str, condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.05)


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


class _Sink(socketserver.StreamRequestHandler):
    """A server that takes every message."""

    def handle(self) -> None:
        self.wfile.write(b"220 sink.test ESMTP\r\n")
        for line in self.rfile:
            verb = line[:4].upper().strip()
            if verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                while self.rfile.readline() not in (b".\r\n", b""):
                    pass
                self.wfile.write(b"250 2.0.0 Ok: queued as SINK1\r\n")
            elif verb == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 ok\r\n")


class _Syslog(threading.Thread):
    """What programs say to /dev/log, as lines of a log with RFC 3339 stamps."""

    def __init__(self, path: Path, log: Path) -> None:
        super().__init__(daemon=True)
        self._path = path
        self._log = log
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        path.chmod(0o666)

    def run(self) -> None:
        with self._log.open("ab", buffering=0) as log:
            while message := self._socket.recv(65536):
                text = message.partition(b">")[2][len("Nov  5 06:07:08 ") :].rstrip(b"\0\n")
                stamp = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
                log.write(b"%b mail %b\n" % (stamp.encode(), text))

    def close(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
            client.sendto(b"", str(self._path))
        self.join()
        self._socket.close()


class Stack:
    """The servers, running; ``log`` is their log, and ``ports`` are what they listen on."""

    def __init__(self, directory: Path, running: contextlib.ExitStack) -> None:
        self.directory = directory
        self.log = directory / "mail.log"
        self._running = running
        self.ports = self._free_ports()
        self._start_syslog()
        self._start_sink()
        self._start_clamd()
        self._start_amavisd()
        self._start_postgrey()
        self._start_postfix()

    def _free_ports(self) -> dict[str, int]:
        names = ("plain", "filtered", "greylisting", "submission", "reinjected", "amavis", "postgrey", "sink", "closed")
        with contextlib.ExitStack() as taken:
            sockets = [taken.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in names]
            return {name: one.getsockname()[1] for name, one in zip(names, sockets, strict=True)}

    def _values(self) -> dict[str, object]:
        return {**self.ports, "directory": self.directory}

    def _run(self, *command: str | Path) -> None:
        output = self._running.enter_context((self.directory / f"{Path(command[0]).name}.out").open("wb"))
        apart = self._apart(*command)
        process = subprocess.Popen(apart, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=self.directory)
        self._running.callback(process.wait)
        self._running.callback(process.terminate)

    def _apart(self, *command: str | Path) -> list[str | Path]:
        """The command in a mount namespace in which /dev/log is our socket."""
        script = f'mount --bind "$0" {DEV_LOG} && exec "$@"'
        return [require("unshare"), "--mount", "sh", "-c", script, self._dev_log, *command]

    def _start_syslog(self) -> None:
        if not DEV_LOG.exists():  # where nobody has a syslog daemon; something must be there to mount on
            DEV_LOG.touch()
            self._running.callback(DEV_LOG.unlink)
        self._dev_log = self.directory / "dev-log"
        syslog = _Syslog(self._dev_log, self.log)
        syslog.start()
        self._running.callback(syslog.close)

    def _start_sink(self) -> None:
        sink = socketserver.ThreadingTCPServer(("127.0.0.1", self.ports["sink"]), _Sink)
        sink.daemon_threads = True
        threading.Thread(target=sink.serve_forever, daemon=True).start()
        self._running.callback(sink.server_close)
        self._running.callback(sink.shutdown)

    def _start_clamd(self) -> None:
        database = self.directory / "clamav/db"
        database.mkdir(parents=True)
        (database / "test.ndb").write_text(f"Eicar-Test-Signature:0:*:{EICAR.encode().hex()}\n")
        configuration = self.directory / "clamd.conf"
        configuration.write_text(CLAMD_CONF.format(**self._values()))
        self._run(require("clamd"), "-c", configuration)
        wait_for("clamd's socket", (self.directory / "clamav/socket").exists)

    def _start_amavisd(self) -> None:
        for name in ("amavis/db", "amavis/quarantine"):
            (self.directory / name).mkdir(parents=True)
        for path in (self.directory / "amavis").rglob("*"):
            shutil.chown(path, "amavis", "amavis")
        shutil.chown(self.directory / "amavis", "amavis", "amavis")
        configuration = self.directory / "amavisd.conf"
        configuration.write_text(AMAVISD_CONF.format(**self._values()))
        given = [part for name in AMAVIS_CONF_D for part in ("-c", f"/etc/amavis/conf.d/{name}")]
        self._run(require("amavisd"), *given, "-c", configuration, "foreground")
        wait_for("amavisd", lambda: listens(self.ports["amavis"]))

    def _start_postgrey(self) -> None:
        database = self.directory / "postgrey"
        database.mkdir()
        shutil.chown(database, "postgrey", "postgrey")
        inet, pid_file = f"127.0.0.1:{self.ports['postgrey']}", self.directory / "postgrey.pid"
        options = ("--daemonize", f"--pidfile={pid_file}", f"--inet={inet}", "--delay=1", f"--dbdir={database}")
        command = self._apart(require("postgrey"), *options, "--user=postgrey", "--group=postgrey")
        subprocess.run(command, check=True)
        wait_for("postgrey", lambda: listens(self.ports["postgrey"]))
        self._running.callback(lambda: os.kill(int(pid_file.read_text()), 15))

    def _start_postfix(self) -> None:
        etc = self.directory / "postfix"
        for name in ("postfix/sasl", "spool", "data", "mailboxes"):
            (self.directory / name).mkdir(parents=True)
        shutil.chown(self.directory / "data", "postfix")
        os.chown(self.directory / "mailboxes", 65534, 65534)
        paths = {name: self.directory / name for name in ("spool", "data", "mailboxes")}
        (etc / "main.cf").write_text(MAIN_CF.format(etc=etc, **paths, **self._values()))
        (etc / "master.cf").write_text(self._stock_services() + SERVICES.format(**self._values()))
        users = etc / "sasl/users"
        (etc / "sasl/smtpd.conf").write_text(
            f"pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN\nsasldb_path: {users}\n"
        )
        command = [require("saslpasswd2"), "-p", "-c", "-f", users, "-u", "example.test", "anna"]
        subprocess.run(command, input=PASSWORD.encode(), check=True)
        os.chown(users, pwd.getpwnam("postfix").pw_uid, -1)
        postfix = [require("postfix"), "-c", etc]
        subprocess.run(self._apart(*postfix, "start"), check=True, capture_output=True)
        self._running.callback(lambda: subprocess.run([*postfix, "stop"], check=True, capture_output=True))
        wait_for("postfix", lambda: listens(self.ports["submission"]))

    def _stock_services(self) -> str:
        """Debian's services without the one on port 25, and not in a chroot."""
        lines = Path("/usr/share/postfix/master.cf.dist").read_text().splitlines()
        services = [line.split() for line in lines if line and line[0] not in "# "]
        kept = [row for row in services if row[1].startswith("unix")]
        return "".join(" ".join([*row[:4], "n", *row[5:]]) + "\n" for row in kept)

    def client(self, port: str) -> smtplib.SMTP:
        return smtplib.SMTP("127.0.0.1", self.ports[port], local_hostname="client.example")


@contextlib.contextmanager
def running(directory: Path) -> Iterator[Stack]:
    require("postfix")
    require("amavisd")
    require("clamd")
    require("postgrey")
    require("saslpasswd2")
    if os.geteuid() != 0:
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse("a private mail server needs root")
    with contextlib.ExitStack() as stack:
        yield Stack(directory, stack)
