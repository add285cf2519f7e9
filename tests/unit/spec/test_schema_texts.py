"""Editors are shown the text below a field; importing the spec does not read its source for it."""

from trimtab.spec import RolloutSpec, Spec, json_schema
from trimtab.spec.base import Section
from trimtab.spec.schema import described


class Refined(RolloutSpec):
    """Some section that refines another."""

    extra: str = ""


def test_the_schema_has_the_text_below_a_field_on_one_line() -> None:
    schema = json_schema()
    assert schema["properties"]["problem"]["description"] == "A label of 0 and 1, one of several classes, or a number."
    assert "\n" not in schema["properties"]["name"]["description"]


def test_the_texts_are_not_read_when_the_spec_is_imported() -> None:
    assert Spec.model_fields["problem"].description is None
    assert not Section.model_config.get("use_attribute_docstrings")


def test_a_section_within_a_section_is_described_too() -> None:
    assert json_schema()["$defs"]["ApprovalSpec"]["properties"]["approvers"]["description"]


def test_a_section_that_refines_another_has_its_texts() -> None:
    plain = json_schema()["$defs"]["RolloutSpec"]["properties"]
    refined = described(Refined.model_json_schema(), Refined)["properties"]
    assert {name: field.get("description") for name, field in refined.items() if name != "extra"} == {
        name: field.get("description") for name, field in plain.items()
    }


def test_a_description_of_its_own_stays() -> None:
    schema = {"$defs": {}, "properties": {"problem": {"description": "mine"}}}
    assert described(schema, Spec)["properties"]["problem"] == {"description": "mine"}
