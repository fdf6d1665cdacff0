"""Texts that are nearly alike: equal but for capitals, blanks and punctuation; or sharing most of their word triples.

MinHash with banding: Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, chapter 3.
"""

import re
import zlib
from collections import defaultdict

import numpy as np

ALIKE = 0.8
"""share of word triples that two texts have in common, as their signatures estimate it"""
PERMUTATIONS, BAND = 64, 4
PRIME = (1 << 31) - 1
MOST_IN_BUCKET = 50
LEAST_WORDS = 6


def near_pairs(texts: list[str], splits: list[str]) -> list[tuple[int, int, float]]:
    """(index in a held-out split, index of a text that is nearly alike in another split, likeness)."""
    words = [re.findall(r"\w+", text.casefold()) for text in texts]
    found: dict[int, tuple[int, float]] = {}
    _note(found, _same([" ".join(some) for some in words], splits), splits)
    signatures = [_signature(some) if len(some) >= LEAST_WORDS else None for some in words]
    _note(found, _banded(signatures, splits), splits)
    return [(index, other, likeness) for index, (other, likeness) in sorted(found.items())]


def _note(found: dict[int, tuple[int, float]], pairs, splits: list[str]) -> None:
    for one, other, likeness in pairs:
        held_out, kept = (one, other) if splits[other] == "train" else (other, one)
        if held_out not in found or found[held_out][1] < likeness:
            found[held_out] = (kept, likeness)


def _same(plain: list[str], splits: list[str]):
    by_text = defaultdict(list)
    for index, text in enumerate(plain):
        if text:
            by_text[text].append(index)
    for indices in by_text.values():
        for other in indices[1:]:
            if splits[other] != splits[indices[0]]:
                yield indices[0], other, 1.0


def _banded(signatures: list[np.ndarray | None], splits: list[str]):
    buckets = defaultdict(list)
    for index, signature in enumerate(signatures):
        if signature is not None:
            for band in range(0, PERMUTATIONS, BAND):
                buckets[band, signature[band : band + BAND].tobytes()].append(index)
    for indices in buckets.values():
        for place, one in enumerate(indices[:MOST_IN_BUCKET]):
            for other in indices[place + 1 : MOST_IN_BUCKET]:
                if splits[one] != splits[other]:
                    alike = np.asarray(signatures[one]) == np.asarray(signatures[other])
                    likeness = float(np.count_nonzero(alike) / PERMUTATIONS)
                    if likeness >= ALIKE:
                        yield one, other, likeness


_random = np.random.default_rng(7)
_FACTORS = _random.integers(1, PRIME, (PERMUTATIONS, 1), dtype=np.int64)
_OFFSETS = _random.integers(0, PRIME, (PERMUTATIONS, 1), dtype=np.int64)


def _signature(words: list[str]) -> np.ndarray:
    """int64 [PERMUTATIONS]: for each permutation the smallest hash of a word triple."""
    triples = {zlib.crc32(" ".join(words[start : start + 3]).encode()) for start in range(max(len(words) - 2, 1))}
    hashes = np.fromiter((triple % PRIME for triple in triples), np.int64)
    return ((_FACTORS * hashes + _OFFSETS) % PRIME).min(axis=1)
