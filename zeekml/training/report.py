"""The texts that go with a bundle: its metrics and its model card."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zeekml.spread import Spread
from zeekml.training.judge import SAID
from zeekml.training.recipe import Recipe

_SHOWN = (
    ("average_precision", "average precision"),
    ("mean_recall_at_fpr_0.01", "recall at a false-positive rate of 1e-2, mean of captures"),
    ("mean_recall_at_fpr_0.001", "recall at a false-positive rate of 1e-3, mean of captures"),
    ("recall_at_fpr_0.01", "recall at a false-positive rate of 1e-2, pooled"),
    ("recall_at_fpr_0.001", "recall at a false-positive rate of 1e-3, pooled"),
)
_HOSTS = (
    ("infected_named", "infected hosts named at a host threshold of each seed's own"),
    ("labelled_named", "the same, without sandbox runs"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A figure over the seeds: of the model that is shipped, of its network alone, of boosted trees."""

    words: str
    values: tuple[Spread, ...]

    @property
    def best(self) -> str:
        """Which has the highest mean."""
        most = max(value.mean for value in self.values)
        return " and ".join(name for name, value in zip(SAID, self.values, strict=True) if value.mean == most)

    def texts(self) -> list[str]:
        """The row's cells: words, three figures with their spread, the best."""
        return [self.words, *(value.plain() for value in self.values), self.best]


def comparison(metrics: dict[str, Any]) -> list[Row]:
    """The rows of the comparison; a figure that some seed could not work out is left out."""
    rows = [_row(metrics, "connections", key, words) for key, words in _SHOWN]
    rows += [_row(metrics, "hosts", key, words) for key, words in _HOSTS]
    return [row for row in rows if row is not None]


def _row(metrics: dict[str, Any], of: str, key: str, words: str) -> Row | None:
    found = [tuple(seed[name][of][key] for seed in metrics["seeds"]) for name in SAID]
    if any(value is None for values in found for value in values):
        return None  # a mean over captures, and none has enough
    return Row(words, tuple(Spread(values) for values in found))


def standing(metrics: dict[str, Any]) -> list[tuple[str, str]]:
    """What a bundle was held to on held-out captures, beside the comparison: words and figures, with false alerts."""
    connections, hosts, thresholds = (
        metrics["model"]["connections"],
        metrics["model"]["hosts"],
        metrics["thresholds"],
    )
    most = max(seed["model"]["hosts"]["clean_named"] for seed in metrics["seeds"])
    named = "; ".join(hosts["clean_named_hosts"]) or "none"
    return [
        (
            "counted",
            f"{connections['connections']:,} connections, {connections['malicious']:,} malicious; "
            f"{hosts['infected']:,} infected and {hosts['clean']:,} clean hosts",
        ),
        ("clean hosts named at a host threshold of each seed's own", f"{most} at most of {_clean(metrics)}"),
        ("calibration error, where it was fitted", f"{metrics['calibration_error']:.3f}"),
        (
            "calibration error, each fold calibrated by the others",
            f"{metrics['calibration_error_other_folds']:.3f}",
        ),
        (
            "connection threshold",
            f"{thresholds['connection']:.4f}, for a false-positive rate of {thresholds['connection_fpr']:.2g}",
        ),
        ("false-positive rate at it", f"{connections['fpr']:.2g}"),
        (
            "false-positive rate with the threshold of the other folds",
            f"{metrics['threshold_fpr_other_folds']:.2g}",
        ),
        ("most alarms in a clean network", _most_alarms(connections)),
        ("host threshold", f"{thresholds['host']:.2f}, for {thresholds['host_fpr']:g} of the clean hosts"),
        (
            "infected hosts named at it",
            f"{hosts['infected_named']} of {hosts['infected']}; without sandbox runs "
            f"{hosts['labelled_named']} of {hosts['labelled']}",
        ),
        ("clean hosts named at it", f"{hosts['clean_named']} of {hosts['clean']}: {named}"),
    ]


def _clean(metrics: dict[str, Any]) -> str:
    """How many clean hosts a seed has; two numbers where seeds differ."""
    counts = sorted({seed["model"]["hosts"]["clean"] for seed in metrics["seeds"]})
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def _most_alarms(connections: dict[str, Any]) -> str:
    """The share of connections above the threshold in the clean network that has most of them, and its name."""
    most = connections["most_alarms_in_a_clean_network"]
    if most is None:
        return "–"
    captures = connections["captures"].items()
    names = [name for name, each in captures if not each["malicious"] and each["fpr"] == most]
    return f"{most:.2%}" + (f" ({', '.join(names)})" if most else "")


def model_card(recipe: Recipe, metrics: dict[str, Any], logs: list[dict[str, Any]]) -> str:
    """The model card, in Markdown."""
    connections, hosts = metrics["model"]["connections"], metrics["model"]["hosts"]
    thresholds = metrics["thresholds"]
    table = "\n".join(f"| {' | '.join(row.texts())} |" for row in comparison(metrics))
    captures = "\n".join(_capture_row(name, figures) for name, figures in connections["captures"].items())
    trained = "\n".join(f"| {log['name']} | {log['group']} | {log['connections']} |" for log in logs)
    classes = "\n".join(_class_row(name, each) for name, each in metrics["model"]["classes"].items())
    named = "\n".join(f"- {host}" for host in hosts["clean_named_hosts"]) or "- none"
    return f"""# {recipe.name}

{recipe.description.strip()}

- Network: {_members(recipe)}{recipe.network.name}, `{recipe.network.layout}` layout, width {recipe.network.width}, \
depth {recipe.network.depth}, trained for {metrics["epochs"]} epochs on all captures below.
- {_beside(recipe)}
- {_made(recipe)}
- Classes: {", ".join(recipe.class_names)}.
- Output: the calibrated probability that a connection is not Benign, and the most probable other class.

## How it was measured

In {recipe.folds} folds over whole groups of captures: nothing of the networks, hosts and laboratories of a fold was
seen in training. Each infected host is laid into a clean network of its fold (an overlay), because captures as they are
give themselves away. {_repeated(metrics)} `metrics.json` holds every figure, also for each capture by itself.

| figure | model | its network alone | boosted trees | best |
| --- | --- | --- | --- | --- |
{table}

Counted: {connections["connections"]} connections, {connections["malicious"]} of them malicious; {hosts["infected"]}
infected ({hosts["labelled"]} of them not sandbox runs) and {hosts["clean"]} clean hosts with \
{recipe.verdicts.host_min_connections} connections or more.

Calibration error: {metrics["calibration_error"]:.3f} where the calibration was fitted,
{metrics["calibration_error_other_folds"]:.3f} when each fold is calibrated by the others. The clean network with the
most connections above the threshold has {connections["most_alarms_in_a_clean_network"]:.2%} of them there. With the
threshold of the other folds, {metrics["threshold_fpr_other_folds"]:.2g} of a fold's benign connections raise an alarm.

## Thresholds

| threshold | value | chosen for | at it, on held-out captures |
| --- | --- | --- | --- |
| connection | {thresholds["connection"]:.4f} | {thresholds["connection_fpr"]:.2g} of benign connections | precision \
{_figure(connections["precision"])}, recall {_figure(connections["recall"])}, \
{connections["fpr"]:.2g} of benign connections |
| host | {thresholds["host"]:.2f} | {thresholds["host_fpr"]:g} of clean hosts | {hosts["infected_named"]} of \
{hosts["infected"]} infected hosts named, {hosts["clean_named"]} of {hosts["clean"]} clean ones |

Clean hosts named all the same:

{named}

The settings were chosen by such folds over these same captures, so on other captures all of it may do less well. The
trees that stand beside it in the table were grown on the same captures and made hosts and see every feature; network
and shipped trees see what the recipe lets each see.

## Each capture

Recall and false-positive rate are those at the connection threshold.

| capture | counted | malicious | recall | false-positive rate | recall at 1e-2 |
| --- | --- | --- | --- | --- | --- |
{captures}

## What it finds

The most probable class of each held-out connection, whatever its score.

| class | connections | precision | recall | F1 |
| --- | --- | --- | --- | --- |
{classes}

## What it misses, and where it must not be used

Infected hosts that gather less evidence than the host threshold, {_missed(hosts)}.

- The table above is the honest expectation: on a network and a bot of another kind, many malicious connections stay
  below the connection threshold. What it does not flag is not thereby clean.
- It has seen no DDoS but one real capture (and made ones), no worm, spam or click fraud but a few hosts each.
- Scores assume a sensor that sees both directions. One-sided traffic, checksum offloading on the capture host, a proxy
  or address translation that puts many clients behind one address are not what it was trained on.
- The probability is calibrated to the mixture of the held-out overlays, where malicious connections are far more
  frequent than on an ordinary network: read it as a rank against the thresholds, not as the share of true alarms.
- It must not be the only ground for an automatic measure against a person or a machine.

## Training data

Public captures, used under their own terms: IoT-23 (Garcia, Parmisano, Erquiaga 2020, Stratosphere Laboratory, doi
10.5281/zenodo.4743746); Stratosphere's CTU captures and testing sets; Domainator (arXiv 2505.22220); OTRF
Security-Datasets (APT29); IoT Sentinel captures; ja3s-fingerprinting (Brno); RITA test data (Active Countermeasures);
Zeek's test traces; Contagio samples in BroMalware-Exercise; AlienVault demo captures; jstrosch malware-samples; 4SICS
and other ICS captures; captures published in student and tool repositories (ACandeias, shoryax, alexban01, int13h,
bbaugnies, ridham1004, nipunjaswal, NKUHack4FGroup, antoine-lemay). Four made logs of IoT bots served training only.
Labels were corrected before training where the published ones are known to be wrong.

| log | group | connections |
| --- | --- | --- |
{trained}
"""


def _missed(hosts: dict[str, Any]) -> str:
    """How many infected hosts are missed, and which; one that several seeds miss stands there once."""
    missed, names = hosts["infected"] - hosts["infected_named"], hosts["infected_missed"]
    different = f" ({len(names)} different ones)" if len(names) < missed else ""
    return f"{missed} of {hosts['infected']}{different}: {', '.join(names) or 'none'}"


def _repeated(metrics: dict[str, Any]) -> str:
    seeds = len(metrics["seeds"])
    if seeds == 1:
        return "This was done once, so nothing is known of the spread by luck."
    return (
        f"This was done {seeds} times, each with other folds, overlays and weights; the table shows the mean and the "
        "standard deviation of one such measurement, all figures below it are of all of them together: every "
        f"connection and host counts {seeds} times there."
    )


def _members(recipe: Recipe) -> str:
    count = recipe.network.members
    return "" if count == 1 else f"{count} that speak as one (the mean of their logits), each "


def _beside(recipe: Recipe) -> str:
    if not recipe.trees.share:
        return "No trees beside the network."
    return (
        f"Beside it {recipe.trees.count} boosted trees. The log odds are the mean of both, the trees' with a weight of "
        f"{recipe.trees.share:g}: each is sure of itself on benign oddities, but not on the same ones."
    )


def _made(recipe: Recipe) -> str:
    if not recipe.made.behaviours:
        return "No made hosts in training."
    return "Made hosts, drawn anew every epoch, served training beside the captures; no figure counts them."


def _capture_row(name: str, figures: dict[str, Any]) -> str:
    shown = [_figure(figures.get(key)) for key in ("recall", "fpr", "recall_at_fpr_0.01")]
    return f"| {name} | {figures['connections']} | {figures['malicious']} | {' | '.join(shown)} |"


def _class_row(name: str, figures: dict[str, Any]) -> str:
    shown = [_figure(figures[key]) for key in ("precision", "recall", "f1")]
    return f"| {name} | {figures['connections']} | {' | '.join(shown)} |"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
