"""What the card says of the labels: whose they are, and how far they can be trusted.

    list(label_limits(config, facts))
    # ["Category and difficulty of 100.0 % of the rows are those of the linear model `linear-1` …"]

The linear model's figures are those in its file of weights, measured when it was trained.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pipeline.config import Config
from pipeline.facts import Facts, percent
from pipeline.label import SOURCE
from pipeline.labelling import linear, words


def label_limits(config: Config, facts: Facts) -> Iterator[str]:
    """Yield a sentence or two for each labeller of published rows that is not a served model."""
    counts: Counter[str] = Counter()
    given = 0
    for labeller, count in facts.rows_by["labeller"].items():
        counts[base_name(labeller)] += count
        given += count if labeller.endswith(SOURCE) else 0
    if given:
        yield (
            f"The difficulty of {percent(given, facts.rows)} % of the rows is their source's own,"
            " on a scale that each source has for itself."
        )
    for name, count in sorted(counts.items()):
        share = percent(count, facts.rows)
        if name == words.NAME:
            yield (
                f"Category and difficulty of {share} % of the rows are guesses of the labeller"
                f" `{name}`, which looks at form and wording only; no model read them."
            )
        elif config.recipe.label.baseline == "linear" and name == _linear(config).name:
            yield (
                f"Category and difficulty of {share} % of the rows are those of `{name}`, a linear"
                f" model of the question's vector and words.{_measured(config)}"
            )
        else:
            yield (
                f"Category and difficulty of {share} % of the rows are those of `{name}`, which"
                " nobody has checked beyond the audit above, if there is one."
            )


def base_name(labeller: str) -> str:
    """Return who labelled: without why, and without what the source gave."""
    return labeller.partition(" (")[0].partition(", ")[0]


def _linear(config: Config) -> linear.Linear:
    return linear.load(config.recipe.label.weights)


def _measured(config: Config) -> str:
    """Return the figures that the weights come with, as sentences; none where there are none."""
    figures = _linear(config).figures
    category, difficulty = figures.get("category"), figures.get("difficulty")
    said = ""
    if category:
        said += (
            f" Of {category['rows']:,} rows of {category['sources']} sources, each left out of"
            " training when its rows were labelled, it named the source's own category for"
            f" {100 * category['mean_of_sources']:.1f} % (weighted by the sources' sizes"
            f" {100 * category['by_size']:.1f} %)."
        )
    if difficulty:
        said += (
            " Its difficulty agrees with DeepScaleR's five levels at a rank correlation of"
            f" {difficulty['spearman']:.2f}, in five folds over that set's own problems, and of"
            f" {difficulty['spearman_left_out']:.2f} with the set left out; take it for a hint."
        )
    return said
