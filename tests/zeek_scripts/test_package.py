"""The Zeek package is complete, its scripts parse, and the documents say what they do; no Zeek is needed."""

from __future__ import annotations

import configparser
import io
import re
from pathlib import Path

import pytest
import zeekscript

from zeekml.sinks import notice_log
from zeekml.sinks.alerts_table import FIELDS

PACKAGE = Path(__file__).resolve().parents[2] / "zeek-scripts"
SCRIPTS = sorted((PACKAGE / "scripts").glob("*.zeek"))
POLICIES = sorted((PACKAGE / "scripts" / "policy").glob("*.zeek"))
BTESTS = sorted((PACKAGE / "tests" / "zeekml").glob("*.zeek"))
README = (PACKAGE / "README.md").read_text(encoding="utf-8")


def text_of(name: str) -> str:
    return (PACKAGE / "scripts" / name).read_text(encoding="utf-8")


def shown(path: Path) -> str:
    return path.name


@pytest.fixture(scope="module")
def meta() -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(PACKAGE / "zkg.meta", encoding="utf-8")
    return parser["package"]


def test_the_metadata_has_what_zkg_needs(meta: configparser.SectionProxy) -> None:
    assert meta["description"]
    assert (PACKAGE / meta["script_dir"] / "__load__.zeek").is_file()
    assert meta["depends"].split() == ["zeek", ">=6.0.0"]
    assert meta["test_command"] == "cd tests && btest -c btest.cfg"
    assert (PACKAGE / "tests" / "btest.cfg").is_file()


def test_the_package_loads_the_notices_and_nothing_that_writes_more() -> None:
    loaded = re.findall(r"^@load (\S+)$", text_of("__load__.zeek"), re.MULTILINE)
    assert loaded == ["./alerts"]
    assert [path.name for path in SCRIPTS] == ["__load__.zeek", "alerts.zeek", "conn-json.zeek"]
    assert [path.name for path in POLICIES] == ["intel-file.zeek", "netcontrol-drop.zeek"]


@pytest.mark.parametrize("script", [*SCRIPTS, *POLICIES, *BTESTS], ids=shown)
def test_the_syntax_is_right(script: Path) -> None:
    text = re.sub(
        r"^# @TEST-START-FILE.*?^# @TEST-END-FILE$", "", script.read_text("utf-8"), flags=re.M | re.S
    )
    parsed = zeekscript.Script(io.BytesIO(text.encode()))
    assert parsed.parse(), f"{script}: {parsed.get_error()}"


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("n$n = a$n;", "n$n = ;"), ("if ( a?$uid )", "if ( a?$uid"), ("Alert);\n}", "Alert);\n")],
)
def test_wrong_syntax_is_found(right: str, wrong: str) -> None:
    text = (
        text_of("alerts.zeek")
        .replace("$n=a$n,", "")
        .replace("\tif ( a?$uid )", "\tn$n = a$n;\n\tif ( a?$uid )")
    )
    assert zeekscript.Script(io.BytesIO(text.encode())).parse()
    assert right in text
    assert not zeekscript.Script(io.BytesIO(text.replace(right, wrong, 1).encode())).parse()


@pytest.mark.parametrize("script", [*SCRIPTS, *POLICIES], ids=shown)
def test_every_script_that_is_loaded_exists(script: Path) -> None:
    for target in re.findall(r"^@load (\.\S+)$", script.read_text("utf-8"), re.MULTILINE):
        assert (script.parent / f"{target}.zeek").is_file(), f"{script.name} loads {target}"


@pytest.mark.parametrize("script", [*SCRIPTS, *POLICIES], ids=shown)
def test_every_setting_is_documented_with_its_default(script: Path) -> None:
    settings = re.findall(
        r"^\tconst (\w+)(?:: [^=]+)? = (.+) &redef;$", script.read_text("utf-8"), re.MULTILINE
    )
    assert settings or script.name == "__load__.zeek"
    for name, default in settings:
        assert re.search(rf"^\| `ZeekML::{name}` \|.*\| `{re.escape(default)}` \|$", README, re.MULTILINE), (
            name
        )


def test_no_other_setting_is_documented() -> None:
    documented = set(re.findall(r"^\| `ZeekML::(\w+)` \|", README, re.MULTILINE))
    scripts = "".join(path.read_text("utf-8") for path in [*SCRIPTS, *POLICIES])
    assert documented == set(re.findall(r"^\tconst (\w+).* &redef;$", scripts, re.MULTILINE))


def test_the_script_reads_the_columns_that_zeekml_writes() -> None:
    fields = re.findall(r"^\t\t(\w+): (\w[\w ]+?)(?: &optional)?;$", text_of("alerts.zeek"), re.MULTILINE)
    assert tuple((name, re.sub(r"vector of (\w+)", r"vector[\1]", kind)) for name, kind in fields) == FIELDS


def test_the_notice_has_what_carries_the_evidence_in_columns_of_its_own() -> None:
    text = text_of("alerts.zeek")
    added = re.findall(r"^\t\t(\w+): vector of (\w+) &log &optional;$", text, re.MULTILINE)
    assert [(name, f"vector[{kind}]") for name, kind in added] == list(notice_log.FIELDS[-2:])
    for name, _ in added:
        assert f"n${name} = a${name};" in text


def test_what_can_be_unset_is_optional() -> None:
    optional = set(re.findall(r"^\t\t(\w+): \w[\w ]+ &optional;$", text_of("alerts.zeek"), re.MULTILINE))
    assert optional == {"kind", "evidence", "uid", "orig_h", "resp_h", "proto", "service",
                        "evidence_peers", "evidence_ports"}  # fmt: skip


def test_the_table_of_the_btests_has_those_columns() -> None:
    script = (PACKAGE / "tests" / "zeekml" / "table.sh").read_text(encoding="utf-8")
    header = re.search(r"#fields((?:\\t\w+)+)\\n", script)
    assert header is not None
    assert header[1].split(r"\t")[1:] == [name for name, _ in FIELDS]


def test_the_page_on_sinks_documents_the_columns() -> None:
    page = (PACKAGE.parent / "docs" / "sinks.md").read_text(encoding="utf-8")
    kinds = r"string|double|count|interval|time|addr|vector\[\w+\]"
    assert tuple(re.findall(rf"^\| `(\w+)` \| ({kinds}) \|", page, re.M)) == FIELDS


def test_the_event_is_declared_as_it_is_handled() -> None:
    """A handler of an event that nobody declared is taken for a slip by Zeek's usage analysis."""
    declared, handled = re.findall(
        r"event(?: ZeekML::alert_read)?\((description.*)\)", text_of("alerts.zeek")
    )
    assert declared == handled


def test_the_filter_is_the_one_that_a_real_zeek_took() -> None:
    script = text_of("conn-json.zeek")
    values = dict(re.findall(r'const (\w+) = "([^"]+)" &redef;', script))
    call = re.search(r"Log::add_filter\((.*)\);", script, re.DOTALL)
    assert call is not None
    written = re.sub(r"\s+", "", call[1])
    for name, value in values.items():
        written = written.replace(name, f'"{value}"')
    assert written == (
        'Conn::LOG,[$name="conn-json",$path="conn_json",'
        '$config=table(["use_json"]="T",["json_timestamps"]="JSON::TS_ISO8601")]'
    )
