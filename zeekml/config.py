"""The settings: their names, units, ranges and defaults, read from YAML.

A file holds any part of the settings, the rest keep their defaults; the command line goes over both.
``config/zeekml.yaml`` holds all of them with their defaults. What is wrong in a file is told with the
file, the line and the key.
"""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from zeekml.errors import ConfigError
from zeekml.resources import DEFAULT_MODEL
from zeekml.setting_types import (
    AbsolutePath,
    Listed,
    ListenAddress,
    Networks,
    NotEmpty,
    Pattern,
    Port,
    QuotedDate,
    Seconds,
    SyslogTarget,
    Topic,
)

_LARGEST_FILE: Final = 4 << 20  # bytes; a configuration is a page of text


def _as_archive(value: object) -> object:
    return {"folder": value} if isinstance(value, str) else value


class _Section(BaseModel):
    """No unknown key, no silent conversion, no change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class ScoreSettings(_Section):
    """What is scored with, and what is written."""

    model: Annotated[str, Field(min_length=1)] = DEFAULT_MODEL
    log_threshold: Annotated[float, Field(ge=0, le=1)] = 0.5
    format: Literal["tsv", "json"] = "tsv"
    threads: Annotated[int, Field(ge=1, le=256)] = 1


class AllowlistEntry(_Section):
    """What raises no notice: all the fields that are given must match."""

    reason: Annotated[str, Field(min_length=1)]
    networks: Annotated[Networks, NotEmpty] = ()
    peers: Annotated[Networks, NotEmpty] = ()
    ports: Annotated[tuple[Port, ...], Listed, NotEmpty] = ()
    services: Annotated[tuple[str, ...], Listed, NotEmpty] = ()
    sensors: Annotated[tuple[Pattern, ...], Listed, NotEmpty] = ()
    expires: Annotated[dt.date, QuotedDate] | None = None

    @model_validator(mode="after")
    def _says_what(self) -> AllowlistEntry:
        if not (self.networks or self.peers or self.ports or self.services or self.sensors):
            raise ValueError(
                "an entry needs at least one of networks, peers, ports, services, sensors (it would allow everything)"
            )
        return self


class AlertSettings(_Section):
    """When a connection or a host becomes a notice."""

    connection_threshold: Annotated[float, Field(gt=0, lt=1)] | None = None
    host_threshold: Annotated[float, Field(gt=0)] | None = None
    suppress_for: Seconds = 3600.0
    local_nets: Networks = ()
    alert_inbound: bool = False
    baseline: Annotated[str, NotEmpty] | None = None
    allowlist: Annotated[tuple[AllowlistEntry, ...], Listed] = ()


class StateSettings(_Section):
    """How much is remembered of hosts and of their peers."""

    idle: Annotated[float, Field(gt=0)] = 86_400.0
    max_pairs: Annotated[int, Field(ge=1)] = 1024
    max_hosts: Annotated[int, Field(ge=1)] = 50_000
    max_contexts: Annotated[int, Field(ge=1)] = 1_000_000


class ArchiveSettings(_Section):
    """A folder where rotated logs lie: those of one log or folder of logs, or of all."""

    folder: AbsolutePath
    log: AbsolutePath | None = None


Archive = Annotated[ArchiveSettings, BeforeValidator(_as_archive)]


class WatchSettings(_Section):
    """How live logs are followed, and when the outputs are rotated."""

    poll: Annotated[float, Field(ge=0.05, le=60)] = 1.0
    checkpoint_every: Annotated[float, Field(ge=1)] = 60.0
    batch_rows: Annotated[int, Field(ge=1, le=1_000_000)] = 32_768
    rotate_every: Seconds = 0.0
    rotate_size: Annotated[int, Field(ge=0)] = 0
    archives: Annotated[tuple[Archive, ...], Listed] = ()


class MetricsSettings(_Section):
    """Where a watch tells how it is, and when it calls itself ill."""

    listen: ListenAddress = "127.0.0.1:9847"
    stuck_after: Annotated[float, Field(gt=0)] = 30.0
    min_free: Annotated[int, Field(ge=0)] = 64 << 20


class LoggingSettings(_Section):
    """What zeekml says of itself on standard error."""

    format: Literal["text", "json"] = "text"
    level: Literal["debug", "info", "warning", "error"] = "info"


class _Sections(_Section):
    """Sections by name; one of which every line is commented out is null in YAML, and meant to be empty."""

    @model_validator(mode="before")
    @classmethod
    def _empty_sections(cls, values: object) -> object:
        if not isinstance(values, dict):
            return values
        return {
            key: {} if value is None and key in cls.model_fields else value for key, value in values.items()
        }


class AlertFileSettings(_Section):
    """A file that alerts are appended to."""

    path: Annotated[str, NotEmpty] | None = None


class SyslogSettings(_Section):
    """Where alerts go as syslog messages, and how they read."""

    address: SyslogTarget | None = None
    payload: Literal["plain", "cef"] = "plain"
    facility: Literal[
        "user", "daemon", "auth", "syslog", "authpriv",
        "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
    ] = "local0"  # fmt: skip
    app_name: Annotated[str, Field(pattern=r"^[!-~]{1,48}$")] = "zeekml"


class AlertsTableSettings(_Section):
    """The table of the last alerts, for Zeek to read."""

    path: Annotated[str, NotEmpty] | None = None
    keep: Annotated[float, Field(ge=60)] = 3600.0
    max_rows: Annotated[int, Field(ge=1, le=100_000)] = 5000


class KafkaSettings(_Section):
    """The topics that a watch follows instead of logs."""

    brokers: Annotated[str, Field(pattern=r"^\S*$")] = ""
    topics: Annotated[tuple[Topic, ...], Listed] = ()
    group: Annotated[str, NotEmpty] = "zeekml"
    options: dict[str, str] = {}

    @model_validator(mode="after")
    def _says_where(self) -> KafkaSettings:
        if self.topics and not self.brokers:
            raise ValueError("topics need brokers, such as 192.0.2.1:9092")
        return self


class KafkaSinkSettings(_Section):
    """The topic that alerts go to."""

    topic: Topic | None = None
    brokers: Annotated[str, Field(pattern=r"^\S*$")] = ""
    options: dict[str, str] = {}

    @model_validator(mode="after")
    def _says_where(self) -> KafkaSinkSettings:
        if self.topic is not None and not self.brokers:
            raise ValueError("a topic needs brokers, such as 192.0.2.1:9092")
        return self


class SinkSettings(_Sections):
    """Where a watch's alerts go beside notice.log. All are off until they get a path or an address."""

    ecs: AlertFileSettings = AlertFileSettings()
    eve: AlertFileSettings = AlertFileSettings()
    syslog: SyslogSettings = SyslogSettings()
    alerts_table: AlertsTableSettings = AlertsTableSettings()
    kafka: KafkaSinkSettings = KafkaSinkSettings()


class Settings(_Sections):
    """Every setting, by section."""

    score: ScoreSettings = ScoreSettings()
    alerts: AlertSettings = AlertSettings()
    state: StateSettings = StateSettings()
    watch: WatchSettings = WatchSettings()
    metrics: MetricsSettings = MetricsSettings()
    logging: LoggingSettings = LoggingSettings()
    sinks: SinkSettings = SinkSettings()
    kafka: KafkaSettings = KafkaSettings()

    def with_options(
        self, section: Literal["score", "watch", "metrics", "logging", "kafka"], **options: object
    ) -> Settings:
        """These settings with the options of a command line on top; None means "not given".

        Raises ConfigError for a value out of range.
        """
        given = {key: value for key, value in options.items() if value is not None}
        merged = {**self.model_dump(exclude_unset=True), section: {**self.section(section), **given}}
        return _validated(merged, "command line", None)

    def with_baseline(self, path: Path | None) -> Settings:
        """These settings with the baseline of a command line on top; None means "not given"."""
        if path is None:
            return self
        return self.model_copy(update={"alerts": self.alerts.model_copy(update={"baseline": str(path)})})

    def section(self, name: str) -> dict[str, Any]:
        """The section's settings by name."""
        values: dict[str, Any] = self.model_dump()[name]
        return values

    def as_yaml(self) -> str:
        """All settings, defaults too, as YAML that ``load_settings`` reads back to an equal value."""
        return yaml.safe_dump(_plain(self.model_dump()), sort_keys=False, allow_unicode=True)


def load_settings(path: Path | None) -> Settings:
    """The settings of a YAML file over the defaults; None gives the defaults.

    Raises ConfigError, which names file, line and key.
    """
    if path is None:
        return Settings()
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST_FILE + 1)
        text = raw.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: the configuration cannot be read: {error}") from error
    if len(raw) > _LARGEST_FILE:
        raise ConfigError(f"{path}: larger than {_LARGEST_FILE} bytes; expected a zeekml configuration")
    return parse_settings(text, str(path))


def parse_settings(text: str, source: str) -> Settings:
    """The settings that a YAML text holds; ``source`` is the name that errors give it.

    Raises ConfigError.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date such as 2026-13-40
        raise ConfigError(f"{source}: not valid YAML: {error}") from error
    if root is None or values is None:
        return Settings()
    _refuse_repeated_keys(root, source)
    return _validated(values, source, root)


def _validated(values: object, source: str, root: yaml.Node | None) -> Settings:
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        problems = [_describe(details, source, root) for details in error.errors(include_url=False)]
        raise ConfigError("\n".join(problems)) from error


def _describe(details: ErrorDetails, source: str, root: yaml.Node | None) -> str:
    """One problem as "file, line N: key: what was expected, what was found"."""
    where = source if root is None else f"{source}, line {_line(root, details['loc'])}"
    key = _dotted(details["loc"]) or "the whole file"
    if details["type"] == "extra_forbidden":
        return f"{where}: {key}: unknown setting{_suggestion(details['loc'])}"
    if details["type"] == "missing":
        return f"{where}: {key}: missing, and it has no default"
    message = details["msg"].removeprefix("Value error, ")
    if details["type"] in _EXPECTED:
        message = f"expected {_EXPECTED[details['type']]}"
    return f"{where}: {key}: {message} (found {details['input']!r:.80})"


_EXPECTED: Final = {
    "model_type": "a mapping of settings (key: value)",
    "tuple_type": "a list, such as [a, b]",
    "too_short": "a list with one item or more",
}


def _dotted(loc: tuple[int | str, ...]) -> str:
    """``("alerts", "allowlist", 0, "ports")`` as ``alerts.allowlist[0].ports``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).removeprefix(".")


def _suggestion(loc: tuple[int | str, ...]) -> str:
    model: type[BaseModel] | None = Settings
    for part in loc[:-1]:
        if isinstance(part, str):
            model = _SECTIONS.get(part)
    known = list(model.model_fields) if model else []
    close = difflib.get_close_matches(str(loc[-1]), known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known here: {', '.join(known)}"


_SECTIONS: Final[Mapping[str, type[BaseModel]]] = {
    "score": ScoreSettings,
    "alerts": AlertSettings,
    "allowlist": AllowlistEntry,
    "state": StateSettings,
    "watch": WatchSettings,
    "archives": ArchiveSettings,
    "metrics": MetricsSettings,
    "logging": LoggingSettings,
    "sinks": SinkSettings,
    "ecs": AlertFileSettings,
    "eve": AlertFileSettings,
    "syslog": SyslogSettings,
    "alerts_table": AlertsTableSettings,
}


def _line(root: yaml.Node, loc: tuple[int | str, ...]) -> int:
    """The line (from 1) of the deepest part of ``loc`` that the document has."""
    node, line = root, root.start_mark.line + 1
    for part in loc:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == part), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line


def _refuse_repeated_keys(root: yaml.Node, source: str) -> None:
    """YAML would silently keep the last of two equal keys."""
    waiting, seen = [root], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:  # an alias can point back at its own parent
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            lines: dict[str, int] = {}
            for key, value in node.value:
                line = key.start_mark.line + 1
                if isinstance(key, yaml.ScalarNode):
                    if key.value in lines:
                        raise ConfigError(
                            f"{source}, line {line}: {key.value}: given before in line {lines[key.value]}"
                        )
                    lines[key.value] = line
                waiting.append(value)


def _plain(value: object) -> object:
    """Tuples as lists, for YAML."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
