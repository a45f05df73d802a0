"""`gantools report`: a page that holds all it shows."""

import json
import re

import gantools


def test_a_page_has_sheets_curves_settings_and_figures_and_fetches_nothing(tiny, gantools_cli, tmp_path):
    run = gantools.train("cyclegan", **{**tiny, "sample_every": 2}, quiet=True, out="<b>run")
    result = gantools_cli("report", run.folder)
    assert result.exit_code == 0, result.stderr
    page = (run.folder / "report.html").read_text()
    sheets = json.loads(re.search(r"const sheets = (.*);", page).group(1))
    assert [sheet["step"] for sheet in sheets] == [0, 2, 4, 6]
    assert all(sheet["image"].startswith("data:image/png;base64,iVBOR") for sheet in sheets)
    assert "<th>width</th><td>4</td>" in page
    assert "<th>g/cycle_a</th>" in page
    assert "&lt;b&gt;run" in page
    assert "<b>run" not in page
    assert not re.findall(r"(?:src|href)=.https?:", page)


def test_what_is_no_run_is_one_line(gantools_cli, tmp_path):
    result = gantools_cli("report", tmp_path)
    assert result.exit_code == 1
    assert "is not a run folder" in result.stderr
