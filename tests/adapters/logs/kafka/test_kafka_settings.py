"""Addresses of Kafka logs: what they mean, what is refused, and that no secret shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.logs.kafka import KafkaSettings
from domain.errors import ConfigInvalid

WORD = "secret"


def test_an_address_names_servers_topic_and_options(tmp_path: Path) -> None:
    settings = KafkaSettings.from_url(f"kafka://a:9092,b:9093/my.log?compression_type=zstd&index={tmp_path}&timeout=90s&ssl_check_hostname=false", {})
    assert (settings.servers, settings.topic, settings.compression, settings.timeout_s) == (("a:9092", "b:9093"), "my.log", "zstd", 90.0)
    assert settings.index == tmp_path
    assert settings.client() == {"bootstrap_servers": ["a:9092", "b:9093"], "client_id": "reenact", "ssl_check_hostname": False}
    assert settings.url == "kafka://a:9092,b:9093/my.log"


def test_a_user_alone_means_encrypted_and_never_in_the_clear() -> None:
    settings = KafkaSettings.from_url("kafka://al%40ice@a:1/log", {"REENACT_KAFKA_PASSWORD": "secret"})
    client = settings.client()
    assert (client["security_protocol"], client["sasl_mechanism"]) == ("SASL_SSL", "SCRAM-SHA-256")
    assert (client["sasl_plain_username"], client["sasl_plain_password"]) == ("al@ice", "secret")


def test_the_password_is_in_no_text(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("secret\n")
    file.chmod(0o600)
    settings = KafkaSettings.from_url(f"kafka://alice@a:1/log?password_file={file}", {})
    assert settings.password == WORD
    assert "secret" not in repr(settings) + str(settings) + settings.url
    with_key = KafkaSettings.from_url(f"kafka://a:1/log?security_protocol=SSL&ssl_keyfile={file}", {"REENACT_KAFKA_PASSWORD": "secret"})
    assert with_key.client()["ssl_password"] == WORD
    plain = KafkaSettings.from_url("kafka://a:1/log", {"REENACT_KAFKA_PASSWORD": "secret"})
    assert "secret" not in str(plain.client())


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("kafka://alice:hidden@a:1/log", "a password does not belong into an address"),
        ("kafka://a:1/log?sasl_plain_password=hidden", "sasl_plain_password does not belong"),
        ("kafka://a:1/log?ssl_password=hidden", "ssl_password does not belong"),
        ("kafka://a:1/", "cannot name a topic"),
        ("kafka://a:1/a%20b", "cannot name a topic"),
        ("kafka:///log", "this is no address of a topic"),
        ("kafka://a/log", "'a' is no host:port"),
        ("kafka://a:x/log", "is no host:port"),
        ("kafka://a:99999/log", "is no host:port"),
        ("kafka://a:1/log?acks=0", "there is no option 'acks'; there are client_dns_lookup"),
        ("kafka://a:1/log?timeout=0s", "is no time from 1s to 10min"),
        ("kafka://a:1/log?timeout=soon", "is no time"),
        ("kafka://a:1/log?compression_type=rar", "none of gzip, lz4, snappy, zstd"),
        ("kafka://a:1/log?ssl_cafile=/no/such.pem", "ssl_cafile: there is no file /no/such.pem"),
        ("kafka://a:1/log?ssl_check_hostname=perhaps", "neither true nor false"),
        ("kafka://a:1/log?password_file=/no/such", "password_file: /no/such cannot be read"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_its_secrets(url: str, words: str) -> None:
    with pytest.raises(ConfigInvalid) as e:
        KafkaSettings.from_url(url, {})
    assert words in str(e.value)
    assert "hidden" not in str(e.value)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigInvalid) as e:
        KafkaSettings.from_url("kafka://a/b c?acks=0&timeout=x", {})
    assert len(e.value.problems) == 4


def test_a_password_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("secret")
    file.chmod(0o644)
    with pytest.raises(ConfigInvalid, match="others may read"):
        KafkaSettings.from_url(f"kafka://alice@a:1/log?password_file={file}", {})
