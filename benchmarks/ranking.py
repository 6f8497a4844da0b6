"""How good and how quick ranking is: `python -m benchmarks.ranking [FILE.csv.gz …] [--seeds 10]`.

Each file is a labelled set (title, abstract, label_included), replayed from the two reports that each seed draws. Last
comes the speed with 5,000 invented reports, all labelled.
"""

import argparse
import statistics
import time
from pathlib import Path

from benchmarks.duplicates import invented
from reviews.management.commands.simulate_ranking import SHARES, read_labelled
from reviews.statistics.ranking import Replay, matrix_of, replay, scores, text_of


def replays(path: Path, seeds: int) -> list[Replay]:
    texts, relevant = read_labelled(path)
    matrix = matrix_of(texts)
    return [replay(matrix, relevant, seed=seed) for seed in range(1, seeds + 1)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    asked = parser.parse_args()
    for path in asked.files:
        start = time.process_time()
        runs = replays(path, asked.seeds)
        recalls = ", ".join(f"{share:.0%} {statistics.mean(r.recall(share) for r in runs):.3f}" for share in SHARES)
        saved = [run.work_saved() for run in runs]
        print(f"{path.name}, seeds 1 to {asked.seeds}, {(time.process_time() - start) / len(runs):.1f} s a replay")
        print(f"  mean recall after {recalls}")
        print(f"  WSS@95 mean {statistics.mean(saved):.3f}, {min(saved):.3f} to {max(saved):.3f}", flush=True)
    _speed(5000)


def _speed(n: int) -> None:
    texts = [text_of(record["title"], record["abstract"]) for record in invented(n)]
    relevant = [i % 20 == 0 for i in range(n)]
    start = time.process_time()
    matrix = matrix_of(texts)
    built = time.process_time() - start
    times = []
    for _ in range(5):
        start = time.process_time()
        scores(matrix, range(n), relevant)
        times.append(time.process_time() - start)
    print(f"{n:,} reports, {matrix.shape[1]:,} words and pairs: matrix in {built:.1f} s of one core,")
    print(f"fit and score in {1000 * statistics.median(times):.0f} ms (median of {len(times)})")


if __name__ == "__main__":
    main()
