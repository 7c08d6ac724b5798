"""The Zeek package is complete and says what the scripts do; a Zeek to run it is not needed."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "zeek-scripts"
SCRIPTS = sorted((PACKAGE / "scripts").glob("*.zeek"))


@pytest.fixture(scope="module")
def meta() -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(PACKAGE / "zkg.meta", encoding="utf-8")
    return parser["package"]


def test_the_metadata_has_what_zkg_needs(meta: configparser.SectionProxy) -> None:
    assert meta["description"]
    assert (PACKAGE / meta["script_dir"] / "__load__.zeek").is_file()
    assert meta["depends"].split() == ["zeek", ">=5.0.0"]


def test_every_script_is_loaded() -> None:
    loaded = set(
        re.findall(r"^@load \./(\S+)$", (PACKAGE / "scripts" / "__load__.zeek").read_text("utf-8"), re.M)
    )
    assert loaded == {path.stem for path in SCRIPTS if path.name != "__load__.zeek"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_brackets_and_quotes_are_closed(script: Path) -> None:
    code = re.sub(r"#.*", "", script.read_text(encoding="utf-8"))
    code = re.sub(r'"[^"\n]*"', "", code)
    assert '"' not in code
    for opening, closing in ("()", "[]", "{}"):
        assert code.count(opening) == code.count(closing)


def test_the_filter_is_the_one_that_a_real_zeek_took() -> None:
    script = (PACKAGE / "scripts" / "conn-json.zeek").read_text(encoding="utf-8")
    values = dict(re.findall(r'const (\w+) = "([^"]+)" &redef;', script))
    call = re.search(r"Log::add_filter\((.*)\);", script, re.S)
    assert call is not None
    written = re.sub(r"\s+", "", call[1])
    for name, value in values.items():
        written = written.replace(name, f'"{value}"')
    assert written == (
        'Conn::LOG,[$name="conn-json",$path="conn_json",'
        '$config=table(["use_json"]="T",["json_timestamps"]="JSON::TS_ISO8601")]'
    )


def test_every_setting_is_documented() -> None:
    script = (PACKAGE / "scripts" / "conn-json.zeek").read_text(encoding="utf-8")
    readme = (PACKAGE / "README.md").read_text(encoding="utf-8")
    for name, default in re.findall(r'const (\w+) = "([^"]+)" &redef;', script):
        assert re.search(rf"^\| `ZeekML::{name}` \|.*`{re.escape(default)}` \|$", readme, re.M), name
