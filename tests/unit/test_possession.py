"""Pieces of a file that show that one has it."""

import hashlib
import hmac

import pytest

from domain.possession import PIECE, pieces, proof

MIB = 1 << 20


@pytest.mark.parametrize("size", [1, PIECE, 16 * PIECE])
def test_a_small_file_is_shown_whole(size: int) -> None:
    assert pieces(b"seed", size, 16) == [range(size)]


@pytest.mark.parametrize("size", [16 * PIECE + 1, 10 * MIB, 2**40 + 7])
def test_a_large_file_is_shown_in_pieces_of_every_part_of_it(size: int) -> None:
    drawn = pieces(b"seed", size, 16)
    assert [len(one) for one in drawn] == [PIECE] * 16
    for number, one in enumerate(drawn):
        assert number * size // 16 <= one.start
        assert one.stop <= (number + 1) * size // 16 + 1


def test_a_seed_says_which_pieces() -> None:
    assert pieces(b"seed", 10 * MIB, 16) == pieces(b"seed", 10 * MIB, 16)
    assert pieces(b"seed", 10 * MIB, 16) != pieces(b"other", 10 * MIB, 16)


def test_the_proof_is_the_hmac_of_all_pieces() -> None:
    expected = hmac.new(b"nonce", b"onetwo", hashlib.sha256).hexdigest()
    assert proof(b"nonce", [b"one", b"two"]) == expected
