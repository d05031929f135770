"""Vector instructions that numba does not offer: keep some of eight neighbouring numbers.

Gathering the images near a brick is a filter: of eight candidates the near ones move together to
the end of a list. Written as a loop it takes one store per candidate and row; as LLVM's
``vector.compress`` it is one instruction per row and eight candidates where the processor has it
(AVX-512, SVE), and a short sequence elsewhere.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

#: Numbers handled at a time; lists that are filtered are padded to a multiple of it.
LANES = 8
_DOUBLE, _INT = ir.DoubleType(), ir.IntType(32)
_VECTOR = ir.VectorType(_DOUBLE, LANES)
_BITS = ir.VectorType(ir.IntType(1), LANES)
_COMPRESS = "llvm.experimental.vector.compress.v8f64"


def _address(context, builder, kind, array, index):
    start = builder.gep(context.make_array(kind)(context, builder, array).data, [index])
    return builder.bitcast(start, _VECTOR.as_pointer())


def _load(context, builder, kind, array, index):
    values = builder.load(_address(context, builder, kind, array, index))
    values.align = 8
    return values


def _repeat(builder, value):
    one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), value, _INT(0))
    zeros = ir.Constant(ir.VectorType(_INT, LANES), [0] * LANES)
    return builder.shuffle_vector(one, ir.Constant(_VECTOR, ir.Undefined), zeros)


@intrinsic
def at_most(typing_context, row, start, limit):
    """Which of eight numbers do not exceed a limit: bit k for ``row[start + k] <= limit``.

    `row` is a contiguous float64 array with at least `start` + 8 entries.
    """

    def generate(context, builder, signature, arguments):
        array, index, limit = arguments
        values = _load(context, builder, signature.args[0], array, index)
        bits = builder.fcmp_ordered("<=", values, _repeat(builder, limit))
        return builder.zext(builder.bitcast(bits, ir.IntType(LANES)), ir.IntType(64))

    return types.int64(row, types.intp, types.float64), generate


@intrinsic
def count(typing_context, mask):
    """How many of a mask's bits are set."""

    def generate(context, builder, signature, arguments):
        return builder.ctpop(arguments[0])

    return types.int64(types.int64), generate


@intrinsic
def compress(typing_context, source, start, mask, target, to):
    """Copy those of ``source[start:start + 8]`` whose bit is set to ``target[to:]``, in order.

    Both are contiguous float64 arrays; all of ``target[to:to + 8]`` may be overwritten.
    """

    def generate(context, builder, signature, arguments):
        array, index, mask, target, to = arguments
        values = _load(context, builder, signature.args[0], array, index)
        bits = builder.bitcast(builder.trunc(mask, ir.IntType(LANES)), _BITS)
        kind = ir.FunctionType(_VECTOR, [_VECTOR, _BITS, _VECTOR])
        function = cgutils.get_or_insert_function(builder.module, kind, _COMPRESS)
        packed = builder.call(function, [values, bits, ir.Constant(_VECTOR, ir.Undefined)])
        builder.store(packed, _address(context, builder, signature.args[3], target, to)).align = 8
        return context.get_dummy_value()

    return types.none(source, types.intp, types.int64, target, types.intp), generate
