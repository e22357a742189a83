"""A real Apache Kafka for tests: one broker or several, to be stopped, killed and paused one by one.

- Every node is broker and controller; nodes are numbered from 1, as in Kafka. Ports and data outlive a node's end.
- Clients come in by `bootstrap`. `internal` is a second door on which everybody is a superuser: for the brokers, and for tests that grant rights.
"""

from __future__ import annotations

import base64
import os
import signal
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.jars import check_java, java, libs
from tests.servers.process import HOST, Owner, ServerMissing, ServerProcess, free_port, wait_until

JVM = ("-Xms128m", "-Xmx384m", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-Djava.awt.headless=true")
STORE_PASSWORD = "reenact-tests"  # noqa: S105 - the key it guards is made for one test
LOG4J = """status=error
appender.out.type=Console
appender.out.name=OUT
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %m (%c)%n%throwable
rootLogger.level=warn
rootLogger.appenderRef.out.ref=OUT
"""


class KafkaCluster:
    """Brokers on free ports of 127.0.0.1, their data in `folder`; a context manager that starts them all and ends them all."""

    def __init__(
        self,
        folder: Path,
        brokers: int = 1,
        *,
        sasl: Mapping[str, str] | None = None,
        tls: bool = False,
        owner: Owner | None = None,
        **properties: object,
    ) -> None:
        """Prepares a cluster and starts nothing.

        `sasl`: users and passwords; clients then sign in by PLAIN or SCRAM-SHA-256, and may do nothing that was not granted (ACLs, by `internal`).
        `tls`: clients connect by TLS and trust `ca_file`. `owner`: the process with which the brokers end; this one, unless told otherwise.
        `properties`: of Kafka's brokers, underscores for dots (`log_segment_bytes=1_048_576`). Raises ServerMissing without Java or jars.
        """
        check_java()
        self._jars = libs()
        self._folder = folder.resolve()
        self._owner = owner or Owner()
        self._users = dict(sasl or {})
        self._tls = tls
        self.nodes = range(1, brokers + 1)
        self._ports = {(node, door): free_port() for node in self.nodes for door in ("CLIENT", "INTERNAL", "CONTROLLER")}
        self._running: dict[int, ServerProcess] = {}
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "log4j2.properties").write_text(LOG4J)
        if tls:
            self._make_key()
        cluster = base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")
        for node in self.nodes:
            self._prepare(node, cluster, {name.replace("_", "."): value for name, value in properties.items()})

    @property
    def bootstrap(self) -> str:
        """Where clients connect: `127.0.0.1:port[,127.0.0.1:port...]`."""
        return self._doors("CLIENT")

    @property
    def internal(self) -> str:
        """The same for superusers: plaintext, no password, all rights."""
        return self._doors("INTERNAL")

    @property
    def ca_file(self) -> Path:
        """The certificate that clients of a `tls` cluster trust."""
        return self._folder / "ca.pem"

    def log_text(self, node: int = 1) -> str:
        """What the broker has said, of all its runs."""
        return self._log(node).read_text(errors="replace") if self._log(node).exists() else ""

    def start(self, node: int = 1) -> None:
        """Starts the broker and does not wait for it, see `wait_ready`."""
        if node in self._running:
            raise ValueError(f"Broker {node} runs already.")
        command = [*self._java("kafka.Kafka"), str(self._settings(node))]
        self._running[node] = ServerProcess(command, self._log(node), self._owner)

    def stop(self, node: int = 1) -> None:
        """Lets the broker hand over and end (SIGTERM)."""
        self._running.pop(node).end(signal.SIGTERM)

    def kill(self, node: int = 1) -> None:
        """Ends the broker at once (SIGKILL)."""
        self._running.pop(node).end(signal.SIGKILL)

    def pause(self, node: int = 1) -> None:
        """The broker stays connected and says nothing (SIGSTOP)."""
        self._running[node].send(signal.SIGSTOP)

    def resume(self, node: int = 1) -> None:
        self._running[node].send(signal.SIGCONT)

    def wait_ready(self) -> None:
        """Returns when the started brokers serve clients and know each other; raises ServerMissing when they do not, with their logs."""
        wait_until(self._ready, self._all_logs)

    def leave(self) -> None:
        """The brokers go on until their owner ends, and are not ended from here any more."""
        while self._running:
            self._running.popitem()[1].leave()

    def close(self) -> None:
        """Ends all brokers at once."""
        for process in self._running.values():
            process.send(signal.SIGKILL)
        for node in list(self._running):
            self.kill(node)

    def __enter__(self) -> Self:
        try:
            for node in self.nodes:
                self.start(node)
            self.wait_ready()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _doors(self, door: str) -> str:
        return ",".join(f"{HOST}:{self._ports[node, door]}" for node in self.nodes)

    def _log(self, node: int) -> Path:
        return self._folder / f"broker-{node}.log"

    def _settings(self, node: int) -> Path:
        return self._folder / f"broker-{node}.properties"

    def _all_logs(self) -> str:
        return "Kafka is ready.\n" + "\n".join(f"-- broker {node}:\n{self.log_text(node)[-3000:]}" for node in self.nodes)

    def _ready(self) -> bool:
        for node, process in self._running.items():
            if not process.running:
                raise ServerMissing(f"Broker {node} has ended:\n{self.log_text(node)[-3000:]}")
            for door in ("CLIENT", "INTERNAL"):
                try:
                    socket.create_connection((HOST, self._ports[node, door]), timeout=5).close()
                except OSError:
                    return False
        wanted = set(self._running)
        return all(self._seen_by(node) >= wanted for node in wanted)

    def _seen_by(self, node: int) -> set[int]:
        from kafka import KafkaAdminClient  # importing it takes a while, and most test runs start no broker
        from kafka.errors import KafkaError

        try:
            admin = KafkaAdminClient(bootstrap_servers=f"{HOST}:{self._ports[node, 'INTERNAL']}")
            try:
                return {broker["broker_id"] for broker in admin.describe_cluster()["brokers"] if not broker["is_fenced"]}
            finally:
                admin.close()
        except KafkaError:
            return set()

    def _java(self, main: str) -> list[str]:
        return [java(), *JVM, f"-Dlog4j2.configurationFile={self._folder / 'log4j2.properties'}", "-cp", f"{self._jars}/*", main]

    def _prepare(self, node: int, cluster: str, properties: Mapping[str, object]) -> None:
        settings = self._base(node) | self._client_door(node) | {name: str(value) for name, value in properties.items()}
        self._settings(node).write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        self._settings(node).chmod(0o600)
        scram = [part for user, word in self._users.items() for part in ("--add-scram", f"SCRAM-SHA-256=[name={user},password={word}]")]
        command = [*self._java("kafka.tools.StorageTool"), "format", f"--cluster-id={cluster}", "-c", str(self._settings(node)), *scram]
        run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120)
        if run.returncode:
            raise ServerMissing(f"Kafka could not prepare its folder: {(run.stdout + run.stderr)[-2000:]}")

    def _base(self, node: int) -> dict[str, str]:
        count = len(self.nodes)
        copies, enough = str(min(3, count)), str(min(2, count))
        doors = {door: f"{door}://{HOST}:{self._ports[node, door]}" for door in ("CLIENT", "INTERNAL", "CONTROLLER")}
        return {
            "process.roles": "broker,controller",
            "node.id": str(node),
            "controller.quorum.voters": ",".join(f"{n}@{HOST}:{self._ports[n, 'CONTROLLER']}" for n in self.nodes),
            "listeners": ",".join(doors.values()),
            "advertised.listeners": f"{doors['CLIENT']},{doors['INTERNAL']}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "INTERNAL",
            "log.dirs": str(self._folder / f"data-{node}"),
            "auto.create.topics.enable": "false",
            "default.replication.factor": copies,
            "min.insync.replicas": enough,
            "log.retention.ms": "-1",
            "log.cleaner.dedupe.buffer.size": "8388608",
            "offsets.topic.replication.factor": copies,
            "offsets.topic.num.partitions": "2",
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": enough,
            "transaction.state.log.num.partitions": "4",
            "share.coordinator.state.topic.replication.factor": copies,
            "share.coordinator.state.topic.min.isr": enough,
            "share.coordinator.state.topic.num.partitions": "1",
            "group.initial.rebalance.delay.ms": "0",
            "broker.heartbeat.interval.ms": "500",
            "broker.session.timeout.ms": "3000",  # how long a killed broker is missed before others take over, and before it may come back
        }

    def _client_door(self, node: int) -> dict[str, str]:
        protocol = {(False, False): "PLAINTEXT", (False, True): "SSL", (True, False): "SASL_PLAINTEXT", (True, True): "SASL_SSL"}
        kind = protocol[bool(self._users), self._tls]
        settings = {"listener.security.protocol.map": f"CLIENT:{kind},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT"}
        if self._users:
            module = "org.apache.kafka.common.security"
            passwords = " ".join(f'user_{user}="{word}"' for user, word in self._users.items())
            settings |= {
                "listener.name.client.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256",
                "listener.name.client.plain.sasl.jaas.config": f"{module}.plain.PlainLoginModule required {passwords};",
                "listener.name.client.scram-sha-256.sasl.jaas.config": f"{module}.scram.ScramLoginModule required;",
                "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                "super.users": "User:ANONYMOUS",  # whoever comes in by the plaintext doors
            }
        if self._tls:
            settings |= {
                "listener.name.client.ssl.keystore.location": str(self._folder / "key.p12"),
                "listener.name.client.ssl.keystore.type": "PKCS12",
                "listener.name.client.ssl.keystore.password": STORE_PASSWORD,
            }
        return settings

    def _make_key(self) -> None:
        store = ("-keystore", str(self._folder / "key.p12"), "-storetype", "PKCS12", "-storepass", STORE_PASSWORD, "-alias", "broker")
        make = (*store, "-genkeypair", "-keyalg", "EC", "-dname", "CN=localhost", "-ext", f"san=ip:{HOST},dns:localhost", "-validity", "30")
        for command in (make, (*store, "-exportcert", "-rfc", "-file", str(self.ca_file))):
            subprocess.run([java("keytool"), *command], check=True, capture_output=True, timeout=60)
