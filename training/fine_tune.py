"""Stage 3: the loop. All ranks do the same steps on disjoint parts of the same global batches."""

import math
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from contract.faults import fault
from contract.reasons import EndReason
from contract.tasks import LOWER_IS_BETTER
from training import optimizers
from training.assembly import Parts
from training.checkpoint_files import Contents
from training.devices import peak_memory
from training.failures import CANCELLED, DRAINED, Ending, Failure
from training.hashing import hash_of
from training.kept_weights import KeptWeights
from training.models.source import CONFIG, WEIGHTS
from training.pace_report import SlowRank
from training.parallel.sharded import local
from training.progress import FIRST_STEP_S
from training.random_state import put_random_states, random_states
from training.rank import Rank
from training.spent import Spent
from training.step import Step, point_keys, take_step
from training.tasks import eval_keys

STAGE = "fine_tune"
SAVE_EVERY_S = 10.0
OPTIMIZER = "optimizer.safetensors"
RANDOM = "random.safetensors"
STATE = "state.json"


@dataclass
class State:
    """Where the training stands; equal on all ranks."""

    step: int = 0
    seconds: float = 0.0
    """of training, over all attempts, on rank 0's clock"""
    best: float | None = None
    """the best value of `metric_for_best_model` so far"""
    evaluations_without_gain: int = 0
    shares: list[float] = field(default_factory=list)
    """of the global batch, per rank, once they differ"""
    loss_scale: list[float] = field(default_factory=list)
    """of fp16: the scale, and steps since it last changed"""


class FineTuning:
    def __init__(self, rank: Rank, parts: Parts):
        self.rank = rank
        self.parts = parts
        self.state = State()
        self.limit_reached = False
        self.kept = KeptWeights(parts.method, parts.plan.training)
        self._goal = parts.plan.training["metric_for_best_model"].removeprefix("eval_")
        self._train = rank.reporter.series(*point_keys(parts.data.task.step_keys))
        self._eval_keys = eval_keys(rank.spec["task"])
        self._eval = rank.reporter.series(*(f"eval/{key}" for key in self._eval_keys))
        self._slow = SlowRank(rank.reporter if parts.group.rank == 0 else None)
        self._saved_at = self._began_at = time.monotonic()
        self._seconds_before = 0.0
        self._spent = Spent()

    def run(self) -> Ending | None:
        """Train to the end of the plan. An Ending when somebody wanted it to end before."""
        rank, ending = self.rank, None
        rank.reporter.stage(STAGE, "began", self.state.step)
        rank.sign.enter(STAGE, FIRST_STEP_S)
        self.parts.method.module.train()
        self._began_at = self._saved_at = time.monotonic()
        while self.state.step < self.parts.plan.total_steps and ending is None and not self._is_over():
            ending = self._step(self.state.step + 1)
        self.parts.checkpoints.wait()
        if ending is None:
            self._tell_the_end()
        return ending

    def go_on_from(self, contents: Contents) -> None:
        """Everything but the weights, which the model was built with, as it was when `contents` were saved."""
        method = self.parts.method
        optimizers.load_state(self.parts.optimizer, method.parameters, method.state_pieces(contents.tensors[OPTIMIZER]))
        put_random_states(contents.tensors[RANDOM], self.parts.group.rank, self.rank.device)
        self.kept.go_on_from(contents)
        self.state = State(**contents.documents[STATE])
        self._seconds_before = self.state.seconds
        self.parts.loss_scale.go_on_from(self.state.loss_scale)
        if len(self.state.shares) == self.parts.group.world_size:
            self.parts.sampler.shares = self.state.shares
        self.rank.sign.at(self.state.step)
        self.rank.reporter.log(f"Going on from the checkpoint of step {self.state.step}")

    def _step(self, number: int) -> Ending | None:
        fault("step")
        self.rank.reporter.raise_failure()
        step = take_step(self.parts, number, self._wishes(number), self.rank.device)
        self._spent.step(step, self.parts.sampler.own_count(number))
        if number % self.parts.plan.training["logging_steps"] == 0:
            self._train.add(number, *step.points)
        if not math.isfinite(step.loss):
            sentence = f"the loss is {step.loss} at step {number}"
            raise Failure(EndReason.NAN_LOSS, sentence, step=number, loss=str(step.loss))
        self.state.step, self.state.seconds = number, step.wishes["seconds"] or self.state.seconds
        self.kept.follow(number)
        self.parts.privacy.follow(number)
        self.rank.sign.step(number, step.seconds)
        if self.parts.method.apart:
            self._balance()
        return self._between(step)

    def _balance(self) -> None:
        """Give faster ranks more of a batch, if asked to; say which rank the others wait for."""
        pace, sampler = self.parts.pace, self.parts.sampler
        shares = pace.better_shares(sampler.shares) if self.rank.spec["parallel"]["shares"] == "measured" else None
        if shares:
            sampler.shares = self.state.shares = shares
            told = ", ".join(f"{share:.0%}" for share in shares)
            self.rank.reporter.choice("shares of a batch", told, "by the measured speed of each rank")
        self._slow.tell(pace.slow())

    def _wishes(self, number: int) -> tuple[float, ...]:
        """In the order of WISHES. Ranks add theirs up, so all of them decide the same at the same step."""
        word, now = self.rank.orders.word(), time.monotonic()
        first = self.parts.group.rank == 0
        due = self.parts.plan.may_save(number) and now - self._saved_at >= SAVE_EVERY_S
        seconds = self._seconds_before + now - self._began_at
        return float(word == "drain"), float(word == "cancel"), float(first and due), seconds if first else 0.0

    def _between(self, step: Step) -> Ending | None:
        """What comes between two steps: leave, look at the validation split, save."""
        plan, wishes = self.parts.plan, step.wishes
        if wishes["cancel"]:
            return CANCELLED
        if plan.evaluates(step.number):
            with self._spent.looking():
                self._evaluate(step.number)
        if wishes["drain"] or wishes["save"] or plan.must_save(step.number) or self._is_over():
            with self._spent.saving():
                self._save(step.number)
        if wishes["drain"]:
            self.rank.sign.enter(STAGE, FIRST_STEP_S, "checkpointing")
            self.parts.checkpoints.wait()
            return DRAINED
        return None

    def _evaluate(self, number: int) -> None:
        with self.parts.method.whole(self.kept.average):
            metrics = self.parts.evaluator.together("validation", self.parts.group, self.rank.sign.touch)
        self._eval.add(number, *(metrics[key] for key in self._eval_keys))
        if self.parts.group.rank == 0:
            told = ", ".join(f"{name} {value:.4f}" for name, value in metrics.items())
            self.rank.reporter.log(f"Step {number} of {self.parts.plan.total_steps}: validation {told}")
        if self._is_best(metrics[self._goal]):
            self.state.best, self.state.evaluations_without_gain = metrics[self._goal], 0
            self.kept.keep_best()
        else:
            self.state.evaluations_without_gain += 1

    def _is_best(self, value: float) -> bool:
        best = self.state.best
        return best is None or (value < best if self._goal in LOWER_IS_BETTER else value > best)

    def _is_over(self) -> bool:
        """Whether training ends before the plan does: no gain any more, or its time or its privacy is used up."""
        patience = self.parts.plan.training["early_stopping_patience"]
        limit = self.rank.spec["schedule"]["max_seconds"]
        self.limit_reached = 0 < limit <= self.state.seconds or self.parts.privacy.is_spent(self.state.step)
        return self.limit_reached or 0 < patience <= self.state.evaluations_without_gain

    def _save(self, number: int) -> None:
        parts, method = self.parts, self.parts.method
        self.state.loss_scale = parts.loss_scale.state()
        tensors = {
            WEIGHTS: method.gathered(method.pieces()),
            OPTIMIZER: method.gathered_state(optimizers.state_tensors(parts.optimizer, method.parameters)),
            RANDOM: random_states(parts.group, self.rank.device),
            **self.kept.gathered(),
        }
        parts.checkpoints.save(number, Contents(tensors, self._documents()))
        self._saved_at = time.monotonic()

    def _documents(self) -> dict[str, Any]:
        return {STATE: asdict(self.state), CONFIG: self.parts.config, **self.parts.privacy.documents()}

    def _tell_the_end(self) -> None:
        step = self.state.step
        if step < self.parts.plan.total_steps:
            limit = "the privacy budget is spent" if self.parts.privacy.limit_reached else "the time limit was reached"
            why = limit if self.limit_reached else f"eval/{self._goal} did not improve any more"
            self.rank.reporter.choice("end of training", f"step {step}", why)
        method = self.parts.method
        weights = hash_of(method.gathered({**method.pieces(), **(self.kept.result or {})}))
        held = sum(local(parameter).numel() for parameter in method.module.parameters())
        facts: dict[str, Any] = {"parameters": held, "peak_memory_bytes": peak_memory(self.rank.device)}
        facts |= {"bytes_per_step": round(method.bytes_per_step), **self._spent.facts()}
        if spent := self.parts.privacy.facts(step):
            facts["privacy"] = spent
        self.rank.reporter.stage(STAGE, "ended", step, weights_hash=weights, steps=step, **facts)
