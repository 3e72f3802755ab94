from __future__ import annotations

from pathlib import Path

from benchmarks.shakespeare import shakespeare


def test_every_character_is_paid_for_once(shared_data: Path) -> None:
    """Speeches and the two newlines between them are the raw text; an end token each pays for the newlines."""
    data, test = shakespeare(shared_data)
    assert "\n\n".join(data.holdout["speech"]) == test
    whole = "\n\n".join(data.train["speech"]) + test
    assert len(whole) == 1_115_394
    assert len(test) == len(whole) - len(whole) * 9 // 10
