"""The metadata of cards: what is taken over from others, and results that replace earlier ones."""

from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from simemb.encoder import card_metadata
from simemb.encoder.names import BUNDLED


def written(folder: Path, text: str) -> Path:
    (folder / "README.md").write_text(text, encoding="utf-8")
    return folder


def test_license_languages_and_base_are_those_of_the_card(tmp_path: Path):
    text = "---\nlanguage: [en, zh-Hans]\nlicense: mit\nbase_model: org/base\ntags: [x]\n---\n# Card\n"
    expected = {"license": "mit", "language": ["en", "zh-Hans"], "base_model": "org/base"}
    assert card_metadata.known(written(tmp_path, text)) == expected
    assert card_metadata.known(tmp_path / "none") == card_metadata.known(None) == {}


@pytest.mark.parametrize(
    "text",
    [
        "no metadata",
        "---\nlicense: [\n---\n",
        "---\nlicense: '<script>'\nlanguage: {a: b}\nbase_model: ../../etc\n---\n",
        "---\nlicense: !!python/object/apply:os.system [true]\n---\n",
        f"---\nlicense: {'[' * 3000}\n---\n",
        "---\n- license\n---\n",
    ],
)
def test_nothing_else_is_taken_from_a_card_of_others(text: str, tmp_path: Path):
    assert card_metadata.known(written(tmp_path, text)) == {}


def test_results_replace_those_of_the_same_suite_and_number_and_leave_the_text(tmp_path: Path):
    front = card_metadata.front_matter({"license": "mit", "widget": card_metadata.widget("en")})
    first = [card_metadata.result("stsb_dev", "spearman", 70.0), card_metadata.result("scifact", "ndcg@10", 50.0)]
    once = card_metadata.with_results(f"{front}\n# A card\n\nText.\n", first)
    twice = card_metadata.with_results(once, [card_metadata.result("stsb_dev", "spearman", 71.5)])
    assert twice.endswith("\n# A card\n\nText.\n")
    data: Any = ModelCard(twice).data
    assert (data.license, data.model_name) == ("mit", "sentence encoder")
    assert data.widget[0]["source_sentence"] == "A man plays a guitar."
    found = {(each.dataset_name, each.metric_type): each.metric_value for each in data.eval_results}
    assert found == {("scifact", "ndcg@10"): 0.5, ("stsb_dev", "spearman_cosine"): 0.715}
    with pytest.raises(ValueError, match="its metadata are no YAML"):
        card_metadata.with_results("---\na: [\n---\n", first)


def test_a_model_that_ships_is_no_name_on_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert card_metadata.is_hub_name("bert-base-uncased")
    assert not any(card_metadata.is_hub_name(name) for name in BUNDLED)
