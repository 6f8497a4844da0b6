"""Ranking, the estimate of what remains, and the plot of it, without a database."""

import gzip
import json
from itertools import accumulate
from pathlib import Path
from random import Random

import pytest
from django.core.management import CommandError, call_command
from sklearn.feature_extraction.text import TfidfVectorizer

from reviews.statistics import plots
from reviews.statistics.ranking import Replay, can_learn, first_two, matrix_of, replay, scores, text_of
from reviews.statistics.remaining import random_sample, remaining

WORDS = {True: "wrinkle nanofat injection patients elasticity trial", False: "tumour mouse gene knockout pathway"}


def labelled(n: int, every: int = 8) -> tuple[list[str], list[bool]]:
    """Two topics with words in common; every so many is relevant."""
    draw = Random(3)
    relevant = [i % every == 0 for i in range(n)]
    common = ["cells", "skin", "effect", "study", "results", "treatment", "of", "the"]
    texts = []
    for is_relevant in relevant:
        own = draw.choices(WORDS[is_relevant].split(), k=5) + draw.choices(WORDS[not is_relevant].split(), k=2)
        words = own + draw.choices(common, k=20)
        draw.shuffle(words)
        texts.append(text_of(" ".join(words[:6]), " ".join(words[6:])))
    return texts, relevant


def test_what_was_learnt_puts_the_relevant_first():
    texts, relevant = labelled(200)
    rows = list(range(40))

    found = scores(matrix_of(texts), rows, [relevant[i] for i in rows])

    unread = sorted(range(40, 200), key=lambda i: -found[i])
    assert sum(relevant[i] for i in unread[:20]) >= 10  # by chance 2 or 3


def test_words_and_pairs_are_weighed_as_scikit_learn_weighs_them():
    texts, _ = labelled(30)
    texts += ["Ünïcode wörds, a B2 and x-ray x-ray", ""]

    ours = matrix_of(texts)

    theirs = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, max_df=0.95).fit_transform(texts)
    assert ours.shape == theirs.shape
    similarities = (ours @ ours.T - theirs @ theirs.T).toarray()
    assert abs(similarities).max() < 1e-9


def test_nothing_is_learnt_from_one_kind_and_from_no_words():
    assert not can_learn([True, True])
    assert not can_learn([])
    assert can_learn([True, False])
    assert matrix_of(["", " "]) is None


def test_a_replay_reads_every_report_once_and_finds_most_early():
    texts, relevant = labelled(240)

    run = replay(matrix_of(texts), relevant, seed=4)

    assert len(run.found) == 238
    assert run.n_relevant == sum(relevant) - 1
    assert run.recall(0.3) > 0.8
    assert run == replay(matrix_of(texts), relevant, seed=4)


def test_the_first_two_are_one_of_each_kind():
    relevant = [False, True, False, True]

    first, second = first_two(relevant, 9)

    assert relevant[first] and not relevant[second]


def test_recall_and_work_saved_are_counted_by_whole_reports():
    run = Replay(
        found=(True, False, True, False, False, False, False, False, True, False), first_relevant=0, first_irrelevant=1
    )

    assert run.recall(0.1) == pytest.approx(1 / 3)
    assert run.recall(0.25) == pytest.approx(2 / 3)
    assert run.reading_for(0.95) == 9
    assert run.work_saved(0.95) == pytest.approx(0.1 - 0.05)


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_the_command_replays_a_file_of_either_kind(tmp_path, capsys, suffix):
    texts, relevant = labelled(80)
    lines = ["title,abstract,label_included"] + [
        f"{text[:30]},{text},{int(is_in)}" for text, is_in in zip(texts, relevant, strict=True)
    ]
    path = tmp_path / f"set{suffix}"
    data = "\n".join(lines).encode()
    path.write_bytes(gzip.compress(data) if suffix == ".csv.gz" else data)

    call_command("simulate_ranking", str(path), "--seed", "2", "--json")

    found = json.loads(capsys.readouterr().out)
    assert (found["records"], found["relevant"], found["seed"]) == (80, 10, 2)
    assert list(found["recall"]) == ["5%", "10%", "20%", "30%", "50%"]
    assert 0 < found["wss95"] < 1


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("title,abstract\na,b", "no column label_included"),
        ("title,abstract,label_included\na,b,perhaps", "line 2: label_included is 'perhaps'"),
        ("title,abstract,label_included\na,b,1\nc,d,0", "two relevant reports"),
        ("title,abstract,label_included\na,b,1\na,b,1\na,b,0", "no words"),
    ],
)
def test_the_command_says_what_is_wrong_with_a_file(tmp_path: Path, text, trouble):
    path = tmp_path / "set.csv"
    path.write_text(text)

    with pytest.raises(CommandError, match=trouble):
        call_command("simulate_ranking", str(path))


def test_the_random_sample_is_the_beginning_of_the_random_order_and_ends_with_a_random_card():
    read = [True, True, True, True, True, False, True]
    by_chance = [True, False, True, False, False, False, True]

    assert random_sample(read, by_chance) == 3
    assert random_sample([False, True], [False, True]) == 0


def test_what_remains_has_an_exact_interval():
    # 5 of 100 drawn from 1,000: those numbers of relevant ones with at least 2.5 % on either side.
    found = remaining(1000, 20, 100, 5, 700)

    assert found.expected == 50
    assert (found.expected_low, found.expected_high) == (20, 109)
    assert (found.left, found.low, found.high) == (30, 0, 89)


def test_a_small_sample_gives_no_estimate_and_a_whole_one_gives_certainty():
    assert remaining(1000, 3, 29, 2, 971).left is None
    whole = remaining(50, 7, 50, 7, 0)
    assert (whole.expected, whole.expected_low, whole.expected_high, whole.left) == (7, 7, 7, 0)


def test_no_more_is_left_than_is_unread():
    # 20 of the first 40 were relevant, and 95 of 100 are read.
    found = remaining(100, 30, 40, 20, 5)

    assert (found.expected, found.expected_low, found.expected_high) == (35, 35, 35)
    assert (found.left, found.low, found.high) == (5, 5, 5)


def test_where_all_is_read_nothing_is_estimated():
    found = remaining(100, 30, 12, 9, 0)

    assert (found.left, found.low, found.high, found.expected) == (0, 0, 0, 30)


def test_the_interval_holds_the_truth_nearly_always():
    draw, held = Random(11), 0
    population = [i < 60 for i in range(900)]
    for _ in range(200):
        sample = draw.sample(population, 90)
        found = remaining(900, 0, 90, sum(sample), 810)
        held += found.expected_low <= 60 <= found.expected_high

    assert held >= 186


def test_the_plot_runs_from_nothing_to_what_was_found():
    found = list(accumulate([1, 0, 1, 0, 0] * 20))

    shown = plots.progress(found, remaining(400, found[-1], 50, 10, 300))

    points = [tuple(map(float, point.split(","))) for point in shown.curve.split(" ")]
    assert points[0] == (shown.left, shown.base)
    assert points == sorted(points, key=lambda point: point[0])
    assert shown.band[0] < shown.expected < shown.band[0] + shown.band[1]
    assert plots.progress([], remaining(10, 0, 0, 0, 10)).expected is None


@pytest.mark.parametrize(
    ("most", "found"), [(4, [0, 1, 2, 3, 4]), (45, [0, 10, 20, 30, 40]), (1698, [0, 500, 1000, 1500])]
)
def test_ticks_are_round_numbers(most, found):
    assert plots.ticks(most) == found
