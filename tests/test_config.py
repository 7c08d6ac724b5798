"""Settings: defaults, files, messages."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeekml.config import AllowlistEntry, Settings, load_settings, parse_settings
from zeekml.errors import ConfigError
from zeekml.pipeline.resume import alert_facts, alert_settings
from zeekml.resources import data_folder

ALL_SET = """\
score:
  model: other
  log_threshold: 0
  format: json
  threads: 3
alerts:
  connection_threshold: 0.25
  host_threshold: 7
  suppress_for: 60
  local_nets: [10.0.0.0/8, "fd00::/8", 192.0.2.7]
  alert_inbound: true
  allowlist:
    - reason: scanner
      networks: [10.1.2.3]
      peers: [198.51.100.0/24]
      ports: [443/tcp, 53/udp]
      services: [ssl]
      sensors: ["dmz-*"]
      expires: 2030-01-31
state:
  idle: 60.5
  max_pairs: 1
  max_hosts: 2
  max_contexts: 3
watch:
  poll: 0.5
  checkpoint_every: 10
  batch_rows: 1000
  rotate_every: 3600
  rotate_size: 100000000
  archives:
    - /opt/zeek/logs
    - {folder: /srv/b/archive, log: /srv/b/conn.log}
metrics:
  listen: "[::1]:9000"
  stuck_after: 10
  min_free: 0
logging:
  format: json
  level: debug
sinks:
  ecs: {path: a.ndjson}
  eve: {path: /b/c.json}
  syslog: {address: "tcp://[::1]:601", payload: cef, facility: local7, app_name: bots}
  alerts_table: {path: alerts.tsv, keep: 60, max_rows: 10}
"""


def test_the_shipped_file_holds_the_defaults() -> None:
    assert load_settings(data_folder("config") / "zeekml.yaml") == Settings()


def test_the_shipped_file_names_every_setting() -> None:
    text = (data_folder("config") / "zeekml.yaml").read_text()
    given_sections = parse_settings(text, "zeekml.yaml").model_dump(exclude_unset=True)
    assert given_sections == Settings().model_dump()


def test_the_shipped_file_shows_every_field_of_an_allowlist_entry() -> None:
    """Its example, taken out of the comment, is right."""
    text = (data_folder("config") / "zeekml.yaml").read_text()
    found = re.search(r"For example:\n((?:  # .*\n)+)", text)
    assert found is not None
    example = found[1].replace("  #   ", "    ")
    entries = parse_settings(f"alerts:\n  allowlist:\n{example}", "example").alerts.allowlist
    assert {name for entry in entries for name in entry.model_fields_set} == set(AllowlistEntry.model_fields)


def test_every_setting_is_read() -> None:
    settings = parse_settings(ALL_SET, "f.yaml")
    assert settings.score.log_threshold == 0
    assert settings.alerts.allowlist[0].ports == ("443/tcp", "53/udp")
    assert [(one.folder, one.log) for one in settings.watch.archives] == [
        ("/opt/zeek/logs", None), ("/srv/b/archive", "/srv/b/conn.log"),
    ]  # fmt: skip
    assert parse_settings(settings.as_yaml(), "again") == settings


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "score:\n  # threads: 3\n"])
def test_an_empty_file_gives_the_defaults(text: str) -> None:
    assert parse_settings(text, "f.yaml") == Settings()


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("score:\n  log_treshold: 1\n", 2, ["score.log_treshold", "unknown", "did you mean 'log_threshold'"]),
        ("# c\n\nscores: {}\n", 3, ["scores", "unknown", "did you mean 'score'"]),
        ("score:\n  threads: 0\n", 2, ["score.threads", "greater than or equal to 1", "found 0"]),
        ("score:\n  threads: '2'\n", 2, ["score.threads", "integer", "found '2'"]),
        ("score:\n  log_threshold: 1.5\n", 2, ["score.log_threshold", "less than or equal to 1"]),
        ("score:\n  format: xml\n", 2, ["score.format", "'tsv' or 'json'", "found 'xml'"]),
        ("alerts:\n  suppress_for: .inf\n", 2, ["alerts.suppress_for", "finite"]),
        ("alerts:\n  alert_inbound: 1\n", 2, ["alerts.alert_inbound", "boolean"]),
        ("alerts:\n  local_nets:\n    - 10.0.0.0/8\n    - 10.0.0.1/8\n", 4, ["local_nets[1]", "host bits"]),
        ("alerts:\n  local_nets: 10.0.0.0/8\n", 2, ["alerts.local_nets", "a list"]),
        ("alerts:\n  allowlist:\n    - reason: x\n", 3, ["alerts.allowlist[0]", "at least one of"]),
        ("alerts:\n  allowlist:\n    - ports: [443/tcp]\n", 3, ["allowlist[0].reason", "missing"]),
        (
            "alerts:\n  allowlist:\n    - reason: x\n      ports:\n        - 99999/tcp\n",
            5,
            ["alerts.allowlist[0].ports[0]", "443/tcp"],
        ),
        ("alerts:\n  allowlist:\n    - reason: x\n      peer: [10.1.1.1]\n", 4, ["did you mean 'peers'"]),
        (
            "alerts:\n  allowlist:\n    - reason: x\n      networks: []\n      ports: [443/tcp]\n",
            4,
            ["alerts.allowlist[0].networks", "one item or more"],
        ),
        (
            "alerts:\n  allowlist:\n    - reason: x\n      sensors: [' ']\n",
            4,
            ["alerts.allowlist[0].sensors[0]", "pattern"],
        ),
        ("alerts:\n  host_threshold: 0\n", 2, ["alerts.host_threshold", "greater than 0"]),
        ("metrics:\n  listen: localhost:9847\n", 2, ["metrics.listen", "127.0.0.1:9847"]),
        ("metrics:\n  listen: 1.2.3.999:80\n", 2, ["metrics.listen", "1.2.3.999"]),
        ("metrics:\n  listen: 127.0.0.1:70000\n", 2, ["metrics.listen", "an address and a port"]),
        ("watch:\n  poll: 0\n", 2, ["watch.poll", "0.05"]),
        (
            "watch:\n  archives:\n    - /a\n    - logs/old\n",
            4,
            ["watch.archives[1].folder", "an absolute path"],
        ),
        ("watch:\n  archives: /a\n", 2, ["watch.archives", "a list"]),
        ("watch:\n  archives: [{log: /a/conn.log}]\n", 2, ["watch.archives[0].folder: missing"]),
        ("watch:\n  archives: [{folder: /a, logs: /b}]\n", 2, ["did you mean 'log'"]),
        ("watch:\n  rotate_sise: 1\n", 2, ["did you mean 'rotate_size'"]),
        ("logging:\n  level: loud\n", 2, ["logging.level", "'warning'"]),
        (
            "sinks:\n  syslog:\n    address: collector:514\n",
            3,
            ["sinks.syslog.address", "udp://192.0.2.1:514"],
        ),
        ("sinks:\n  syslog:\n    adress: x\n", 3, ["sinks.syslog.adress", "did you mean 'address'"]),
        ("sinks:\n  syslog:\n    app_name: a b\n", 3, ["sinks.syslog.app_name", "pattern"]),
        ("sinks:\n  alerts_table:\n    keep: 1\n", 3, ["sinks.alerts_table.keep", "60"]),
        ("sinks:\n  ecs:\n    path: ''\n", 3, ["sinks.ecs.path"]),
        ("state: 3\n", 1, ["state", "mapping"]),
        ("- score\n", 1, ["the whole file", "mapping"]),
        ("state:\n  idle: 1\n  idle: 2\n", 3, ["idle", "given before in line 2"]),
        ("&a [*a]\n", 1, ["the whole file"]),
    ],
)
def test_a_wrong_setting_is_told_with_key_and_line(text: str, line: int, said: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_settings(text, "site.yaml")
    message = str(caught.value)
    assert message.startswith(f"site.yaml, line {line}: ")
    for part in said:
        assert part in message


def test_all_wrong_settings_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_settings("score:\n  threads: 0\nstate:\n  idle: 0\n", "f")
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize("text", ["score: [", "\x00", "a: !!python/object:os.system {}", "a: 2026-13-40"])
def test_what_is_not_yaml_is_a_config_error(text: str) -> None:
    with pytest.raises(ConfigError, match=r"f\.yaml: not valid YAML"):
        parse_settings(text, "f.yaml")


def test_a_file_that_cannot_be_read_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path / "absent.yaml")
    (tmp_path / "latin1.yaml").write_bytes(b"score: {model: \xe4}")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path / "latin1.yaml")


def test_options_go_over_the_file_and_none_does_not() -> None:
    settings = parse_settings("score:\n  threads: 3\n  format: json\n", "f")
    changed = settings.with_options("score", threads=None, format="tsv", log_threshold=0.0)
    assert (changed.score.threads, changed.score.format, changed.score.log_threshold) == (3, "tsv", 0.0)
    assert changed.state == settings.state


def test_an_option_out_of_range_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match=r"command line: score\.log_threshold"):
        Settings().with_options("score", log_threshold=2.0)


def test_no_address_to_listen_on_is_a_choice() -> None:
    assert parse_settings('metrics:\n  listen: ""\n', "f").metrics.listen == ""


@given(st.text(max_size=200))
def test_no_text_brings_another_error(text: str) -> None:
    with contextlib.suppress(ConfigError):
        parse_settings(text, "f")


@pytest.mark.parametrize("said", ["2026-12-31", "'2026-12-31'"])
def test_an_expiry_is_a_date_quoted_or_not_and_survives_the_state(said: str, tmp_path: Path) -> None:
    path = tmp_path / "zeekml.yaml"
    entry = (
        "{"
        + "reason: a test, networks: [10.0.0.0/8], peers: [192.0.2.1], ports: [443/tcp], services: [ssl], "
    )
    entry += f"sensors: [a*], expires: {said}" + "}"
    path.write_text(f"alerts: {{local_nets: [10.0.0.0/8], allowlist: [{entry}]}}\n")
    alerts = load_settings(path).alerts
    assert alerts.allowlist[0].expires == dt.date(2026, 12, 31)
    assert alert_settings(alert_facts(alerts)) == alerts


def test_an_expiry_that_is_no_date_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "zeekml.yaml"
    path.write_text("alerts: {allowlist: [{reason: a, networks: [10.0.0.0/8], expires: soon}]}\n")
    with pytest.raises(ConfigError, match="expires"):
        load_settings(path)
