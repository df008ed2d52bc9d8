from array import array

from callstats.testing.lab import media


def test_a_second_of_media_has_the_pieces_that_are_fed() -> None:
    made = media.make(0)
    assert [len(chunk) for chunk in made.chunks] == [2 * media.CHUNK] * media.CHUNKS_PER_SECOND
    pixels = media.WIDTH * media.HEIGHT
    assert {tuple(map(len, frame)) for frame in made.frames} == {(pixels, pixels // 4, pixels // 4)}


def test_every_frame_differs_from_every_other() -> None:
    frames = [y for y, _, _ in media.make(0).frames]
    assert len(set(frames)) == media.FRAMES_PER_SECOND


def test_speech_comes_in_syllables_and_is_never_clipped() -> None:
    loudness = [max(map(abs, array("h", chunk))) for chunk in media.make(1).chunks]
    assert max(loudness) > 4000
    assert min(loudness) < 500
    assert max(loudness) < 32_000


def test_participants_sound_and_look_different() -> None:
    assert media.make(0).chunks != media.make(1).chunks
    assert media.make(0).frames != media.make(1).frames
