"""docker-compose.yml, Dockerfile and .dockerignore: rules of the house, and the same settings and commands run here as processes, so that none of them rots."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.data import ROOT
from tests.servers.kafka import KafkaCluster
from tests.servers.postgres import PostgresServer

yaml = pytest.importorskip("yaml", reason="PyYAML reads docker-compose.yml: pip install pyyaml")
PASSWORD = "of-a-test"  # noqa: S105
ENVIRONMENT = {"POSTGRES_PASSWORD": PASSWORD}
ENTRYPOINT = ["reenact"]  # the image's
ONCE = {"topic", "topic-single", "engine"}
BROKERS = {"cluster": ["kafka-1", "kafka-2", "kafka-3"], "single": ["kafka-single"]}
OF_THE_PLACE = re.compile(r"NODE_ID|PROCESS_ROLES|LISTENER|QUORUM|LOG_DIRS|LOG_RETENTION_MS")  # what tests/servers decides for itself
VARIABLE = re.compile(r"\$\{(\w+)(?::(-|\?)([^}]*))?\}")


def filled(value: Any) -> Any:
    """The file as compose reads it, variables put in."""
    if isinstance(value, dict):
        return {key: filled(each) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each) for each in value]
    if not isinstance(value, str):
        return value
    return VARIABLE.sub(lambda m: ENVIRONMENT.get(m[1]) or (m[3] if m[2] == "-" else pytest.fail(f"{m[1]} has no value")), value)


@pytest.fixture(scope="module")
def text() -> str:
    return (ROOT / "docker-compose.yml").read_text()


@pytest.fixture(scope="module")
def services(text: str) -> dict[str, Any]:
    found: dict[str, Any] = filled(yaml.safe_load(text))["services"]
    return found


def test_every_service_says_when_it_is_started_again_and_a_lasting_one_when_it_is_well(services: dict[str, Any]) -> None:
    """Given any service, then it has a profile and a restart policy, and a health check unless it ends by itself."""
    for name, service in services.items():
        assert service["profiles"], name
        assert service["restart"] == ("no" if name in ONCE else "unless-stopped"), name
        assert ("healthcheck" in service) == (name not in ONCE), name
        assert "no-new-privileges:true" in service["security_opt"], name


def test_nothing_is_open_to_other_machines_and_each_port_of_a_profile_is_its_own(services: dict[str, Any]) -> None:
    """Given every published port, then it is one of 127.0.0.1, and no two services that run together want the same."""
    for profile in BROKERS:
        taken: list[str] = []
        for service in services.values():
            if profile in service["profiles"]:
                for port in service.get("ports", []):
                    host, outside, _ = port.split(":")
                    assert host == "127.0.0.1", port
                    taken.append(outside)
        assert len(set(taken)) == len(taken)
    assert all("network_mode" not in service and not service.get("privileged") for service in services.values())


def test_no_password_stands_in_the_file_and_none_has_a_default(text: str) -> None:
    """Given everything that is called a password, then it comes from the environment and is required, with a word on how."""
    found = re.findall(r"^\s*(\w*PASSWORD\w*):\s*(.*)$", text, flags=re.MULTILINE)
    assert len(found) >= 2
    for name, value in found:
        assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), name
    assert not re.search(r"://[^/\s:@]+:[^/\s@]+@", text)
    example = (ROOT / "deploy" / "env.example").read_text()
    for name in {m[1] for m in VARIABLE.finditer(text)}:
        assert re.search(rf"^#?{name}=", example, flags=re.MULTILINE), f"deploy/env.example does not name {name}"


def test_images_are_named_with_a_version_and_ours_is_built_here(services: dict[str, Any]) -> None:
    """Given every image, then it has a tag that begins with a version, and `reenact:local` is built from this folder."""
    for name, service in services.items():
        if "build" in service:
            assert (service["image"], service["build"], service["read_only"], service["init"]) == ("reenact:local", ".", True, True), name
            assert service["cap_drop"] == ["ALL"], name
        else:
            assert re.fullmatch(r"[a-z/]+:\d+[\w.-]*", service["image"]), name


@pytest.mark.parametrize("profile", sorted(BROKERS))
def test_a_profile_holds_together(services: dict[str, Any], text: str, profile: str) -> None:
    """Given a profile, then what its services wait for and where they keep things is there, and nothing starts before its log is made."""
    running = {name for name, service in services.items() if profile in service["profiles"]} | {"engine"}
    volumes = yaml.safe_load(text)["volumes"]
    for name in running:
        for needed, how in services[name].get("depends_on", {}).items():
            assert needed in running or how.get("required") is False, f"{name} waits for {needed}"
            assert how["condition"] == ("service_completed_successfully" if needed in ONCE else "service_healthy")
        for volume in services[name].get("volumes", []):
            source = volume.split(":")[0]
            assert source in volumes or source.startswith("./"), volume
    topic = "topic" if profile == "cluster" else "topic-single"
    assert set(services[topic]["depends_on"]) == set(BROKERS[profile])
    for name in ("projector", "engine"):
        assert topic in services[name]["depends_on"]


@pytest.mark.parametrize("profile", sorted(BROKERS))
def test_the_brokers_of_a_profile_agree(services: dict[str, Any], profile: str) -> None:
    """Given a profile's brokers, then they are one quorum, and copies and in-sync copies are as many as they can hold."""
    brokers = [services[name] for name in BROKERS[profile]]
    voters = {b["environment"]["KAFKA_CONTROLLER_QUORUM_VOTERS"] for b in brokers}
    assert voters == {",".join(f"{n}@{name}:9093" for n, name in enumerate(BROKERS[profile], start=1))}
    assert [b["environment"]["KAFKA_NODE_ID"] for b in brokers] == [str(n) for n in range(1, len(brokers) + 1)]
    copies = str(len(brokers))
    for broker in brokers:
        settings = broker["environment"]
        assert {v for k, v in settings.items() if k.endswith("REPLICATION_FACTOR")} == {copies}
        assert {v for k, v in settings.items() if k.endswith(("MIN_ISR", "MIN_INSYNC_REPLICAS"))} == {"2" if len(brokers) > 1 else "1"}
        assert (settings["KAFKA_LOG_RETENTION_MS"], settings["KAFKA_LOG_RETENTION_BYTES"]) == ("-1", "-1")
        assert broker["networks"]["inside"]["aliases"] == ["kafka"]


def run(words: list[str], environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """A command as a process, `reenact` being this one; it must succeed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(words, cwd=folder, env=os.environ | {"PATH": path} | environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, f"{shlex.join(words)}: {done.stderr}"
    return done


@pytest.mark.parametrize("profile", ["single", pytest.param("cluster", marks=pytest.mark.timeout(900))])
def test_the_commands_of_the_file_do_their_work_as_processes(
    services: dict[str, Any], tmp_path: Path, start_kafka: Callable[..., KafkaCluster], start_postgres: Callable[..., PostgresServer], profile: str
) -> None:
    """Given brokers with the file's settings and a PostgreSQL with its password, then topic, engine, projector and health check do what they say."""
    settings = services[BROKERS[profile][0]]["environment"]
    properties = {k.removeprefix("KAFKA_").lower(): v for k, v in settings.items() if k.startswith("KAFKA_") and not OF_THE_PLACE.search(k)}
    cluster = start_kafka(brokers=len(BROKERS[profile]), **properties)
    server = start_postgres(password=services["postgres"]["environment"]["POSTGRES_PASSWORD"])
    (tmp_path / "config").mkdir()
    shutil.copy(ROOT / "reenact" / "examples" / "session.toml", tmp_path / "config")

    def here(words: list[str], name: str) -> list[str]:
        """The words of a command with this machine's addresses and folders."""
        places = {
            "kafka:9092": cluster.bootstrap, "postgresql://reenact@postgres:5432/reenact": server.url,
            "/var/lib/reenact": str(tmp_path / name), "/tmp/index": str(tmp_path / "index"), "/config": str(tmp_path / "config"), "$$": "$",
        }  # fmt: skip
        for place, mine in places.items():
            words = [word.replace(place, mine) for word in words]
        assert not [word for word in words if "kafka:9092" in word or "@postgres" in word]
        return words

    def service(name: str, *more: str) -> str:
        words = [*services[name].get("entrypoint", ENTRYPOINT), *services[name]["command"]]
        return run([*here(words, name), *more], services[name].get("environment", {}), tmp_path).stdout

    topic = "topic" if profile == "cluster" else "topic-single"
    service(topic)
    service(topic)  # `up` runs it every time
    service("engine", "--session", "s-1", "--no-progress")
    service("projector", "--once")
    check = services["projector"]["healthcheck"]["test"]
    assert check[0] == "CMD"
    run(here(check[1:], "health"), services["projector"]["environment"], tmp_path)
    asked = ["reenact", "query", "SELECT count(*) AS n FROM sessions", "--models", server.url, "--json"]
    assert '"n": 1' in run(asked, services["projector"]["environment"], tmp_path).stdout


def dockerfile() -> list[str]:
    """The instructions, continued lines joined."""
    lines = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text()).splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_the_image_is_built_from_what_is_there_and_runs_as_nobody_special() -> None:
    """Given the Dockerfile, then bases have a version, every copied source exists and is let through by .dockerignore, and the user is not root."""
    lines = dockerfile()
    bases = {line.split("=")[1] for line in lines if line.startswith("ARG PYTHON")}
    assert all(re.fullmatch(r"3\.\d+-slim-\w+", base) for base in bases)
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert rules[0] == "*"
    allowed = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    copied = {word for line in lines if line.startswith("COPY ") and "--from" not in line for word in line.split()[1:-1]}
    assert copied == allowed
    assert all((ROOT / name).exists() for name in copied)
    assert [rule for rule in rules[1:] if not rule.startswith("!")] == ["**/__pycache__", "**/*.so"]
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users == ["10001"]
    assert lines[-2] == f"ENTRYPOINT {json.dumps(ENTRYPOINT)}"


@pytest.mark.skipif(not os.environ.get("CI"), reason="NOT TESTED: the image's steps fetch packages; they run under CI")
def test_the_steps_of_the_image_give_a_reenact_that_runs(tmp_path: Path) -> None:
    """Given the Dockerfile's pip commands in a clean environment and only what .dockerignore lets through, then `reenact --version` answers."""
    venv.create(tmp_path / "venv", with_pip=True)
    source = tmp_path / "src"
    source.mkdir()
    steps = []
    for line in dockerfile():
        if line.startswith("COPY ") and "--from" not in line:
            for name in line.split()[1:-1]:
                mine = ROOT / name
                if mine.is_dir():
                    shutil.copytree(
                        mine, source / name, ignore=lambda _f, names: [n for n in names if n == "__pycache__" or fnmatch.fnmatch(n, "*.so")]
                    )
                else:
                    shutil.copy(mine, source)
        if line.startswith("RUN "):
            steps.append(line.removeprefix("RUN ").split("&&")[0].strip())
    assert [step.split()[3] for step in steps] == ["wheel", "install"]
    for step in steps:
        for place, mine in {
            "/tmp/requirements.lock": source / "requirements.lock",
            "/tmp/wheels": tmp_path / "wheels",
            "/wheels": tmp_path / "wheels",
        }.items():
            step = step.replace(f" {place}", f" {mine}")
        subprocess.run(["sh", "-c", f"PATH={tmp_path}/venv/bin:$PATH; {step}"], cwd=source, check=True, capture_output=True, timeout=500)
    said = subprocess.run([tmp_path / "venv" / "bin" / "reenact", "--version"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert said.stdout.startswith("reenact ")
