from genai_core import (
    ArtifactSpec,
    CheckSpec,
    CommandSpec,
    DatasetSpec,
    EvaluatorSpec,
    MetricSpec,
    ModelSpec,
    PipelineSpec,
    hookimpl,
)

GENAI_API = 1


@hookimpl
def genai_datasets():
    yield DatasetSpec(
        name="made-up",
        summary="Made-up words",
        modality="words",
        licence="CC0-1.0",
        factory="genai_good.data:make_words",
        config="genai_good.config:WordsConfig",
        origin="synthetic",
    )
    yield DatasetSpec(
        name="points",
        summary="Points as lists of numbers",
        modality="words",
        licence="CC0-1.0",
        factory="genai_good.data:make_points",
        origin="synthetic",
    )


@hookimpl
def genai_models():
    yield ModelSpec(
        name="letters",
        summary="Letters by their predecessor, a network",
        modality="words",
        family="autoregressive",
        licence="Apache-2.0",
        capabilities=frozenset({"train", "sample", "score"}),
        factory="genai_good.letters:Letters",
        config="genai_good.config:LettersConfig",
        options="genai_good.config:SamplingConfig",
    )
    yield ModelSpec(
        name="chain",
        summary="Letters by their predecessor, counted",
        modality="words",
        family="classical",
        licence="Apache-2.0",
        capabilities=frozenset({"fit", "sample"}),
        factory="genai_good.chain:Chain",
    )
    yield ModelSpec(
        name="pair",
        summary="Two networks that take turns",
        modality="words",
        family="gan",
        licence="Apache-2.0",
        capabilities=frozenset({"train", "encode"}),
        factory="genai_good.pair:Pair",
    )
    yield ModelSpec(
        name="shout",
        summary="Words in capitals, and their echo",
        modality="words",
        family="classical",
        licence="Apache-2.0",
        capabilities=frozenset({"transform", "predict"}),
        factory="genai_good.shout:Shout",
    )


@hookimpl
def genai_evaluators():
    yield EvaluatorSpec(
        name="spelling",
        summary="How much items look like the reference",
        modality="words",
        factory="genai_good.spelling:Spelling",
        metrics=(
            MetricSpec(
                name="pairs", direction="higher", low=0, high=1, summary="pairs of letters that are known"
            ),
            MetricSpec(name="length", direction="lower", low=0, summary="difference of mean length"),
        ),
    )


@hookimpl
def genai_pipelines():
    yield PipelineSpec(
        name="write",
        summary="Counts letters and writes new words",
        modality="words",
        factory="genai_good.write:write",
        config="genai_good.config:WriteConfig",
        outputs=("new.words",),
    )


@hookimpl
def genai_artifacts():
    yield ArtifactSpec(
        name="words",
        summary="Words, one a line",
        suffixes=(".words",),
        media_type="text/plain",
        factory="genai_good.artifact:Words",
    )


@hookimpl
def genai_checks():
    yield CheckSpec(name="volume", summary="Words are loud enough", factory="genai_good.shout:loud_enough")


@hookimpl
def genai_commands():
    yield CommandSpec(name="hush", summary="Say nothing at all", factory="genai_good.shout:hush")
