"""The model card: what a person should know of a model before trusting it (Mitchell et al., FAT* 2019)."""

import json

from porevox.handover.record import RECORD

_METRIC_UNITS = {"MAE": True, "RMSE": True}


def model_card(record: dict) -> str:
    """Write README.md of a model's folder.

    Parameters
    ----------
    record : dict
        See :mod:`porevox.handover.record`.

    Returns
    -------
    str
        Markdown.
    """
    target, unit = record["target"], record["target"].get("unit") or ""
    label = target.get("label") or target["column"]
    parts = [
        f"# {record['model']} ({record['type']}): {label}" + (f" in {unit}" if unit else ""),
        _intended(record, label, unit),
        "## How good it is\n\n" + _metrics(record, unit),
        "## How sure it is\n\n" + _calibration(record["calibration"], unit),
        "## Where it holds\n\n" + _domain(record, unit),
        "## What it looks at\n\n" + _inputs(record),
        "## What it was trained on\n\n" + _data(record),
        "## What lies in this folder\n\n" + _files(record),
    ]
    return "\n\n".join(parts) + "\n"


def _intended(record: dict, label: str, unit: str) -> str:
    seeds = len(record["seeds"])
    ensemble = f"; the mean of {seeds} trainings that differ in their random seed" if seeds > 1 else ""
    columns = record["columns"]
    needs = f" and a table with the columns {', '.join(columns)}" if columns else ""
    return (
        f"Predicts the {label} of a porous crystal from its CIF{needs}{ensemble}. Made by porevox "
        f"{record['porevox']}.\n\n"
        "```\n"
        "porevox predict new.cif --model THIS_FOLDER\n"
        "```\n\n"
        "For many structures, the workflow's target `screen` takes `screen_structures=my_cifs/` and "
        "`screen_model=THIS_FOLDER`.\n\n"
        "It is a stand-in for the simulations or measurements it was trained on, with all that they leave "
        "out; it ranks candidates for a closer look, and proves nothing about any one of them."
    )


def _metrics(record: dict, unit: str) -> str:
    rows = record["metrics"]["rows"]
    if not rows:
        return "Nothing is known: no test structure was scored."
    share = 100 * record["metrics"]["confidence"]
    lines = ["| metric | value | " + f"{share:g} % interval | of |", "|---|---|---|---|"]
    for row in rows:
        unit_text = f" {unit}" if _METRIC_UNITS.get(row["metric"]) and unit else ""
        low, high = (_number(row[key]) for key in ("ci_low", "ci_high"))
        value = _number(row["value"])
        lines.append(f"| {row['metric']} | {value}{unit_text} | {low} to {high} | {row['of']} |")
    return (
        "\n".join(lines)
        + f"\n\nOn {record['metrics']['n_test']} test structures that no training saw, of the same database "
        "as "
        "the training structures. The intervals are those of the test set's sampling (bootstrap)."
    )


def _number(value) -> str:
    return "-" if value is None else f"{value:.4g}"


def _calibration(calibration: dict, unit: str) -> str:
    unit = f" {unit}" if unit else ""
    n, subset = calibration["n"], calibration["subset"]
    if calibration["kind"] == "ensemble":
        how = (
            "An interval is the prediction +- factor * sqrt(a^2 + (b * spread)^2), with the spread over "
            "seeds, "
            f"a = {calibration['a']:.4g}{unit} and b = {calibration['b']:.4g}, fitted on {n} {subset} "
            "structures."
        )
        head = "| nominal coverage | factor |"
        rows = [f"| {float(level):.0%} | {factor:.3g} |" for level, factor in calibration["factors"].items()]
    else:
        how = (
            f"An interval is the prediction +- that quantile of the absolute errors on {n} {subset} "
            "structures "
            "(split conformal prediction): it is as wide for every structure."
        )
        head = f"| nominal coverage | half width{unit and ' (' + unit.strip() + ')'} |"
        rows = [f"| {float(level):.0%} | {factor:.4g} |" for level, factor in calibration["factors"].items()]
    remark = calibration["remark"]
    table = "\n".join([head, "|---|---|", *rows])
    return f"{how}\n\n{table}\n\n{remark} Outside the domain below, none of this holds."


def _domain(record: dict, unit: str) -> str:
    training, domain = record["training"], record["domain"]
    unit = f" {unit}" if unit else ""
    text = (
        f"Trained on values from {training['y_min']:.4g} to {training['y_max']:.4g}{unit} (mean "
        f"{training['y_mean']:.4g}, standard deviation {training['y_std']:.4g}). A structure counts as out "
        "of "
        f"domain when it is further from its nearest training structure, in the space of {domain['what']}, "
        f"than {100 * domain['typical']:g} % of the training structures are from theirs, or when the "
        "predicted "
        "value lies outside those trained on."
    )
    if domain["n_test"]:
        text += (
            f" Of the {domain['n_test']} test structures, {100 * domain['test_share']:.1f} % count as out of "
            "domain."
        )
    return text


def _inputs(record: dict) -> str:
    grid = record["grid"]
    lines = []
    if record["channels"]:
        points = f"{grid['n']} x {grid['n']} x {grid['n']} points, {grid['kind']}"
        lines.append(f"- grid: {points}" + (", last plane repeats the first" if grid["endpoint"] else ""))
    for channel in record["channels"]:
        settings = ", ".join(f"{k} {_short(v)}" for k, v in channel["settings"].items())
        table = f"; force field {channel['forcefield']}" if channel["forcefield_file"] else ""
        lines.append(
            f"- channel {channel['name']} ({channel['quantity']}, {channel['unit']}): {settings}{table}"
        )
    if record["channels"]:
        seen = ", ".join(f"{key} {_short(value)}" for key, value in record["transform"].items())
        lines.append(f"- seen as: {seen}")
    reading = ", ".join(f"{key} {value}" for key, value in record["reading"].items())
    lines.append(f"- reading of CIFs: {reading}")
    if record["columns"]:
        lines.append(f"- columns of a table: {', '.join(record['columns'])}")
    options = {k: v for k, v in record["options"].items() if v not in (None, [], {})}
    lines.append(f"- recipe: {', '.join(f'{key} {_short(value)}' for key, value in options.items())}")
    return "\n".join(lines)


def _short(value) -> str:
    if isinstance(value, float | int) and not isinstance(value, bool):
        return f"{value:g}"
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) < 60 else f"{text[:57]}..."


def _data(record: dict) -> str:
    data, training = record["data"], record["training"]
    title = data["title"] or data["dataset"]
    return (
        f"{training['n']} structures ({record['n_train']} asked for) of {title}; column "
        f"`{record['target']['column']}`. training.csv names them, with the checksums of their CIFs.\n\n"
        f"- cite: {data['citation'] or 'not stated'}\n"
        f"- licence of the data: {data['licence'] or 'not stated'}"
    )


def _files(record: dict) -> str:
    names = [f"- {RECORD}: everything above, for programs"]
    names += [f"- {name}" for name in record["files"] if "/" not in name]
    names += [f"- {name}" for name in record["files"] if "/" in name]
    return "\n".join(names) + "\n\nWeights are safetensors: plain numbers, nothing in them is run."
