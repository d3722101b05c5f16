from __future__ import annotations

def test_try(small_config, small_store, tmp_path):
    from pipeline.publish import publish_folder
    from pathlib import Path
    done = publish_folder(small_config, small_store, Path("/tmp/scratch8/pub"))
    print(done)
