"""docs/nvdla-converters.md: every answer on the page, in the folder of the LeNet that it is about."""

import doctest
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "nvdla-converters.md"


@pytest.mark.witness
def test_every_answer_on_the_page(oracle_folder, monkeypatch, compared):
    monkeypatch.chdir(oracle_folder / "tensorrt" / "lenet_trt7202")
    failed, tried = doctest.testfile(str(PAGE), module_relative=False)
    assert not failed
    compared(tried, least=30)
