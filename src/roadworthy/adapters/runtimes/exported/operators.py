"""Which operators an exported program may use: ATen's arithmetic on tensors and sizes.

Left out are operators that draw random numbers, read or write files, address memory by strides, or run on their own
threads of control; and everything outside ATen.
"""

from __future__ import annotations


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


ARITHMETIC = _names(
    """
    abs add addcmul addmm baddbmm bmm ceil clamp clamp_max clamp_min cos div dot einsum erf exp expm1
    floor fmod linear log log10 log1p log2 logaddexp matmul maximum minimum mm mul mv neg outer pow
    reciprocal remainder round rsqrt rsub sign sin sqrt square sub tan tanh trunc
    """
)
ACTIVATIONS = _names(
    """
    celu elu gelu glu hardsigmoid hardswish hardtanh leaky_relu log_sigmoid log_softmax mish prelu relu
    relu6 selu sigmoid silu softmax softplus softsign special_expit _softmax _log_softmax
    """
)
LAYERS = _names(
    """
    adaptive_avg_pool1d adaptive_avg_pool2d avg_pool1d avg_pool2d batch_norm conv1d conv2d dropout
    embedding group_norm instance_norm layer_norm max_pool1d max_pool2d native_layer_norm rms_norm
    scaled_dot_product_attention
    """
)
REDUCTIONS = _names(
    """
    all amax amin any argmax argmin cumprod cumsum logsumexp max mean min norm prod std sum topk var
    """
)
SHAPES = _names(
    """
    alias cat chunk clone contiguous detach expand expand_as flatten full full_like gather index_select
    narrow ones ones_like permute repeat reshape select slice split split_with_sizes squeeze stack
    sym_size t transpose unbind unflatten unsqueeze view zeros zeros_like lift_fresh_copy
    """
)
CHOICES = _names(
    """
    bitwise_and bitwise_not bitwise_or bucketize eq ge gt isfinite isinf isnan le logical_and
    logical_not logical_or lt masked_fill nan_to_num ne one_hot where _to_copy to
    """
)

OPERATORS = ARITHMETIC | ACTIVATIONS | LAYERS | REDUCTIONS | SHAPES | CHOICES
"""Names below `torch.ops.aten`; every overload of them but those that write into an argument."""

CLAIMS = frozenset(
    f"torch.ops.aten.{name}"
    for name in (
        "_assert_tensor_metadata.default",
        "_assert_scalar.default",
        "sym_constrain_range_for_size.default",
    )
)
"""Operators that answer nothing and only claim something of sizes or types: they are left out."""

SIZES = frozenset({"add", "sub", "mul", "floordiv", "mod", "neg"})
"""Names below `_operator`, on sizes."""


def refused(target: str) -> bool:
    """Whether a program may not use this operator."""
    parts = target.split(".")
    if parts[0] == "_operator":
        return len(parts) != 2 or parts[1] not in SIZES
    known = len(parts) == 5 and parts[:3] == ["torch", "ops", "aten"] and parts[3] in OPERATORS
    return not known or not parts[4].isidentifier() or "out" in parts[4]
