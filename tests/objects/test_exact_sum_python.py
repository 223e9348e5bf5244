#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""rig_sum against Python's exact arithmetic: math.fsum for float64, fractions
for float32, on numbers over the whole range of exponents.
"""
import array
import ctypes
import fractions
import math
import random
import struct
import unittest

from rigctypes import declare, rig

WORDS = 67
FLOAT32, FLOAT64 = 11, 12

SUM = ctypes.c_int64 * (WORDS + 1)
declare("rig_sum_add", ctypes.c_int, SUM, ctypes.c_void_p, ctypes.c_size_t,
        ctypes.c_int)
declare("rig_sum_float64", ctypes.c_double, SUM)
declare("rig_sum_float32", ctypes.c_float, SUM)


def summed(numbers, code, dtype):
    total = SUM()
    data = array.array(code, numbers)
    assert rig.rig_sum_add(total, data.buffer_info()[0], len(data),
                           dtype) == 0
    return total


def some_doubles(generator):
    """Numbers far apart, some of which cancel."""
    top = generator.randint(-1070, 1000)
    low = generator.randint(-1074, top)
    numbers = [math.ldexp(generator.uniform(-1, 1),
                          generator.randint(low, top))
               for _ in range(generator.randint(0, 60))]
    numbers += [-x for x in numbers if generator.random() < 0.5]
    generator.shuffle(numbers)
    return numbers


def as_float32(x):
    return struct.unpack("f", struct.pack("f", x))[0]


def nearest_float32(exact):
    """The float32 nearest to a fraction, of two the one with an even mantissa."""
    guess = as_float32(float(exact))
    bits = struct.unpack("I", struct.pack("f", guess))[0]
    near = [struct.unpack("f", struct.pack("I", b))[0]
            for b in (bits - 1, bits, bits + 1)
            if b >= 0 and b & 0x7f800000 != 0x7f800000]
    return min(near, key=lambda x: (
        abs(fractions.Fraction(x) - exact),
        struct.unpack("I", struct.pack("f", x))[0] & 1))


class Sums(unittest.TestCase):
    def test_float64_is_fsum(self):
        generator = random.Random(7)
        for _ in range(1000):
            numbers = some_doubles(generator)
            total = rig.rig_sum_float64(summed(numbers, "d", FLOAT64))
            self.assertEqual(total.hex(), (math.fsum(numbers) + 0.0).hex(),
                             numbers)

    def test_float32_is_the_nearest(self):
        generator = random.Random(8)
        for _ in range(500):
            low = generator.randint(-149, 90)
            numbers = [as_float32(math.ldexp(generator.uniform(-1, 1),
                                             generator.randint(low, low + 30)))
                       for _ in range(generator.randint(1, 40))]
            exact = sum(map(fractions.Fraction, numbers))
            if exact == 0:
                continue
            total = rig.rig_sum_float32(summed(numbers, "f", FLOAT32))
            self.assertEqual(total, nearest_float32(exact), numbers)


if __name__ == "__main__":
    unittest.main()
