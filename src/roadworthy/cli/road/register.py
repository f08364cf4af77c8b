"""`roadworthy register`: data, a model version, or everything in one go."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Annotated

import pyarrow.csv as pacsv
import pyarrow.parquet as papq
import typer

from roadworthy.cli.desk import Desk, commands
from roadworthy.cli.files import write_new
from roadworthy.cli.gates.next_steps import after_registering, asked_later
from roadworthy.cli.handing_in.in_one_go import HandedIn, register_all
from roadworthy.cli.handing_in.limits import declared
from roadworthy.cli.handing_in.preflight import read_file, try_data, try_pair
from roadworthy.cli.lookups import newest_dataset, use_case_named
from roadworthy.domain.errors import NotFoundError, SettingError
from roadworthy.domain.model import DatasetRole
from roadworthy.services.catalog.splitting import split as split_rows
from roadworthy.statistics.frame import Frame

MODEL_HELP = (
    "A scikit-learn pickle or joblib, a skops, ONNX, XGBoost (.ubj, .json), LightGBM (text), PyTorch (.pt2) or rules"
    " file, or a folder (MLflow, ONNX with weights)."
)
UseCaseOption = Annotated[str, typer.Option(help="The use case.")]
LimitsOption = Annotated[
    str,
    typer.Option(
        metavar="FILE|training",
        help="What requests must keep to: a YAML file, or what the training data showed.",
    ),
]
Threshold = Annotated[float, typer.Option(help="Act when the score is at least this, 0 to 1.")]
Inputs = Annotated[
    str, typer.Option(metavar="A,B,...", help="Input columns in the model's order; none: all but target and time.")
]
Training = Annotated[
    str, typer.Option(metavar="FILE.py:FUNCTION", help="How to train it again; validation then re-runs it.")
]
Parents = Annotated[list[str] | None, typer.Option("--parent", help="A version it descends from; repeatable.")]
Description = Annotated[str, typer.Option(help="What changed and why.")]
Revision = Annotated[str, typer.Option(help="Where its code stands, for example a Git commit.")]
Name = Annotated[str, typer.Option(help="The model's name; none: the use case's.")]


def everything(
    desk: Desk,
    model: Annotated[
        Path,
        typer.Argument(help=MODEL_HELP),
    ],
    *,
    use_case: UseCaseOption,
    data: Annotated[Path, typer.Option(help="What it was trained on: CSV or Parquet.")],
    sealed: Annotated[
        Path | None, typer.Option(help="What to judge it on; none: a part is split off, once per use case.")
    ] = None,
    target: Annotated[str, typer.Option(help="The outcome column, for a new use case.")] = "",
    positive: Annotated[str, typer.Option(help="The target's value that counts as the event.")] = "",
    owner: Annotated[str, typer.Option(help="The business owner; nobody named: the first there is.")] = "",
    time_column: Annotated[str, typer.Option(help="Orders rows in time; the sealed part is then the latest.")] = "",
    share: Annotated[float, typer.Option("--sealed-share", help="Share of rows to seal, when splitting.")] = 0.25,
    seed: Annotated[int, typer.Option(help="Seed of the split.")] = 0,
    threshold: Threshold = 0.5,
    name: Name = "",
    inputs: Inputs = "",
    training: Training = "",
    parents: Parents = None,
    description: Description = "",
    code_revision: Revision = "",
    limits: LimitsOption = "",
) -> None:
    """Register use case (when new), data and version in one go. Tries everything before it records anything."""
    given = HandedIn(
        model=model,
        use_case=use_case,
        data=data,
        sealed=sealed,
        target=target,
        positive=positive,
        owner=owner,
        time_column=time_column,
        share=share,
        seed=seed,
        threshold=threshold,
        name=name or use_case,
        inputs=columns_of(inputs),
        about=about_version(training, parents, description, code_revision) | declared(limits),
    )
    with desk.road() as road:
        done = register_all(desk, road, given)
        step = after_registering(road, done.version.id, use_case, done.owner)
    warnings = [*done.warnings, *asked_later(done.version)]
    desk.answer(
        {"version": done.version, "did": done.did, "warnings": warnings, "next": [step]},
        "\n".join(f"- {line}" for line in done.did),
        *(f"! {line}" for line in warnings),
        step,
    )


def register_data(
    desk: Desk,
    file: Annotated[Path, typer.Argument(help="CSV or Parquet.")],
    *,
    use_case: UseCaseOption,
    role: Annotated[str, typer.Option(help="train, validation, sealed or production.")] = "",
    synthetic: Annotated[bool, typer.Option(help="Rows that were made up; never counted as KPI proof.")] = False,
    split: Annotated[
        float, typer.Option(help="Seal this share of the rows, and register the rest to train on.")
    ] = 0.0,
    train_to: Annotated[
        Path | None, typer.Option(help="With --split: write the rows to train on here (.csv or .parquet).")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the split.")] = 0,
) -> None:
    """Register a data set in one role, or split a file into training and sealed rows."""
    if bool(split) == bool(role):
        raise SettingError(
            "one of --role and --split is needed, not both",
            remedy="--role train|validation|sealed|production, or --split 0.25.",
            field="role",
        )
    with desk.road() as road:
        case = use_case_named(road, use_case)
        if role:
            kept = [road.data(file, use_case, role, synthetic=synthetic)]
        else:
            whole = read_file(file)
            parts = split_rows(whole, try_data(whole, case, file.name), split, seed, case.time_column)
            train = _written(parts.train, train_to) if train_to else (file.stem + "-train.parquet", parts.train)
            try_pair(train[1], parts.sealed, case, file.name)
            kept = [
                road.data(train_to or train[1], use_case, "train", name=train[0], synthetic=synthetic),
                road.data(
                    parts.sealed, use_case, "sealed", name=f"{file.stem}-sealed.parquet", synthetic=synthetic
                ),
            ]
    shown = [f"Registered {d.rows:,} rows as {d.role.value}: {d.id}" for d in kept]
    trained = (
        [f"Next: train on {train_to}, then roadworthy register model FILE --use-case {use_case}"]
        if train_to
        else []
    )
    desk.answer(kept if split else kept[0], "\n".join([*shown, *trained]))


def register_model(
    desk: Desk,
    file: Annotated[
        Path,
        typer.Argument(help=MODEL_HELP),
    ],
    *,
    use_case: UseCaseOption,
    train: Annotated[str, typer.Option(help="The training data set's id; none: the newest of the use case.")] = "",
    threshold: Threshold = 0.5,
    name: Name = "",
    inputs: Inputs = "",
    training: Training = "",
    parents: Parents = None,
    description: Description = "",
    code_revision: Revision = "",
    limits: LimitsOption = "",
) -> None:
    """Register a model version trained on registered data."""
    about = about_version(training, parents, description, code_revision) | declared(limits)
    with desk.road() as road:
        case = use_case_named(road, use_case)
        trained = train or newest_dataset(road, use_case, DatasetRole.TRAIN)
        if not trained:
            raise NotFoundError(
                f"'{use_case}' has no training data",
                remedy=f"Register some: `roadworthy register data FILE --use-case {use_case} --role train`.",
            )
        version = road.register(
            file,
            use_case,
            train=trained,
            name=name or use_case,
            threshold=threshold,
            inputs=list(columns_of(inputs)),
            **about,
        )
        step = after_registering(road, version.id, use_case, case.owner)
    warnings = asked_later(version)
    desk.answer(
        {"version": version, "warnings": warnings, "next": [step]},
        f"Registered {version.id} ({version.format.value}), trained on {trained}, "
        f"by {', '.join(version.developers)}; inputs {', '.join(version.signature.names)}",
        *(f"! {line}" for line in warnings),
        step,
    )


def columns_of(text: str) -> tuple[str, ...]:
    """Column names separated by commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def about_version(
    training: str, parents: list[str] | None, description: str, code_revision: str
) -> dict[str, object]:
    """The optional fields of a version that were given.

    Raises:
        SettingError: `training` is not FILE.py:FUNCTION.
    """
    if training and not (
        training.rpartition(":")[0].endswith(".py") and training.rpartition(":")[2].isidentifier()
    ):
        raise SettingError(
            f"--training is '{training}'",
            remedy="Write FILE.py:FUNCTION, for example train.py:fit.",
            field="training",
        )
    given = {"training": training, "parents": parents, "description": description, "code_revision": code_revision}
    return {k: v for k, v in given.items() if v}


def _written(part: Frame, path: Path) -> tuple[str, Frame]:
    """Write the rows to train on, and return them as they read back: what is registered is what was written."""
    buffer = io.BytesIO()
    if path.suffix == ".csv":
        pacsv.write_csv(part.to_arrow(), buffer)
    elif path.suffix == ".parquet":
        papq.write_table(part.to_arrow(), buffer)
    else:
        raise SettingError(f"--train-to is '{path}'", remedy="End it in .csv or .parquet.", field="train_to")
    write_new(path, buffer.getvalue())
    return path.name, read_file(path)


app = commands(
    "all",
    "Register data or a model version. Without 'data' or 'model': everything in one go, "
    "`register MODEL --use-case NAME --data FILE --target COLUMN --positive VALUE`.",
    all=everything,
    data=register_data,
    model=register_model,
)
