"""`gantools report`: a page that holds all it shows."""

import json
import re

import gantools


def test_a_page_has_sheets_curves_settings_and_figures_and_fetches_nothing(tiny, gantools_cli, tmp_path):
    run = gantools.train("cyclegan", **{**tiny, "sample_every": 2}, quiet=True, out="<b>run")
    assert (run.folder / "report.html").is_file()
    (run.folder / "report.html").unlink()
    result = gantools_cli("report", run.folder)
    assert result.exit_code == 0, result.stderr
    page = (run.folder / "report.html").read_text()
    sheets = json.loads(re.search(r"const sheets = (.*);", page).group(1))
    assert [sheet["step"] for sheet in sheets] == [0, 2, 4, 6]
    assert all(sheet["image"].startswith("data:image/png;base64,iVBOR") for sheet in sheets)
    assert "<th>width</th><td>4</td>" in page
    panels = json.loads(re.search(r"const panels = (.*);", page).group(1))
    assert panels[0]["title"] == "losses of the discriminator"
    [cycle] = [curve for panel in panels for curve in panel["curves"] if curve["name"] == "g/cycle_a"]
    logged = [json.loads(line) for line in (run.folder / "log.jsonl").read_text().splitlines()]
    assert cycle["points"] == [[row["step"], float(f"{row['g/cycle_a']:.5g}")] for row in logged]
    assert "gantools resume &#x27;&lt;b&gt;run&#x27; --steps 1000" in page
    assert "&lt;b&gt;run" in page
    assert "<b>run" not in page
    assert not re.findall(r"(?:src|href)=.https?:", page)


def test_figures_of_an_evaluation_stand_in_it_and_no_text_ends_its_script(tiny, gantools_cli):
    folder = gantools.train("cyclegan", **{**tiny, "steps": 1}, quiet=True, out="run").folder
    (folder / "log.jsonl").write_text('{"step": 1, "seconds": 7200, "g/</script><b>": 1.0, "g/nan": NaN}\n')
    (folder / "evaluation").mkdir()
    row = {"made": {"kid": {"value": 12.3456, "std_error": 1.5, "n": 9}}, "untranslated": {"l1": {"value": 0.25}}}
    (folder / "evaluation" / "metrics.json").write_text(json.dumps({"rows": {"a2b": row}}))
    assert gantools_cli("report", folder).exit_code == 0
    page = (folder / "report.html").read_text()
    assert "<tr><th>kid</th><td>12.35 ± 1.5</td><td></td></tr><tr><th>l1</th><td></td><td>0.25</td></tr>" in page
    assert page.count("</script>") == 1
    assert "2.0 hours" in page


def test_what_is_no_run_is_one_line(gantools_cli, tmp_path):
    result = gantools_cli("report", tmp_path)
    assert result.exit_code == 1
    assert "is not a run folder" in result.stderr
