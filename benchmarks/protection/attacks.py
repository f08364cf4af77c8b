"""Real attacks by the adversarial-robustness-toolbox on a victim; what is kept is the rows each one asked.

Each attacker asks for at most `asked` rows. A numeric vector stands for a row: numbers scaled to 0..1 over the training
range, one coordinate per category, the largest of which counts.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
import torch
from art.attacks.evasion import BoundaryAttack, HopSkipJump, ZooAttack
from art.attacks.extraction import CopycatCNN, KnockoffNets
from art.estimators.classification import BlackBoxClassifier, PyTorchClassifier
from victims import Victim

from roadworthy.statistics.frame import Floats, Frame, concat

logging.disable(logging.WARNING)
torch.set_num_threads(1)


class SpentError(Exception):
    """The attacker has asked for as many rows as counted."""


class Oracle:
    """The victim as an attacker sees it, and a memory of what was asked. `fixed` rows keep their categories."""

    def __init__(self, victim: Victim, asked: int, fixed: Frame | None = None) -> None:
        self.victim, self.left, self.fixed = victim, asked, fixed
        self.seen: list[Frame] = []
        train = victim.train
        self.numbers = [n for n in train.names if train.is_numeric(n)]
        self.ends = {n: (float(np.nanmin(train[n])), float(np.nanmax(train[n]))) for n in self.numbers}
        self.whole = {n: bool((train.floats(n) % 1 == 0).all()) for n in self.numbers}
        self.kinds = {} if fixed is not None else {
            n: sorted({str(v) for v in train[n].tolist()}) for n in train.names if n not in self.numbers
        }  # fmt: skip
        self.size = len(self.numbers) + sum(map(len, self.kinds.values()))

    def classifier(self) -> BlackBoxClassifier:
        return BlackBoxClassifier(self.answer, (self.size,), 2, clip_values=(0.0, 1.0))

    def answer(self, x: Floats) -> Floats:
        """Probabilities of both decisions, as the endpoint's score and threshold give them."""
        if self.left <= 0:
            raise SpentError
        frame = self.rows(np.asarray(x, dtype=np.float64)[: self.left])
        self.seen.append(frame)
        self.left -= frame.n_rows
        scores = self.victim.scores(frame)
        yes = np.where(scores >= self.victim.threshold, 0.5 + scores / 2, scores / 2)
        both = np.column_stack([1 - yes, yes])
        return np.concatenate([both, np.tile(both[-1:], (len(x) - len(both), 1))])

    def rows(self, x: Floats) -> Frame:
        columns, at = {}, 0
        for name in self.victim.train.names:
            if name in self.ends:
                low, high = self.ends[name]
                values = low + x[:, self.numbers.index(name)] * (high - low)
                columns[name] = values
        at = len(self.numbers)
        for name, kinds in self.kinds.items():
            columns[name] = np.array(kinds, dtype=object)[x[:, at : at + len(kinds)].argmax(axis=1)]
            at += len(kinds)
        if self.fixed is not None:
            for name in self.fixed.names:
                if name not in columns:
                    columns[name] = np.repeat(self.fixed[name], len(x))
        return Frame({name: columns[name] for name in self.victim.train.names})

    def vectors(self, frame: Frame) -> Floats:
        parts = []
        for name in self.numbers:
            low, high = self.ends[name]
            parts.append(((frame.floats(name) - low) / ((high - low) or 1.0))[:, None])
        for name, kinds in self.kinds.items():
            parts.append(np.array([[float(str(v) == k) for k in kinds] for v in frame[name].tolist()]))
        return np.nan_to_num(np.clip(np.concatenate(parts, axis=1), 0.0, 1.0)).astype(np.float32)

    def asked(self) -> Frame:
        return concat(self.seen)


def _thief(size: int) -> PyTorchClassifier:
    net = torch.nn.Sequential(torch.nn.Linear(size, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2))
    optimizer = torch.optim.Adam(net.parameters(), 0.01)
    return PyTorchClassifier(net, torch.nn.CrossEntropyLoss(), (size,), 2, optimizer, clip_values=(0.0, 1.0))


def _pool(oracle: Oracle, kind: str, count: int, rng: np.random.Generator) -> Floats:
    """What a thief asks with: made-up rows, shuffled columns, honest rows moved a little, or honest rows."""
    traffic = oracle.victim.traffic
    if kind == "made up":
        return rng.random((count, oracle.size)).astype(np.float32)
    some = oracle.vectors(traffic.take(rng.choice(traffic.n_rows, count, replace=False)))
    if kind == "shuffled":
        order = [rng.permutation(count) for _ in traffic.names]
        frame = oracle.rows(some.astype(np.float64))
        return oracle.vectors(Frame({n: frame[n][o] for n, o in zip(frame.names, order, strict=True)}))
    if kind == "moved":
        seeds = some[rng.integers(0, max(1, count // 10), size=count)]
        return np.clip(seeds + rng.choice([-0.1, 0.0, 0.1], size=seeds.shape), 0.0, 1.0).astype(np.float32)
    return some


def _copycat(kind: str) -> Callable[[Victim, int, np.random.Generator], Frame]:
    def run(victim: Victim, asked: int, rng: np.random.Generator) -> Frame:
        oracle = Oracle(victim, asked)
        x = _pool(oracle, kind, asked, rng)
        attack = CopycatCNN(
            oracle.classifier(), batch_size_fit=32, batch_size_query=64, nb_epochs=1, nb_stolen=asked
        )
        return _until_spent(oracle, lambda: attack.extract(x, thieved_classifier=_thief(oracle.size)))

    return run


def _knockoff(victim: Victim, asked: int, rng: np.random.Generator) -> Frame:
    oracle = Oracle(victim, asked)
    x = _pool(oracle, "shuffled", 2 * asked, rng)
    y = np.eye(10)[rng.integers(0, 10, size=len(x))]
    attack = KnockoffNets(
        oracle.classifier(),
        nb_epochs=1,
        nb_stolen=asked,
        sampling_strategy="adaptive",
        reward="cert",
        verbose=False,
    )
    return _until_spent(oracle, lambda: attack.extract(x, y, thieved_classifier=_thief(oracle.size)))


def _evasion(
    make: Callable[[BlackBoxClassifier, int], object],
) -> Callable[[Victim, int, np.random.Generator], Frame]:
    def run(victim: Victim, asked: int, rng: np.random.Generator) -> Frame:
        start = victim.traffic.take(rng.integers(0, victim.traffic.n_rows, size=1))
        oracle = Oracle(victim, asked, fixed=start)
        attack = make(oracle.classifier(), oracle.size)
        return _until_spent(oracle, lambda: attack.generate(oracle.vectors(start)), again=True)

    return run


def _until_spent(oracle: Oracle, attack: Callable[[], object], *, again: bool = False) -> Frame:
    try:
        for _ in range(50 if again else 1):
            attack()
            if oracle.left <= 0:
                break
    except SpentError:
        pass
    return oracle.asked()


ATTACKS: dict[str, tuple[str, Callable[[Victim, int, np.random.Generator], Frame]]] = {
    "CopycatCNN, made-up rows": ("extraction", _copycat("made up")),
    "CopycatCNN, shuffled columns": ("extraction", _copycat("shuffled")),
    "CopycatCNN, honest rows moved": ("extraction", _copycat("moved")),
    "CopycatCNN, honest rows": ("extraction", _copycat("honest")),
    "KnockoffNets adaptive, shuffled columns": ("extraction", _knockoff),
    "HopSkipJump": (
        "evasion",
        _evasion(lambda c, _: HopSkipJump(c, max_iter=5, max_eval=100, init_eval=10, verbose=False)),
    ),
    "Boundary attack": (
        "evasion",
        _evasion(lambda c, _: BoundaryAttack(c, targeted=False, max_iter=20, verbose=False)),
    ),
    "ZOO": (
        "evasion",
        _evasion(
            lambda c, n: ZooAttack(
                c, max_iter=20, use_resize=False, use_importance=False, nb_parallel=n, verbose=False
            )
        ),
    ),
}
"""Name -> what it is after, and how it is run."""
