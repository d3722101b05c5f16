from __future__ import annotations
from pathlib import Path
def test_try(small_config, small_store, make_small_store, tmp_path, change_answer):
    from pipeline.report import write_report
    def change(d):
        d.remove("examples","code"); d.remove("questions","code"); change_answer(d,"first_round","x")
    other = make_small_store(tmp_path/"data","2",change)
    write_report(small_config, small_store, Path("/tmp/scratch8/report.html"), other)
