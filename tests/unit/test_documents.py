"""output/documents.py and output/yaml_text.py: the forms in which a real Slurm writes its documents."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_slurm.output.documents import PLUGIN, document, to_json
from mini_slurm.output.yaml_text import Empty, to_yaml

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=10,
)


def test_an_empty_document_in_json() -> None:
    assert to_json(document(PLUGIN, "jobs", [])).splitlines() == [
        "{",
        '  "meta": {',
        '    "plugin": {',
        '      "type": "openapi\\/v0.0.38",',
        '      "name": "Slurm OpenAPI v0.0.38"',
        "    },",
        '    "Slurm": {',
        '      "version": {',
        '        "major": 22,',
        '        "micro": 8,',
        '        "minor": 5',
        "      },",
        '      "release": "22.05.8"',
        "    }",
        "  },",
        '  "errors": [',
        "  ],",
        '  "jobs": [',
        "  ]",
        "}",
    ]


def test_an_empty_document_in_yaml() -> None:
    assert to_yaml(document(PLUGIN, "jobs", [])).splitlines() == [
        "%YAML 1.1",
        "--- !!map",
        "!!str meta: !!map",
        "  !!str plugin: !!map",
        "    !!str type: !!str openapi/v0.0.38",
        "    !!str name: !!str Slurm OpenAPI v0.0.38",
        "  !!str Slurm: !!map",
        "    !!str version: !!map",
        "      !!str major: !!int 22",
        "      !!str micro: !!int 8",
        "      !!str minor: !!int 5",
        "    !!str release: !!str 22.05.8",
        "!!str errors: !!seq []",
        "!!str jobs: !!seq []",
        "...",
    ]


@given(VALUES)
def test_json_says_what_it_was_given(value: object) -> None:
    assert json.loads(to_json(value)) == value


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain text", "plain text"),
        ("a: b", "'a: b'"),
        ("ends:", "'ends:'"),
        ("it's", "it's"),
        ("'it's'", "'''it''s'''"),
        ("no #comment", "'no #comment'"),
        ("a#b", "a#b"),
        ("-1", "-1"),
        ("- 1", "'- 1'"),
        (" blank", "' blank'"),
        ("%j", "'%j'"),
        ("two\nlines", "'two\n\n  lines'"),
        ("a\n b", '"a\\n b"'),
        ("tab\there", '"tab\\there"'),
        ("caf\u00e9", '"caf\\xE9"'),
        ("\u20ac", '"\\u20AC"'),
        ("\U0001f600", '"\\U0001F600"'),
    ],
)
def test_a_text_is_quoted_only_where_yaml_needs_it(text: str, written: str) -> None:
    assert to_yaml({"a": text}) == f"%YAML 1.1\n--- !!map\n!!str a: !!str {written}\n...\n"


def test_there_are_no_empty_texts_in_yaml() -> None:
    assert to_yaml({"a": ""}) == "%YAML 1.1\n--- !!map\n!!str a: !!null null\n...\n"
    assert to_yaml({"a": Empty()}) == "%YAML 1.1\n--- !!map\n!!str a: !!str\n...\n"


def test_a_long_text_is_broken_at_single_blanks() -> None:
    word = "x" * 30
    lines = to_yaml({"a": f"{word} {word} {word}  {word} {word}"}).splitlines()[2:-1]
    assert lines == [f"!!str a: !!str {word} {word} {word}  {word}", f"  {word}"]
    lines = to_yaml({"a": f"\t {word} {word} {word}  {word}"}).splitlines()[2:-1]
    assert lines == [f'!!str a: !!str "\\t {word} {word} {word}', f'  \\ {word}"']


@pytest.mark.parametrize(
    ("value", "written"), [(True, "!!bool true"), (7, "!!int 7"), (None, "!!null null"), (1.5, "!!float 1.500000")]
)
def test_other_values_have_their_tags(value: object, written: str) -> None:
    assert to_yaml([value]) == f"%YAML 1.1\n--- !!seq\n- {written}\n...\n"
