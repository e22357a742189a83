"""Which Apache Kafka the tests run, and where its jars are kept: fetched once, by Maven, into a cache folder.

`python -m tests.servers.jars` fetches them. The folder is `$REENACT_CACHE` or `~/.cache/reenact`; it appears complete or not at all.
Which repository or mirror they come from is Maven's settings (`~/.m2/settings.xml`); what they must be is said here.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.servers.process import ServerMissing, locked

KAFKA = "4.1.1"
LOG4J = "2.24.3"
SHA256 = "3a34e90b2c305fced2b81eb1d737a8f6b0e1fc5831f4ef1a0f8a89c07bd1badd"
JAVA = 17
FETCH_S = 300

POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>reenact</groupId><artifactId>kafka-for-tests</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{KAFKA}</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>{LOG4J}</version></dependency>
  </dependencies>
</project>
"""
PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"


def java(name: str = "java") -> str:
    """The path of a Java program, of $JAVA_HOME first; raises ServerMissing when there is none."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which(name, path=str(Path(home, "bin"))) if home else None
    found = found or shutil.which(name)
    if found is None:
        raise ServerMissing(f"No {name} here: Kafka needs Java {JAVA} or newer (Debian: apt-get install openjdk-17-jre-headless).")
    return found


def check_java() -> None:
    """Raises ServerMissing when the Java here is older than Kafka needs."""
    said = subprocess.run([java(), "-version"], capture_output=True, text=True, check=False, timeout=60).stderr
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < JAVA:
        raise ServerMissing(f"Kafka needs Java {JAVA} or newer; {java()} says: {said.strip() or 'nothing'}")


def cache() -> Path:
    return Path(os.environ.get("REENACT_CACHE") or Path.home() / ".cache" / "reenact")


def digest(folder: Path) -> str:
    """One sha256 over names and contents of all jars."""
    total = hashlib.sha256()
    for jar in sorted(folder.glob("*.jar")):
        total.update(f"{hashlib.sha256(jar.read_bytes()).hexdigest()}  {jar.name}\n".encode())
    return total.hexdigest()


def libs() -> Path:
    """The folder of the jars, fetched when this is the first time; raises ServerMissing when they cannot be had."""
    folder = cache() / f"kafka-{KAFKA}" / "libs"
    if folder.is_dir():
        return folder
    with locked(cache() / f"kafka-{KAFKA}.lock"):
        if not folder.is_dir():
            _fetch(folder)
    return folder


def _fetch(folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise ServerMissing("No mvn here to fetch the jars of Kafka (Debian: apt-get install maven).")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetching-") as temporary:
        pom, fetched = Path(temporary, "pom.xml"), Path(temporary, "libs")
        pom.write_text(POM)
        command = [maven, "-B", "-q", "-C", "-f", str(pom), PLUGIN, "-DincludeScope=runtime", f"-DoutputDirectory={fetched}"]
        try:
            run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=FETCH_S)
        except subprocess.TimeoutExpired:
            raise ServerMissing(f"Maven did not fetch the jars of Kafka {KAFKA} within {FETCH_S} s.") from None
        if run.returncode:
            raise ServerMissing(f"Maven could not fetch the jars of Kafka {KAFKA}: {(run.stdout + run.stderr).strip()[-2000:]}")
        if (got := digest(fetched)) != SHA256:
            raise ServerMissing(f"The jars of Kafka {KAFKA} are not those that were tested: sha256 {got}, expected {SHA256}.")
        fetched.rename(folder)


if __name__ == "__main__":
    try:
        check_java()
        sys.stdout.write(f"{libs()}\n")
    except ServerMissing as missing:
        sys.exit(str(missing))
