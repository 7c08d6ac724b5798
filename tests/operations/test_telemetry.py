"""Metrics: what each event changes, and that they are Prometheus' text."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.operations.steps import Clock, MadeStep
from zeekml.operations import Telemetry


def samples(telemetry: Telemetry) -> dict[str, float]:
    """Every sample of the exposition, by its name with its labels."""
    text = telemetry.exposition().decode()
    return {
        sample.name
        + "".join(f"{{{key}={value}}}" for key, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_step_is_counted() -> None:
    telemetry = Telemetry("conn-1-res")
    telemetry.stepped(MadeStep(rejects=4))
    telemetry.stepped(MadeStep(rejects=1, caps_acted=3))
    shown = samples(telemetry)
    assert shown["zeekml_lines_total"] == 205
    assert shown["zeekml_rejects_total"] == 5
    assert shown["zeekml_connections_total{stream=conn.log}"] == 200
    assert shown["zeekml_alerting_connections_total{class=PortScan}"] == 6
    assert shown["zeekml_notices_total{class=PortScan}{note=ZeekML::Botnet_Connection}"] == 4
    assert shown["zeekml_suppressed_total"] == 4
    assert shown["zeekml_logged_total"] == 14
    assert shown["zeekml_lag_bytes{stream=/opt/zeek/logs/conn.log}"] == 10
    assert shown["zeekml_newest_connection_timestamp_seconds"] == 1_700_000_000.5
    assert shown["zeekml_batch_seconds_count"] == 2
    assert shown["zeekml_batch_seconds_sum"] == 0.5
    assert (shown["zeekml_hosts_held"], shown["zeekml_pairs_held"]) == (5, 50)
    assert (shown["zeekml_alert_hosts_held"], shown["zeekml_journal_bytes"]) == (2, 4096)
    assert shown["zeekml_caps_acted_total"] == 3
    assert not [name for name in shown if "_created" in name]


def test_the_lag_is_how_long_ago_all_was_scored() -> None:
    clock = Clock()
    telemetry = Telemetry("m", clock=clock)

    def lag() -> float:
        return samples(telemetry)["zeekml_lag_seconds"]

    clock.now += 10
    telemetry.stepped(MadeStep(caught_up=False))
    assert lag() == 10
    telemetry.stepped(MadeStep(caught_up=True, seconds=0.5))
    assert lag() == 0.5
    clock.now += 3
    telemetry.turned()
    assert lag() == 3.5, "a turn alone says nothing of the logs"
    telemetry.idle()
    assert lag() == 0


def test_a_hung_loop_and_an_old_checkpoint_show_without_any_event() -> None:
    clock = Clock()
    telemetry = Telemetry("m", clock=clock)
    telemetry.idle()
    telemetry.checkpointed(0.1, 5_000)
    clock.now += 77
    shown = samples(telemetry)
    assert shown["zeekml_turn_age_seconds"] == shown["zeekml_lag_seconds"] == 77
    assert shown["zeekml_checkpoint_age_seconds"] == 77
    assert (shown["zeekml_checkpoint_seconds"], shown["zeekml_checkpoint_bytes"]) == (0.1, 5_000)
    assert shown["zeekml_checkpoints_total"] == 1


def test_sinks_outputs_and_reloads() -> None:
    telemetry = Telemetry("m")
    telemetry.sink("syslog", errors=3, waiting=200)
    telemetry.sink("syslog", errors=4, waiting=300)
    telemetry.sink("ecs", errors=0, waiting=0)
    telemetry.logs(3, 1)
    telemetry.output("no room")
    telemetry.reloaded(failed=True)
    shown = samples(telemetry)
    assert shown["zeekml_sink_errors_total{sink=syslog}"] == 4
    assert (shown["zeekml_logs_followed"], shown["zeekml_logs_failing"]) == (3, 1)
    assert shown["zeekml_sink_errors_total{sink=ecs}"] == 0
    assert shown["zeekml_sink_waiting_bytes{sink=syslog}"] == 300
    assert shown["zeekml_output_failing"] == shown["zeekml_reload_failed"] == 1
    telemetry.output(None)
    telemetry.reloaded(failed=False)
    shown = samples(telemetry)
    assert shown["zeekml_output_failing"] == shown["zeekml_reload_failed"] == 0


@pytest.mark.parametrize("name", ['a"b', "a\nb 1", "a\\", "\udcff", "\x1b[31m"])
def test_names_of_logs_and_sinks_never_break_the_exposition(name: str) -> None:
    telemetry = Telemetry(name)
    telemetry.stepped(MadeStep(lag_bytes={name: 1}))
    telemetry.sink(name, errors=1, waiting=0)
    text = telemetry.exposition().decode()
    values = [
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "zeekml_lag_bytes"
    ]
    assert values == [1]


def test_a_count_that_begins_anew_is_not_taken_back() -> None:
    telemetry = Telemetry("m")
    telemetry.stepped(MadeStep(caps_acted=9))
    telemetry.stepped(MadeStep(caps_acted=0))
    telemetry.stepped(MadeStep(caps_acted=2))
    assert samples(telemetry)["zeekml_caps_acted_total"] == 11


def test_an_idle_turn_leaves_nothing_unread() -> None:
    telemetry = Telemetry("m")
    telemetry.stepped(MadeStep(lag_bytes={"a": 5}))
    telemetry.idle()
    assert samples(telemetry)["zeekml_lag_bytes{stream=a}"] == 0


def test_one_baseline_holds_at_a_time() -> None:
    telemetry = Telemetry("m")
    name = "zeekml_baseline_last_timestamp_seconds"
    telemetry.baseline("a" * 64, 1_700_000_000.0)
    telemetry.baseline("b" * 64, 1_700_000_001.0)
    found = {key: value for key, value in samples(telemetry).items() if key.startswith(name)}
    assert list(found.values()) == [1_700_000_001.0]
    telemetry.baseline("", 0.0)
    assert not any(key.startswith(name) for key in samples(telemetry))
